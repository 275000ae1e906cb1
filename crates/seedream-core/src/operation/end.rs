//! How an operation ends, and the charge of each end.

use super::{
    Record, Then,
    image_counts::reconcile,
    machine::{Next, State, Turn},
};
use crate::{Charge, Error, ErrorKind, Event, Generation, Response, Warning, WarningKind, charge_of};

/// The message for a response that ended cleanly but too early.
pub(super) const CUT: &str = "the response ended in the middle";

impl Turn<'_> {
    /// Ends with the images of a response. `warnings` are those of the check.
    pub(super) fn done(&mut self, mut generation: Generation, warnings: Vec<Warning>) -> Next {
        reconcile(&mut generation, self.operation.most);
        self.record = Some(Record::Answered);
        self.events.extend(generation.outcomes.iter().cloned().map(Event::of));
        succeed(generation, warnings)
    }

    /// Ends with an error whose charge is at least `floor`.
    pub(super) fn fail(&mut self, error: Error, floor: Charge) -> Next {
        let operation = &mut *self.operation;
        let charge = error.charge().max(floor).max(operation.owed);
        let error = error
            .with_charge(charge)
            .with_provider(&operation.dialect.descriptor().id)
            .with_attempts(std::mem::take(&mut operation.attempts));
        (State::Over { charge }, Then::Done(Box::new(Err(error))))
    }

    /// Ends an attempt without image and task, with a charge of at least `floor`.
    pub(super) fn lose(&mut self, error: Error, floor: Charge) -> Next {
        self.record = Some(refused(&error, floor));
        self.fail(error, floor)
    }

    pub(super) fn out_of_time(&self, last_poll: Option<&str>) -> Error {
        let mut message = format!("the deadline of {} s has passed", self.operation.policy.deadline.as_secs_f64());
        if let Some(said) = last_poll {
            message.push_str("; the last poll reported: ");
            message.push_str(said);
        }
        Error::new(ErrorKind::Timeout, message)
    }
}

/// Records an attempt that ended without image and task.
pub(super) fn refused(error: &Error, floor: Charge) -> Record {
    let (kind, message, charge) = (error.kind(), error.message().to_owned(), error.charge().max(floor));
    Record::Refused { kind, message, charge }
}

/// Ends with images that were already reported as events.
pub(super) fn succeed(mut generation: Generation, warnings: Vec<Warning>) -> Next {
    generation.warnings.splice(0..0, warnings);
    (State::Over { charge: generation.charge() }, Then::Done(Box::new(Ok(generation))))
}

/// Raises an error's charge to the minimum that the response's status implies: an adapter can only be more cautious.
pub(super) fn floor(response: &Response, error: &Error) -> Charge {
    let told_free =
        error.generation().is_some_and(|generation| generation.charge() == Charge::No) && response.is_whole();
    if response.status.is_success() && told_free { Charge::No } else { charge_of(response.status, error.kind()) }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled by the caller")
}

/// The warning for a truncated successful response.
pub(super) fn incomplete(error: &Error) -> Warning {
    let message = format!("the response was truncated ({}): the part that arrived was kept", error.message());
    Warning::new(WarningKind::Incomplete, None, message)
}
