//! Image formats: which one a file has, by its first bytes, and whether it is complete, as the format itself says.
//!
//! The framing of a response says nothing of that: a source that was cut is delivered with a correct length. Bytes after the
//! end are allowed, and a format that is not known here is not checked.

mod avif_heif;
mod end_check;
mod gif;
mod jpeg;
mod png;
pub(crate) mod signature;
mod split_field;
#[cfg(test)]
mod tests;

pub(crate) use self::end_check::{Completeness, ImageEndCheck};
