//! Collects the images and failures of one response, each image once.

use std::collections::{HashMap, HashSet};

use seedream_core::{GeneratedImage, Generation, ImageData, ImageFailure, Warning, WarningKind};
use serde_json::Value;

use crate::{
    find_images,
    image::Context,
    warnings::{in_doubt, repeated, undocumented},
};

/// The most outcomes of one response, and the most including images.
pub(crate) const MOST: usize = 1024;
const MOST_IMAGES: usize = 8192;

/// Collects outcomes, each image once.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub outcomes: Vec<Result<GeneratedImage, ImageFailure>>,
    seen: Seen,
    /// The indices of earlier images.
    repeated: Vec<usize>,
    undocumented: Vec<String>,
    unread: bool,
    left_out: usize,
}

impl Collected {
    /// Decodes one item.
    pub(crate) fn add(&mut self, context: &Context<'_>, item: &Value) {
        // Items without an image must not displace images.
        if self.outcomes.len() >= MOST && !(find_images::holds_image(item) && self.outcomes.len() < MOST_IMAGES) {
            self.left_out += 1;
            return;
        }
        let index = u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX);
        let item = context.item(index, item);
        self.unread |= item.unread;
        self.undocumented.extend(item.undocumented.map(|name| format!("`{name}`")));
        for outcome in item.outcomes {
            let is_new = outcome.as_ref().map_or(true, |image| self.seen.is_new(&image.data));
            if !is_new {
                self.repeated.push(self.outcomes.len());
            }
            self.outcomes.push(outcome);
        }
    }

    /// Removes repeated images, unless they are billed too: some pages print one URL for every image.
    fn without_repeated(&mut self, billed: Option<u64>) -> usize {
        let images = self.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
        if self.repeated.is_empty() || billed.is_some_and(|billed| billed >= images) {
            return 0;
        }
        let mut at = 0;
        self.outcomes.retain(|_| {
            at += 1;
            self.repeated.binary_search(&(at - 1)).is_err()
        });
        self.repeated.len()
    }

    /// Records an undocumented location of the items.
    pub(crate) fn stands_in(&mut self, place: Option<String>) {
        self.undocumented.splice(0..0, place);
    }

    /// Moves everything into a generation. `exact`: whether the response was neither truncated nor repaired.
    pub(crate) fn fill(mut self, generation: &mut Generation, exact: bool) {
        if let Some(place) = self.undocumented.first() {
            generation.warnings.push(undocumented(place));
        }
        let again = self.without_repeated(generation.billed());
        if again > 0 {
            generation.warnings.push(repeated(again));
        }
        for (index, outcome) in (0..).zip(&mut self.outcomes) {
            match outcome {
                Ok(image) => image.index = index,
                Err(failure) => failure.index = index,
            }
        }
        if self.left_out > 0 {
            let message =
                format!("{} items after the first {MOST} were omitted; the raw response has them", self.left_out);
            generation.warnings.push(Warning::new(WarningKind::Unreadable, None, message));
        }
        generation.outcomes = self.outcomes;
        in_doubt(generation, exact && !self.unread && self.left_out == 0);
    }
}

/// The images so far, to detect repeated ones.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The first, which most responses have no other to compare with.
    first: Option<ImageData>,
    /// Whether the first is among those below.
    several: bool,
    urls: HashSet<String>,
    /// Inline images, by length: most differ in length.
    others: HashMap<usize, Vec<ImageData>>,
}

impl Seen {
    /// Adds an image; returns whether it is new.
    pub(crate) fn is_new(&mut self, data: &ImageData) -> bool {
        let Some(first) = &self.first else {
            self.first = Some(data.clone());
            return true;
        };
        if !std::mem::replace(&mut self.several, true) {
            let first = first.clone();
            self.insert(&first);
        }
        self.insert(data)
    }

    fn insert(&mut self, data: &ImageData) -> bool {
        let length = match data {
            // Examples in documentation shorten URLs, so that all are equal.
            ImageData::Url { url, .. } if url.contains("...") || url.contains('…') => return true,
            ImageData::Url { url, .. } => return self.urls.insert(url.clone()),
            ImageData::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        let same = self.others.entry(length).or_default();
        let is_new = !same.contains(data);
        if is_new {
            same.push(data.clone());
        }
        is_new
    }
}
