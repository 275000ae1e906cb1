//! What a record says.

use seedream_core::{Charge, Generation, Task};

use super::entry::{Intent, RecordEntry};
use crate::{job::Outcome, output::Location};

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The id under which the store knows it.
    pub id: String,
    /// Its entries in the order in which they were written. The first is a [`RecordEntry::Intent`].
    pub entries: Vec<RecordEntry>,
}

impl History {
    /// A history.
    pub fn new(id: impl Into<String>, entries: Vec<RecordEntry>) -> Self {
        Self { id: id.into(), entries }
    }

    /// The attempt that began last.
    pub fn intent(&self) -> Option<&Intent> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| if let RecordEntry::Intent(intent) = entry { Some(intent) } else { None })
    }

    /// The entries of the attempt that began last.
    fn last(&self) -> &[RecordEntry] {
        let begin = self.entries.iter().rposition(|entry| matches!(entry, RecordEntry::Intent(_)));
        &self.entries[begin.unwrap_or(0)..]
    }

    /// The task of the last attempt, which was accepted and did not end.
    pub fn task(&self) -> Option<&Task> {
        self.last().iter().rev().find_map(|entry| match entry {
            RecordEntry::Accepted { task } => Some(Some(task)),
            RecordEntry::Refused { .. } => Some(None),
            _ => None,
        })?
    }

    /// The images of the last attempt: all of the response where that was read to its end, those that arrived otherwise.
    pub fn answered(&self) -> Option<Generation> {
        let mut known: Option<Generation> = None;
        for entry in self.last() {
            let RecordEntry::Answered { generation, whole, raw } = entry else { continue };
            match &mut known {
                Some(known) if !whole => known.outcomes.extend(generation.outcomes.iter().cloned()),
                known => *known = Some(generation.clone()),
            }
            if let (Some(known), Some(raw)) = (&mut known, raw) {
                known.raw = raw.clone().into();
            }
        }
        known
    }

    /// Whether the response was read to its end.
    pub fn is_whole(&self) -> bool {
        self.last().iter().any(|entry| matches!(entry, RecordEntry::Answered { whole: true, .. }))
    }

    /// The images that were saved: index, place and SHA-256.
    pub fn saved(&self) -> impl Iterator<Item = (u32, &Location, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            RecordEntry::Image { index, location, sha256 } => Some((*index, location, sha256.as_str())),
            _ => None,
        })
    }

    /// How it ended, where a process lived to write that.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| if let RecordEntry::Ended { outcome } = entry { Some(&**outcome) } else { None })
    }

    /// Whether something may have been bought: an attempt of which no end is on record may have.
    pub fn charge(&self) -> Charge {
        let (mut earlier, mut last) = (Charge::No, Charge::No);
        for entry in &self.entries {
            last = match entry {
                RecordEntry::Intent(_) => {
                    earlier = earlier.max(last);
                    Charge::Unknown
                }
                RecordEntry::NotSent { .. } => Charge::No,
                RecordEntry::Refused { charge, .. } => *charge,
                RecordEntry::Accepted { .. } => Charge::Unknown,
                RecordEntry::Answered { generation, .. } => generation.charge(),
                RecordEntry::Ended { outcome } => last.max(outcome.charge),
                RecordEntry::Image { .. } | RecordEntry::Unknown(_) => last,
            };
        }
        earlier.max(last)
    }
}

#[cfg(test)]
mod tests {
    use seedream_core::{Error, ErrorKind, StoredError, TaskId};

    use super::*;

    fn task() -> RecordEntry {
        RecordEntry::Accepted {
            task: Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into()),
        }
    }

    fn refused(charge: Charge) -> RecordEntry {
        let error = StoredError::from(&Error::new(ErrorKind::TaskFailed, "it failed").with_charge(charge));
        RecordEntry::Refused { error, charge }
    }

    fn answered(index: u32, whole: bool) -> RecordEntry {
        let url = format!("https://a.example/{index}.png");
        let data = seedream_core::ImageData::Url { url, expires_at: None };
        let mut generation = Generation::new("m".into());
        generation.outcomes = vec![Ok(seedream_core::GeneratedImage::new(index, data))];
        RecordEntry::Answered { generation, whole, raw: None }
    }

    #[test]
    fn a_history_tells_of_its_last_attempt() {
        let intent = || RecordEntry::Intent(Intent::new("job", "evolink", "m".into()));
        let of = |entries: Vec<RecordEntry>| {
            let history = History::new("r", entries);
            let images = history.answered().map_or(0, |generation| generation.images().count());
            (history.task().is_some(), images, history.is_whole(), history.charge())
        };
        assert_eq!(of(vec![intent()]), (false, 0, false, Charge::Unknown));
        assert_eq!(of(vec![intent(), RecordEntry::NotSent { error: None }]), (false, 0, false, Charge::No));
        assert_eq!(of(vec![intent(), task()]), (true, 0, false, Charge::Unknown));
        // A task that ended is no longer to be collected, and one of an earlier attempt is not that of the last.
        assert_eq!(of(vec![intent(), task(), refused(Charge::No)]), (false, 0, false, Charge::No));
        assert_eq!(of(vec![intent(), task(), intent()]), (false, 0, false, Charge::Unknown));
        assert_eq!(of(vec![intent(), refused(Charge::No), intent(), task()]), (true, 0, false, Charge::Unknown));
        // A stream names its images one by one, and all of them at its end.
        assert_eq!(of(vec![intent(), answered(0, false), answered(1, false)]), (false, 2, false, Charge::Yes));
        assert_eq!(of(vec![intent(), answered(0, false), answered(0, true)]), (false, 1, true, Charge::Yes));
        assert_eq!(of(vec![intent(), answered(0, true), intent()]), (false, 0, false, Charge::Yes));
    }
}
