//! A mock of its own, and clients that speak to it.

use std::{sync::Arc, time::Duration};

use seedream::seedream_core::{Dialect, Policy};
use seedream::{Client, Strictness, dialects};
use seedream_mock::{Clock, JournalEntry, MockServer};

/// A mock of its own.
pub(crate) struct Desk(MockServer);

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::of(MockServer::builder().estimated_seconds(0).start().await.unwrap())
    }

    pub(crate) fn of(mock: MockServer) -> Self {
        Self(mock)
    }

    /// The mock's clock.
    pub(crate) fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// A client of a provider, in a session of its own.
    pub(crate) fn client(&self, dialect: &Arc<dyn Dialect>) -> Client {
        self.with(dialect, Strictness::Strict, "sk-any")
    }

    pub(crate) fn with(&self, dialect: &Arc<dyn Dialect>, strictness: Strictness, key: &str) -> Client {
        let mut policy = Policy::default();
        policy.pace.shortest = Duration::from_millis(1);
        let base = self.0.base_url(&dialect.descriptor().id).unwrap();
        let builder = Client::builder(dialect.clone()).base_url(base).key(key.to_owned());
        builder.policy(policy).strictness(strictness).build().unwrap()
    }

    /// What has reached the mock.
    pub(crate) fn journal(&self) -> Vec<JournalEntry> {
        self.0.journal()
    }

    /// How many purchases have reached the mock.
    pub(crate) fn posts(&self) -> usize {
        self.journal().iter().filter(|entry| entry.method == "POST").count()
    }
}

/// The dialect of that id.
pub(crate) fn dialect(id: &str) -> Arc<dyn Dialect> {
    dialects().into_iter().find(|dialect| dialect.descriptor().id == id).unwrap()
}
