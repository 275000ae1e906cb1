//! What fixtures show, as the types of the core crate: requests, responses, what a response is expected to mean.
//!
//! No law stands here, and nothing is sent.

pub(crate) mod convert_exchange;
pub(crate) mod decoded_response;
pub(crate) mod documented_response;
pub(crate) mod json_leaves;
pub(crate) mod task_id_in_response;
