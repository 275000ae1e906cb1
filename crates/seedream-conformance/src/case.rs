//! One thing that must hold.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use seedream_fixtures::{DocumentRule, EvidenceKind, FactSource, RecordedExchange};
use serde::{Deserialize, Serialize};

use crate::{Subject, exec::Fault};

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Law {
    /// A request encodes to the documented one, without an undocumented member.
    Encode,
    /// A documented response is read as it is meant.
    Decode,
    /// Setting a field changes what is sent, or is refused, or is warned about.
    NothingDropped,
    /// Changing any leaf of a documented response changes what is read from it.
    NothingUnread,
    /// A request is bought at most once in any weather, and an error is never more optimistic than the wire.
    Money,
    /// What the document forbids is refused before anything is sent; what it allows is sent.
    Preflight,
    /// A task is collected in whatever way it ends, gently, and by another process too.
    Tasks,
    /// A stream gives what arrived, wherever it is cut and however it ends.
    Stream,
    /// A response that is none is the right kind of error, with its body kept.
    Weather,
    /// The key stands nowhere but in the header of its own endpoint.
    Secrecy,
    /// A request has the same result as at any other provider, but for losses that are declared.
    Parity,
    /// What an adapter claims is what the document says.
    Claims,
    /// Images are delivered in whatever shape they come, and what was not read whole is never called free or complete.
    Crooked,
}

impl Law {
    /// All laws.
    pub const ALL: [Self; 13] = [
        Self::Encode,
        Self::Decode,
        Self::NothingDropped,
        Self::NothingUnread,
        Self::Money,
        Self::Preflight,
        Self::Tasks,
        Self::Stream,
        Self::Weather,
        Self::Secrecy,
        Self::Parity,
        Self::Claims,
        Self::Crooked,
    ];

    /// The name, as in the names of cases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::NothingDropped => "nothing_dropped",
            Self::NothingUnread => "nothing_unread",
            Self::Money => "money",
            Self::Preflight => "preflight",
            Self::Tasks => "tasks",
            Self::Stream => "stream",
            Self::Weather => "weather",
            Self::Secrecy => "secrecy",
            Self::Parity => "parity",
            Self::Claims => "claims",
            Self::Crooked => "crooked",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a case weighs. It follows from how sure the fact is: nobody is held to our own conclusions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A law without a fact, or a fact that is documented, was observed, or is what the user says.
    Must,
    /// A fact that another public page states.
    Should,
    /// A conclusion of ours: its failure is told, and gates nothing.
    May,
}

impl Level {
    fn of(source: Option<&FactSource>) -> Self {
        match source.map(|source| source.kind) {
            None | Some(EvidenceKind::Documented | EvidenceKind::Observed | EvidenceKind::User) => Self::Must,
            Some(EvidenceKind::Published) => Self::Should,
            Some(EvidenceKind::Derived) => Self::May,
        }
    }

    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::May => "may",
        }
    }
}

/// Why a case failed: one line a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) lines: Vec<String>,
    harness: bool,
}

impl Failure {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self::of(vec![line.into()])
    }

    pub(crate) fn of(lines: Vec<String>) -> Self {
        Self { lines, harness: false }
    }

    /// A case that could not be judged: the fault is the suite's or its data's, not the adapter's.
    pub(crate) fn harness(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], harness: true }
    }

    /// The differences.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether the case could not be judged.
    pub fn is_harness(&self) -> bool {
        self.harness
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}

type Check = Box<dyn Fn() -> Result<(), Failure> + Send + Sync>;

/// One thing that must hold for one adapter.
pub struct Case {
    law: Law,
    id: String,
    source: Option<&'static FactSource>,
    exchange: Option<&'static RecordedExchange>,
    rules: Vec<&'static DocumentRule>,
    skip: Option<&'static str>,
    check: Check,
}

impl Case {
    /// A case about one fact of a document, or about none.
    pub(crate) fn new(
        law: Law,
        id: impl Into<String>,
        source: Option<&'static FactSource>,
        check: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        Self { law, id: id.into(), source, exchange: None, rules: Vec::new(), skip: None, check: Box::new(check) }
    }

    /// A case about an exchange.
    pub(crate) fn of(
        law: Law,
        subject: &Subject,
        exchange: &'static RecordedExchange,
        check: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
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
        check: impl Fn() -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        let mut case = Self::of(law, subject, exchange, check);
        case.id = format!("{}/{aspect}", case.id);
        case
    }

    /// A law for which the provider's document gives no ground, with the reason.
    pub(crate) fn skipped(law: Law, subject: &Subject, reason: &'static str) -> Self {
        let id = format!("{}/none", subject.id());
        Self { skip: Some(reason), ..Self::new(law, id, None, || Ok(())) }
    }

    /// A case that the adapter does not promise to hold, with the reason.
    pub(crate) fn not_promised(law: Law, id: String, reason: &'static str) -> Self {
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

    /// How much it weighs.
    pub fn level(&self) -> Level {
        Level::of(self.source)
    }

    /// Where the fact stands that is checked, where it is one fact.
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

    /// Why there is nothing to run, where the provider's document gives the law no ground.
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
    /// What differs, the rules that it differs from, and where they stand.
    pub fn run(&self) -> Result<(), Failure> {
        let ran = catch_unwind(AssertUnwindSafe(|| (self.check)()));
        let ran = ran.unwrap_or_else(|panic| match panic.downcast_ref::<Fault>() {
            Some(Fault(said)) => Err(Failure::harness(said)),
            None => Err(Failure::new(format!("the adapter panicked: {}", said(&*panic)))),
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

/// What a panic said.
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
