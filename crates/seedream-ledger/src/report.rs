//! What a ledger tells: jobs with their purchases and attempts, and what was spent.

use std::borrow::Cow;

use seedream_client::RecordEntry;
use seedream_core::{Amount, Charge};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::protocol::{LineState, Verdict};

fn state<S: Serializer>(state: &LineState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

fn verdict<S: Serializer>(verdict: &Option<Verdict>, serializer: S) -> Result<S::Ok, S::Error> {
    verdict.map(Verdict::as_str).serialize(serializer)
}

/// Which jobs are listed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobFilter {
    /// Those of this batch.
    pub batch: Option<String>,
    /// Those with a purchase in this state.
    pub state: Option<LineState>,
    /// Those after this one, by [`JobRow::id`]: the next page.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

impl Default for JobFilter {
    fn default() -> Self {
        Self { batch: None, state: None, after: 0, limit: 1_000 }
    }
}

impl JobFilter {
    /// Those of a batch.
    pub fn of_batch(batch: impl Into<String>) -> Self {
        Self { batch: Some(batch.into()), ..Self::default() }
    }

    /// Sets the state.
    #[must_use]
    pub fn state(mut self, state: LineState) -> Self {
        self.state = Some(state);
        self
    }

    /// Sets after which job the page begins, and how many it has at most.
    #[must_use]
    pub fn page(mut self, after: i64, limit: u32) -> Self {
        (self.after, self.limit) = (after, limit);
        self
    }
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobRow {
    /// Its number in the ledger.
    pub id: i64,
    /// Its id, as [`Job::id`](seedream_client::Job::id) has it.
    pub job: String,
    /// The batch; empty where it belongs to none.
    pub batch: String,
    /// Its key in the batch.
    pub key: String,
    /// Its place in the file, from 0.
    pub position: i64,
    /// Whether the file had it when the batch was last planned.
    pub is_listed: bool,
    /// The row as it was written.
    pub row: Value,
    /// Its purchases.
    pub purchases: Vec<PurchaseRow>,
}

/// A purchase of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PurchaseRow {
    /// Its number, from 1.
    pub number: u32,
    /// The id of its record, for [`JobStore::open`](seedream_client::JobStore::open) and `resolve`.
    pub record: String,
    /// Its state.
    #[serde(serialize_with = "state")]
    pub state: LineState,
    /// Whether a process works on it, as far as the ledger was told.
    pub is_held: bool,
    /// Until when something can be fetched, in seconds since 1970, where something is to be fetched.
    pub expires_at: Option<i64>,
    /// Its attempts.
    pub attempts: Vec<AttemptReport>,
}

/// An attempt of a purchase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttemptReport {
    /// Its number, from 1.
    pub number: u32,
    /// Its state.
    #[serde(serialize_with = "state")]
    pub state: LineState,
    /// Whether it was billed.
    pub charge: Charge,
    /// The most that it could cost.
    pub hold: Amount,
    /// What is held of the budget now.
    pub held: Amount,
    /// What it was billed.
    pub billed: Amount,
    /// What a person decided.
    #[serde(serialize_with = "verdict")]
    pub verdict: Option<Verdict>,
    /// Whether evidence contradicts that, or what was recorded before.
    pub is_conflict: bool,
    /// The provider; empty before it is sent.
    pub provider: String,
    /// The model id that was sent.
    pub model: String,
    /// The base URL.
    pub endpoint: String,
    /// When it began.
    pub begun_at: Option<String>,
    /// The most images that it could cost.
    pub most_images: u32,
    /// How many images the provider bills, where it says so.
    pub billed_images: Option<u32>,
    /// How many images came.
    pub delivered: u32,
}

/// Everything about a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: JobRow,
    /// What was recorded of each purchase, in its order.
    pub entries: Vec<Vec<RecordEntry>>,
}

/// What was spent by one provider with one model on one day, for attempts of one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SpendRow {
    /// The day in UTC, as `2026-11-29`.
    pub day: String,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The state of the attempts.
    #[serde(serialize_with = "state")]
    pub state: LineState,
    /// How many attempts.
    pub attempts: u64,
    /// What is held for them.
    pub held: Amount,
    /// What they were billed.
    pub billed: Amount,
    /// How many images came.
    pub delivered: u64,
    /// How many images the provider bills, as far as it says so.
    pub billed_images: u64,
    /// How these two compare.
    pub comparison: Comparison,
    /// How many of the attempts contradict what was recorded.
    pub conflicts: u64,
}

/// Images that were billed against images that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// As many.
    Match,
    /// More were billed than came.
    Over,
    /// Fewer were billed than came.
    Under,
    /// The provider does not say of all, or it is not known what was billed.
    Unknown,
}

impl Comparison {
    pub(crate) fn of(billed: u64, delivered: u64, is_known: bool) -> Self {
        match billed.cmp(&delivered) {
            _ if !is_known => Self::Unknown,
            std::cmp::Ordering::Equal => Self::Match,
            std::cmp::Ordering::Greater => Self::Over,
            std::cmp::Ordering::Less => Self::Under,
        }
    }
}

/// What could be read of a ledger that is damaged.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Salvage {
    /// What was recorded, with the id of the record; `None` where the ledger does not say any more which it was.
    pub entries: Vec<(Option<String>, RecordEntry)>,
    /// What cannot be read, in sentences.
    pub problems: Vec<String>,
}

pub(crate) fn amount(micros: i64, unit: &str) -> Amount {
    Amount { micros, unit: Cow::Owned(unit.to_owned()) }
}
