//! Exit codes. The code alone says whether a request may have been billed.

use std::process::ExitCode;

use seedream::{Charge, Error, ErrorKind};

/// The result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Ok,
    /// Any other failure.
    Other,
    /// A usage error, or a request refused before anything was sent.
    Usage,
    /// Some images failed or could not be saved.
    Partial,
    /// Rejected by content moderation.
    Content,
    /// The key is invalid or lacks a permission.
    Key,
    /// The balance or quota is used up.
    Balance,
    /// The outcome is unknown; the request may be billed.
    Unknown,
    /// The budget is used up; what was left out was not sent.
    Budget,
    /// The network failed before anything was sent.
    Network,
    /// The deadline passed; a task can be resumed.
    Deadline,
    /// The provider still rejects the request because of a rate limit or overload, without charge.
    RateLimited,
    /// Cancelled by the user.
    Cancelled,
}

impl Exit {
    /// Which result decides the exit code of a run with several: those that may have been billed come first.
    const PRECEDENCE: [Self; 12] = [
        Self::Cancelled,
        Self::Unknown,
        Self::Deadline,
        Self::Budget,
        Self::Balance,
        Self::Key,
        Self::Content,
        Self::Network,
        Self::RateLimited,
        Self::Partial,
        Self::Usage,
        Self::Other,
    ];

    /// The deciding result of several.
    pub(crate) fn of_several(all: impl IntoIterator<Item = Self>) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        Self::PRECEDENCE.into_iter().find(|exit| all.contains(exit)).unwrap_or(Self::Ok)
    }

    /// The result for an error after the request was checked.
    pub(crate) fn of(error: &Error) -> Self {
        match Self::of_kind(error) {
            // An earlier provider of a fallback received the request, so the code must not say that nothing was sent.
            Self::Usage if error.attempts().iter().any(|attempt| !attempt.place.is_empty()) => Self::Other,
            exit => exit,
        }
    }

    fn of_kind(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Cancelled if error.status().is_none() => Self::Cancelled,
            ErrorKind::Timeout if error.task().is_some() => Self::Deadline,
            // The provider accepted a task that this client cannot fetch.
            ErrorKind::UnexpectedTask => Self::Unknown,
            _ if error.task().is_none() && error.charge() == Charge::Unknown => Self::Unknown,
            ErrorKind::Balance | ErrorKind::QuotaExhausted => Self::Balance,
            ErrorKind::Authentication | ErrorKind::PermissionDenied => Self::Key,
            ErrorKind::ContentRejected { .. } => Self::Content,
            ErrorKind::NoImages if all_refused(error) => Self::Content,
            ErrorKind::RateLimited | ErrorKind::Overloaded => Self::RateLimited,
            // There was no response; if the request had been sent, the charge would be unknown.
            ErrorKind::Transport | ErrorKind::Timeout if error.status().is_none() => Self::Network,
            // With a status the request was sent and redirected; paid requests do not follow redirects.
            ErrorKind::Config | ErrorKind::MissingKey | ErrorKind::UnknownProvider if error.status().is_none() => {
                Self::Usage
            }
            ErrorKind::InvalidRequest if !error.violations().is_empty() => Self::Usage,
            // Only before the first attempt may the code say that nothing was sent.
            ErrorKind::Storage | ErrorKind::NotRecorded | ErrorKind::InvalidRequest | ErrorKind::Unsupported
                if error.status().is_none() && error.attempts().is_empty() =>
            {
                let not_sent = error.charge() == Charge::No || error.kind() == ErrorKind::Unsupported;
                if not_sent { Self::Usage } else { Self::Other }
            }
            _ => Self::Other,
        }
    }

    /// The exit code.
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
            Self::Budget => 8,
            Self::Network => 9,
            Self::Deadline => 10,
            Self::RateLimited => 11,
            Self::Cancelled => 130,
        }
    }

    /// The text in the OUTCOME column.
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
            Self::Budget => "no budget",
            Self::Network => "no network",
            Self::Deadline => "deadline",
            Self::RateLimited => "rate limit",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether every image of a response was rejected by moderation.
fn all_refused(error: &Error) -> bool {
    let mut failures = error.generation().into_iter().flat_map(seedream::Generation::failures).peekable();
    failures.peek().is_some() && failures.all(|failure| matches!(failure.kind, ErrorKind::ContentRejected { .. }))
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
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
    fn each_kind_of_error_has_its_exit_code() {
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
            (ErrorKind::RateLimited, Charge::No, 11),
            (ErrorKind::Overloaded, Charge::No, 11),
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
    fn a_group_whose_images_are_all_rejected_is_a_rejection() {
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
    fn of_several_results_the_most_expensive_decides() {
        let code = |all: &[Exit]| Exit::of_several(all.iter().copied()).code();
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[Exit::Ok, Exit::Ok]), 0);
        let codes: Vec<_> = Exit::PRECEDENCE.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [130, 7, 10, 8, 6, 5, 4, 9, 11, 3, 2, 1]);
        for (place, exit) in Exit::PRECEDENCE.iter().enumerate() {
            let mut rest = Exit::PRECEDENCE[place..].to_vec();
            rest.push(Exit::Ok);
            rest.reverse();
            assert_eq!(code(&rest), exit.code());
        }
    }
}
