//! One purchase and its exit code.

use seedream::seedream_client::JobError;
use seedream::seedream_core::WarningKind;
use seedream::{Charge, Error, ErrorKind, ModelId, Outcome, Warning};

use super::{error_text, violation_hint};
use crate::exit::Exit;

/// The outcome of one purchase.
#[derive(Debug)]
pub(crate) struct PurchaseResult {
    pub(super) outcome: Outcome,
    /// Why it failed, with status, request id and advice.
    pub(super) error: Option<Error>,
    /// Other models that accept a request which was refused.
    pub(super) models: Vec<ModelId>,
    exit: Exit,
    /// What it contributes to the exit code of the run.
    pub(super) counts_as: Exit,
}

impl PurchaseResult {
    /// The result of a job.
    pub(crate) fn new(result: Result<Outcome, JobError>) -> Self {
        let (error, mut outcome) = match result {
            Ok(outcome) => (outcome.error.clone().map(Error::from), outcome),
            Err(error) => {
                let (error, outcome) = error.into_parts();
                // If there was a response, each failed image is reported by itself.
                (outcome.error.is_some().then_some(error), outcome)
            }
        };
        let exit = match &error {
            Some(error) => Exit::of(error),
            None => exit_of(&outcome),
        };
        // A saved image needs no URL, and its signed URL gives access to it.
        outcome.images.iter_mut().for_each(|image| image.url = None);
        Self { outcome, error, models: Vec::new(), exit, counts_as: exit }
    }

    /// A request that was refused before anything was sent, and the models that accept it.
    pub(crate) fn refused(error: JobError, models: Vec<ModelId>) -> Self {
        let (error, outcome) = error.into_parts();
        Self { outcome, error: Some(error), models, exit: Exit::Usage, counts_as: Exit::Usage }
    }

    /// What to do about the error.
    pub(super) fn hint(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        violation_hint::hint([error], &self.models).or_else(|| error_text::hint(&self.outcome.provider, error))
    }

    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether an image or a record could not be written.
    pub(crate) fn is_unsaved(&self) -> bool {
        let is_local = |kind: ErrorKind| matches!(kind, ErrorKind::Storage | ErrorKind::NotRecorded);
        self.error.as_ref().is_some_and(|error| is_local(error.kind()))
            || self.outcome.failures.iter().any(|failure| is_local(failure.kind))
            || self.outcome.warnings.iter().any(|warning| warning.kind == WarningKind::NotKept)
    }

    /// Counts a failure as partial, because other requests of the same `--exactly` delivered images. Unknown and resumable
    /// outcomes keep their exit code.
    pub(crate) fn mark_partial(&mut self) {
        let open = matches!(self.exit, Exit::Ok | Exit::Cancelled | Exit::Unknown | Exit::Deadline);
        self.counts_as = if open { self.exit } else { Exit::Partial };
    }

    /// The endpoint of a task that was not polled, because the key goes there only with `--base-url`.
    pub(crate) fn other_endpoint(&self) -> Option<&str> {
        let error = self.error.as_ref().filter(|error| error.kind() == ErrorKind::Config)?;
        Some(&error.task()?.endpoint)
    }

    /// The text in the OUTCOME column.
    pub(super) fn word(&self) -> &'static str {
        // The provider may cancel a task; the exit code then is not that of a cancelled run.
        let cancelled = self.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Cancelled);
        let is_fewer = self.outcome.requested.is_some_and(|requested| self.outcome.delivered < requested);
        match self.exit {
            _ if cancelled => Exit::Cancelled.word(),
            Exit::Ok if is_fewer => "fewer",
            Exit::Partial if self.outcome.delivered > 0 && self.outcome.images.is_empty() => "not saved",
            exit => exit.word(),
        }
    }
}

/// The exit code of a purchase without an error.
fn exit_of(outcome: &Outcome) -> Exit {
    let warned = |kind| outcome.warnings.iter().any(|warning: &Warning| warning.kind == kind);
    let short = outcome.requested.is_none_or(|requested| outcome.delivered < requested);
    let is_part =
        !outcome.failures.is_empty() || warned(WarningKind::NotKept) || (warned(WarningKind::Incomplete) && short);
    match (is_part, outcome.charge, outcome.delivered) {
        (true, ..) => Exit::Partial,
        // A resumed record without a response.
        (false, Charge::Unknown, 0) => Exit::Unknown,
        _ => Exit::Ok,
    }
}
