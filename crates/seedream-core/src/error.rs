//! The one error type: what went wrong, and whether money may be gone.
//!
//! Nothing here knows a provider. Messages are made free of keys, signed queries and image bytes where an error is made.

mod attempt;
mod error_type;
mod kind;
mod no_images;
mod redact;
mod report;

pub use attempt::Attempt;
pub use error_type::{Error, Result};
pub(crate) use kind::members as kind_members;
pub use kind::{Charge, ErrorKind, Medium, Stage, charge_of};
pub use redact::redact;
pub(crate) use redact::told;
pub use report::ErrorReport;
