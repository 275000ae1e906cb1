//! Whether what came is what is billed.

use crate::{ErrorKind, Generation, ImageFailure, Warning, WarningKind};

/// How many missing images are told one by one.
const TOLD: u64 = 128;

/// Tells of images that the provider bills and that are not in its response: a failure each, and one warning.
pub(super) fn reconcile(generation: &mut Generation) {
    let delivered = generation.images().count() as u64;
    let Some(billed) = generation.billed().filter(|billed| *billed > delivered) else { return };
    let told = generation.outcomes.len() as u64;
    let next = generation.outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(|f| f.index, |i| i.index)).max();
    let next = next.map_or(0, |last| last.saturating_add(1));
    let missing = billed.saturating_sub(told).min(TOLD);
    generation.outcomes.extend((next..).zip(0..missing).map(|(index, _)| {
        let message = "the image was billed and is not in the response";
        Err(ImageFailure::new(index, ErrorKind::MalformedResponse, message))
    }));
    let message = format!("{billed} images were billed and {delivered} were delivered");
    generation.warnings.push(Warning::new(WarningKind::BilledMore, None, message));
}
