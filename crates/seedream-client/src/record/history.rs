//! What a record says.

use seedream_core::{Charge, Generation, Task};

use super::entry::{Entry, Intent};
use crate::{job::Outcome, output::Location};

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The id under which the store knows it.
    pub id: String,
    /// Its entries in the order in which they were written. The first is an [`Entry::Intent`].
    pub entries: Vec<Entry>,
}

impl History {
    /// A history.
    pub fn new(id: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { id: id.into(), entries }
    }

    /// The attempt that began last.
    pub fn intent(&self) -> Option<&Intent> {
        self.entries.iter().rev().find_map(|entry| if let Entry::Intent(intent) = entry { Some(intent) } else { None })
    }

    /// The entries of the attempt that began last.
    fn last(&self) -> &[Entry] {
        let begin = self.entries.iter().rposition(|entry| matches!(entry, Entry::Intent(_)));
        &self.entries[begin.unwrap_or(0)..]
    }

    /// The task of the last attempt, which was accepted and did not end.
    pub fn task(&self) -> Option<&Task> {
        self.last().iter().rev().find_map(|entry| match entry {
            Entry::Accepted { task } => Some(Some(task)),
            Entry::Refused { .. } => Some(None),
            _ => None,
        })?
    }

    /// The images of the last attempt: all of the response where that was read to its end, those that arrived otherwise.
    pub fn answered(&self) -> Option<Generation> {
        let mut known: Option<Generation> = None;
        for entry in self.last() {
            let Entry::Answered { generation, whole, raw } = entry else { continue };
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
        self.last().iter().any(|entry| matches!(entry, Entry::Answered { whole: true, .. }))
    }

    /// The images that were saved: index, place and SHA-256.
    pub fn saved(&self) -> impl Iterator<Item = (u32, &Location, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Image { index, location, sha256 } => Some((*index, location, sha256.as_str())),
            _ => None,
        })
    }

    /// How it ended, where a process lived to write that.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| if let Entry::Ended { outcome } = entry { Some(&**outcome) } else { None })
    }

    /// Whether something may have been bought: an attempt of which no end is on record may have.
    pub fn charge(&self) -> Charge {
        let (mut earlier, mut last) = (Charge::No, Charge::No);
        for entry in &self.entries {
            last = match entry {
                Entry::Intent(_) => {
                    earlier = earlier.max(last);
                    Charge::Unknown
                }
                Entry::NotSent { .. } => Charge::No,
                Entry::Refused { charge, .. } => *charge,
                Entry::Accepted { .. } => Charge::Unknown,
                Entry::Answered { generation, .. } => generation.charge(),
                Entry::Ended { outcome } => last.max(outcome.charge),
                Entry::Image { .. } | Entry::Unknown(_) => last,
            };
        }
        earlier.max(last)
    }
}

#[cfg(test)]
mod tests {
    use seedream_core::{Error, ErrorKind, ErrorReport, TaskId};

    use super::*;

    fn task() -> Entry {
        Entry::Accepted { task: Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into()) }
    }

    fn refused(charge: Charge) -> Entry {
        let error = ErrorReport::from(&Error::new(ErrorKind::TaskFailed, "it failed").with_charge(charge));
        Entry::Refused { error, charge }
    }

    fn answered(index: u32, whole: bool) -> Entry {
        let url = format!("https://a.example/{index}.png");
        let data = seedream_core::ImageData::Url { url, expires_at: None };
        let mut generation = Generation::new("m".into());
        generation.outcomes = vec![Ok(seedream_core::GeneratedImage::new(index, data))];
        Entry::Answered { generation, whole, raw: None }
    }

    #[test]
    fn a_history_tells_of_its_last_attempt() {
        let intent = || Entry::Intent(Intent::new("job", "evolink", "m".into()));
        let of = |entries: Vec<Entry>| {
            let history = History::new("r", entries);
            let images = history.answered().map_or(0, |generation| generation.images().count());
            (history.task().is_some(), images, history.is_whole(), history.charge())
        };
        assert_eq!(of(vec![intent()]), (false, 0, false, Charge::Unknown));
        assert_eq!(of(vec![intent(), Entry::NotSent { error: None }]), (false, 0, false, Charge::No));
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
