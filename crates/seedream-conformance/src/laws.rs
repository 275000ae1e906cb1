//! The laws.

pub(crate) mod claims;
pub(crate) mod crooked;
pub(crate) mod decode;
pub(crate) mod dropped;
pub(crate) mod encode;
pub(crate) mod money;
pub(crate) mod parity;
pub(crate) mod preflight;
pub(crate) mod secrecy;
pub(crate) mod stream;
pub(crate) mod tasks;
pub(crate) mod unread;
pub(crate) mod weather;
