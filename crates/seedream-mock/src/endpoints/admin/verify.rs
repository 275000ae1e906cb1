//! Whether what was asked is what a test expects, and if not, what came nearest.

use seedream_fixtures::distance;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::endpoints::admin::error::{AdminError, object};
use crate::endpoints::admin::query::{FilterMatch, JournalFilter, SessionScope};
use crate::engine::services::Services;
use crate::json::diff::{Difference, unfitting};
use crate::recording::redaction;
use crate::state::evicted_entries::{EvictedEntries, KnownMembers};
use crate::state::journal_entry::JournalEntry;

const BAD: &str = "mock_bad_verify";

/// How many entries that do not fit are explained.
const EXPLAINED: usize = 3;

/// The members of an entry of the journal.
const MEMBERS: [&str; 20] = [
    "at",
    "billed",
    "body",
    "effective",
    "evidence",
    "fault",
    "fixture",
    "headers",
    "kind",
    "method",
    "model",
    "notes",
    "ordinal",
    "path",
    "profile",
    "provider",
    "request_id",
    "session",
    "status",
    "violation",
];

/// Those of them that are counted for all entries, evicted ones included.
const COUNTED: [&str; 12] = [
    "billed", "evidence", "fault", "fixture", "kind", "method", "model", "path", "profile", "provider", "session",
    "status",
];

/// What a test expects of the journal: how many entries match a pattern.
#[derive(Debug, Clone)]
pub struct Expectation {
    filter: JournalFilter,
    pattern: Value,
    at_least: u64,
    at_most: Option<u64>,
}

/// The result of comparing a journal with an [`Expectation`].
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// Whether the number of matching entries is as expected.
    pub satisfied: bool,
    /// The expected number, in words: `exactly 2`.
    pub expected: String,
    /// How many match for certain, evicted entries included.
    pub matched: u64,
    /// The matching entries that the journal holds.
    pub entries: Vec<JournalEntry>,
    /// How many evicted entries match.
    pub forgotten: u64,
    /// Why the result is unknown: it depends on members of evicted entries that are no longer known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// If too few match: the nearest entries, and every field in which they differ.
    pub nearest: Vec<NearestEntry>,
}

/// An entry that does not match.
#[derive(Debug, Clone, Serialize)]
pub struct NearestEntry {
    /// Its place among all requests of the mock, from 0.
    pub ordinal: u64,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The status of its response.
    pub status: u16,
    /// Where it differs from the pattern.
    pub differs: Vec<Difference>,
}

impl Verification {
    /// The same, if the result is known.
    ///
    /// # Errors
    /// The result depends on unknown members of evicted entries.
    pub(crate) fn decided(self) -> Result<Self, AdminError> {
        match self.undecided {
            Some(why) => Err(AdminError::gone("mock_journal_forgot", why)),
            None => Ok(self),
        }
    }
}

impl Expectation {
    /// Reads `{"match":{…},"count":2}` with `count`, `at_least` or `at_most`; the default is at least one.
    ///
    /// # Errors
    /// The member, its rule, and what to write.
    pub(crate) fn read(body: &[u8], filter: JournalFilter) -> Result<Self, AdminError> {
        let example = r#"{"match":{"method":"POST","body":{"n":2}},"count":1}"#;
        let mut members = object(BAD, body, example)?;
        Self::of(&mut members, filter)
            .and_then(|wanted| match members.keys().next() {
                Some(name) => Err(format!("{name}: verify takes match, count, at_least and at_most")),
                None => Ok(wanted),
            })
            .map_err(|message| AdminError::bad(BAD, message))
    }

    /// Takes what is its own out of the members.
    pub(crate) fn of(members: &mut Map<String, Value>, filter: JournalFilter) -> Result<Self, String> {
        let pattern = members.remove("match").unwrap_or_else(|| Value::Object(Map::new()));
        // The journal shows no secret, so that a pattern with one would match nothing.
        let mut pattern: Value = serde_json::from_str(&redaction::plain(&pattern.to_string())).unwrap_or(pattern);
        let Some(fields) = pattern.as_object_mut() else {
            return Err(format!("match: {pattern} is not an object of members of a journal entry"));
        };
        if let Some(name) = fields.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let nearest = MEMBERS.iter().min_by_key(|known| distance(name, known)).unwrap_or(&"body");
            return Err(format!("match: {name} is not a member of a journal entry; the nearest is {nearest}"));
        }
        if !filter.says_kind() {
            // What the mock sends is not meant where requests are counted.
            fields.entry("kind").or_insert_with(|| Value::from("request"));
        }
        let mut number = |name: &str| match members.remove(name) {
            None => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or_else(|| format!("{name}: {value} is not a whole number from 0"))
            }
        };
        let (count, at_least, at_most) = (number("count")?, number("at_least")?, number("at_most")?);
        if count.is_some() && (at_least.is_some() || at_most.is_some()) {
            return Err(String::from("count: it is exact, so at_least and at_most go without it"));
        }
        if at_least.zip(at_most).is_some_and(|(least, most)| least > most) {
            return Err(String::from("at_least: it is more than at_most"));
        }
        let unsaid = u64::from(at_most.is_none());
        Ok(Self { filter, pattern, at_least: count.or(at_least).unwrap_or(unsaid), at_most: count.or(at_most) })
    }

    /// Expects entries that match a pattern: members of a [`JournalEntry`], where `*` in a text matches anything. At least one is
    /// expected unless [`Expectation::count`] says otherwise.
    ///
    /// # Errors
    /// The pattern names a member that an entry does not have.
    pub fn matching(pattern: &Value) -> Result<Self, String> {
        Self::of(&mut Map::from_iter([(String::from("match"), pattern.clone())]), JournalFilter::default())
    }

    /// Expects a number of entries in this range: `2..=2`, `1..`.
    #[must_use]
    pub fn count(mut self, range: impl std::ops::RangeBounds<u64>) -> Self {
        use std::ops::Bound;
        self.at_least = match range.start_bound() {
            Bound::Included(least) => *least,
            Bound::Excluded(least) => least.saturating_add(1),
            Bound::Unbounded => 0,
        };
        self.at_most = match range.end_bound() {
            Bound::Included(most) => Some(*most),
            Bound::Excluded(most) => Some(most.saturating_sub(1)),
            Bound::Unbounded => None,
        };
        self
    }

    /// Whether waiting can be over: some are expected, and that many are there.
    pub(crate) fn is_reached(&self, verdict: &Verification) -> bool {
        verdict.matched >= self.at_least
    }

    /// Whether it is something to wait for.
    pub(crate) fn waits(&self) -> bool {
        self.at_least > 0
    }

    fn expected(&self) -> String {
        match (self.at_least, self.at_most) {
            (least, Some(most)) if least == most => format!("exactly {least}"),
            (least, None) => format!("at least {least}"),
            (0, Some(most)) => format!("at most {most}"),
            (least, Some(most)) => format!("{least} to {most}"),
        }
    }

    /// Whether entries fit that are counted together.
    fn fit(&self, counted: &EvictedEntries) -> FilterMatch {
        let is_known = |name: &str| match counted.known {
            KnownMembers::Whole => COUNTED.contains(&name),
            KnownMembers::Pathless => COUNTED.contains(&name) && name != "path",
            KnownMembers::Kind => name == "kind" || name == "session",
        };
        let members = self.pattern.as_object().into_iter().flatten();
        let (certain, unknown): (Vec<_>, Vec<_>) = members.partition(|(name, _)| is_known(name));
        let certain: Map<String, Value> =
            certain.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        // An entry is texts, numbers and JSON, which always serialise.
        let value = serde_json::to_value(&counted.entry).unwrap_or_default();
        let of_pattern = match unfitting(&certain.into(), &value).is_empty() {
            false => FilterMatch::No,
            true if unknown.is_empty() => FilterMatch::Yes,
            true => FilterMatch::Maybe,
        };
        of_pattern.min(self.filter.fit(counted))
    }

    fn judge(&self, sessions: impl Iterator<Item = (Vec<JournalEntry>, Vec<EvictedEntries>)>) -> Verification {
        let (mut entries, mut nearest) = (Vec::new(), Vec::new());
        let (mut forgotten, mut possible) = (0, 0);
        let mut kept = |entry: JournalEntry| {
            // An entry is texts, numbers and JSON, which always serialise.
            let value = serde_json::to_value(&entry).unwrap_or_default();
            let differs = unfitting(&self.pattern, &value);
            if differs.is_empty() {
                entries.push(entry);
            } else {
                let JournalEntry { ordinal, method, path, status, .. } = entry;
                nearest.push(NearestEntry { ordinal, method, path, status, differs });
                nearest.sort_by_key(|miss| (miss.differs.len(), miss.ordinal));
                nearest.truncate(EXPLAINED);
            }
        };
        for (journal, counted) in sessions {
            journal.into_iter().filter(|entry| self.filter.takes(entry)).for_each(&mut kept);
            for counted in &counted {
                match self.fit(counted) {
                    FilterMatch::Yes => forgotten += counted.tally.count,
                    FilterMatch::Maybe => possible += counted.tally.count,
                    FilterMatch::No => {}
                }
            }
        }
        entries.sort_by_key(|entry: &JournalEntry| entry.ordinal);
        let matched = entries.len() as u64 + forgotten;
        if matched >= self.at_least {
            nearest.clear();
        }
        let most = matched + possible;
        let satisfied = matched >= self.at_least && self.at_most.is_none_or(|at_most| most <= at_most);
        let failed = most < self.at_least || self.at_most.is_some_and(|at_most| matched > at_most);
        let undecided = (!satisfied && !failed).then(|| {
            format!(
                "{matched} to {most} match: the journal has evicted {possible} entries that may match. Keep more of them \
                 (mock serve --journal N, MockServerBuilder::journal_capacity), or match members that are counted for all entries: {}",
                COUNTED.join(", ")
            )
        });
        Verification { satisfied, expected: self.expected(), matched, entries, forgotten, undecided, nearest }
    }
}

/// Holds the journal against what is wanted of it.
pub(crate) fn verify(services: &Services, scope: SessionScope<'_>, wanted: &Expectation) -> Verification {
    let names = services.sessions.wanted(scope.session());
    wanted.judge(names.iter().map(|name| services.sessions.journal_and_evicted(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::settings::Settings;

    #[test]
    fn every_member_of_an_entry_can_be_matched() {
        let engine = Engine::new(Settings::default());
        let request = http::Request::get("/nowhere").body(bytes::Bytes::new()).unwrap();
        engine.handle(jiff::Timestamp::UNIX_EPOCH, &request);
        let entry = serde_json::to_value(engine.journal(None).remove(0)).unwrap();
        let members: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, MEMBERS);
    }
}
