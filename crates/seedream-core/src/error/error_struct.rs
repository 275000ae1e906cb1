//! The error type: what failed, and whether the request may have been billed.

use std::{
    borrow::Cow,
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;

use super::{
    attempt::Attempt,
    kind::{Charge, ErrorKind, charge_of},
    redact::{redact, told},
};
use crate::{Generation, InvalidTaskId, ProviderId, Response, Task, Violation};

/// A `Result` whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What failed, and whether the request may have been billed ([`Error::charge`]).
///
/// The text never contains a key, a signed query or image bytes. [`Error::body`] has the unchanged response, for a support request to
/// the provider.
pub struct Error(pub(super) Box<Inner>);

pub(super) struct Inner {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) advice: Option<Cow<'static, str>>,
    pub(super) charge: Charge,
    pub(super) provider: Option<ProviderId>,
    pub(super) status: Option<StatusCode>,
    pub(super) code: Option<Cow<'static, str>>,
    pub(super) param: Option<Cow<'static, str>>,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) task: Option<Task>,
    pub(super) body: Option<Bytes>,
    pub(super) kept: Option<PathBuf>,
    pub(super) violations: Vec<Violation>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) generation: Option<Generation>,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with [`Charge::No`]. URL queries and keys are removed from the message.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: told(message.as_ref()),
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
            kept: None,
            violations: Vec::new(),
            attempts: Vec::new(),
            generation: None,
            source: None,
        }))
    }

    /// An error for a request that violates rules.
    pub fn from_violations(provider: impl Into<ProviderId>, violations: Vec<Violation>) -> Self {
        let list: Vec<_> = violations.iter().map(ToString::to_string).collect();
        let mut error = Self::new(ErrorKind::InvalidRequest, list.join("\n")).with_provider(provider);
        error.0.violations = violations;
        error
    }

    /// An error for a response. Status, request id, `Retry-After` and body come from the response; the charge comes from its
    /// status (see [`charge_of`]).
    pub fn from_response(kind: ErrorKind, message: impl AsRef<str>, response: &Response) -> Self {
        let mut error = Self::new(kind, message);
        error.0.status = Some(response.status);
        error.0.request_id = response.request_id();
        error.0.retry_after = response.retry_after();
        error.0.body = Some(response.body.clone());
        error.0.charge = charge_of(response.status, kind);
        error
    }

    /// Sets the provider.
    #[must_use]
    pub fn with_provider(mut self, provider: impl Into<ProviderId>) -> Self {
        self.0.provider = Some(provider.into());
        self
    }

    /// Adds advice for the user, such as the provider's documented advice.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        let advice = advice.into();
        self.0.advice = Some(match self.0.advice.take() {
            Some(before) => format!("{before}; {advice}").into(),
            None => advice,
        });
        self
    }

    /// Removes a secret from message, code and param: some gateways repeat the key.
    #[must_use]
    pub fn without(mut self, secret: &str) -> Self {
        let inner = &mut *self.0;
        inner.message = inner.message.replace(secret, "…");
        for text in [&mut inner.code, &mut inner.param].into_iter().flatten() {
            *text = text.replace(secret, "…").into();
        }
        inner.generation = inner.generation.take().map(|generation| generation.without(secret));
        self
    }

    /// Sets whether the request may have been billed.
    #[must_use]
    pub fn with_charge(mut self, charge: Charge) -> Self {
        self.0.charge = charge;
        self
    }

    /// Appends text to the message. URL queries and keys are removed from it.
    #[must_use]
    pub fn adding(mut self, words: &str) -> Self {
        self.0.message.push_str(&told(words));
        self
    }

    /// Sets the provider's own code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Sets the member of the body that the provider names.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Sets the provider's code and the member that it names, as the response states them.
    #[must_use]
    pub fn with_code_and_param(mut self, code: Option<String>, param: Option<String>) -> Self {
        (self.0.code, self.0.param) = (code.map(Cow::Owned), param.map(Cow::Owned));
        self
    }

    /// Sets the request id, if the response has one.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<Option<String>>) -> Self {
        self.0.request_id = id.into().or(self.0.request_id);
        self
    }

    /// Sets the accepted task.
    #[must_use]
    pub fn with_task(mut self, task: Task) -> Self {
        self.0.task = Some(task);
        self
    }

    /// Sets the unchanged response body.
    #[must_use]
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.0.body = Some(body);
        self
    }

    /// Sets the file that contains the whole response.
    #[must_use]
    pub fn with_kept(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.kept = Some(file.into());
        self
    }

    /// Sets the attempts.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Sets the failures and the usage of a response without images.
    #[must_use]
    pub fn with_generation(mut self, generation: Generation) -> Self {
        self.0.generation = Some(generation);
        self
    }

    /// Copies failures, usage and body from the error of a partial response.
    pub(crate) fn with_what_arrived(mut self, seen: Self) -> Self {
        self.0.generation = seen.0.generation.or(self.0.generation);
        self.0.body = seen.0.body.or(self.0.body);
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The cause, whether the message repeats it or not.
    pub fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the request may have been billed.
    pub fn charge(&self) -> Charge {
        self.0.charge
    }

    /// Whether the same request can be sent again: it is not billed twice, and the cause may pass.
    pub fn is_safe_to_retry(&self) -> bool {
        let passes = self.0.kind.passes() || matches!(self.0.kind, ErrorKind::Transport | ErrorKind::Timeout);
        self.0.charge == Charge::No && passes && self.0.task.is_none()
    }

    /// The message: one sentence, without provider and status.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Advice for the user.
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// The provider.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
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

    /// How long to wait before the next request, as the provider states it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The accepted task, which may hold billed images.
    pub fn task(&self) -> Option<&Task> {
        self.0.task.as_ref()
    }

    /// Converts the error into its accepted task.
    pub fn into_task(self) -> Option<Task> {
        self.0.task
    }

    /// Whether the error was found before a byte was sent: a violated rule, a missing key, an invalid setting. A refusal by the
    /// provider and a failed connection are not local.
    pub fn is_local(&self) -> bool {
        let e = &self.0;
        e.status.is_none() && e.attempts.is_empty() && e.task.is_none() && e.charge == Charge::No
    }

    /// Whether the provider reports that the task has ended. Such a task cannot be resumed.
    pub fn task_has_ended(&self) -> bool {
        self.0.task.is_some()
            && match self.0.kind {
                ErrorKind::TaskFailed => true,
                // A cancellation by the caller has no response.
                ErrorKind::Cancelled => self.0.status.is_some(),
                _ => false,
            }
    }

    /// The unchanged response body; only its beginning if [`Error::kept`] names a file with the whole body.
    pub fn body(&self) -> Option<&Bytes> {
        self.0.body.as_ref()
    }

    /// The file with the whole response, if it may have been billed and could not be decoded.
    pub fn kept(&self) -> Option<&Path> {
        self.0.kept.as_deref()
    }

    /// The rules that the request violates, if the check found them before anything was sent.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The attempts to send the request; empty if it was only checked.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The failures and the usage of a response without images.
    pub fn generation(&self) -> Option<&Generation> {
        self.0.generation.as_ref()
    }
}

impl From<InvalidTaskId> for Error {
    fn from(error: InvalidTaskId) -> Self {
        Self::new(ErrorKind::InvalidRequest, error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        if let Some(provider) = &e.provider {
            write!(f, "{provider}: ")?;
        }
        f.write_str(&e.message)?;
        let mut facts: Vec<String> = Vec::new();
        facts.extend(e.status.map(|status| format!("HTTP {}", status.as_u16())));
        facts.extend(e.code.as_ref().map(|code| format!("code {}", redact(code))));
        // Some providers name it in their message.
        let id = e.request_id.as_ref().filter(|id| !e.message.contains(id.as_str()));
        facts.extend(id.map(|id| format!("request {}", redact(id))));
        if e.attempts.len() > 1 {
            facts.push(format!("{} attempts", e.attempts.len()));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        if let Some(advice) = &e.advice {
            write!(f, "; {advice}")?;
        }
        if let Some(kept) = &e.kept {
            write!(f, "; the response is kept in {}", kept.display())?;
        }
        match (&e.task, e.charge) {
            (Some(task), _) if e.kind == ErrorKind::TaskNotFound => {
                write!(f, "; the provider does not have task {}, or has deleted it", task.id)
            }
            (Some(task), Charge::Unknown | Charge::Yes)
                if self.task_has_ended() || e.kind == ErrorKind::UnexpectedTask =>
            {
                write!(f, "; task {} may have been billed", task.id)
            }
            // The provider rejected the id itself, so the task may not exist.
            (Some(_), _) if matches!(e.kind, ErrorKind::Unsupported | ErrorKind::InvalidRequest) => Ok(()),
            (Some(task), Charge::Unknown | Charge::Yes) => {
                write!(f, "; task {} was accepted and may be billed: resume it to collect its images", task.id)
            }
            (None, Charge::Unknown) => f.write_str("; the request may have been billed, so it was not sent again"),
            (None, Charge::Yes) => f.write_str("; the request was billed"),
            (_, Charge::No) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    /// Shows the size of the body, not its content.
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
    /// The cause, unless the message already contains it.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let mut innermost = self.cause();
        while let Some(next) = innermost.and_then(StdError::source) {
            innermost = Some(next);
        }
        self.cause().filter(|_| innermost.is_some_and(|cause| !self.0.message.contains(&cause.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_say_what_may_have_been_paid_and_keep_secrets() {
        let error = Error::new(ErrorKind::Server, "see https://a.example/x?sig=secret with sk-0123456789")
            .with_provider("ark")
            .with_code("Internal")
            .with_body(Bytes::from_static(b"sk-0123456789"))
            .with_charge(Charge::Unknown);
        insta::assert_snapshot!(error, @"ark: see https://a.example/x?… with sk-… (code Internal); the request may have been billed, so it was not sent again");
        assert!(!format!("{error:?}").contains("0123456789"));
    }
}
