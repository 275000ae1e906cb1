//! JSON values: members by dotted path, objects that keep their order, and differences between two values.
//!
//! Nothing here knows a request, a response or a provider.

pub(crate) mod diff;
pub(crate) mod ordered;
pub(crate) mod path;
