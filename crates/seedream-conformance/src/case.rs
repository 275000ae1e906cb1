//! One thing that must hold.

use std::fmt;

use seedream_fixtures::Source;

/// A law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Law {
    /// A request encodes to the documented one, without an undocumented member.
    Encode,
    /// A documented answer is read as it is meant.
    Decode,
    /// Setting a field changes what is sent, or is refused, or is warned about.
    NothingDropped,
    /// What the document forbids is refused before anything is sent; what it allows is sent.
    Preflight,
    /// What an adapter claims is what the document says.
    Claims,
}

impl Law {
    /// All laws.
    pub const ALL: [Self; 5] = [Self::Encode, Self::Decode, Self::NothingDropped, Self::Preflight, Self::Claims];

    /// The name, as in the names of cases.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
            Self::NothingDropped => "nothing_dropped",
            Self::Preflight => "preflight",
            Self::Claims => "claims",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a case failed: one line a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub(crate) Vec<String>);

impl Failure {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(vec![line.into()])
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

type Check = Box<dyn Fn() -> Result<(), Failure> + Send>;

/// One thing that must hold for one adapter.
pub struct Case {
    law: Law,
    id: String,
    source: Option<&'static Source>,
    check: Check,
}

impl Case {
    pub(crate) fn new(
        law: Law,
        id: impl Into<String>,
        source: Option<&'static Source>,
        check: impl Fn() -> Result<(), Failure> + Send + 'static,
    ) -> Self {
        Self { law, id: id.into(), source, check: Box::new(check) }
    }

    /// The law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// `<law>/<provider>/…`, unique.
    pub fn name(&self) -> String {
        format!("{}/{}", self.law, self.id)
    }

    /// Where the fact stands that is checked, where it is one fact.
    pub fn source(&self) -> Option<&'static Source> {
        self.source
    }

    /// Runs it.
    ///
    /// # Errors
    /// What differs, and where the fact stands that it differs from.
    pub fn run(&self) -> Result<(), Failure> {
        (self.check)().map_err(|mut failure| {
            failure.0.extend(self.source.map(|source| format!("the fact stands in: {}", place(source))));
            failure
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name()).finish()
    }
}

/// A source as a person would look it up.
fn place(source: &Source) -> String {
    let mut parts = Vec::new();
    parts.extend(source.document.as_ref().map(|document| format!("document {document}")));
    parts.extend(source.lines.as_ref().map(|lines| format!("lines {lines}")));
    parts.extend(source.at.clone());
    parts.extend(source.url.clone());
    parts.extend(source.note.clone());
    format!("{} ({:?})", parts.join(", "), source.kind)
}
