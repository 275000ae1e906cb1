//! What the query of an admin route says: which session, which entries of the journal.

use std::time::SystemTime;

use http::Request;
use jiff::Timestamp;

use crate::endpoints::admin::error::AdminError;
use crate::json::diff::fits;
use crate::request::address::{Address, DEFAULT_SESSION, is_session};
use crate::state::evicted_entries::{EvictedEntries, KnownMembers};
use crate::state::journal_entry::JournalEntry;

pub(crate) const BAD: &str = "mock_bad_query";

/// The members that narrow the journal.
const NARROWING: [&str; 9] = ["kind", "provider", "method", "path", "status", "model", "fixture", "billed", "since"];

/// Those and others.
pub(crate) fn narrowing<'n>(others: &[&'n str]) -> Vec<&'n str> {
    others.iter().copied().chain(NARROWING).collect()
}

/// The sessions that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionScope<'a> {
    /// No session is named: the default session, or the mock as a whole.
    Unsaid,
    One(&'a str),
    /// All sessions: `?session=*`.
    All,
}

impl<'a> SessionScope<'a> {
    /// The one session that is meant; none where all are.
    pub(crate) fn session(self) -> Option<&'a str> {
        match self {
            Self::Unsaid => Some(DEFAULT_SESSION),
            Self::One(name) => Some(name),
            Self::All => None,
        }
    }
}

/// A query whose members are all known.
#[derive(Debug)]
pub(crate) struct AdminQuery {
    members: Vec<(String, String)>,
}

impl AdminQuery {
    /// Reads it.
    ///
    /// # Errors
    /// A parameter that is not allowed here, or that is not text; an invalid name of a session.
    pub(crate) fn read<B>(request: &Request<B>, allowed: &[&str]) -> Result<Self, AdminError> {
        let mut members = Vec::new();
        for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !allowed.contains(&name) {
                let here = if allowed.is_empty() { String::from("nothing") } else { allowed.join(", ") };
                return Err(AdminError::bad(BAD, format!("{name}: this route does not take it; it takes {here}")));
            }
            let value = decoded(value)
                .ok_or_else(|| AdminError::bad(BAD, format!("{name}: {value} is not percent-encoded UTF-8")))?;
            members.push((name.to_owned(), value));
        }
        let query = Self { members };
        match query.get("session") {
            Some(name) if name != "*" && !is_session(name) => {
                let rule = "a session's name has up to 64 letters, digits, '-', '_' and '.'";
                Err(AdminError::bad("mock_bad_session", format!("session: {rule}")))
            }
            _ => Ok(query),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number.
    ///
    /// # Errors
    /// The parameter is not a whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, AdminError> {
        let wrong = |value: &str| AdminError::bad(BAD, format!("{name}: {value} is not a whole number"));
        self.get(name).map(|value| value.parse().map_err(|_| wrong(value))).transpose()
    }

    pub(crate) fn scope(&self) -> SessionScope<'_> {
        match self.get("session") {
            None => SessionScope::Unsaid,
            Some("*") => SessionScope::All,
            Some(name) => SessionScope::One(name),
        }
    }

    /// The one session that is meant.
    ///
    /// # Errors
    /// All are meant.
    pub(crate) fn one(&self) -> Result<&str, AdminError> {
        let message = "session: this route is about one session at a time; * is for journal, verify, wait and reset";
        match self.scope() {
            SessionScope::All => Err(AdminError::bad("mock_bad_session", message)),
            SessionScope::Unsaid => Ok(DEFAULT_SESSION),
            SessionScope::One(name) => Ok(name),
        }
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Whether entries fit of which not all is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FilterMatch {
    No,
    Maybe,
    Yes,
}

/// Which entries of a journal are meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct JournalFilter {
    kind: Option<String>,
    provider: Option<String>,
    method: Option<String>,
    path: Option<String>,
    model: Option<String>,
    fixture: Option<String>,
    status: Option<CountRange>,
    billed: Option<CountRange>,
    since: Option<SinceFilter>,
}

/// Numbers from one to another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CountRange(u32, u32);

/// What comes at a time or a place, or later.
#[derive(Debug, Clone, Copy, PartialEq)]
enum SinceFilter {
    At(Timestamp),
    Ordinal(u64),
}

impl JournalFilter {
    /// Reads the members of a query that narrow.
    ///
    /// # Errors
    /// A value that its member cannot have.
    pub(crate) fn of(query: &AdminQuery) -> Result<Self, AdminError> {
        let text = |name: &str| query.get(name).map(str::to_owned);
        let read = |name: &str, rule: &str, read: &dyn Fn(&str) -> Option<CountRange>| {
            let value = query.get(name);
            let wrong = |value: &str| AdminError::bad(BAD, format!("{name}: {value} is not {rule}"));
            value.map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
        };
        let since = |value: &str| {
            let ordinal = value.parse().map(SinceFilter::Ordinal).ok();
            let rule = "neither a time such as 2026-11-20T10:00:00Z nor the ordinal of an entry";
            let wrong = || AdminError::bad(BAD, format!("since: {value} is {rule}"));
            ordinal.or_else(|| value.parse().map(SinceFilter::At).ok()).ok_or_else(wrong)
        };
        Ok(Self {
            kind: text("kind"),
            provider: text("provider"),
            method: text("method").map(|method| method.to_ascii_uppercase()),
            path: text("path"),
            model: text("model"),
            fixture: text("fixture"),
            status: read("status", "a status such as 503, or a class such as 5xx", &status)?,
            billed: read("billed", "true, false or a number of images", &billed)?,
            since: query.get("since").map(since).transpose()?,
        })
    }

    /// Whether it speaks of the kind of entries.
    pub(crate) fn says_kind(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether entries are meant that are counted together.
    pub(crate) fn fit(&self, counted: &EvictedEntries) -> FilterMatch {
        let EvictedEntries { entry, known, tally } = counted;
        let certain = match known {
            KnownMembers::Whole => Self { since: None, ..self.clone() },
            KnownMembers::Pathless => Self { since: None, path: None, ..self.clone() },
            KnownMembers::Kind => Self { kind: self.kind.clone(), ..Self::default() },
        };
        if !certain.takes(entry) {
            return FilterMatch::No;
        }
        let unknown = match known {
            KnownMembers::Whole => false,
            KnownMembers::Pathless => self.path.is_some(),
            KnownMembers::Kind => Self { kind: None, since: None, ..self.clone() } != Self::default(),
        };
        let since = match self.since {
            None => (true, true),
            Some(SinceFilter::At(at)) => (tally.times.0 >= at, tally.times.1 >= at),
            Some(SinceFilter::Ordinal(ordinal)) => (tally.ordinals.0 >= ordinal, tally.ordinals.1 >= ordinal),
        };
        match (unknown, since) {
            (_, (false, false)) => FilterMatch::No,
            (false, (true, true)) => FilterMatch::Yes,
            _ => FilterMatch::Maybe,
        }
    }

    /// Whether an entry is meant.
    pub(crate) fn takes(&self, entry: &JournalEntry) -> bool {
        let text = |wanted: &Option<String>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| fits(wanted, actual.unwrap_or("-")))
        };
        let range = |wanted: Option<CountRange>, actual: u32| {
            wanted.is_none_or(|CountRange(from, to)| (from..=to).contains(&actual))
        };
        text(&self.kind, Some(entry.kind))
            && text(&self.provider, entry.provider.as_deref())
            && text(&self.method, Some(&entry.method))
            && (text(&self.path, Some(&entry.path)) || text(&self.path, Some(without_session(&entry.path))))
            && text(&self.model, entry.model.as_deref())
            && text(&self.fixture, entry.fixture.as_deref())
            && range(self.status, entry.status.into())
            && range(self.billed, entry.billed)
            && match self.since {
                None => true,
                Some(SinceFilter::At(at)) => entry.at >= SystemTime::from(at),
                Some(SinceFilter::Ordinal(ordinal)) => entry.ordinal >= ordinal,
            }
    }
}

/// A path as it is without its session.
fn without_session(path: &str) -> &str {
    match Address::read(path).session {
        Some(session) => &path["/s/".len() + session.len()..],
        None => path,
    }
}

fn status(text: &str) -> Option<CountRange> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u32 = class.parse().ok().filter(|class| *class < 10)?;
        return Some(CountRange(class * 100, class * 100 + 99));
    }
    one(text)
}

fn billed(text: &str) -> Option<CountRange> {
    match text {
        "true" => Some(CountRange(1, u32::MAX)),
        "false" => Some(CountRange(0, 0)),
        number => one(number),
    }
}

fn one(text: &str) -> Option<CountRange> {
    text.parse().ok().map(|number| CountRange(number, number))
}
