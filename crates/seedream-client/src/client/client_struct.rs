//! The client, and what its clones share.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use http::HeaderValue;
use seedream_core::{Capabilities, Dialect, Overrides, Policy, Strictness, Warning};

use super::random_source::RandomSource;
use crate::{
    disk::Spool,
    download::Downloader,
    driver::PollPacer,
    endpoint::{self, Endpoint},
    transport::Transport,
};

/// A provider that can be used: any [`Dialect`] with its endpoint, its key and a [`Transport`].
///
/// Cheap to clone; clones share connections. Its `Debug` shows no key.
#[derive(Clone)]
pub struct Client(pub(super) Arc<ClientState>);

pub(super) struct ClientState {
    pub(super) dialect: Arc<dyn Dialect>,
    /// The endpoint and its mirrors; never empty.
    pub(super) endpoints: Arc<[Endpoint]>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) policy: Policy,
    pub(super) strictness: Strictness,
    pub(super) overrides: Option<Overrides>,
    pub(super) rules: Mutex<Option<Arc<Capabilities>>>,
    pub(super) user_agent: HeaderValue,
    pub(super) max_response: u64,
    pub(super) max_text: u64,
    pub(super) spool: Spool,
    pub(super) pacer: Arc<PollPacer>,
    pub(super) random: RandomSource,
    pub(super) downloader: Downloader,
}

impl Client {
    /// The dialect that it speaks.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.0.dialect
    }

    /// Where it sends to, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.endpoint().base_url()
    }

    /// Where it goes when that cannot be reached.
    pub fn mirrors(&self) -> impl Iterator<Item = &str> {
        self.0.endpoints.iter().skip(1).map(Endpoint::base_url)
    }

    /// What was corrected in the base URLs and the key that were set. Every plan and every generation begins with these warnings.
    pub fn warnings(&self) -> Vec<Warning> {
        endpoint::warnings(&self.0.endpoints)
    }

    /// Its limits and waits.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// What fetches its images.
    pub fn downloader(&self) -> &Downloader {
        &self.0.downloader
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        // The builder puts one there.
        &self.0.endpoints[0]
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.0.dialect.descriptor().id)
            .field("endpoints", &self.0.endpoints)
            .field("transport", &self.0.transport)
            .field("policy", &self.0.policy)
            .field("strictness", &self.0.strictness)
            .finish_non_exhaustive()
    }
}
