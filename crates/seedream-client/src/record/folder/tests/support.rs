//! What the tests of records write.

use std::{fs, path::Path};

use seedream_core::{
    Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, StoredError, Task, TaskId, Timestamp,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{Intent, Location, Outcome, RecordEntry, SavedImage};

pub(super) fn intent() -> Intent {
    Intent { begun_at: Timestamp::UNIX_EPOCH, ..Intent::new("job", "ark", "seedream-4-0".into()) }
}

pub(super) fn attempt(attempt: u32) -> Intent {
    Intent { attempt, ..intent() }
}

pub(super) fn url(index: u32, url: &str) -> GeneratedImage {
    GeneratedImage::new(index, ImageData::Url { url: url.into(), expires_at: None })
}

pub(super) fn generation(images: impl IntoIterator<Item = GeneratedImage>) -> Generation {
    let mut generation = Generation::new("seedream-4-0".into());
    generation.outcomes = images.into_iter().map(Ok).collect();
    generation
}

/// A response with all of its images.
pub(super) fn response(images: impl IntoIterator<Item = GeneratedImage>) -> RecordEntry {
    RecordEntry::Answered { generation: generation(images), whole: true, raw: None }
}

pub(super) fn answered(urls: &[&str]) -> RecordEntry {
    response((0..).zip(urls).map(|(index, at)| url(index, at)))
}

pub(super) const NOT_SENT: RecordEntry = RecordEntry::NotSent { error: None };

pub(super) fn report(kind: ErrorKind, charge: Charge) -> StoredError {
    StoredError::from(&Error::new(kind, "it went wrong").with_charge(charge))
}

pub(super) fn refused(charge: Charge) -> RecordEntry {
    RecordEntry::Refused { error: report(ErrorKind::RateLimited, charge), charge }
}

pub(super) fn task() -> Task {
    Task::new("evolink", "https://a.example", TaskId::new("task-1").unwrap(), "seedream-4-0".into())
}

pub(super) fn image(index: u32, path: &str) -> RecordEntry {
    RecordEntry::Image { index, location: Location::File(path.into()), sha256: "00".repeat(32) }
}

pub(super) fn unknown() -> RecordEntry {
    let members = json!({"entry": "settled", "synced": "so it says", "cost": {"micros": 40_000, "unit": "USD"}});
    RecordEntry::Unknown(members.as_object().unwrap().clone())
}

/// An outcome of which nothing is known, which cost nothing.
pub(super) fn outcome() -> Outcome {
    Outcome {
        provider: "ark".into(),
        model: "seedream-4-0".into(),
        requested: Some(1),
        begun_at: Timestamp::UNIX_EPOCH,
        ..Outcome::new("job", 1)
    }
}

/// An outcome of which it is not known what it cost, so that its record stays.
pub(super) fn unclear() -> Outcome {
    let error = Some(report(ErrorKind::Transport, Charge::Unknown));
    Outcome { charge: Charge::Unknown, error, ..outcome() }
}

pub(super) fn ended(outcome: Outcome) -> RecordEntry {
    RecordEntry::Ended { outcome: Box::new(outcome) }
}

/// An image that is in a file.
pub(super) fn saved(index: u32, path: &Path) -> SavedImage {
    let bytes = fs::read(path).unwrap_or_default();
    SavedImage {
        index,
        location: crate::Location::File(path.into()),
        url: None,
        expires_at: None,
        other: serde_json::Map::new(),
        width: None,
        height: None,
        media_type: "image/png".into(),
        bytes: bytes.len() as u64,
        sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        warnings: Vec::new(),
    }
}

/// A record of every kind of entry, as it might come about.
pub(super) fn every_kind() -> Vec<RecordEntry> {
    let mut error = report(ErrorKind::Server, Charge::Unknown);
    (error.status, error.task) = (Some(502), Some(task()));
    let failure = ImageFailure::new(3, ErrorKind::Transport, "it broke off").with_url("https://a.example/3.png", None);
    let mut whole = generation([
        url(0, "https://a.example/0.png?signature=\"é\"\n"),
        GeneratedImage::new(1, ImageData::Bytes(b"\x89PNG"[..].into())),
        GeneratedImage::new(
            2,
            ImageData::Incomplete {
                data: Box::new(ImageData::File("/out/unsaved-2.png".into())),
                reason: "cut".into(),
            },
        ),
    ]);
    whole.outcomes.push(Err(failure.clone()));
    let mut outcome = unclear();
    (outcome.images, outcome.failures) = (vec![saved(0, Path::new("/out/ark-0.png"))], vec![failure]);
    outcome.sidecar = Some(Location::Url("https://mine.example/ark-0.json".into()));
    vec![
        RecordEntry::Intent(Intent { request: json!({"prompt": "a lighthouse", "n": 4}), ..intent() }),
        NOT_SENT,
        RecordEntry::Intent(attempt(2)),
        RecordEntry::NotSent { error: Some(report(ErrorKind::Transport, Charge::No)) },
        RecordEntry::Intent(attempt(3)),
        refused(Charge::No),
        RecordEntry::Intent(attempt(4)),
        RecordEntry::Accepted { task: task() },
        RecordEntry::Answered { generation: generation([url(0, "https://a.example/0.png")]), whole: false, raw: None },
        RecordEntry::Answered { generation: whole, whole: true, raw: Some("{\"data\":[\"\u{0}\\n\"]}\n".into()) },
        image(0, "/out/ark-0.png"),
        RecordEntry::Image {
            index: 1,
            location: Location::Url("https://mine.example/1".into()),
            sha256: "11".repeat(32),
        },
        unknown(),
        RecordEntry::Refused { error, charge: Charge::Unknown },
        ended(outcome),
    ]
}
