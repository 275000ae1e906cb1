//! The source of a rule, and its certainty.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The source of a rule: limits change, so each has its page and the date on which it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The public page, or the user's file.
    pub document: Cow<'static, str>,
    /// The section of the page.
    #[serde(default)]
    pub at: Cow<'static, str>,
    /// The date on which it was read, `YYYY-MM-DD`.
    #[serde(default)]
    pub read: Cow<'static, str>,
    /// The certainty.
    pub kind: SourceKind,
}

/// The certainty of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Stated by the provider's documentation page.
    Documented,
    /// Stated by another public page.
    Published,
    /// Observed in a recorded call.
    Observed,
    /// Set by the user ([`Overrides`](crate::Overrides)).
    Override,
    /// An assumption of this project. An unknown stored word is read as this.
    #[serde(other)]
    Derived,
}

/// The page on which Ark describes the models.
pub(crate) const ARK: &str = "volcengine.com/docs/82379/1541523";

/// Which party states a rule, from the view of the requested provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatedBy {
    /// A page of Volcengine Ark or BytePlus, which run the models.
    Vendor,
    /// The page of another reseller.
    Reseller,
    /// No page: an assumption of this project.
    Ours,
    /// The user's file.
    User,
    /// The provider's own page. An unknown stored word is read as this, which lenient checking respects.
    #[serde(other)]
    Seller,
}

/// The provider of the rules: its name, for messages, and the prefixes of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Seller {
    /// The display name.
    pub name: Cow<'static, str>,
    /// Prefixes of its own pages, as a [`Source`] names them.
    #[serde(default)]
    pub pages: Vec<Cow<'static, str>>,
}

/// Prefixes of the pages of ByteDance, which runs the models.
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

    /// The citation in brackets; it states if the provider's own page does not have the rule.
    pub(crate) fn cites(&self, source: &Source) -> String {
        cited(source, self.states(source), &self.name)
    }
}

pub(crate) fn cited(source: &Source, by: StatedBy, seller: &str) -> String {
    match by {
        StatedBy::Seller | StatedBy::User => format!("[{source}]"),
        StatedBy::Vendor => format!("(Ark's rule [{source}]; the page of {seller} does not state it)"),
        StatedBy::Reseller => {
            format!("(the rule of another reseller [{source}]; the page of {seller} does not state it)")
        }
        StatedBy::Ours => format!("(an assumption: {}; the page of {seller} does not state it)", source.at),
    }
}

impl Source {
    /// A fact of the provider's documentation page.
    pub const fn documented(document: &'static str, at: &'static str) -> Self {
        Self::of(document, at, SourceKind::Documented)
    }

    /// A fact of a provider's documentation page whose name is known only at run time.
    pub fn documented_by(document: impl Into<Cow<'static, str>>, at: impl Into<Cow<'static, str>>) -> Self {
        Self { document: document.into(), at: at.into(), ..Self::documented("", "") }
    }

    /// A fact of another public page.
    pub const fn published(document: &'static str, at: &'static str) -> Self {
        Self::of(document, at, SourceKind::Published)
    }

    /// A fact of another public page, with the date on which it was read, `YYYY-MM-DD`.
    pub const fn published_on(day: &'static str, document: &'static str, at: &'static str) -> Self {
        Self::read_on(day, document, at, SourceKind::Published)
    }

    /// An assumption of this project, with its basis.
    pub const fn derived(at: &'static str) -> Self {
        Self::of("assumption", at, SourceKind::Derived)
    }

    /// A rule of the user's file of this name.
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
