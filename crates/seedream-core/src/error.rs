//! The error type: what failed, and whether the request may have been billed.
//!
//! This module is independent of any provider. The constructors remove keys, signed queries and image bytes from messages.

mod attempt;
mod error_struct;
mod kind;
mod or_no_images;
mod redact;
mod stored_error;

pub use attempt::Attempt;
pub use error_struct::{Error, Result};
pub(crate) use kind::members as kind_members;
pub use kind::{Charge, ErrorKind, Medium, Stage, charge_of};
pub use redact::redact;
pub(crate) use redact::told;
pub use stored_error::StoredError;
