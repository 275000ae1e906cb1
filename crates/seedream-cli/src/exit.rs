//! What a run ends with: the exit code says whether money may be gone before any text is read.

use std::process::ExitCode;

use seedream::{Charge, Error, ErrorKind};

/// How a run ended. 8 is kept for a budget, which nothing here has yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok,
    /// Some other failure.
    Other,
    /// A mistake in the call, or a request that was refused before anything was sent.
    Usage,
    /// Some images failed, or could not be saved.
    Partial,
    /// Refused for its content.
    Content,
    /// The key is wrong, or may not do this.
    Key,
    /// No money or no quota left.
    Balance,
    /// Nobody knows what became of it: it may be billed.
    Unknown,
    /// The network failed before anything was sent.
    Network,
    /// The time was up, and a task is there to be resumed.
    Deadline,
    /// Cancelled by the user.
    Cancelled,
}

impl Exit {
    /// What is told where several occurred: first what may have cost something.
    const PRECEDENCE: [Self; 10] = [
        Self::Cancelled,
        Self::Unknown,
        Self::Deadline,
        Self::Balance,
        Self::Key,
        Self::Content,
        Self::Network,
        Self::Partial,
        Self::Usage,
        Self::Other,
    ];

    /// The one that is told of several.
    pub(crate) fn of_several(all: impl IntoIterator<Item = Self>) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        Self::PRECEDENCE.into_iter().find(|exit| all.contains(exit)).unwrap_or(Self::Ok)
    }

    /// How an error that came after the check ends a run.
    pub(crate) fn of(error: &Error) -> Self {
        match Self::of_kind(error) {
            // The exit code must not say that nothing was sent: a provider before this one was asked.
            Self::Usage if error.attempts().iter().any(|attempt| !attempt.place.is_empty()) => Self::Other,
            exit => exit,
        }
    }

    fn of_kind(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Cancelled if error.status().is_none() => Self::Cancelled,
            ErrorKind::Timeout if error.task().is_some() => Self::Deadline,
            // The provider has a task that cannot be collected here.
            ErrorKind::UnexpectedTask => Self::Unknown,
            _ if error.task().is_none() && error.charge() == Charge::Unknown => Self::Unknown,
            ErrorKind::Balance | ErrorKind::QuotaExhausted => Self::Balance,
            ErrorKind::Authentication | ErrorKind::PermissionDenied => Self::Key,
            ErrorKind::ContentRejected { .. } => Self::Content,
            ErrorKind::NoImages if all_refused(error) => Self::Content,
            // Without a status nothing was answered, and what was sent would have made the charge unknown.
            ErrorKind::Transport | ErrorKind::Timeout if error.status().is_none() => Self::Network,
            // With a status it was sent: a redirect, which a paid request does not follow.
            ErrorKind::Config | ErrorKind::MissingKey | ErrorKind::UnknownProvider if error.status().is_none() => {
                Self::Usage
            }
            ErrorKind::InvalidRequest if !error.violations().is_empty() => Self::Usage,
            // Found before the first attempt: after one the exit code must not say that nothing was sent.
            ErrorKind::Storage | ErrorKind::NotRecorded | ErrorKind::InvalidRequest | ErrorKind::Unsupported
                if error.status().is_none() && error.attempts().is_empty() =>
            {
                let asked = error.charge() == Charge::No || error.kind() == ErrorKind::Unsupported;
                if asked { Self::Usage } else { Self::Other }
            }
            _ => Self::Other,
        }
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Content => 4,
            Self::Key => 5,
            Self::Balance => 6,
            Self::Unknown => 7,
            Self::Network => 9,
            Self::Deadline => 10,
            Self::Cancelled => 130,
        }
    }

    /// One word for a table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Other => "failed",
            Self::Usage => "not sent",
            Self::Partial => "partial",
            Self::Content => "refused",
            Self::Key => "no access",
            Self::Balance => "no balance",
            Self::Unknown => "unknown",
            Self::Network => "no network",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a response without an image holds nothing but refusals of moderation.
fn all_refused(error: &Error) -> bool {
    let mut failures = error.generation().into_iter().flat_map(seedream::Generation::failures).peekable();
    failures.peek().is_some() && failures.all(|failure| matches!(failure.kind, ErrorKind::ContentRejected { .. }))
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why nothing was done, or why it could not go on.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the run ends with.
    pub(crate) exit: Exit,
    /// What to tell the user.
    pub(crate) message: String,
}

impl Failure {
    /// A mistake in the call, found before anything was sent.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// A failure of this machine.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { exit: Exit::Other, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit: Exit::of(&error), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use seedream::Task;
    use seedream::seedream_core::{Medium, Stage, TaskId};

    use super::*;

    fn task() -> Task {
        Task::new("evolink", "https://a.example", TaskId::new("t").unwrap(), "m".into())
    }

    #[test]
    fn errors_end_a_run_with_the_code_of_the_contract() {
        let of = |kind, charge| Exit::of(&Error::new(kind, "m").with_charge(charge)).code();
        for (kind, charge, code) in [
            (ErrorKind::Cancelled, Charge::Unknown, 130),
            (ErrorKind::Transport, Charge::Unknown, 7),
            (ErrorKind::MalformedResponse, Charge::Unknown, 7),
            (ErrorKind::Server, Charge::Unknown, 7),
            (ErrorKind::Transport, Charge::No, 9),
            (ErrorKind::Timeout, Charge::No, 9),
            (ErrorKind::Balance, Charge::No, 6),
            (ErrorKind::QuotaExhausted, Charge::No, 6),
            (ErrorKind::Authentication, Charge::No, 5),
            (ErrorKind::PermissionDenied, Charge::No, 5),
            (ErrorKind::rejected(Stage::Input, Medium::Text), Charge::No, 4),
            (ErrorKind::Config, Charge::No, 2),
            (ErrorKind::MissingKey, Charge::No, 2),
            (ErrorKind::UnknownProvider, Charge::No, 2),
            (ErrorKind::InvalidRequest, Charge::No, 2),
            (ErrorKind::Storage, Charge::No, 2),
            (ErrorKind::Storage, Charge::Yes, 1),
            (ErrorKind::NotRecorded, Charge::No, 2),
            (ErrorKind::RateLimited, Charge::No, 1),
            (ErrorKind::TaskFailed, Charge::No, 1),
        ] {
            assert_eq!(of(kind, charge), code, "{kind} {charge:?}");
        }
        let tried =
            seedream::seedream_core::Attempt::new(1, std::time::Duration::ZERO, "https://a.example", "HTTP 429");
        let after_a_refusal = Error::new(ErrorKind::Storage, "m").with_attempts(vec![tried]);
        assert_eq!(Exit::of(&after_a_refusal).code(), 1, "something was sent");
        let with_task = |kind| Exit::of(&Error::new(kind, "m").with_charge(Charge::Unknown).with_task(task())).code();
        assert_eq!(with_task(ErrorKind::Timeout), 10);
        assert_eq!(with_task(ErrorKind::Authentication), 5);
        assert_eq!(with_task(ErrorKind::TaskNotFound), 1);
        assert_eq!(with_task(ErrorKind::UnexpectedTask), 7);
    }

    #[test]
    fn a_group_of_which_every_image_was_refused_is_a_refusal() {
        let mut generation = seedream::Generation::new("m".into());
        let refused = ErrorKind::rejected(Stage::Output, Medium::Image);
        generation.outcomes = vec![Err(seedream::ImageFailure::new(0, refused, "no"))];
        generation.usage.generated_images = Some(0);
        let error = generation.clone().or_no_images().unwrap_err();
        assert_eq!(Exit::of(&error).code(), 4);
        generation.outcomes.push(Err(seedream::ImageFailure::new(1, ErrorKind::Server, "no")));
        assert_eq!(Exit::of(&generation.or_no_images().unwrap_err()).code(), 1);
    }

    #[test]
    fn of_several_the_most_expensive_is_told() {
        let code = |all: &[Exit]| Exit::of_several(all.iter().copied()).code();
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[Exit::Ok, Exit::Ok]), 0);
        let told: Vec<_> = Exit::PRECEDENCE.iter().map(|exit| exit.code()).collect();
        assert_eq!(told, [130, 7, 10, 6, 5, 4, 9, 3, 2, 1]);
        for (place, exit) in Exit::PRECEDENCE.iter().enumerate() {
            let mut rest = Exit::PRECEDENCE[place..].to_vec();
            rest.push(Exit::Ok);
            rest.reverse();
            assert_eq!(code(&rest), exit.code());
        }
    }
}
