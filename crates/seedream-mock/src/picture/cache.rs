//! The pictures that were fetched last, within a budget of bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::Picture;

/// A small cache: clients that download twice, or read `b64_json` and the URL, do not pay for the rendering twice.
pub(crate) struct Cache {
    budget: usize,
    kept: Mutex<VecDeque<(Picture, Bytes)>>,
}

impl Cache {
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, kept: Mutex::default() }
    }

    /// The picture's file, rendered if it is not kept.
    pub(crate) fn render(&self, picture: &Picture) -> Bytes {
        if let Some(bytes) = self.get(picture) {
            return bytes;
        }
        let bytes = picture.render();
        self.keep(picture.clone(), bytes.clone());
        bytes
    }

    fn get(&self, picture: &Picture) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == picture).map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, picture: Picture, bytes: Bytes) {
        if bytes.len() > self.budget {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((picture, bytes));
        let mut used = 0;
        let fits = kept.iter().take_while(|(_, bytes)| {
            used += bytes.len();
            used <= self.budget
        });
        let fits = fits.count();
        kept.truncate(fits);
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Format;

    #[test]
    fn the_budget_holds() {
        let cache = Cache::new(3_000);
        for key in 0..50 {
            let (provider, caption) = (String::new(), String::new());
            let picture =
                Picture { provider, key, index: 0, width: 64, height: 64, format: Format::Png, mark: false, caption };
            assert_eq!(cache.render(&picture), picture.render());
        }
        let kept = cache.kept.lock().unwrap();
        assert!(!kept.is_empty());
        assert!(kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= 3_000);
    }
}
