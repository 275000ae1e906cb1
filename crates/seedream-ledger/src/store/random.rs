//! Numbers that name things.

/// A number that no other process chooses.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    // The standard library seeds each of these from the system.
    RandomState::new().build_hasher().finish()
}
