//! One reader each.

pub mod coding;
pub mod decode;
pub mod image_end;
pub mod json;
pub mod lift;
pub mod mock;
pub mod sse;
pub mod stream;
