//! Laws that span the crates: see `tests/`.
