//! Records of purchases: what a store is given before and after each POST, so that another process can continue.
//!
//! [`store`] is what an embedder can implement, [`folder`] the store in a folder. Nothing here sends a request.

mod entry;
pub(crate) mod folder;
mod history;
mod refusal;
mod store;

pub use self::{
    entry::{Intent, RecordEntry},
    folder::{FolderStore, Resumable},
    history::History,
    refusal::Refusal,
    store::{JobRecord, JobStore, NoStore},
};
