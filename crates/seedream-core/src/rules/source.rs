//! Where a rule was read, and how sure it is.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// Where a rule comes from: limits rot, so each carries its document and the day on which it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The public page, or the user's file.
    pub document: Cow<'static, str>,
    /// The place in it.
    #[serde(default)]
    pub at: Cow<'static, str>,
    /// The day on which it was read, `YYYY-MM-DD`.
    #[serde(default)]
    pub read: Cow<'static, str>,
    /// How sure it is.
    pub kind: SourceKind,
}

/// How sure a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Stated by the page that the adapter is built from.
    Documented,
    /// Stated by another public page.
    Published,
    /// Seen in a recorded call.
    Observed,
    /// Set by the user ([`Overrides`](crate::Overrides)).
    Override,
    /// Our guess. A stored word that this version does not know is read as this.
    #[serde(other)]
    Derived,
}

/// The page on which Ark describes the models.
pub(crate) const ARK: &str = "volcengine.com/docs/82379/1541523";

/// Who states a rule, seen from the provider that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatedBy {
    /// A page of Volcengine Ark or BytePlus, who run the models that the provider resells.
    Vendor,
    /// The page of another reseller.
    Reseller,
    /// No page: it is our guess.
    Ours,
    /// The user's own file.
    User,
    /// The provider's own page. A stored word that this version does not know is read as this, which lenient checking respects.
    #[serde(other)]
    Seller,
}

/// The provider of some rules: its name, which messages give, and where its own pages are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Seller {
    /// The name for people.
    pub name: Cow<'static, str>,
    /// How the names of its own pages begin, as a [`Source`] names them.
    #[serde(default)]
    pub pages: Vec<Cow<'static, str>>,
}

/// Where the pages of the vendor of the models are.
const VENDOR_PAGES: [&str; 3] = ["volcengine.com", "docs.byteplus.com", "ai.byteplus.com"];

impl Seller {
    pub(crate) fn states(&self, source: &Source) -> StatedBy {
        let on = |page: &str| source.document.starts_with(page);
        match source.kind {
            SourceKind::Documented | SourceKind::Observed => StatedBy::Seller,
            SourceKind::Published if self.pages.iter().any(|page| on(page)) => StatedBy::Seller,
            SourceKind::Published if VENDOR_PAGES.into_iter().any(on) => StatedBy::Vendor,
            SourceKind::Published => StatedBy::Reseller,
            SourceKind::Derived => StatedBy::Ours,
            SourceKind::Override => StatedBy::User,
        }
    }

    /// The source in brackets, and whether this provider's own page is silent about it.
    pub(crate) fn cites(&self, source: &Source) -> String {
        cited(source, self.states(source), &self.name)
    }
}

pub(crate) fn cited(source: &Source, by: StatedBy, seller: &str) -> String {
    match by {
        StatedBy::Seller | StatedBy::User => format!("[{source}]"),
        StatedBy::Vendor => format!("(Ark's rule [{source}]; the page of {seller} is silent)"),
        StatedBy::Reseller => format!("(the rule of another reseller [{source}]; the page of {seller} is silent)"),
        StatedBy::Ours => format!("(our rule [{source}]; the page of {seller} is silent)"),
    }
}

impl Source {
    /// A fact of the page that the adapter is built from.
    pub const fn documented(document: &'static str, at: &'static str) -> Self {
        Self::of(document, at, SourceKind::Documented)
    }

    /// A fact of the page that an adapter is built from, where its name is known at run time only.
    pub fn documented_by(document: impl Into<Cow<'static, str>>, at: impl Into<Cow<'static, str>>) -> Self {
        Self { document: document.into(), at: at.into(), ..Self::documented("", "") }
    }

    /// A fact of another public page.
    pub const fn published(document: &'static str, at: &'static str) -> Self {
        Self::of(document, at, SourceKind::Published)
    }

    /// A fact of another public page that was read on another day than most, `YYYY-MM-DD`.
    pub const fn published_on(day: &'static str, document: &'static str, at: &'static str) -> Self {
        Self::read_on(day, document, at, SourceKind::Published)
    }

    /// Our guess, with what it rests on.
    pub const fn derived(at: &'static str) -> Self {
        Self::of("our guess", at, SourceKind::Derived)
    }

    /// A rule that the user set, in a file of this name.
    pub fn overridden(file: impl Into<Cow<'static, str>>) -> Self {
        let (at, read) = (Cow::Borrowed(""), Cow::Borrowed(""));
        Self { document: file.into(), at, read, kind: SourceKind::Override }
    }

    const fn of(document: &'static str, at: &'static str, kind: SourceKind) -> Self {
        Self::read_on("2026-11-20", document, at, kind)
    }

    const fn read_on(day: &'static str, document: &'static str, at: &'static str, kind: SourceKind) -> Self {
        Self { document: Cow::Borrowed(document), at: Cow::Borrowed(at), read: Cow::Borrowed(day), kind }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SourceKind::Documented => write!(f, "{}, {}", self.document, self.at),
            SourceKind::Published | SourceKind::Observed => {
                write!(f, "{}, {}, read {}", self.document, self.at, self.read)
            }
            SourceKind::Derived => write!(f, "{}: {}", self.document, self.at),
            SourceKind::Override => write!(f, "override: {}", self.document),
        }
    }
}
