//! What a journal no longer holds, counted: so that how many requests there were of a kind can be told of all of them.

use jiff::Timestamp;

use super::journal::{Entry, Kept, Kind};
use super::packed::Packed;

/// Of how many kinds of entries a session keeps a count each, and of how many more without their paths; of what is beyond
/// that only whether it was a request.
const KINDS: usize = 64;

/// The counts of what a journal has forgotten.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    /// By all that is known of them.
    whole: Vec<Group>,
    /// By all but their paths, which may be as many as there are tasks and images.
    pathless: Vec<Group>,
    /// By their direction alone.
    rest: Vec<Group>,
    /// What the groups hold, in bytes.
    bytes: usize,
}

/// Entries that are alike.
#[derive(Debug)]
struct Group {
    kind: Kind,
    status: u16,
    evidence: &'static str,
    billed: u32,
    /// Provider, model, method, path, fixture, profile and fault.
    texts: Packed,
    tally: Tally,
}

/// How many entries, between which places and times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) ordinals: (u64, u64),
    pub(crate) times: (Timestamp, Timestamp),
}

/// What is known of entries that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Whole,
    Pathless,
    Kind,
}

/// Entries that are counted together: one of them, of which only what is known is filled in.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) entry: Entry,
    pub(crate) known: Known,
    pub(crate) tally: Tally,
}

impl Counted {
    /// Entries of a session of which nothing else is known, if there were any.
    pub(crate) fn unknown(session: &str, kind: Kind, count: u64) -> Option<Self> {
        let entry = Entry { session: session.to_owned(), kind: kind.as_str(), ..Entry::default() };
        (count > 0).then(|| Self { entry, known: Known::Kind, tally: Tally::unknown(count) })
    }
}

impl Tally {
    fn of(entry: &Kept) -> Self {
        Self { count: 1, ordinals: (entry.ordinal, entry.ordinal), times: (entry.at, entry.at) }
    }

    /// So many entries, wherever and whenever.
    fn unknown(count: u64) -> Self {
        Self { count, ordinals: (0, u64::MAX), times: (Timestamp::MIN, Timestamp::MAX) }
    }

    fn add(&mut self, entry: &Kept) {
        let wider = |(first, last): (u64, u64), new: u64| (first.min(new), last.max(new));
        self.count += 1;
        self.ordinals = wider(self.ordinals, entry.ordinal);
        self.times = (self.times.0.min(entry.at), self.times.1.max(entry.at));
    }
}

impl Group {
    fn of(entry: &Kept, texts: Packed) -> Self {
        let &Kept { kind, status, evidence, billed, .. } = entry;
        Self { kind, status, evidence, billed, texts, tally: Tally::of(entry) }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.texts.bytes()
    }

    /// Whether an entry has the same numbers and words; its texts are another question.
    fn is_like(&self, entry: &Kept) -> bool {
        (self.kind, self.status, self.billed) == (entry.kind, entry.status, entry.billed)
            && self.evidence == entry.evidence
    }
}

/// Counts an entry with its like; says whether there was any.
fn counted(groups: &mut [Group], entry: &Kept, is_like: impl Fn(&Group) -> bool) -> bool {
    let Some(place) = groups.iter().position(is_like) else { return false };
    groups[place].tally.add(entry);
    // What comes often is found early.
    groups.swap(place, place / 2);
    true
}

fn keep(groups: &mut Vec<Group>, bytes: &mut usize, group: Group) {
    *bytes += group.bytes();
    groups.push(group);
}

impl Forgotten {
    /// Counts an entry that goes.
    pub(crate) fn add(&mut self, entry: &Kept) {
        let head = entry.head();
        let (before, after) = entry.around_path();
        let is_pathless = |texts: &[u8]| {
            texts.len() == before.len() + Packed::MISSING + after.len()
                && texts.starts_with(before)
                && texts.ends_with(after)
        };
        if counted(&mut self.whole, entry, |group| group.is_like(entry) && group.texts.bytes_of_texts() == head) {
            return;
        }
        if self.whole.len() < KINDS {
            return keep(&mut self.whole, &mut self.bytes, Group::of(entry, Packed::of(head)));
        }
        let alike = |group: &Group| group.is_like(entry) && is_pathless(group.texts.bytes_of_texts());
        if counted(&mut self.pathless, entry, alike) {
            return;
        }
        if self.pathless.len() < KINDS {
            return keep(&mut self.pathless, &mut self.bytes, Group::of(entry, Packed::joined(before, after)));
        }
        if !counted(&mut self.rest, entry, |group| group.kind == entry.kind) {
            keep(&mut self.rest, &mut self.bytes, Group::of(entry, Packed::of(&[])));
        }
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.whole.iter().chain(&self.pathless).chain(&self.rest)
    }

    /// Counts entries of which nothing else is known.
    pub(crate) fn remember(&mut self, kind: Kind, count: u64) {
        if count == 0 {
            return;
        }
        let group =
            Group { kind, status: 0, evidence: "", billed: 0, texts: Packed::of(&[]), tally: Tally::unknown(count) };
        keep(&mut self.rest, &mut self.bytes, group);
    }

    /// How many of a kind there were.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.groups().filter(|group| group.kind == kind).map(|group| group.tally.count).sum()
    }

    /// Forgets that there were any of a kind.
    pub(crate) fn remove(&mut self, kind: Kind) {
        for groups in [&mut self.whole, &mut self.pathless, &mut self.rest] {
            groups.retain(|group| group.kind != kind);
        }
        self.bytes = self.groups().map(Group::bytes).sum();
    }

    /// How much it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entries that are counted together, as those of a session.
    pub(crate) fn counted(&self, session: &str) -> impl Iterator<Item = Counted> {
        let whole = self.whole.iter().map(|group| (group, Known::Whole));
        let pathless = self.pathless.iter().map(|group| (group, Known::Pathless));
        let rest = self.rest.iter().map(|group| (group, Known::Kind));
        whole.chain(pathless).chain(rest).map(move |(group, known)| {
            let mut texts = group.texts.texts();
            let mut own = || texts.own();
            let entry = Entry {
                session: session.to_owned(),
                kind: group.kind.as_str(),
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
                ..Entry::default()
            };
            Counted { entry, known, tally: group.tally }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::Draft;
    use crate::engine::normalise::Effective;

    fn entry(ordinal: u64, method: &str, path: &str, status: u16) -> Kept {
        let draft = Draft {
            ordinal,
            kind: Kind::Request,
            at: Timestamp::UNIX_EPOCH,
            provider: Some("anybody"),
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
            effective: &Effective::None,
            violations: &[],
            notes: &[],
        };
        draft.pack()
    }

    #[test]
    fn every_entry_counts_in_bounded_memory() {
        let mut forgotten = Forgotten::default();
        for number in 0..10_000 {
            forgotten.add(&entry(3 * number, "POST", "/v1/images/generations", 200));
            forgotten.add(&entry(3 * number + 1, "GET", &format!("/v1/tasks/{number}"), 200));
            // More kinds than are told apart.
            let method = format!("M{}", number % 100);
            forgotten.add(&entry(3 * number + 2, &method, &format!("/{number}"), 404));
        }
        assert_eq!(forgotten.count(Kind::Request), 30_000);
        assert!(forgotten.bytes() < 64 * 1024, "{}", forgotten.bytes());
        let of = |wanted: &dyn Fn(&Counted) -> bool| -> u64 {
            forgotten.counted("blue").filter(wanted).map(|counted| counted.tally.count).sum()
        };
        assert_eq!(of(&|it| it.known == Known::Whole && it.entry.method == "POST"), 10_000);
        assert_eq!(of(&|it| it.known != Known::Kind && it.entry.method == "GET"), 10_000);
        assert!(of(&|it| it.known == Known::Kind) > 0);
        let posts = forgotten.counted("blue").find(|it| it.entry.method == "POST").unwrap();
        assert_eq!((posts.tally.ordinals, posts.entry.session.as_str()), ((0, 29_997), "blue"));
        assert_eq!((posts.entry.provider.as_deref(), posts.entry.fault.as_deref()), (Some("anybody"), Some("times=1")));
        forgotten.remove(Kind::Request);
        assert_eq!(forgotten.count(Kind::Request), 0);
    }
}
