//! What a job ends with.

use std::fmt;

use seedream_core::{
    Attempt, Charge, Error, ErrorKind, Generation, ImageFailure, StoredError, Task, Timestamp, Usage, Warning,
};
use serde::{Deserialize, Serialize};

use crate::output::{Location, SavedImage};

/// The result and the cost of one purchase of a job. Every member is always there; what is unknown is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The id of the job.
    pub job: String,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// The provider that served it, or that was tried last.
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
    /// How many images were requested; `None` where the model chooses, and where only a task is known.
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
    /// What differs from the request.
    pub warnings: Vec<Warning>,
    /// The task that was accepted.
    pub task: Option<Task>,
    /// Each time that the request was sent, or was tried to be.
    pub attempts: Vec<Attempt>,
    /// Why it failed, where it did.
    pub error: Option<StoredError>,
    /// The record, where something is left to be collected or to be looked into.
    pub record: Option<String>,
    /// The metadata beside the images.
    pub sidecar: Option<Location>,
    /// When it began.
    pub begun_at: Timestamp,
    /// How long it took.
    pub elapsed_ms: u64,
    /// The response itself: the images of a job without an output are here.
    #[serde(skip)]
    pub generation: Option<Generation>,
}

impl Outcome {
    /// An outcome of which nothing is known yet.
    pub(crate) fn new(job: impl Into<String>, purchase: u32) -> Self {
        Self {
            job: job.into(),
            purchase,
            provider: String::new(),
            endpoint: String::new(),
            model: String::new(),
            reported_model: None,
            created: None,
            request_id: None,
            requested: None,
            delivered: 0,
            billed: None,
            charge: Charge::No,
            usage: Usage::default(),
            images: Vec::new(),
            failures: Vec::new(),
            warnings: Vec::new(),
            task: None,
            attempts: Vec::new(),
            error: None,
            record: None,
            sidecar: None,
            begun_at: Timestamp::now(),
            elapsed_ms: 0,
            generation: None,
        }
    }

    /// The images that were saved.
    pub fn into_images(self) -> Vec<SavedImage> {
        self.images
    }

    /// The outcome, where all images came that were requested and nothing failed.
    ///
    /// # Errors
    /// An error that keeps the outcome: its images are saved, and its charge is the outcome's.
    pub fn require_all(self) -> Result<Self, JobError> {
        let failed = self.failures.first();
        let requested = self.requested.unwrap_or(0);
        if failed.is_none() && self.delivered >= requested {
            return Ok(self);
        }
        let kind = failed.map_or(ErrorKind::NoImages, |failure| failure.kind);
        let why = failed.map(|failure| format!(": {}", failure.message)).unwrap_or_default();
        let message = match self.requested {
            Some(requested) => format!("{} of {requested} images were delivered{why}", self.delivered),
            None => format!("{} images were delivered, and not all were made or saved{why}", self.delivered),
        };
        let error = Error::new(kind, message).with_charge(self.charge).with_provider(self.provider.clone());
        Err(JobError::of(error, self))
    }

    /// Whether images that were made are missing, and still have a URL.
    pub fn is_incomplete(&self) -> bool {
        self.failures.iter().any(|failure| failure.url.is_some())
    }
}

/// Why a job has no image, with the outcome as far as it is known.
#[derive(Debug)]
pub struct JobError {
    error: Error,
    outcome: Box<Outcome>,
}

impl JobError {
    pub(crate) fn with(error: Error, mut outcome: Outcome) -> Self {
        outcome.error = Some(StoredError::from(&error));
        Self { error, outcome: Box::new(outcome) }
    }

    /// An error with an outcome that says all there is.
    pub(crate) fn of(error: Error, outcome: Outcome) -> Self {
        Self { error, outcome: Box::new(outcome) }
    }

    /// An error of a job of which nothing else is known.
    pub(crate) fn new(error: Error, job: &str) -> Self {
        let mut outcome = Outcome::new(job, 1);
        outcome.charge = error.charge();
        Self::with(error, outcome)
    }

    /// The error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// What is known of the job: its charge, its record, its task.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Both.
    pub fn into_parts(self) -> (Error, Outcome) {
        (self.error, *self.outcome)
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl From<Error> for JobError {
    /// An error of a job of which nothing else is known.
    fn from(error: Error) -> Self {
        Self::new(error, "")
    }
}

impl From<JobError> for Error {
    fn from(error: JobError) -> Self {
        error.error
    }
}

#[cfg(test)]
mod tests;
