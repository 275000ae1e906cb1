//! Entries, as a client writes them.

use std::path::Path;

use seedream_client::{Intent, Location, Outcome, RecordEntry};
use seedream_core::{
    Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, StoredError, Task, TaskId, Timestamp,
};
use serde_json::json;

pub(crate) fn intent(job: &str) -> Intent {
    let mut intent = Intent::new(job, "ark", "seedream-4-0".into());
    (intent.begun_at, intent.is_named) = (Timestamp::UNIX_EPOCH, true);
    intent
}

pub(crate) fn attempt(job: &str, number: u32) -> Intent {
    let mut intent = intent(job);
    intent.attempt = number;
    intent
}

pub(crate) fn job(job: &str, purchase: u32) -> Intent {
    let mut intent = intent(job);
    intent.purchase = purchase;
    intent
}

pub(crate) fn task() -> Task {
    Task::new("ark", "https://a.example", TaskId::new("task-1").unwrap(), "seedream-4-0".into())
}

pub(crate) fn refused(charge: Charge) -> RecordEntry {
    let error = Error::new(ErrorKind::RateLimited, "it went wrong").with_charge(charge);
    RecordEntry::Refused { error: StoredError::from(&error), charge }
}

fn one(data: ImageData, whole: bool) -> RecordEntry {
    let mut generation = Generation::new("seedream-4-0".into());
    generation.outcomes = vec![Ok(GeneratedImage::new(0, data))];
    if whole {
        generation.usage.generated_images = Some(1);
    }
    RecordEntry::Answered { generation, whole, raw: None }
}

pub(crate) fn answered(url: &str, whole: bool) -> RecordEntry {
    one(ImageData::Url { url: url.into(), expires_at: None }, whole)
}

pub(crate) fn in_file(path: &Path) -> RecordEntry {
    one(ImageData::File(path.into()), true)
}

pub(crate) fn image(folder: &Path) -> RecordEntry {
    RecordEntry::Image { index: 0, location: Location::File(folder.join("ark-0.png")), sha256: "00".repeat(32) }
}

pub(crate) fn unknown_kind() -> RecordEntry {
    let members = json!({"entry": "settled", "cost": {"micros": 40_000, "unit": "USD"}});
    RecordEntry::Unknown(members.as_object().unwrap().clone())
}

/// The end of a job that delivered so many images, all of them saved.
pub(crate) fn ended(job: &str, charge: Charge, images: u32) -> RecordEntry {
    let saved = |index| {
        json!({"index": index, "file": "ark-0.png", "url": null, "expires_at": null, "width": null, "height": null,
        "media_type": "image/png", "bytes": 1, "sha256": "00", "warnings": []})
    };
    let outcome = json!({
        "job": job, "purchase": 1, "provider": "ark", "endpoint": "", "model": "seedream-4-0", "reported_model": null,
        "created": null, "request_id": null, "requested": 1, "delivered": images, "billed": images, "charge": charge, "usage": {},
        "images": (0..images).map(saved).collect::<Vec<_>>(), "failures": [], "warnings": [], "task": null, "attempts": [],
        "error": null, "record": null, "sidecar": {"file": "ark-0.json"}, "begun_at": "2026-11-29T00:00:00Z", "elapsed_ms": 1
    });
    let outcome: Outcome = serde_json::from_value(outcome).unwrap();
    RecordEntry::Ended { outcome: Box::new(outcome) }
}
