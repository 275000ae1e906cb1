//! Records of purchases: what a store is given before and after each POST, so that another process can continue.
//!
//! [`store`] is what an embedder can implement, [`folder`] the store in a folder. Nothing here sends a request.

mod entry;
pub(crate) mod folder;
mod history;
mod store;
mod store_refusal;

pub use self::{
    entry::{Intent, RecordEntry},
    folder::{FolderStore, Resumable},
    history::History,
    store::{JobRecord, JobStore, NoStore},
    store_refusal::Refusal,
};
