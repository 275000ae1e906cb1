//! The times that a request was sent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stored;

/// One time that a request was sent, or was tried to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it ended, measured from the start of the operation, in whole milliseconds.
    #[serde(rename = "after_ms", with = "stored::millis")]
    pub after: Duration,
    /// The base URL that was tried; empty where nothing was sent.
    #[serde(default)]
    pub place: String,
    /// How it ended, in a few words.
    pub outcome: String,
}

impl Attempt {
    /// An attempt that has ended.
    pub fn new(number: u32, after: Duration, place: impl Into<String>, outcome: impl Into<String>) -> Self {
        let after = Duration::from_millis(stored::whole_millis(after));
        Self { number, after, place: place.into(), outcome: outcome.into() }
    }
}
