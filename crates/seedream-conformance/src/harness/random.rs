//! Random numbers that are the same in every run (splitmix64).

/// A seeded generator.
pub(crate) struct Rng(u64);

/// A generator for a name and a round.
pub(crate) fn seeded(name: &str, round: u64) -> Rng {
    // FNV-1a: the same on every machine, unlike the hashes of the standard library.
    let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Rng(name.bytes().fold(0xcbf2_9ce4_8422_2325, hash) ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A number from 0 up to, but not, `end`; 0 where there is none.
pub(crate) fn below(random: &mut Rng, end: usize) -> usize {
    random.0 = random.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = random.0;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) % (end.max(1) as u64)).unwrap_or(0)
}
