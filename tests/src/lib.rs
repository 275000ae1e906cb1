//! Laws that span the crates: see `tests/`. The example of the README is compiled here.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
