//! Jobs: one request of a user, from the record before its POST until its images are saved.

mod folder;
mod outcome;
mod record;

pub use self::{
    folder::FolderStore,
    outcome::{Location, Outcome},
    record::{Entry, History, Intent, JobRecord, JobStore, NoStore, Refusal, SendBefore},
};
