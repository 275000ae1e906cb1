//! Random numbers that are the same in every run.

pub(crate) use fastrand::Rng;

/// A generator for a name and a round.
pub(crate) fn seeded(name: &str, round: u64) -> Rng {
    // FNV-1a: the same on every machine, unlike the hashes of the standard library.
    let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Rng::with_seed(name.bytes().fold(0xcbf2_9ce4_8422_2325, hash) ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A number from 0 up to, but not, `end`; 0 where there is none.
pub(crate) fn below(random: &mut Rng, end: usize) -> usize {
    // A `u64` is drawn alike on every machine, a `usize` is not.
    usize::try_from(random.u64(..end.max(1) as u64)).unwrap_or(0)
}
