//! The random numbers of a client.

use std::sync::{Mutex, PoisonError};

use http::HeaderValue;

/// Where the random numbers of a client come from.
#[derive(Debug)]
pub(super) struct RandomSource(Mutex<fastrand::Rng>);

impl RandomSource {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)))
    }

    /// The seed of one operation's jitter.
    pub(super) fn next(&self) -> u64 {
        // A generator of random numbers is not harmed by a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    /// The id of one operation, in the form of a random UUID.
    pub(super) fn request_id(&self) -> HeaderValue {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let (a, b) = (self.next(), self.next());
        let (a, b) = (a & !0xf000 | 0x4000, b & !(0xc000 << 48) | 0x8000 << 48);
        let mut id = [b'-'; 36];
        let places = (0..36).filter(|at| ![8, 13, 18, 23].contains(at));
        for (digit, at) in places.enumerate() {
            let half = if digit < 16 { a } else { b };
            id[at] = DIGITS[(half >> (60 - digit % 16 * 4) & 0xf) as usize];
        }
        HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_random_uuid() {
        for seed in 0..100 {
            let id = RandomSource::new(Some(seed)).request_id();
            let mut random = fastrand::Rng::with_seed(seed);
            let (a, b) = (random.u64(..), random.u64(..));
            let (version, variant) = (0x4000 | (a & 0xfff), 0x8000 | (b >> 48 & 0x3fff));
            let (first, second, last) = (a >> 32, a >> 16 & 0xffff, b & 0xffff_ffff_ffff);
            assert_eq!(id, format!("{first:08x}-{second:04x}-{version:04x}-{variant:04x}-{last:012x}"));
        }
    }
}
