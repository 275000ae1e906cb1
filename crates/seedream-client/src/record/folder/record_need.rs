//! Whether a record is still needed once its purchase is over.

use std::collections::BTreeSet;

use seedream_core::{Charge, ErrorKind, StoredError};

use crate::{job::Outcome, record::RecordEntry};

/// What the entries of a record say, as far as it decides whether the record is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RecordNeed {
    /// What the attempts before the last may have cost.
    earlier: Option<Charge>,
    /// What became of the last attempt.
    last: LastAttempt,
    /// The images that were made, by their place in the response.
    made: BTreeSet<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LastAttempt {
    /// There is none.
    #[default]
    None,
    /// It began.
    Open,
    /// It ended without an image and without a task.
    Over(Charge),
    /// It is a task.
    Task,
    /// Images came.
    Answered,
}

impl RecordNeed {
    /// Notes an entry.
    pub(super) fn note(&mut self, entry: &RecordEntry) {
        match entry {
            RecordEntry::Intent(_) => {
                let charge = match self.last {
                    LastAttempt::None => Charge::No,
                    LastAttempt::Over(charge) => charge,
                    LastAttempt::Open | LastAttempt::Task | LastAttempt::Answered => Charge::Unknown,
                };
                self.earlier = self.earlier.max(Some(charge));
                self.last = LastAttempt::Open;
            }
            // An attempt that the store refused began nothing.
            RecordEntry::NotSent { .. } if self.last != LastAttempt::Open => {}
            RecordEntry::NotSent { .. } => self.last = LastAttempt::Over(Charge::No),
            RecordEntry::Refused { charge, .. } => self.last = LastAttempt::Over(*charge),
            RecordEntry::Accepted { .. } => self.last = LastAttempt::Task,
            RecordEntry::Answered { generation, .. } => {
                self.last = LastAttempt::Answered;
                self.made.extend(generation.images().map(|image| image.index));
            }
            RecordEntry::Image { .. } | RecordEntry::Ended { .. } | RecordEntry::Unknown(_) => {}
        }
    }

    /// Whether something is left that only the record tells, so that it stays:
    ///
    /// 1. a task that is to be collected: one that the outcome's error names or that is on record without images, and of which the
    ///    provider did not say that it ended;
    /// 2. an attempt that may have been billed and brought nothing, of this outcome or before it;
    /// 3. where no sidecar was written, or one that is in no file and cannot be resumed: an error that may have cost something, an image that was made and not saved, or a failure
    ///    that has a URL.
    ///
    /// Everything else lets it go: what cost nothing, and what a sidecar or the saved images themselves tell.
    pub(super) fn is_needed(&self, outcome: &Outcome) -> bool {
        let error = outcome.error.as_ref();
        let answered = self.last == LastAttempt::Answered;
        let has_task = error.is_some_and(|error| error.task.is_some()) || self.last == LastAttempt::Task;
        if has_task && !answered && outcome.images.is_empty() && !error.is_some_and(task_has_ended) {
            return true;
        }
        let over = if let LastAttempt::Over(charge) = self.last { charge } else { Charge::No };
        if self.earlier > Some(Charge::No) || (over.max(outcome.charge) == Charge::Unknown && !answered) {
            return true;
        }
        if outcome.sidecar.as_ref().is_some_and(|place| place.file().is_some()) {
            return false;
        }
        let is_saved = |index: &u32| outcome.images.iter().any(|image| image.index == *index);
        (error.is_some() && outcome.charge != Charge::No)
            || !self.made.iter().all(is_saved)
            || outcome.failures.iter().any(|failure| failure.url.is_some())
    }
}

/// Whether the provider says that the task has ended: there is nothing to collect.
fn task_has_ended(error: &StoredError) -> bool {
    match error.kind {
        ErrorKind::TaskFailed => true,
        // The caller's own cancelling is no response.
        ErrorKind::Cancelled => error.status.is_some(),
        _ => false,
    }
}
