//! The client: a dialect with its endpoints, key, transport and policy.
//!
//! [`client_struct`] is the client and what its clones share; the other files give it its methods. Nothing here waits, retries or
//! polls: that is the driver's.

mod builder;
mod client_struct;
mod collect_task;
mod fetch_and_save;
mod image_provider;
mod model_list;
mod new_job;
mod new_sender;
mod random_source;

pub use self::{builder::ClientBuilder, client_struct::Client};
