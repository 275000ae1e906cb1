//! One file an endpoint: the response of a provider's route, of an image URL, or of the admin API.
//!
//! An endpoint reads the request context and the services, and returns a response. It opens no socket, applies no network
//! fault and writes no journal entry.

pub(crate) mod admin;
pub(crate) mod callbacks;
pub(crate) mod credits;
pub(crate) mod exchange_index;
pub(crate) mod generate;
pub(crate) mod images;
pub(crate) mod models;
pub(crate) mod ranges;
pub(crate) mod recorded;
pub(crate) mod recording_index;
pub(crate) mod relay;
pub(crate) mod replay;
pub(crate) mod replayed_bill;
pub(crate) mod tasks;
