//! The one error type: what went wrong, and above all whether money may be gone.

use std::{error::Error as StdError, fmt, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::{Generation, Reply, Task, Violation, redact};

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
///
/// Its text never holds a key, a signed query or the bytes of a picture. [`Error::body`] gives the answer as it came, for
/// whoever has to argue with a provider.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    advice: Option<&'static str>,
    charge: Charge,
    provider: Option<&'static str>,
    status: Option<StatusCode>,
    code: Option<String>,
    param: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    task: Option<Task>,
    body: Option<Bytes>,
    violations: Vec<Violation>,
    attempts: Vec<Attempt>,
    generation: Option<Generation>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Whether a failed request may have cost something.
///
/// Ordered: of two answers the larger is the more cautious one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// It cost nothing.
    No,
    /// It may have cost something: nobody told.
    Unknown,
    /// It cost something.
    Yes,
}

impl Charge {
    /// The stored form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

/// What kind of thing went wrong, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program that uses this is set up wrongly: a key is missing, a base URL is none. Nothing was sent.
    Config,
    /// The request breaks a rule; found here ([`Error::violation_list`]) or by the provider. Sending it again changes nothing.
    InvalidRequest,
    /// The provider or the model cannot do this.
    Unsupported,
    /// The key is missing, wrong or expired.
    Authentication,
    /// The key may not use this model or this feature.
    PermissionDenied,
    /// The account has no money left.
    Balance,
    /// A quota, or a limit that the owner set, is used up: waiting a moment does not help.
    QuotaExhausted,
    /// The provider does not know this model, or does not serve it.
    ModelNotFound,
    /// Too many requests: passes by itself.
    RateLimited,
    /// The provider is overloaded and said so before it did any work: passes by itself.
    Overloaded,
    /// Moderation refused what was asked or what was drawn.
    ContentRejected {
        /// What was looked at.
        stage: Stage,
        /// What it was.
        medium: Medium,
    },
    /// A reference picture could not be fetched or read by the provider.
    ReferenceImage,
    /// The time was up.
    Timeout,
    /// The connection failed.
    Transport,
    /// The provider failed.
    Server,
    /// A 2xx answer that cannot be read. Something was probably bought: the body is kept.
    MalformedResponse,
    /// A task ended without pictures.
    TaskFailed,
    /// The provider does not know this task, or not any more.
    TaskNotFound,
    /// The caller cancelled.
    Cancelled,
    /// The answer is a success without a single picture; its failures and usage are in [`Error::generation`].
    NoImages,
    /// The answer is larger than the caller allows.
    TooLarge,
    /// The local disk failed.
    Storage,
}

/// What moderation looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// What was asked.
    Input,
    /// What was drawn.
    Output,
    /// The provider does not say.
    Unknown,
}

/// What kind of content moderation refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Medium {
    /// The prompt.
    Text,
    /// A picture.
    Image,
    /// The provider does not say.
    Unknown,
}

impl ErrorKind {
    /// The stored form, such as `rate_limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::InvalidRequest => "invalid_request",
            Self::Unsupported => "unsupported",
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::Balance => "balance",
            Self::QuotaExhausted => "quota_exhausted",
            Self::ModelNotFound => "model_not_found",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::ContentRejected { .. } => "content_rejected",
            Self::ReferenceImage => "reference_image",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Server => "server",
            Self::MalformedResponse => "malformed_response",
            Self::TaskFailed => "task_failed",
            Self::TaskNotFound => "task_not_found",
            Self::Cancelled => "cancelled",
            Self::NoImages => "no_images",
            Self::TooLarge => "too_large",
            Self::Storage => "storage",
        }
    }

    /// Whether the provider refuses now and will not in a moment.
    pub fn passes(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded)
    }

    /// Moderation that refused the prompt or a reference.
    pub const fn rejected(stage: Stage, medium: Medium) -> Self {
        Self::ContentRejected { stage, medium }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One time that a request was sent, or was tried to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it ended, measured from the start of the operation.
    pub after: Duration,
    /// How it ended, in a few words.
    pub outcome: String,
}

impl Attempt {
    pub(crate) fn new(number: u32, after: Duration, outcome: impl Into<String>) -> Self {
        Self { number, after, outcome: outcome.into() }
    }
}

impl Error {
    /// An error that cost nothing. Queries of URLs and keys are taken out of the message.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: redact(message.as_ref()),
            advice: None,
            charge: Charge::No,
            provider: None,
            status: None,
            code: None,
            param: None,
            request_id: None,
            retry_after: None,
            task: None,
            body: None,
            violations: Vec::new(),
            attempts: Vec::new(),
            generation: None,
            source: None,
        }))
    }

    /// A request that breaks rules.
    pub fn violations(provider: &'static str, violations: Vec<Violation>) -> Self {
        let list: Vec<_> = violations.iter().map(ToString::to_string).collect();
        let mut error = Self::new(ErrorKind::InvalidRequest, list.join("\n")).with_provider(provider);
        error.0.violations = violations;
        error
    }

    /// An answer that is an error: status, request id, Retry-After and body are taken from it, and the charge from its
    /// status (see [`charge_of`]).
    pub fn from_reply(kind: ErrorKind, message: impl AsRef<str>, reply: &Reply) -> Self {
        let mut error = Self::new(kind, message);
        error.0.status = Some(reply.status);
        error.0.request_id = reply.request_id();
        error.0.retry_after = reply.retry_after();
        error.0.body = Some(reply.body.clone());
        error.0.charge = charge_of(reply.status, kind);
        error
    }

    /// Sets the provider.
    #[must_use]
    pub fn with_provider(mut self, provider: &'static str) -> Self {
        self.0.provider = Some(provider);
        self
    }

    /// Sets what the provider's document advises to do.
    #[must_use]
    pub fn with_advice(mut self, advice: &'static str) -> Self {
        self.0.advice = Some(advice);
        self
    }

    /// Sets whether it may have cost something.
    #[must_use]
    pub fn with_charge(mut self, charge: Charge) -> Self {
        self.0.charge = charge;
        self
    }

    /// Sets the provider's own code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Option<String>>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Sets the member that the provider names.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Option<String>>) -> Self {
        self.0.param = param.into();
        self
    }

    /// Sets the request id, where the answer has one.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.0.request_id = id.into().or(self.0.request_id);
        self
    }

    /// Sets the task that holds what was paid for.
    #[must_use]
    pub fn with_task(mut self, task: Task) -> Self {
        self.0.task = Some(task);
        self
    }

    /// Sets the answer as it came.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.0.body = Some(body);
        self
    }

    /// Sets the times that it was tried.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets the failures and the usage of an answer without pictures.
    #[must_use]
    pub fn with_generation(mut self, generation: Generation) -> Self {
        self.0.generation = Some(generation);
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether it may have cost something.
    pub fn charge(&self) -> Charge {
        self.0.charge
    }

    /// Whether sending the same request again can neither buy twice nor fail for the same reason at once.
    pub fn is_safe_to_retry(&self) -> bool {
        let passes = self.0.kind.passes() || matches!(self.0.kind, ErrorKind::Transport | ErrorKind::Timeout);
        self.0.charge == Charge::No && passes && self.0.task.is_none()
    }

    /// One sentence, without provider and status.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The provider.
    pub fn provider(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// The HTTP status.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The provider's own code, as text even where it is a number on the wire.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The member of the body that the provider names.
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// The id to quote to the provider.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the provider asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The task that holds what was paid for.
    pub fn task(&self) -> Option<&Task> {
        self.0.task.as_ref()
    }

    /// The answer as it came.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// The rules that the request breaks, where they were found before anything was sent.
    pub fn violation_list(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The times that the request was sent, where it was more than checked.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The failures and the usage of an answer without pictures.
    pub fn generation(&self) -> Option<&Generation> {
        self.0.generation.as_ref()
    }
}

/// What an answer's status says about money; `kind` is what its code was understood as.
///
/// Refusals cost nothing, and nor do a 503 that names overload or an unknown model; a timeout (408, 499) and every other 5xx
/// leave it open whether the work was done. A 2xx that turned into an error was probably paid for.
pub fn charge_of(status: StatusCode, kind: ErrorKind) -> Charge {
    match status.as_u16() {
        408 | 499 => Charge::Unknown,
        300..=499 => Charge::No,
        503 if kind.passes() || kind == ErrorKind::ModelNotFound => Charge::No,
        _ => Charge::Unknown,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        if let Some(provider) = e.provider {
            write!(f, "{provider}: ")?;
        }
        f.write_str(&e.message)?;
        let mut facts: Vec<String> = Vec::new();
        facts.extend(e.status.map(|status| format!("HTTP {}", status.as_u16())));
        facts.extend(e.code.as_ref().map(|code| format!("code {}", redact(code))));
        facts.extend(e.request_id.as_ref().map(|id| format!("request {}", redact(id))));
        if e.attempts.len() > 1 {
            facts.push(format!("{} attempts", e.attempts.len()));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        if let Some(advice) = e.advice {
            write!(f, "; {advice}")?;
        }
        match (&e.task, e.charge) {
            (Some(task), Charge::Unknown | Charge::Yes) => {
                write!(f, "; task {} was accepted and may be billed: resume it to collect its pictures", task.id)
            }
            (None, Charge::Unknown) => f.write_str("; it may have been billed, so it was not sent again"),
            (None, Charge::Yes) => f.write_str("; it was billed"),
            (_, Charge::No) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    /// Shows the size of the body, not the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        f.debug_struct("Error")
            .field("kind", &e.kind)
            .field("charge", &e.charge)
            .field("provider", &e.provider)
            .field("status", &e.status)
            .field("code", &e.code.as_deref().map(redact))
            .field("message", &e.message)
            .field("task", &e.task.as_ref().map(|task| &task.id))
            .field("attempts", &e.attempts)
            .field("body", &e.body.as_ref().map(|body| format!("{} bytes", body.len())))
            .field("source", &e.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_money_table_by_status() {
        let server = ErrorKind::Server;
        for status in [300, 307, 400, 401, 403, 404, 409, 413, 422, 429, 451] {
            assert_eq!(charge_of(StatusCode::from_u16(status).unwrap(), server), Charge::No, "{status}");
        }
        for status in [200, 408, 499, 500, 502, 503, 504, 520, 599] {
            assert_eq!(charge_of(StatusCode::from_u16(status).unwrap(), server), Charge::Unknown, "{status}");
        }
        for kind in [ErrorKind::Overloaded, ErrorKind::RateLimited, ErrorKind::ModelNotFound] {
            assert_eq!(charge_of(StatusCode::SERVICE_UNAVAILABLE, kind), Charge::No);
            assert_eq!(charge_of(StatusCode::BAD_GATEWAY, kind), Charge::Unknown);
        }
    }

    #[test]
    fn texts_say_what_may_have_been_paid_and_keep_secrets() {
        let error = Error::new(ErrorKind::Server, "see https://a.example/x?sig=secret with sk-0123456789")
            .with_provider("ark")
            .with_code("Internal".to_owned())
            .with_body(Bytes::from_static(b"sk-0123456789"))
            .with_charge(Charge::Unknown);
        insta::assert_snapshot!(error, @"ark: see https://a.example/x?… with sk-… (code Internal); it may have been billed, so it was not sent again");
        assert!(!format!("{error:?}").contains("0123456789"));
    }
}
