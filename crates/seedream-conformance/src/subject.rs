//! What is judged, and the facts it is judged by.

use std::sync::Arc;

use seedream_core::Dialect;
use seedream_fixtures::{Exchange, Library, Provider, Rule, library, lint_library};

use crate::Driver;

/// An adapter, and what its provider's document says.
#[derive(Clone, Debug)]
pub struct Subject {
    dialect: Arc<dyn Dialect>,
    facts: &'static Arc<Library>,
    driver: Driver,
    /// How many places of one response are cut at most.
    cuts: usize,
}

impl Subject {
    /// An adapter of a provider whose facts are embedded here.
    pub fn new(dialect: Arc<dyn Dialect>) -> Self {
        Self::with_facts(dialect, library())
    }

    /// An adapter with facts of its own, such as those of a folder.
    pub fn with_facts(dialect: Arc<dyn Dialect>, facts: &'static Arc<Library>) -> Self {
        Self { dialect, facts, driver: Driver::default(), cuts: usize::MAX }
    }

    /// The same by facts that nobody else needs; they are kept until the program ends.
    ///
    /// # Errors
    /// They contradict themselves, or say nothing of its provider: who judges by nothing lets everything pass.
    pub fn with_own_facts(dialect: Arc<dyn Dialect>, facts: Library) -> Result<Self, String> {
        let id = dialect.descriptor().id.as_str();
        let mut faults = lint_library(&facts);
        if facts.provider(id).is_none() {
            faults.push(format!("{id}/provider.json is missing"));
        }
        if facts.rules(id).is_empty() {
            faults.push(format!("{id}/rules.json is missing, or lists no rule"));
        }
        if !facts.exchanges().iter().any(|exchange| exchange.provider() == id) {
            faults.push(format!("{id} has no exchange"));
        }
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
        Ok(Self::with_facts(dialect, Box::leak(Box::new(Arc::new(facts)))))
    }

    /// The same with responses cut at so many places at most, evenly spread, and not at every byte: asking a program takes its time.
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
    pub(crate) fn facts(&self) -> &'static Arc<Library> {
        self.facts
    }

    /// The adapter.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// The same facts with something broken.
    pub(crate) fn broken(&self, dialect: Arc<dyn Dialect>, driver: Driver) -> Self {
        Self { dialect, facts: self.facts, driver, cuts: self.cuts }
    }

    /// What sends its requests.
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The provider's id.
    pub fn id(&self) -> &str {
        &self.dialect.descriptor().id
    }

    /// The exchanges of its provider.
    pub fn exchanges(&self) -> impl Iterator<Item = &'static Exchange> + use<> {
        let id = self.dialect.descriptor().id.clone();
        self.facts.exchanges().iter().filter(move |exchange| id == exchange.provider())
    }

    /// The document as data, if there is one.
    pub fn provider(&self) -> Option<&'static Provider> {
        self.facts.provider(self.id())
    }

    /// The path of its provider's base URL, as the facts have it; as the adapter says where there are none.
    pub fn base_path(&self) -> String {
        let said = || {
            let url = self.dialect.descriptor().base_urls.first()?;
            Some(url.parse::<http::Uri>().ok()?.path().trim_end_matches('/').to_owned())
        };
        self.provider().map(|provider| provider.base_path().to_owned()).or_else(said).unwrap_or_default()
    }

    /// The rules that its provider's document states.
    pub fn rules(&self) -> &'static [Rule] {
        self.facts.rules(self.id())
    }

    /// The rules that an exchange shows.
    pub(crate) fn rules_of(&self, exchange: &Exchange) -> Vec<&'static Rule> {
        self.rules().iter().filter(|rule| rule.case_ids(self.id()).any(|case| case == exchange.id())).collect()
    }
}

impl From<Arc<dyn Dialect>> for Subject {
    fn from(dialect: Arc<dyn Dialect>) -> Self {
        Self::new(dialect)
    }
}
