//! Compares delivered, billed and requested images.

use crate::{ErrorKind, Generation, ImageFailure, Warning, WarningKind};

/// How many missing images are listed one by one.
const TOLD: u64 = 128;

/// Warns if the provider bills a different number of images than it delivered, or makes more than `most`.
/// A billed image that is not in the response is a failure too.
pub(super) fn reconcile(generation: &mut Generation, most: Option<u32>) {
    let delivered = generation.images().count() as u64;
    let made = generation.billed().unwrap_or(0).max(delivered);
    if let Some(most) = most.filter(|most| made > u64::from(*most)) {
        let message = format!("{made} images were made or billed, but at most {most} were requested");
        generation.warnings.push(Warning::new(WarningKind::Cost, None, message));
    }
    let Some(billed) = generation.billed().filter(|billed| *billed != delivered) else { return };
    let message = format!("{billed} images were billed, but {delivered} were delivered");
    if billed < delivered {
        generation.warnings.push(Warning::new(WarningKind::BilledFewer, None, message));
        return;
    }
    let told = generation.outcomes.len() as u64;
    let next = generation.outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(|f| f.index, |i| i.index)).max();
    let next = next.map_or(0, |last| last.saturating_add(1));
    let missing = billed.saturating_sub(told).min(TOLD);
    generation.outcomes.extend((next..).zip(0..missing).map(|(index, _)| {
        let message = "the image was billed, but is not in the response";
        Err(ImageFailure::new(index, ErrorKind::MalformedResponse, message))
    }));
    generation.warnings.push(Warning::new(WarningKind::BilledMore, None, message));
}
