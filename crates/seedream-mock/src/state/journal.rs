//! The journal of a session: its last requests, and counts of the older ones.

use std::collections::VecDeque;

use crate::state::evicted_entries::EvictedCounts;
use crate::state::journal_entry::{EntryKind, StoredEntry};

/// The last requests of a session.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    entries: VecDeque<StoredEntry>,
    /// The number of the first entry: every entry of a journal has one of its own.
    first: u64,
    /// What the entries hold, in bytes.
    bytes: usize,
    evicted: EvictedCounts,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: VecDeque::new(), first: 0, bytes: 0, evicted: EvictedCounts::default() }
    }

    /// Adds an entry, and returns the one that it evicts, to be dropped outside of the lock.
    pub(crate) fn push(&mut self, entry: StoredEntry) -> Option<StoredEntry> {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        let oldest = (self.entries.len() > self.capacity).then(|| self.entries.pop_front()).flatten()?;
        self.first += 1;
        self.bytes -= oldest.bytes();
        self.evicted.add(&oldest);
        Some(oldest)
    }

    /// How much it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.evicted.bytes()
    }

    /// What it no longer holds.
    pub(crate) fn evicted(&self) -> &EvictedCounts {
        &self.evicted
    }

    /// The client of a request, which is among the last, disconnected before the response was complete.
    pub(crate) fn disconnected(&mut self, ordinal: u64) {
        let of = |entry: &&mut StoredEntry| entry.ordinal == ordinal && entry.kind == EntryKind::Request;
        if let Some(entry) = self.entries.iter_mut().rev().find(of) {
            entry.left = true;
        }
    }

    /// Counts all entries and holds none of them any more; returns what is to be torn down.
    pub(crate) fn fold(&mut self) -> VecDeque<StoredEntry> {
        self.entries.iter().for_each(|entry| self.evicted.add(entry));
        self.first += self.entries.len() as u64;
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }

    /// How much of it can be folded, in bytes.
    pub(crate) fn foldable(&self) -> usize {
        self.bytes
    }

    /// Counts what a session of the same name had before.
    pub(crate) fn add_totals(&mut self, counts: &[(EntryKind, u64)]) {
        counts.iter().for_each(|(kind, count)| self.evicted.add_totals(*kind, *count));
    }

    /// The ordinals of its entries, with their numbers.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u64, u64)> {
        self.entries.iter().map(|entry| entry.ordinal).zip(self.first..)
    }

    /// The entry of a number, if it is still there.
    pub(crate) fn at(&self, number: u64) -> Option<&StoredEntry> {
        self.entries.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// The number of the next entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The entries from a number on, at most so many, with the number of the first of them.
    pub(crate) fn since(&self, number: u64, most: usize) -> (u64, impl Iterator<Item = &StoredEntry>) {
        let first = number.max(self.first);
        let skipped = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        (first, self.entries.iter().skip(skipped).take(most))
    }

    /// Removes all entries and counts of a kind.
    pub(crate) fn remove(&mut self, kind: EntryKind) {
        // The numbers of those that stay are new ones.
        self.first += self.entries.len() as u64;
        self.entries.retain(|entry| entry.kind != kind);
        self.bytes = self.entries.iter().map(StoredEntry::bytes).sum();
        self.evicted.remove(kind);
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> u64 {
        let kept = self.entries.iter().filter(|entry| entry.kind == EntryKind::Request).count();
        kept as u64 + self.evicted.count(EntryKind::Request)
    }

    /// Its entries, as they are kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &StoredEntry> {
        self.entries.iter()
    }
}
