//! What a job ends with.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use seedream_core::{Attempt, Charge, ErrorReport, ImageFailure, Task, Timestamp, Usage, Warning};
use serde::{Deserialize, Serialize};

use crate::SavedImage;

/// Where something was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// Behind a URL of the output's own.
    Url(String),
}

impl Location {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(&seedream_core::redact(url)),
        }
    }
}

/// What one purchase of a job brought and cost. Every member is always there; what is not known is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The id of the job.
    pub job: String,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// The provider that served it, or that was asked last.
    pub provider: String,
    /// Its base URL; empty where nothing was sent.
    pub endpoint: String,
    /// The model id that was sent.
    pub model: String,
    /// The model that the provider says it used.
    pub reported_model: Option<String>,
    /// When the provider says it made the images.
    pub created: Option<Timestamp>,
    /// The id to quote to the provider.
    pub request_id: Option<String>,
    /// How many images were asked for; `None` where the model chooses, and where only a task is known.
    pub requested: Option<u32>,
    /// How many images the provider delivered, saved or not.
    pub delivered: u32,
    /// How many images the provider says it bills.
    pub billed: Option<u64>,
    /// Whether it cost something.
    pub charge: Charge,
    /// What the response says about cost.
    pub usage: Usage,
    /// The images that were saved, in the order of the response.
    pub images: Vec<SavedImage>,
    /// The images that were not made, and those that were made and not saved: these keep their URL.
    pub failures: Vec<ImageFailure>,
    /// What happened differently from what was asked.
    pub warnings: Vec<Warning>,
    /// The task that was accepted.
    pub task: Option<Task>,
    /// Each time that the request was sent, or was tried to be.
    pub attempts: Vec<Attempt>,
    /// Why it failed, where it did.
    pub error: Option<ErrorReport>,
    /// The record, where something is left to be collected or to be looked into.
    pub record: Option<String>,
    /// The metadata beside the images.
    pub sidecar: Option<Location>,
    /// When it began.
    pub begun_at: Timestamp,
    /// How long it took.
    pub elapsed_ms: u64,
}
