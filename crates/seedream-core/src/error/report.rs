//! An error as it is stored.

use std::{path::PathBuf, time::Duration};

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    attempt::Attempt,
    error_type::Error,
    kind::{Charge, ErrorKind},
};
use crate::{Generation, Task, Violation, stored::whole_millis};

/// An [`Error`] without its cause and its body, which can be copied, compared, stored and read again. In its JSON `stage` and
/// `medium` stand beside the `kind` that has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorReport {
    /// What kind of thing went wrong.
    #[serde(flatten, with = "super::kind::members")]
    pub kind: ErrorKind,
    /// One sentence, without provider and status.
    pub message: String,
    /// What there is to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Whether it may have cost something.
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
    /// How many milliseconds the provider asks to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The task that holds what was paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The file in which the whole response is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
    /// The rules that the request breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The times that the request was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// The images, the failures and the usage that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
}

impl From<&Error> for ErrorReport {
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
            violations: error.violation_list().to_vec(),
            attempts: error.attempts().to_vec(),
            generation: error.generation().cloned(),
        }
    }
}

impl From<ErrorReport> for Error {
    fn from(report: ErrorReport) -> Self {
        let mut error = Self::new(report.kind, "").with_charge(report.charge);
        let inner = &mut *error.0;
        // It was told already when it became the message of an error.
        inner.message = report.message;
        inner.advice = report.advice.map(Into::into);
        inner.provider = report.provider.map(Into::into);
        inner.status = report.status.and_then(|status| StatusCode::from_u16(status).ok());
        (inner.code, inner.param, inner.request_id) = (report.code, report.param, report.request_id);
        inner.retry_after = report.retry_after_ms.map(Duration::from_millis);
        (inner.task, inner.kept) = (report.task, report.kept);
        (inner.violations, inner.attempts, inner.generation) = (report.violations, report.attempts, report.generation);
        error
    }
}
