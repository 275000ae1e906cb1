//! What a request says: its address, its key, its fields, the rules it breaks and the images it asks for.
//!
//! Nothing here writes a response.

pub(crate) mod address;
pub(crate) mod auth;
pub(crate) mod context;
pub(crate) mod fields;
pub(crate) mod generation_spec;
pub(crate) mod prompt_count;
pub(crate) mod references;
pub(crate) mod relay;
pub(crate) mod rewrite;
pub(crate) mod rules;
pub(crate) mod sizes;
pub(crate) mod violation;
