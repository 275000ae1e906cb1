//! Attempts to send a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stored;

/// One attempt to send a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When the attempt ended, since the start of the operation, in whole milliseconds.
    #[serde(rename = "after_ms", with = "stored::millis")]
    pub after: Duration,
    /// The base URL of the endpoint; empty if nothing was sent.
    #[serde(default)]
    pub place: String,
    /// How the attempt ended, in a few words.
    pub outcome: String,
}

impl Attempt {
    /// Creates a finished attempt.
    pub fn new(number: u32, after: Duration, place: impl Into<String>, outcome: impl Into<String>) -> Self {
        let after = Duration::from_millis(stored::whole_millis(after));
        Self { number, after, place: place.into(), outcome: outcome.into() }
    }
}
