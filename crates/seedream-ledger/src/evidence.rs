//! What an entry of a record means to the protocol.

use std::time::Duration;

use seedream_client::{Outcome, RecordEntry};
use seedream_core::{Charge, ErrorKind, Generation, StoredError, Timestamp};

use crate::{
    budget::{Bound, bill},
    protocol::Action,
};

/// How long what a provider keeps can be fetched, where it does not say.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The attempt that an entry is about.
pub(crate) struct Context<'a> {
    pub(crate) attempt: u32,
    pub(crate) epoch: u64,
    pub(crate) bound: &'a Bound,
    /// Whether the response was read to its end.
    pub(crate) is_whole: bool,
    /// Whether every image that came is saved, this one included.
    pub(crate) is_saved: bool,
    pub(crate) now: Timestamp,
}

/// What a store notes of an entry beside what the protocol changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Until when something can be fetched.
    pub(crate) expires_at: Option<i64>,
    /// How many images came in all, or in addition where the response goes on.
    pub(crate) came: Option<(u32, bool)>,
    /// How many images were billed.
    pub(crate) billed: Option<u64>,
}

/// The name of an entry's kind; `other` for one that this version does not know.
pub(crate) fn kind(entry: &RecordEntry) -> &'static str {
    match entry {
        RecordEntry::Intent(_) => "intent",
        RecordEntry::NotSent { .. } => "not_sent",
        RecordEntry::Refused { .. } => "refused",
        RecordEntry::Accepted { .. } => "accepted",
        RecordEntry::Answered { .. } => "answered",
        RecordEntry::Image { .. } => "image",
        RecordEntry::Ended { .. } => "ended",
        _ => "other",
    }
}

/// Which image an entry saves.
pub(crate) fn image(entry: &RecordEntry) -> Option<u32> {
    if let RecordEntry::Image { index, .. } = entry { Some(*index) } else { None }
}

/// Whether an entry is a response that was read to its end.
pub(crate) fn is_whole(entry: &RecordEntry) -> bool {
    matches!(entry, RecordEntry::Answered { whole: true, .. })
}

/// What happens to the attempt, in this order, and what is noted.
pub(crate) fn meaning(entry: &RecordEntry, context: &Context<'_>) -> (Vec<Action>, Notes) {
    let (attempt, epoch) = (context.attempt, context.epoch);
    let mut notes = Notes::default();
    let actions = match entry {
        RecordEntry::NotSent { .. } => vec![Action::NotSent { attempt, epoch }],
        RecordEntry::Refused { charge, .. } => vec![Action::Refused { attempt, charge: *charge }],
        RecordEntry::Accepted { .. } => {
            notes.expires_at = Some(later(context.now));
            vec![Action::Accepted { attempt }]
        }
        RecordEntry::Answered { generation, whole, .. } => {
            let came = u32::try_from(generation.images().count()).unwrap_or(u32::MAX);
            notes.came = Some((came, *whole));
            notes.expires_at = Some(expiry(generation).unwrap_or(later(context.now)));
            // What a response that goes on says of its bill is not all.
            let (billed, images) = if *whole { bill(context.bound, generation) } else { (0, 0) };
            notes.billed = (*whole && generation.billed().is_some()).then_some(images);
            vec![Action::Answered { attempt, charge: generation.charge(), billed }]
        }
        RecordEntry::Image { .. } if context.is_saved => vec![Action::Saved { attempt }],
        RecordEntry::Ended { outcome } => {
            let has_images = !outcome.images.is_empty() || (outcome.delivered > 0 && outcome.failures.is_empty());
            let (charge, is_left) = (outcome.charge, is_left(outcome, context.now));
            let ended = Action::Ended { attempt, epoch, charge, has_images, is_left };
            if context.is_whole || outcome.delivered == 0 {
                vec![ended]
            } else {
                // Nothing states the bill of a response that broke off.
                let billed = if charge == Charge::No { 0 } else { context.bound.amount.micros };
                vec![Action::Answered { attempt, charge, billed }, ended]
            }
        }
        _ => Vec::new(),
    };
    (actions, notes)
}

fn later(now: Timestamp) -> i64 {
    now.checked_add(KEPT_FOR).unwrap_or(now).unix_seconds()
}

/// When the first image expires.
fn expiry(generation: &Generation) -> Option<i64> {
    generation.images().filter_map(|image| image.data.expires_at()).map(Timestamp::unix_seconds).min()
}

/// Whether something can still be collected: a task that did not end, an image whose URL is valid, or one that could not be written.
fn is_left(outcome: &Outcome, now: Timestamp) -> bool {
    let in_time =
        |at: Option<Timestamp>| at.map_or(later(outcome.begun_at), Timestamp::unix_seconds) > now.unix_seconds();
    let fetchable = outcome
        .failures
        .iter()
        .any(|failure| failure.kind == ErrorKind::Storage || (failure.url.is_some() && in_time(failure.expires_at)));
    let has_task = outcome.task.is_some() || outcome.error.as_ref().is_some_and(|error| error.task.is_some());
    let is_pending = has_task
        && outcome.delivered == 0
        && outcome.failures.is_empty()
        && outcome.charge != Charge::Yes
        && !outcome
            .error
            .as_ref()
            .is_some_and(|error| task_has_ended(error, later(outcome.begun_at) > now.unix_seconds()));
    fetchable || is_pending
}

/// Whether the provider says that there is nothing to collect.
fn task_has_ended(error: &StoredError, is_young: bool) -> bool {
    match error.kind {
        ErrorKind::TaskFailed => true,
        // A provider forgets a task after a while, and some do not know it at once.
        ErrorKind::TaskNotFound => !is_young,
        // The caller's own cancelling is no response.
        ErrorKind::Cancelled => error.status.is_some(),
        _ => false,
    }
}
