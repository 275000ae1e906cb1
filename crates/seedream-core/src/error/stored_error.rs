//! The stored form of an error.

use std::{path::PathBuf, time::Duration};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    attempt::Attempt,
    error_struct::Error,
    kind::{Charge, ErrorKind},
};
use crate::{Generation, Task, Violation, stored::whole_millis};

/// An [`Error`] without cause and body, which can be cloned, compared and stored. Its JSON has `stage` and `medium` next to
/// `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredError {
    /// The kind of error.
    #[serde(flatten, with = "super::kind::members")]
    pub kind: ErrorKind,
    /// The message: one sentence, without provider and status.
    pub message: String,
    /// Advice for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Whether the request may have been billed.
    pub charge: Charge,
    /// The provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The member of the body that the provider names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// The id to quote to the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How many milliseconds to wait before the next request, as the provider states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The accepted task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The file with the whole response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
    /// The rules that the request violates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The attempts to send the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The failures and the usage of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
}

impl From<&Error> for StoredError {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.message().to_owned(),
            advice: error.advice().map(str::to_owned),
            charge: error.charge(),
            provider: error.provider().map(str::to_owned),
            status: error.status().map(|status| status.as_u16()),
            code: error.code().map(str::to_owned),
            param: error.param().map(str::to_owned),
            request_id: error.request_id().map(str::to_owned),
            retry_after_ms: error.retry_after().map(whole_millis),
            task: error.task().cloned(),
            kept: error.kept().map(ToOwned::to_owned),
            violations: error.violations().to_vec(),
            attempts: error.attempts().to_vec(),
            generation: error.generation().cloned(),
        }
    }
}

impl From<StoredError> for Error {
    fn from(stored: StoredError) -> Self {
        let mut error = Self::new(stored.kind, "").with_charge(stored.charge);
        let inner = &mut *error.0;
        // The message was redacted when the error was created.
        inner.message = stored.message;
        inner.advice = stored.advice.map(Into::into);
        inner.provider = stored.provider.map(Into::into);
        inner.status = stored.status.and_then(|status| StatusCode::from_u16(status).ok());
        (inner.code, inner.param) = (stored.code.map(Into::into), stored.param.map(Into::into));
        inner.request_id = stored.request_id;
        inner.retry_after = stored.retry_after_ms.map(Duration::from_millis);
        (inner.task, inner.kept) = (stored.task, stored.kept);
        (inner.violations, inner.attempts, inner.generation) = (stored.violations, stored.attempts, stored.generation);
        error
    }
}
