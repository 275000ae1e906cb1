//! What fixtures show, as the types of the core crate: requests, responses, what a response is expected to mean.
//!
//! No law stands here, and nothing is sent.

pub(crate) mod decoded;
pub(crate) mod documented;
pub(crate) mod exchange;
pub(crate) mod leaves;
pub(crate) mod task_id;
