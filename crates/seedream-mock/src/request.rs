//! What a request says: its address, its key, its fields, the rules it breaks and the images it asks for.
//!
//! Nothing here writes a response.

pub(crate) mod address;
pub(crate) mod amount;
pub(crate) mod auth;
pub(crate) mod context;
pub(crate) mod fields;
pub(crate) mod gateway_rewrite;
pub(crate) mod generation_spec;
pub(crate) mod prompt_count;
pub(crate) mod references;
pub(crate) mod relay_losses;
pub(crate) mod sizes;
pub(crate) mod validate;
pub(crate) mod violation;
