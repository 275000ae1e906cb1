//! The recorded exchanges, found by an equal request.

use std::collections::{BTreeMap, HashMap};

use seedream_fixtures::{FieldRole, FixtureLibrary, OperationKind, ProviderFacts};
use serde::Serialize;
use serde_json::Value;

use crate::hash;
use crate::json::diff::Difference;
use crate::json::{diff, path};
use crate::state::journal_entry::shortened;

/// The exchanges with a response, by what asks for them: provider, path, method.
pub(crate) struct ExchangeIndex {
    by_request: BTreeMap<String, BTreeMap<String, BTreeMap<String, Candidates>>>,
}

/// The exchanges of one method of one path.
#[derive(Default)]
struct Candidates {
    all: Vec<ExchangeCandidate>,
    /// The places of those whose bodies have a hash.
    alike: HashMap<u64, Vec<usize>>,
    /// The places of those that stand for a document's own request, whose prompt is known by its hash alone.
    printed: Vec<usize>,
}

struct ExchangeCandidate {
    id: String,
    /// The query that a request must have; none means that any will do.
    query: Option<String>,
    /// Whether it is a user's own, which comes before all others.
    users: bool,
    body: Option<Value>,
    /// The body without its nulls.
    bare: Option<Value>,
    /// The SHA-256 of the document's own prompt.
    prompt_hash: Option<String>,
}

/// The exchange with an equal request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeMatch<'i> {
    pub(crate) id: &'i str,
    /// Whether the request is the document's own, word for word.
    pub(crate) printed: bool,
}

impl ExchangeIndex {
    pub(crate) fn new(library: &FixtureLibrary) -> Self {
        let mut index = Self { by_request: BTreeMap::new() };
        // Those that have it were recorded and are played apart.
        for exchange in library.exchanges().iter().filter(|exchange| exchange.wire.is_none()) {
            let (Some(request), Some(recorded)) = (&exchange.request, &exchange.response) else { continue };
            let body = request.json_value();
            // The provider calls back in the other direction. An unauthorised response belongs to another key, and keys are
            // judged before. A POST without a body is one whose source shows the response only.
            let unfindable = exchange.operation == OperationKind::Callback
                || (recorded.status == 401 && !exchange.is_users())
                || (body.is_none() && request.method != "GET" && exchange.operation == OperationKind::Create);
            if !unfindable {
                let paths = index.by_request.entry(exchange.provider().to_owned()).or_default();
                let (path, query) = match request.path.split_once('?') {
                    Some((path, query)) => (path, Some(query.to_owned())),
                    None => (request.path.as_str(), None),
                };
                let methods = paths.entry(path.to_owned()).or_default();
                let bare = body.as_ref().map(without_nulls);
                methods.entry(request.method.clone()).or_default().add(ExchangeCandidate {
                    id: exchange.id().to_owned(),
                    query,
                    users: exchange.is_users(),
                    body,
                    bare,
                    prompt_hash: exchange.prompt_sha256.clone(),
                });
            }
        }
        index
    }

    fn candidates(&self, provider: &str, method: &str, path: &str) -> Option<&Candidates> {
        self.by_request.get(provider)?.get(path)?.get(method)
    }

    /// The one exchange with an equal request. An explicit `null` is an absent member, where that decides, and a document's own
    /// prompt is the prompt that stands for it. `hash` is that [of the body](path::hash), `own` asks for a user's only.
    pub(crate) fn find(
        &self,
        provider: &ProviderFacts,
        method: &str,
        (path, query): (&str, Option<&str>),
        body: Option<&Value>,
        hash: u64,
        own: bool,
    ) -> Option<ExchangeMatch<'_>> {
        let candidates = self.candidates(&provider.id, method, path)?;
        // What is equal is alike too, and nearly always nothing is.
        let mut alike = candidates.alike(body, hash);
        alike.retain(|candidate| candidate.has_query(query));
        if alike.iter().any(|candidate| candidate.query.is_some()) {
            alike.retain(|candidate| candidate.query.is_some());
        }
        if alike.is_empty() {
            let mut printed = candidates.printed(provider, body);
            printed.retain(|candidate| candidate.has_query(query));
            let id = only(&printed, |candidate| candidate.users).or_else(|| only(&printed, |_| !own))?;
            return Some(ExchangeMatch { id, printed: true });
        }
        let equal = |candidate: &ExchangeCandidate| candidate.body.as_ref() == body;
        let id = only(&alike, |candidate| candidate.users && equal(candidate))
            .or_else(|| only(&alike, |candidate| candidate.users))
            .or_else(|| only(&alike, |candidate| !own && equal(candidate)))
            .or_else(|| only(&alike, |_| !own))?;
        Some(ExchangeMatch { id, printed: false })
    }
}

impl Candidates {
    fn add(&mut self, candidate: ExchangeCandidate) {
        self.alike.entry(path::hash(candidate.bare.as_ref())).or_default().push(self.all.len());
        if candidate.prompt_hash.is_some() {
            self.printed.push(self.all.len());
        }
        self.all.push(candidate);
    }

    /// Those whose document prints this body. Its prompt is hashed once, and only where everything else is the same.
    fn printed(&self, provider: &ProviderFacts, body: Option<&Value>) -> Vec<&ExchangeCandidate> {
        let Some(body) = body.and_then(Value::as_object).filter(|_| !self.printed.is_empty()) else {
            return Vec::new();
        };
        let name = provider.field(FieldRole::Prompt).map(|field| field.name.as_str());
        let Some(prompt) = name.and_then(|name| path::text(body, name)) else { return Vec::new() };
        let same = |candidate: &&ExchangeCandidate| match &candidate.bare {
            Some(Value::Object(bare)) => path::is_bare_but(bare, body, name),
            _ => false,
        };
        let mut found: Vec<_> = self.printed.iter().filter_map(|at| self.all.get(*at)).filter(same).collect();
        if !found.is_empty() {
            let hash = hash::full(prompt.as_bytes());
            found.retain(|candidate| candidate.prompt_hash.as_ref() == Some(&hash));
        }
        found
    }

    /// Those with the same body, nulls aside.
    fn alike(&self, body: Option<&Value>, hash: u64) -> Vec<&ExchangeCandidate> {
        let places = self.alike.get(&hash).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| self.all.get(*at)).filter(|candidate| candidate.is_alike(body)).collect()
    }
}

impl ExchangeCandidate {
    /// Whether a request has its query, in any order.
    fn has_query(&self, query: Option<&str>) -> bool {
        let sorted = |query: &str| {
            let mut members: Vec<String> = query.split('&').map(str::to_owned).collect();
            members.sort_unstable();
            members
        };
        self.query.as_ref().is_none_or(|own| query.is_some_and(|query| own == query || sorted(own) == sorted(query)))
    }

    /// Whether a body is the same, nulls aside.
    fn is_alike(&self, body: Option<&Value>) -> bool {
        match (&self.bare, body) {
            (Some(Value::Object(bare)), Some(Value::Object(body))) => path::is_bare_of(bare, body),
            (bare, body) => bare.as_ref() == body,
        }
    }
}

/// An exchange that is not equal to a request.
#[derive(Debug, Serialize)]
pub(crate) struct NearExchange<'i> {
    fixture: &'i str,
    differs: Vec<Difference>,
}

impl ExchangeIndex {
    /// The exchanges nearest to a request as the journal shows it, and where they differ.
    pub(crate) fn nearest(&self, provider: &str, method: &str, path: &str, body: &Value) -> Vec<NearExchange<'_>> {
        const SHOWN: usize = 3;
        let candidates = self.candidates(provider, method, path).map(|candidates| candidates.all.as_slice());
        let bare = without_nulls(body);
        let miss = |candidate: &'_ ExchangeCandidate| {
            let expected = candidate.bare.as_ref().map(shortened).unwrap_or_default();
            diff::unequal(&expected, &bare)
        };
        let mut misses: Vec<NearExchange<'_>> = candidates
            .unwrap_or_default()
            .iter()
            .map(|candidate| NearExchange { fixture: &candidate.id, differs: miss(candidate) })
            .collect();
        misses.sort_by_key(|miss| miss.differs.len());
        misses.truncate(SHOWN);
        misses
    }
}

/// The candidate that fits, if exactly one does.
fn only<'c>(candidates: &[&'c ExchangeCandidate], fits: impl Fn(&ExchangeCandidate) -> bool) -> Option<&'c str> {
    let mut found = candidates.iter().filter(|candidate| fits(candidate));
    let first = found.next()?;
    found.next().is_none().then_some(first.id.as_str())
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(body) => Value::Object(path::without_nulls(body).into_owned()),
        other => other.clone(),
    }
}
