//! The facts of one provider.

use seedream_fixtures::{FixtureLibrary, ProviderFacts, RecordedExchange};

/// The facts that something is held against.
#[derive(Clone, Copy, Debug)]
pub struct DriftFacts<'a> {
    pub(super) provider: &'a ProviderFacts,
    library: &'a FixtureLibrary,
}

impl<'a> DriftFacts<'a> {
    /// The facts of a provider in a library; `None` where it has none.
    pub fn of(library: &'a FixtureLibrary, provider: &str) -> Option<Self> {
        Some(Self { provider: library.provider(provider)?, library })
    }

    /// The facts of the provider that has this base URL.
    pub fn at(library: &'a FixtureLibrary, base_url: &str) -> Option<Self> {
        let has = |provider: &&ProviderFacts| provider.base_urls.iter().any(|known| known == base_url);
        Some(Self { provider: library.providers().iter().find(has)?, library })
    }

    /// The provider's id.
    pub fn provider(&self) -> &'a str {
        &self.provider.id
    }

    pub(super) fn exchanges(&self) -> impl Iterator<Item = &'a RecordedExchange> {
        let id = self.provider();
        self.library.exchanges().iter().filter(move |exchange| exchange.provider() == id)
    }
}
