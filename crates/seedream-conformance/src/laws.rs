//! The laws.

pub(crate) mod claims;
pub(crate) mod decode;
pub(crate) mod dropped;
pub(crate) mod encode;
pub(crate) mod preflight;
