//! One thing that must hold.
//!
//! This folder has a case, its law and its failure. The laws themselves stand in `laws`.

mod failure;
mod law;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use seedream_fixtures::{DocumentRule, FactSource, RecordedExchange};

pub use failure::CaseFailure;
pub(crate) use failure::HarnessFault;
pub use law::{Law, RequirementLevel};

use crate::Subject;

type CaseCheck = Box<dyn Fn() -> Result<(), CaseFailure> + Send + Sync>;

/// One thing that must hold for one adapter.
pub struct Case {
    law: Law,
    id: String,
    source: Option<&'static FactSource>,
    exchange: Option<&'static RecordedExchange>,
    rules: Vec<&'static DocumentRule>,
    skip: Option<&'static str>,
    check: CaseCheck,
}

impl Case {
    /// A case about one fact of a document, or about none.
    pub(crate) fn new(
        law: Law,
        id: impl Into<String>,
        source: Option<&'static FactSource>,
        check: impl Fn() -> Result<(), CaseFailure> + Send + Sync + 'static,
    ) -> Self {
        Self { law, id: id.into(), source, exchange: None, rules: Vec::new(), skip: None, check: Box::new(check) }
    }

    /// A case about an exchange.
    pub(crate) fn of(
        law: Law,
        subject: &Subject,
        exchange: &'static RecordedExchange,
        check: impl Fn() -> Result<(), CaseFailure> + Send + Sync + 'static,
    ) -> Self {
        let rules = subject.rules_of(exchange);
        Self { exchange: Some(exchange), rules, ..Self::new(law, exchange.id(), Some(&exchange.source), check) }
    }

    /// One of several cases about an exchange.
    pub(crate) fn about(
        law: Law,
        subject: &Subject,
        exchange: &'static RecordedExchange,
        aspect: &str,
        check: impl Fn() -> Result<(), CaseFailure> + Send + Sync + 'static,
    ) -> Self {
        let mut case = Self::of(law, subject, exchange, check);
        case.id = format!("{}/{aspect}", case.id);
        case
    }

    /// A law for which the provider's document has nothing, with the reason.
    pub(crate) fn skipped(law: Law, subject: &Subject, reason: &'static str) -> Self {
        let id = format!("{}/none", subject.id());
        Self { skip: Some(reason), ..Self::new(law, id, None, || Ok(())) }
    }

    /// A case that does not apply to the adapter, with the reason.
    pub(crate) fn passed_over(law: Law, id: String, reason: &'static str) -> Self {
        Self { skip: Some(reason), ..Self::new(law, id, None, || Ok(())) }
    }

    /// The law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// `<law>/<provider>/…`, unique.
    pub fn name(&self) -> String {
        format!("{}/{}", self.law, self.id)
    }

    /// The provider's id.
    pub fn provider(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// What it is about: the area of its exchange, or the model.
    pub fn area(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or_default()
    }

    /// How much it counts.
    pub fn level(&self) -> RequirementLevel {
        RequirementLevel::of(self.source)
    }

    /// The source of the fact that is checked, where it is one fact.
    pub fn source(&self) -> Option<&'static FactSource> {
        self.source
    }

    /// The exchange that it is about, where it is one.
    pub fn exchange(&self) -> Option<&'static RecordedExchange> {
        self.exchange
    }

    /// The rules of the document that it shows.
    pub fn rules(&self) -> &[&'static DocumentRule] {
        &self.rules
    }

    /// Why there is nothing to run, where the provider's document has nothing for the law.
    pub fn skip(&self) -> Option<&'static str> {
        self.skip
    }

    /// Adds the rules that name this case.
    pub(crate) fn named_by(&mut self, rules: &'static [DocumentRule]) {
        let name = self.name();
        self.rules.extend(rules.iter().filter(|rule| rule.laws.contains(&name)));
    }

    /// Runs it. An adapter that panics has failed.
    ///
    /// # Errors
    /// What differs, from which rules, and their source.
    pub fn run(&self) -> Result<(), CaseFailure> {
        let ran = catch_unwind(AssertUnwindSafe(|| (self.check)()));
        let ran = ran.unwrap_or_else(|panic| match panic.downcast_ref::<HarnessFault>() {
            Some(HarnessFault(said)) => Err(CaseFailure::harness(said)),
            None => Err(CaseFailure::new(format!("the adapter panicked: {}", said(&*panic)))),
        });
        ran.map_err(|mut failure| {
            let rules = self.rules.iter().map(|rule| format!("the rule {}: {}", rule.id, rule.says));
            failure.lines.extend(rules);
            failure.lines.extend(self.source.map(|source| format!("the fact stands in: {}", place(source))));
            failure
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name()).finish()
    }
}

/// The message of a panic.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// A source as a person would look it up.
fn place(source: &FactSource) -> String {
    let mut parts = Vec::new();
    parts.extend(source.document.as_ref().map(|document| format!("document {document}")));
    parts.extend(source.lines.as_ref().map(|lines| format!("lines {lines}")));
    parts.extend(source.at.clone());
    parts.extend(source.url.clone());
    parts.extend(source.note.clone());
    format!("{} ({})", parts.join(", "), source.kind.as_str())
}
