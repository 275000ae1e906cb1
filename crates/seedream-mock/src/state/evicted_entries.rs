//! Counts of the entries that a journal no longer holds, by kind, so that a count over all requests stays possible.

use jiff::Timestamp;

use crate::state::journal_entry::{EntryKind, JournalEntry, StoredEntry};
use crate::state::text_arena::TextArena;

/// Of how many kinds of entries a session keeps a count each, and of how many more without their paths; of what is beyond
/// that only whether it was a request.
const KINDS: usize = 64;

/// The counts of the evicted entries of a journal.
#[derive(Debug, Default)]
pub(crate) struct EvictedCounts {
    /// By all that is known of them.
    whole: Vec<EvictedGroup>,
    /// By all but their paths, which may be as many as there are tasks and images.
    pathless: Vec<EvictedGroup>,
    /// By their direction alone.
    rest: Vec<EvictedGroup>,
    /// What the groups hold, in bytes.
    bytes: usize,
}

/// Entries that are alike.
#[derive(Debug)]
struct EvictedGroup {
    kind: EntryKind,
    status: u16,
    evidence: &'static str,
    billed: u32,
    /// Provider, model, method, path, fixture, profile and fault.
    texts: TextArena,
    tally: EvictedTally,
}

/// How many entries, between which places and times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvictedTally {
    pub(crate) count: u64,
    pub(crate) ordinals: (u64, u64),
    pub(crate) times: (Timestamp, Timestamp),
}

/// What is known of entries that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownMembers {
    Whole,
    Pathless,
    Kind,
}

/// Entries that are counted together: one of them, of which only what is known is filled in.
#[derive(Debug)]
pub(crate) struct EvictedEntries {
    pub(crate) entry: JournalEntry,
    pub(crate) known: KnownMembers,
    pub(crate) tally: EvictedTally,
}

impl EvictedEntries {
    /// Entries of a session of which nothing else is known, if there were any.
    pub(crate) fn unknown(session: &str, kind: EntryKind, count: u64) -> Option<Self> {
        let entry = JournalEntry::unknown(session, kind);
        (count > 0).then(|| Self { entry, known: KnownMembers::Kind, tally: EvictedTally::unknown(count) })
    }
}

impl EvictedTally {
    fn of(entry: &StoredEntry) -> Self {
        Self { count: 1, ordinals: (entry.ordinal, entry.ordinal), times: (entry.at, entry.at) }
    }

    /// A number of entries at unknown places and times.
    fn unknown(count: u64) -> Self {
        Self { count, ordinals: (0, u64::MAX), times: (Timestamp::MIN, Timestamp::MAX) }
    }

    fn add(&mut self, entry: &StoredEntry) {
        let wider = |(first, last): (u64, u64), new: u64| (first.min(new), last.max(new));
        self.count += 1;
        self.ordinals = wider(self.ordinals, entry.ordinal);
        self.times = (self.times.0.min(entry.at), self.times.1.max(entry.at));
    }
}

impl EvictedGroup {
    fn of(entry: &StoredEntry, texts: TextArena) -> Self {
        let &StoredEntry { kind, status, evidence, billed, .. } = entry;
        Self { kind, status, evidence, billed, texts, tally: EvictedTally::of(entry) }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.texts.bytes()
    }

    /// Whether an entry has the same numbers and words; its texts are another question.
    fn is_like(&self, entry: &StoredEntry) -> bool {
        (self.kind, self.status, self.billed) == (entry.kind, entry.status, entry.billed)
            && self.evidence == entry.evidence
    }
}

/// Counts an entry with its like; says whether there was any.
fn counted(groups: &mut [EvictedGroup], entry: &StoredEntry, is_like: impl Fn(&EvictedGroup) -> bool) -> bool {
    let Some(place) = groups.iter().position(is_like) else { return false };
    groups[place].tally.add(entry);
    // What comes often is found early.
    groups.swap(place, place / 2);
    true
}

fn keep(groups: &mut Vec<EvictedGroup>, bytes: &mut usize, group: EvictedGroup) {
    *bytes += group.bytes();
    groups.push(group);
}

impl EvictedCounts {
    /// Counts an entry that goes.
    pub(crate) fn add(&mut self, entry: &StoredEntry) {
        let head = entry.head();
        if counted(&mut self.whole, entry, |group| group.is_like(entry) && group.texts.bytes_of_texts() == head) {
            return;
        }
        let (before, after) = entry.around_path();
        let is_pathless = |texts: &[u8]| {
            texts.len() == before.len() + TextArena::MISSING + after.len()
                && texts.starts_with(before)
                && texts.ends_with(after)
        };
        if self.whole.len() < KINDS {
            return keep(&mut self.whole, &mut self.bytes, EvictedGroup::of(entry, TextArena::of(head)));
        }
        let alike = |group: &EvictedGroup| group.is_like(entry) && is_pathless(group.texts.bytes_of_texts());
        if counted(&mut self.pathless, entry, alike) {
            return;
        }
        if self.pathless.len() < KINDS {
            return keep(
                &mut self.pathless,
                &mut self.bytes,
                EvictedGroup::of(entry, TextArena::joined(before, after)),
            );
        }
        if !counted(&mut self.rest, entry, |group| group.kind == entry.kind) {
            keep(&mut self.rest, &mut self.bytes, EvictedGroup::of(entry, TextArena::of(&[])));
        }
    }

    fn groups(&self) -> impl Iterator<Item = &EvictedGroup> {
        self.whole.iter().chain(&self.pathless).chain(&self.rest)
    }

    /// Counts entries of which nothing else is known.
    pub(crate) fn add_totals(&mut self, kind: EntryKind, count: u64) {
        if count == 0 {
            return;
        }
        let group = EvictedGroup {
            kind,
            status: 0,
            evidence: "",
            billed: 0,
            texts: TextArena::of(&[]),
            tally: EvictedTally::unknown(count),
        };
        keep(&mut self.rest, &mut self.bytes, group);
    }

    /// The number of entries of a kind.
    pub(crate) fn count(&self, kind: EntryKind) -> u64 {
        self.groups().filter(|group| group.kind == kind).map(|group| group.tally.count).sum()
    }

    /// Removes the counts of a kind.
    pub(crate) fn remove(&mut self, kind: EntryKind) {
        for groups in [&mut self.whole, &mut self.pathless, &mut self.rest] {
            groups.retain(|group| group.kind != kind);
        }
        self.bytes = self.groups().map(EvictedGroup::bytes).sum();
    }

    /// How much it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entries that are counted together, as those of a session.
    pub(crate) fn counted(&self, session: &str) -> impl Iterator<Item = EvictedEntries> {
        let whole = self.whole.iter().map(|group| (group, KnownMembers::Whole));
        let pathless = self.pathless.iter().map(|group| (group, KnownMembers::Pathless));
        let rest = self.rest.iter().map(|group| (group, KnownMembers::Kind));
        whole.chain(pathless).chain(rest).map(move |(group, known)| {
            let mut texts = group.texts.texts();
            let mut own = || texts.own();
            let entry = JournalEntry {
                status: group.status,
                evidence: group.evidence,
                billed: group.billed,
                provider: own(),
                model: own(),
                method: own().unwrap_or_default(),
                path: own().unwrap_or_default(),
                fixture: own(),
                profile: own(),
                fault: own(),
                ..JournalEntry::unknown(session, group.kind)
            };
            EvictedEntries { entry, known, tally: group.tally }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::gateway_rewrite::ForwardedRequest;
    use crate::state::journal_entry::NewEntry;

    fn entry(ordinal: u64, method: &str, path: &str, status: u16) -> StoredEntry {
        let draft = NewEntry {
            ordinal,
            kind: EntryKind::Request,
            at: Timestamp::UNIX_EPOCH,
            provider: Some("acme"),
            model: None,
            method,
            path,
            status,
            fixture: None,
            evidence: "derived",
            profile: None,
            fault: Some("times=1"),
            billed: 1,
            request_id: "id",
            headers: None,
            body: "null",
            effective: &ForwardedRequest::None,
            violations: &[],
            notes: &[],
        };
        draft.pack()
    }

    #[test]
    fn every_entry_counts_in_bounded_memory() {
        let mut evicted = EvictedCounts::default();
        for number in 0..10_000 {
            evicted.add(&entry(3 * number, "POST", "/v1/images/generations", 200));
            evicted.add(&entry(3 * number + 1, "GET", &format!("/v1/tasks/{number}"), 200));
            // More kinds than are counted apart.
            let method = format!("M{}", number % 100);
            evicted.add(&entry(3 * number + 2, &method, &format!("/{number}"), 404));
        }
        assert_eq!(evicted.count(EntryKind::Request), 30_000);
        assert!(evicted.bytes() < 64 * 1024, "{}", evicted.bytes());
        let of = |wanted: &dyn Fn(&EvictedEntries) -> bool| -> u64 {
            evicted.counted("blue").filter(wanted).map(|counted| counted.tally.count).sum()
        };
        assert_eq!(of(&|it| it.known == KnownMembers::Whole && it.entry.method == "POST"), 10_000);
        assert_eq!(of(&|it| it.known != KnownMembers::Kind && it.entry.method == "GET"), 10_000);
        assert!(of(&|it| it.known == KnownMembers::Kind) > 0);
        let posts = evicted.counted("blue").find(|it| it.entry.method == "POST").unwrap();
        assert_eq!((posts.tally.ordinals, posts.entry.session.as_str()), ((0, 29_997), "blue"));
        assert_eq!((posts.entry.provider.as_deref(), posts.entry.fault.as_deref()), (Some("acme"), Some("times=1")));
        evicted.remove(EntryKind::Request);
        assert_eq!(evicted.count(EntryKind::Request), 0);
    }
}
