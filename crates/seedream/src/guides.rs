//! Tutorials and examples. Everything in them runs against the mock in the tests of this crate.

#[doc = include_str!("guides/cookbook.md")]
pub mod cookbook {}

#[doc = include_str!("guides/embed.md")]
pub mod embed {}

#[doc = include_str!("guides/money.md")]
pub mod money {}

#[doc = include_str!("guides/testing.md")]
pub mod testing {}
