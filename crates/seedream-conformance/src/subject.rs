//! What is judged, and the facts it is judged by.

mod operation_hooks;
mod unshown_claims;

use std::sync::Arc;

use seedream_core::Dialect;
use seedream_fixtures::{DocumentRule, FixtureLibrary, ProviderFacts, RecordedExchange, library, lint_library};

pub(crate) use operation_hooks::OperationHooks;

/// An adapter, and the facts of its provider.
#[derive(Clone, Debug)]
pub struct Subject {
    dialect: Arc<dyn Dialect>,
    facts: &'static Arc<FixtureLibrary>,
    hooks: OperationHooks,
    /// How many places of one response are cut at most.
    cuts: usize,
}

impl Subject {
    /// An adapter of a provider whose facts are embedded here.
    pub fn new(dialect: Arc<dyn Dialect>) -> Self {
        Self::with_facts(dialect, library())
    }

    /// An adapter with facts of its own, such as those of a folder.
    pub fn with_facts(dialect: Arc<dyn Dialect>, facts: &'static Arc<FixtureLibrary>) -> Self {
        Self { dialect, facts, hooks: OperationHooks::default(), cuts: usize::MAX }
    }

    /// An adapter with the embedded facts, where there are facts of its provider.
    ///
    /// # Errors
    /// As [`with_own_facts`](Self::with_own_facts).
    pub fn with_embedded_facts(dialect: Arc<dyn Dialect>) -> Result<Self, String> {
        usable(&dialect.descriptor().id, library())?;
        Ok(Self::new(dialect))
    }

    /// An adapter with facts that only this run uses; they are kept until the program ends.
    ///
    /// # Errors
    /// The facts contradict themselves, lack the provider, its rules or its exchanges, or have no exchange for a member, an error, a form
    /// of a size or an end of a task that `provider.json` states: without facts every adapter would pass.
    pub fn with_own_facts(dialect: Arc<dyn Dialect>, facts: FixtureLibrary) -> Result<Self, String> {
        usable(&dialect.descriptor().id, &facts)?;
        Ok(Self::with_facts(dialect, Box::leak(Box::new(Arc::new(facts)))))
    }

    /// The same with responses cut at so many places at most, evenly spread, and not at every byte: asking a program takes time.
    #[must_use]
    pub fn with_cuts(mut self, most: usize) -> Self {
        self.cuts = most.max(1);
        self
    }

    /// The places at which a response of so many bytes is cut.
    pub(crate) fn cuts(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        (0..length).step_by(length.div_ceil(self.cuts).max(1))
    }

    /// What it is judged by.
    pub(crate) fn facts(&self) -> &'static Arc<FixtureLibrary> {
        self.facts
    }

    /// The adapter.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// The same facts with something broken.
    #[cfg(feature = "report")]
    pub(crate) fn broken(&self, dialect: Arc<dyn Dialect>, hooks: OperationHooks) -> Self {
        Self { dialect, facts: self.facts, hooks, cuts: self.cuts }
    }

    /// What sends its requests.
    pub(crate) fn hooks(&self) -> &OperationHooks {
        &self.hooks
    }

    /// The provider's id.
    pub fn id(&self) -> &str {
        &self.dialect.descriptor().id
    }

    /// The exchanges of its provider.
    pub fn exchanges(&self) -> impl Iterator<Item = &'static RecordedExchange> + use<> {
        let id = self.dialect.descriptor().id.clone();
        self.facts.exchanges().iter().filter(move |exchange| id == exchange.provider())
    }

    /// The document as data, if there is one.
    pub fn provider(&self) -> Option<&'static ProviderFacts> {
        self.facts.provider(self.id())
    }

    /// The path of its provider's base URL, as the facts have it; as the adapter has it without facts.
    pub fn base_path(&self) -> String {
        let said = || {
            let url = self.dialect.descriptor().base_urls.first()?;
            Some(url.parse::<http::Uri>().ok()?.path().trim_end_matches('/').to_owned())
        };
        self.provider().map(|provider| provider.base_path().to_owned()).or_else(said).unwrap_or_default()
    }

    /// The rules that its provider's document states.
    pub fn rules(&self) -> &'static [DocumentRule] {
        self.facts.rules(self.id())
    }

    /// The rules that an exchange shows.
    pub(crate) fn rules_of(&self, exchange: &RecordedExchange) -> Vec<&'static DocumentRule> {
        self.rules().iter().filter(|rule| rule.case_ids(self.id()).any(|case| case == exchange.id())).collect()
    }
}

/// Whether facts can judge an adapter of this provider.
fn usable(id: &str, facts: &FixtureLibrary) -> Result<(), String> {
    let mut faults = lint_library(facts);
    // A file that cannot be read is there, and is named already.
    let is_read = |file: &str| !facts.errors().iter().any(|error| error.file == format!("{id}/{file}"));
    if facts.provider(id).is_none() && is_read("provider.json") {
        faults.push(format!("{id}/provider.json is missing"));
    }
    if facts.rules(id).is_empty() && is_read("rules.json") {
        faults.push(format!("{id}/rules.json is missing, or lists no rule"));
    }
    let own: Vec<_> = facts.exchanges().iter().filter(|exchange| exchange.provider() == id).collect();
    if own.is_empty() {
        faults.push(format!("{id} has no exchange"));
    } else if let Some(provider) = facts.provider(id).filter(|_| faults.is_empty()) {
        faults = unshown_claims::unshown(provider, &own);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

impl From<Arc<dyn Dialect>> for Subject {
    fn from(dialect: Arc<dyn Dialect>) -> Self {
        Self::new(dialect)
    }
}
