//! What was paid: one bill for each response that costs something, whether or not its caller got it.

use std::collections::{BTreeMap, VecDeque};

use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;

use crate::hash;
use crate::state::text_arena::{TextArena, TextArenaBuilder};

/// The most bills a session keeps; older ones count in the sums only.
const BILLS: usize = 10_000;

/// The cost of one request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerEntry {
    /// The id of the provider.
    pub provider: String,
    /// The model that the request names.
    pub model: String,
    /// The key as a short hash; `None` where the route needs no key.
    pub key: Option<String>,
    /// The number of images. A task counts the reserved images until it ends, then the delivered ones.
    pub images: u32,
    /// The credits, for a provider that counts in credits: reserved and settled like the images.
    pub credits: Option<f64>,
    /// The request id in its response.
    pub request: String,
    /// When it arrived, by the clock of its session.
    #[serde(serialize_with = "crate::time::rfc3339")]
    pub at: SystemTime,
    /// The id of the task, if it is one.
    pub task: Option<String>,
    /// Whether it is final.
    pub settled: bool,
    /// Whether the client could receive the whole response. It pays in either case.
    pub answered: bool,
    /// Its place among all requests of the mock, from 0.
    pub ordinal: u64,
}

/// The credits of a number of images.
pub(crate) fn credits(each: f64, images: u32) -> f64 {
    rounded(each * f64::from(images))
}

/// A bill before it is kept, with what it is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewLedgerEntry<'a> {
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    /// The key itself.
    pub(crate) key: Option<&'a str>,
    pub(crate) images: u32,
    /// The credits of one image.
    pub(crate) each: Option<f64>,
    pub(crate) request: &'a str,
    pub(crate) at: Timestamp,
    /// A bill of a task is not settled.
    pub(crate) task: Option<&'a str>,
    pub(crate) answered: bool,
    pub(crate) ordinal: u64,
}

/// A bill as it is kept. Few are ever read, so the key is hashed on reading.
#[derive(Debug)]
pub(crate) struct StoredLedgerEntry {
    images: u32,
    each: Option<f64>,
    at: Timestamp,
    settled: bool,
    answered: bool,
    ordinal: u64,
    texts: TextArena,
}

impl NewLedgerEntry<'_> {
    pub(crate) fn pack(&self) -> StoredLedgerEntry {
        let known = [self.key, self.task, Some(self.provider), Some(self.model), Some(self.request)];
        let mut texts = TextArenaBuilder::new(known.len(), known.iter().flatten().map(|text| text.len()).sum());
        known.into_iter().for_each(|text| texts.push_if(text));
        StoredLedgerEntry {
            images: self.images,
            each: self.each,
            at: self.at,
            settled: self.task.is_none(),
            answered: self.answered,
            ordinal: self.ordinal,
            texts: texts.done(),
        }
    }
}

impl StoredLedgerEntry {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.texts.bytes()
    }

    fn key(&self) -> Option<&str> {
        self.texts.texts().text()
    }

    fn provider(&self) -> &str {
        self.texts.texts().nth(2).flatten().unwrap_or_default()
    }

    fn task(&self) -> Option<&str> {
        self.texts.texts().nth(1).flatten()
    }

    fn credits(&self) -> Option<f64> {
        self.each.map(|each| credits(each, self.images))
    }

    fn bill(&self) -> LedgerEntry {
        let mut texts = self.texts.texts();
        let (key, task) = (texts.text(), texts.own());
        let mut own = || texts.own().unwrap_or_default();
        LedgerEntry {
            provider: own(),
            model: own(),
            key: key.map(hash::short),
            images: self.images,
            credits: self.credits(),
            request: own(),
            at: self.at.into(),
            task,
            settled: self.settled,
            answered: self.answered,
            ordinal: self.ordinal,
        }
    }
}

/// Rounded, so that three times 1.8 is 5.4 and not one bit more.
fn rounded(credits: f64) -> f64 {
    (credits * 1e4).round() / 1e4
}

/// The bills of one session.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    bills: VecDeque<StoredLedgerEntry>,
    /// What the bills that are no longer kept come to, by key; no key is an empty one.
    evicted: BTreeMap<String, PaidTotal>,
    /// What an evicted session of the same name paid, by the short hash of the key.
    before: BTreeMap<String, PaidTotal>,
    /// How many these are.
    folded: u64,
    /// What the bills hold, in bytes.
    bytes: usize,
}

/// What one key paid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PaidByKey {
    /// The key as a short hash; none for what needs none.
    key: Option<String>,
    #[serde(flatten)]
    sum: PaidTotal,
}

/// What was paid in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PaidTotal {
    /// The images.
    pub images: u64,
    /// The credits, where a provider counts in credits.
    pub credits: f64,
}

impl PaidTotal {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { images: self.images + other.images, credits: rounded(self.credits + other.credits) }
    }
}

impl PaidByKey {
    /// The key as a short hash, and what it paid.
    pub(crate) fn paid(&self) -> (Option<&str>, PaidTotal) {
        (self.key.as_deref(), self.sum)
    }
}

/// What all keys paid.
pub(crate) fn sum_of(keys: &[PaidByKey]) -> PaidTotal {
    keys.iter().fold(PaidTotal::default(), |whole, key| whole.and(key.sum))
}

impl Ledger {
    /// Adds a bill, and returns the one that has to go for it, which still counts: `delivered` says how many images the task
    /// of one that is not settled delivers.
    pub(crate) fn push(
        &mut self,
        bill: StoredLedgerEntry,
        delivered: impl FnOnce(&str) -> Option<u32>,
    ) -> Option<StoredLedgerEntry> {
        self.bytes += bill.bytes();
        self.bills.push_back(bill);
        let mut oldest = (self.bills.len() > BILLS).then(|| self.bills.pop_front()).flatten()?;
        self.bytes -= oldest.bytes();
        if !oldest.settled
            && let Some(images) = oldest.task().and_then(delivered)
        {
            oldest.images = images;
        }
        self.folded += 1;
        add(&mut self.evicted, &oldest);
        Some(oldest)
    }

    /// Keeps the sums alone; returns what is to be torn down.
    pub(crate) fn fold(&mut self) -> VecDeque<StoredLedgerEntry> {
        self.bills.iter().for_each(|bill| add(&mut self.evicted, bill));
        self.folded += self.bills.len() as u64;
        self.bytes = 0;
        std::mem::take(&mut self.bills)
    }

    /// How many bills only count in the sums.
    pub(crate) fn folded(&self) -> u64 {
        self.folded
    }

    /// Adds the sums of bills that an evicted session of the same name had.
    pub(crate) fn add_totals(&mut self, keys: &[PaidByKey], bills: u64) {
        self.folded += bills;
        for PaidByKey { key, sum } in keys {
            let known = self.before.entry(key.clone().unwrap_or_default()).or_default();
            *known = known.and(*sum);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = LedgerEntry> {
        self.bills.iter().map(StoredLedgerEntry::bill)
    }

    /// How much it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was paid in all.
    pub(crate) fn sum(&self) -> PaidTotal {
        sum_of(&self.keys())
    }

    /// What was paid to each provider. The entries that are no longer listed have none, which is an empty name.
    pub(crate) fn by_provider(&self) -> BTreeMap<String, PaidTotal> {
        let older = self.evicted.values().chain(self.before.values());
        let older = older.fold(PaidTotal::default(), |whole, sum| whole.and(*sum));
        let mut sums = BTreeMap::from([(String::new(), older)]);
        for bill in &self.bills {
            add_to(&mut sums, bill.provider(), bill);
        }
        sums
    }

    /// What each key paid.
    pub(crate) fn keys(&self) -> Vec<PaidByKey> {
        let mut by_key = self.evicted.clone();
        for bill in &self.bills {
            add(&mut by_key, bill);
        }
        let mut sums = self.before.clone();
        for (key, sum) in by_key {
            let known = sums.entry(if key.is_empty() { key } else { hash::short(&key) }).or_default();
            *known = known.and(sum);
        }
        sums.into_iter().map(|(key, sum)| PaidByKey { key: Some(key).filter(|key| !key.is_empty()), sum }).collect()
    }

    /// Settles the bills of tasks; `delivered` says how many images a task that has ended delivers.
    pub(crate) fn settle(&mut self, mut delivered: impl FnMut(&str) -> Option<u32>) {
        for bill in self.bills.iter_mut().filter(|bill| !bill.settled) {
            if let Some(images) = bill.task().and_then(&mut delivered) {
                bill.images = images;
                bill.settled = true;
            }
        }
    }

    /// Settles the bill of one task.
    pub(crate) fn settle_one(&mut self, task: &str, delivered: u32) {
        let bill = self.bills.iter_mut().find(|bill| !bill.settled && bill.task() == Some(task));
        if let Some(bill) = bill {
            (bill.images, bill.settled) = (delivered, true);
        }
    }

    /// The client disconnected.
    pub(crate) fn disconnected(&mut self, ordinal: u64) {
        for bill in self.bills.iter_mut().rev().filter(|bill| bill.ordinal == ordinal) {
            bill.answered = false;
        }
    }
}

/// Adds a bill to what its key paid.
fn add(sums: &mut BTreeMap<String, PaidTotal>, bill: &StoredLedgerEntry) {
    add_to(sums, bill.key().unwrap_or_default(), bill);
}

/// Adds a bill to the sum of a name.
fn add_to(sums: &mut BTreeMap<String, PaidTotal>, name: &str, bill: &StoredLedgerEntry) {
    if !sums.contains_key(name) {
        sums.insert(name.to_owned(), PaidTotal::default());
    }
    if let Some(sum) = sums.get_mut(name) {
        *sum = sum.and(PaidTotal { images: bill.images.into(), credits: bill.credits().unwrap_or_default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evicted_entries_still_count() {
        let mut ledger = Ledger::default();
        for ordinal in 0..BILLS as u64 + 5 {
            let bill = NewLedgerEntry {
                provider: "",
                model: "",
                key: None,
                images: 2,
                each: Some(0.9),
                request: "",
                at: Timestamp::UNIX_EPOCH,
                task: None,
                answered: true,
                ordinal,
            };
            ledger.push(bill.pack(), |_| None);
        }
        assert_eq!(ledger.entries().count(), BILLS);
        assert_eq!(ledger.sum(), PaidTotal { images: 20_010, credits: 18_009.0 });
    }
}
