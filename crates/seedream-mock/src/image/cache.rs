//! The images that were fetched last, within a budget of bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::image::test_image::TestImage;

/// A small cache: clients that download twice, or read `b64_json` and the URL, do not pay for the rendering twice.
pub(crate) struct ImageCache {
    budget: usize,
    kept: Mutex<VecDeque<(TestImage, Bytes)>>,
}

impl ImageCache {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, kept: Mutex::default() }
    }

    /// The image's file, rendered if it is not kept.
    pub(crate) fn render(&self, image: &TestImage) -> Bytes {
        if let Some(bytes) = self.get(image) {
            return bytes;
        }
        let bytes = image.render();
        self.keep(image.clone(), bytes.clone());
        bytes
    }

    fn get(&self, image: &TestImage) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == image).map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, image: TestImage, bytes: Bytes) {
        if bytes.len() > self.budget {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((image, bytes));
        let mut used = 0;
        let fits = kept.iter().take_while(|(_, bytes)| {
            used += bytes.len();
            used <= self.budget
        });
        let fits = fits.count();
        kept.truncate(fits);
    }
}

impl std::fmt::Debug for ImageCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::test_image::ImageFormat;

    #[test]
    fn the_budget_holds() {
        let cache = ImageCache::new(3_000);
        for key in 0..50 {
            let (provider, caption) = (String::new(), String::new());
            let image = TestImage {
                provider,
                key,
                index: 0,
                width: 64,
                height: 64,
                format: ImageFormat::Png,
                mark: false,
                caption,
            };
            assert_eq!(cache.render(&image), image.render());
        }
        let kept = cache.kept.lock().unwrap();
        assert!(!kept.is_empty());
        assert!(kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= 3_000);
    }
}
