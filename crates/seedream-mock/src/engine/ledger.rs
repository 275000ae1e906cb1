//! What was paid: one bill for each answer that costs something, whether or not its caller got it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

/// The most bills a session keeps; older ones count in the sums only.
const BILLS: usize = 10_000;

/// What one request costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// The provider.
    pub provider: String,
    /// The model as it was asked for.
    pub model: String,
    /// The key as a short hash; none where none was needed.
    pub key: Option<String>,
    /// The pictures. Of a task those reserved until it has ended, then those delivered (document 002, `n`).
    pub images: u32,
    /// The credits, where the provider counts in credits: reserved and settled like the pictures.
    pub credits: Option<f64>,
    /// The id its answer carries.
    pub request: String,
    /// When it came.
    pub at: Timestamp,
    /// The task, where it is one.
    pub task: Option<String>,
    /// Whether nothing about it will change.
    pub settled: bool,
    /// Whether its caller could get the whole answer. Who has gone has paid all the same.
    pub answered: bool,
    /// Its place among all requests of this mock.
    pub ordinal: u64,
    /// The credits of one picture.
    #[serde(skip)]
    pub(crate) each: Option<f64>,
}

/// The credits of so many pictures.
pub(crate) fn credits(each: f64, images: u32) -> f64 {
    rounded(each * f64::from(images))
}

/// Rounded, so that three times 1.8 is 5.4 and not one bit more.
fn rounded(credits: f64) -> f64 {
    (credits * 1e4).round() / 1e4
}

/// The bills of one session.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    bills: VecDeque<Bill>,
    /// What the bills that are no longer kept come to, by key.
    forgotten: BTreeMap<Option<String>, Sum>,
}

/// What one key paid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OfKey {
    /// The key as a short hash; none for what needs none.
    key: Option<String>,
    #[serde(flatten)]
    sum: Sum,
}

/// What was paid in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Sum {
    pub(crate) images: u64,
    pub(crate) credits: f64,
}

impl Ledger {
    pub(crate) fn push(&mut self, bill: Bill) {
        self.bills.push_back(bill);
        if self.bills.len() > BILLS
            && let Some(oldest) = self.bills.pop_front()
        {
            self.forgotten.entry(oldest.key.clone()).or_default().add(&oldest);
        }
    }

    pub(crate) fn bills(&self) -> impl Iterator<Item = &Bill> {
        self.bills.iter()
    }

    /// What was paid in all.
    pub(crate) fn sum(&self) -> Sum {
        let mut whole = Sum::default();
        for OfKey { sum, .. } in self.keys() {
            whole.images += sum.images;
            whole.credits = rounded(whole.credits + sum.credits);
        }
        whole
    }

    /// What each key paid.
    pub(crate) fn keys(&self) -> Vec<OfKey> {
        let mut sums = self.forgotten.clone();
        for bill in &self.bills {
            sums.entry(bill.key.clone()).or_default().add(bill);
        }
        sums.into_iter().map(|(key, sum)| OfKey { key, sum }).collect()
    }

    /// Settles the bills of tasks; `delivered` says how many pictures a task that has ended delivers.
    pub(crate) fn settle(&mut self, mut delivered: impl FnMut(&str) -> Option<u32>) {
        for bill in self.bills.iter_mut().filter(|bill| !bill.settled) {
            if let Some(images) = bill.task.as_deref().and_then(&mut delivered) {
                bill.images = images;
                bill.credits = bill.each.map(|each| credits(each, images));
                bill.settled = true;
            }
        }
    }

    /// The caller has gone.
    pub(crate) fn left(&mut self, ordinal: u64) {
        for bill in self.bills.iter_mut().rev().filter(|bill| bill.ordinal == ordinal) {
            bill.answered = false;
        }
    }
}

impl Sum {
    fn add(&mut self, bill: &Bill) {
        self.images += u64::from(bill.images);
        self.credits = rounded(self.credits + bill.credits.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m19_what_is_forgotten_still_counts() {
        let mut ledger = Ledger::default();
        for ordinal in 0..BILLS as u64 + 5 {
            ledger.push(Bill {
                provider: String::new(),
                model: String::new(),
                key: None,
                images: 2,
                credits: Some(1.8),
                request: String::new(),
                at: Timestamp::UNIX_EPOCH,
                task: None,
                settled: true,
                answered: true,
                ordinal,
                each: None,
            });
        }
        assert_eq!(ledger.bills().count(), BILLS);
        assert_eq!(ledger.sum(), Sum { images: 20_010, credits: 18_009.0 });
    }
}
