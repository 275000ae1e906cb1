//! The jobs of a client.

use std::sync::Arc;

use seedream_core::ImageRequest;

use super::client_struct::Client;
use crate::job::Job;

impl Client {
    /// A job: the request with a record before each POST, its images saved, one outcome. See [`Job`].
    pub fn job(&self, request: ImageRequest) -> Job {
        Job::new(Arc::new(self.clone()), request)
    }

    /// A job that continues the record of one that did not end: it collects what was bought, and never sends a POST. `record` is
    /// the id that the store knows it by; of a [`FolderStore`](crate::FolderStore) the path of the file.
    pub fn resume(&self, record: &str) -> Job {
        Job::resumed(Arc::new(self.clone()), record)
    }
}
