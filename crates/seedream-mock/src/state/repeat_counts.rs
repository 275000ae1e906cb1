//! How often a session was asked the same: the n-th of equal requests gets images of its own.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::hash::MixHasher;

/// Of how many different requests the count is certain to be kept.
const MOST: usize = 1000;

/// About how many bytes one count takes.
const COUNT: usize = 32;

/// The counts of the requests that came last, by their hashes. There are two ages of them: where the younger is full it
/// becomes the older, which is dropped, so that memory is bounded and repeated requests stay.
#[derive(Debug, Default)]
pub(crate) struct RepeatCounts {
    young: HashMap<u64, u32, BuildHasherDefault<MixHasher>>,
    old: HashMap<u64, u32, BuildHasherDefault<MixHasher>>,
}

impl RepeatCounts {
    /// Counts a request: 1 for the first of its kind, and for one whose count was dropped.
    pub(crate) fn next(&mut self, request: u64) -> u32 {
        if let Some(count) = self.young.get_mut(&request) {
            *count = count.saturating_add(1);
            return *count;
        }
        let count = self.old.remove(&request).map_or(1, |count| count.saturating_add(1));
        if self.young.len() == MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(request, count);
        count
    }

    /// About how much it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        COUNT * (self.young.len() + self.old.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_requests_are_counted_in_bounded_memory() {
        let mut repeats = RepeatCounts::default();
        for request in 1..=100_000 {
            assert_eq!(repeats.next(request), 1);
            if request % 100 == 0 {
                assert_eq!(u64::from(repeats.next(0)), request / 100, "asked again and again");
            }
        }
        assert!(repeats.bytes() <= 2 * MOST * COUNT);
        assert_eq!(repeats.next(100_001 - MOST as u64 / 2), 2, "one of the last");
        assert_eq!(repeats.next(1), 1, "long forgotten");
    }
}
