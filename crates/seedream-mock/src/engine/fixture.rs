//! Documented answers: found by an equal request, or forced by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderName;
use seedream_fixtures::{Body, Exchange, Kind, Library, Operation, Provider, Response, Role};
use serde::Serialize;
use serde_json::Value;

use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::journal::shortened;
use super::members::Object;
use super::normalise::Effective;
use super::ordered::Node;
use super::pattern::{self, Difference};
use super::said::Said;
use super::script::{Chunk, inline_marker, splice};
use super::{credits, digest, members, models, normalise, sizes, task};
use crate::picture::Picture;

/// The request header that forces an exchange, and the response header that names the one that answered.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-mock-fixture");

/// The exchanges with an answer, by what asks for them: provider, path, method.
pub(crate) struct Index {
    by_request: BTreeMap<String, BTreeMap<String, BTreeMap<String, Candidates>>>,
}

/// The exchanges that one method of one path answers with.
#[derive(Default)]
struct Candidates {
    all: Vec<Candidate>,
    /// The places of those whose bodies have a hash.
    alike: HashMap<u64, Vec<usize>>,
    /// The places of those that stand for a document's own request, whose prompt is known by its hash alone.
    printed: Vec<usize>,
}

struct Candidate {
    id: String,
    /// Whether it is a user's own, which comes before all others.
    users: bool,
    body: Option<Value>,
    /// The body without its nulls.
    bare: Option<Value>,
    /// The SHA-256 of the document's own prompt.
    prompt_hash: Option<String>,
}

/// The exchange that answers a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'i> {
    pub(crate) id: &'i str,
    /// Whether the request is the document's own, word for word.
    pub(crate) printed: bool,
}

impl Index {
    pub(crate) fn new(library: &Library) -> Self {
        let mut index = Self { by_request: BTreeMap::new() };
        for exchange in library.exchanges() {
            let (Some(request), Some(response)) = (&exchange.request, &exchange.response) else { continue };
            let body = request.json_value();
            // The provider calls back in the other direction. An unauthorised answer belongs to another key, and keys are
            // judged before. A POST without a body is one whose source shows the answer only.
            let unfindable = exchange.operation == Operation::Callback
                || (response.status == 401 && !exchange.is_users())
                || (body.is_none() && request.method != "GET");
            if !unfindable {
                let paths = index.by_request.entry(exchange.provider().to_owned()).or_default();
                let methods = paths.entry(request.path.clone()).or_default();
                let bare = body.as_ref().map(without_nulls);
                methods.entry(request.method.clone()).or_default().add(Candidate {
                    id: exchange.id().to_owned(),
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
    /// prompt is the prompt that stands for it. `hash` is that [of the body](members::hash), `own` asks for a user's only.
    pub(crate) fn find(
        &self,
        provider: &Provider,
        method: &str,
        path: &str,
        body: Option<&Value>,
        hash: u64,
        own: bool,
    ) -> Option<Found<'_>> {
        let candidates = self.candidates(&provider.id, method, path)?;
        // What is equal is alike too, and nearly always nothing is.
        let alike = candidates.alike(body, hash);
        if alike.is_empty() {
            let printed = candidates.printed(provider, body);
            let id = only(&printed, |candidate| candidate.users).or_else(|| only(&printed, |_| !own))?;
            return Some(Found { id, printed: true });
        }
        let equal = |candidate: &Candidate| candidate.body.as_ref() == body;
        let id = only(&alike, |candidate| candidate.users && equal(candidate))
            .or_else(|| only(&alike, |candidate| candidate.users))
            .or_else(|| only(&alike, |candidate| !own && equal(candidate)))
            .or_else(|| only(&alike, |_| !own))?;
        Some(Found { id, printed: false })
    }
}

impl Candidates {
    fn add(&mut self, candidate: Candidate) {
        self.alike.entry(members::hash(candidate.bare.as_ref())).or_default().push(self.all.len());
        if candidate.prompt_hash.is_some() {
            self.printed.push(self.all.len());
        }
        self.all.push(candidate);
    }

    /// Those whose document prints this body. Its prompt is hashed once, and only where everything else is the same.
    fn printed(&self, provider: &Provider, body: Option<&Value>) -> Vec<&Candidate> {
        let Some(body) = body.and_then(Value::as_object).filter(|_| !self.printed.is_empty()) else {
            return Vec::new();
        };
        let name = provider.field(Role::Prompt).map(|field| field.name.as_str());
        let Some(prompt) = name.and_then(|name| members::text(body, name)) else { return Vec::new() };
        let same = |candidate: &&Candidate| match &candidate.bare {
            Some(Value::Object(bare)) => members::is_bare_but(bare, body, name),
            _ => false,
        };
        let mut found: Vec<_> = self.printed.iter().filter_map(|at| self.all.get(*at)).filter(same).collect();
        if !found.is_empty() {
            let hash = digest::full(prompt.as_bytes());
            found.retain(|candidate| candidate.prompt_hash.as_ref() == Some(&hash));
        }
        found
    }

    /// Those with the same body, nulls aside.
    fn alike(&self, body: Option<&Value>, hash: u64) -> Vec<&Candidate> {
        let places = self.alike.get(&hash).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|at| self.all.get(*at)).filter(|candidate| candidate.is_alike(body)).collect()
    }
}

impl Candidate {
    /// Whether a body is the same, nulls aside.
    fn is_alike(&self, body: Option<&Value>) -> bool {
        match (&self.bare, body) {
            (Some(Value::Object(bare)), Some(Value::Object(body))) => members::is_bare_of(bare, body),
            (bare, body) => bare.as_ref() == body,
        }
    }
}

/// An exchange that is not equal to a request.
#[derive(Debug, Serialize)]
pub(crate) struct NearMiss<'i> {
    fixture: &'i str,
    differs: Vec<Difference>,
}

impl Index {
    /// The exchanges nearest to a request as the journal shows it, and where they differ.
    pub(crate) fn nearest(&self, provider: &str, method: &str, path: &str, body: &Value) -> Vec<NearMiss<'_>> {
        const SHOWN: usize = 3;
        let candidates = self.candidates(provider, method, path).map(|candidates| candidates.all.as_slice());
        let bare = without_nulls(body);
        let miss = |candidate: &'_ Candidate| {
            let expected = candidate.bare.as_ref().map(shortened).unwrap_or_default();
            pattern::unequal(&expected, &bare)
        };
        let mut misses: Vec<NearMiss<'_>> = candidates
            .unwrap_or_default()
            .iter()
            .map(|candidate| NearMiss { fixture: &candidate.id, differs: miss(candidate) })
            .collect();
        misses.sort_by_key(|miss| miss.differs.len());
        misses.truncate(SHOWN);
        misses
    }
}

/// The one candidate that fits; two are none.
fn only<'c>(candidates: &[&'c Candidate], fits: impl Fn(&Candidate) -> bool) -> Option<&'c str> {
    let mut found = candidates.iter().filter(|candidate| fits(candidate));
    let first = found.next()?;
    found.next().is_none().then_some(first.id.as_str())
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(body) => Value::Object(members::without_nulls(body).into_owned()),
        other => other.clone(),
    }
}

/// An exchange's answer, byte for byte.
pub(crate) fn forced(exchange: &Exchange) -> Option<Answer> {
    let response = exchange.response.as_ref()?;
    let bytes: Bytes = match &response.body {
        Body::Json(raw) => raw.get().to_owned().into(),
        Body::Text(text) | Body::Sse(text) => text.clone().into(),
        Body::Base64(text) => STANDARD.decode(text).unwrap_or_default().into(),
    };
    Some(answer(exchange, response, vec![Chunk::text(bytes)]))
}

/// An exchange's answer with its volatile members made live: pictures open, tasks can be polled, the time is now. To a document's
/// own request a task is expected to take as long as is printed.
pub(crate) fn live(call: &Call<'_>, exchange: &Exchange, printed: bool) -> Option<Answer> {
    let response = exchange.response.as_ref()?;
    // A user's own list of models is as he wrote it.
    let own_list = exchange.operation == Operation::Models && exchange.is_users();
    if !(200..300).contains(&response.status) || own_list {
        return forced(exchange);
    }
    let nothing = Object::new();
    let body = call.object().unwrap_or(&nothing);
    let effective = normalise::effective(call.provider, body);
    let ask = Ask::read(&Said::of(call.provider, body), &Said::of(call.provider, &effective));
    let mut live = Live {
        call,
        ask: if exchange.operation == Operation::Create { ask.repeated(call.repeat()) } else { ask },
        operation: exchange.operation,
        printed,
        pictures: Vec::new(),
        generated: None,
        accepted: None,
        derived: false,
    };
    let chunks = match &response.body {
        Body::Json(raw) => {
            let text = live.json(raw.get());
            vec![Chunk::now(splice(&text, &live.pictures))]
        }
        Body::Sse(text) => live.events(text),
        Body::Text(_) | Body::Base64(_) => return forced(exchange),
    };
    // A page may print fewer images than it says were made.
    let pictures = live.generated.unwrap_or_else(|| u32::try_from(live.pictures.len()).unwrap_or(u32::MAX));
    let mut answer = answer(exchange, response, chunks);
    if live.derived {
        answer.evidence = Kind::Derived;
    }
    answer.billed =
        if live.creates() { pictures.max(live.accepted.as_ref().map_or(0, |_| live.ask.images)) } else { 0 };
    answer.reserved = live.accepted.map(|id| (id, live.ask.reserved));
    if !effective.is_empty() {
        answer.effective = Effective::of(effective, true);
    }
    Some(answer)
}

/// An exchange's head around a body.
fn answer(exchange: &Exchange, response: &Response, chunks: Vec<Chunk>) -> Answer {
    // These describe the recorded connection and not this one.
    const HOP: [&str; 5] = ["content-length", "transfer-encoding", "connection", "date", "content-encoding"];
    let headers = response.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let (types, headers): (Vec<_>, Vec<_>) =
        headers.filter(|(name, _)| !HOP.contains(&name.as_str())).partition(|(name, _)| name == "content-type");
    let content_type = types.into_iter().next().map(|(_, value)| value);
    Answer {
        headers,
        streamed: matches!(response.body, Body::Sse(_)),
        fixture: Some(exchange.id().to_owned()),
        evidence: exchange.source.kind,
        ..Answer::new(response.status, content_type.map_or(response.body.content_type().into(), Cow::Owned), chunks)
    }
}

/// A documented answer on its way to being live.
struct Live<'c, 'e> {
    call: &'c Call<'e>,
    ask: Ask<'c>,
    /// What the request asked for.
    operation: Operation,
    /// Whether the request is the document's own.
    printed: bool,
    /// The pictures of the answer so far; markers count from its start.
    pictures: Vec<Picture>,
    /// How many images it says were made.
    generated: Option<u32>,
    /// The task that was accepted.
    accepted: Option<String>,
    /// Whether it says more than the document.
    derived: bool,
}

impl Live<'_, '_> {
    /// Whether the request asked for pictures, rather than for how something is.
    fn creates(&self) -> bool {
        self.operation == Operation::Create
    }

    /// A JSON body. What is not JSON after all stays as it is.
    fn json(&mut self, text: &str) -> String {
        let Ok(mut node) = Node::parse(text) else { return text.to_owned() };
        self.node(&mut node);
        node.write()
    }

    fn node(&mut self, node: &mut Node) {
        if self.creates() {
            self.accept(node);
            node.replace("created", &self.call.now.as_second());
            let usage = node.get_mut("usage").and_then(|usage| usage.get("generated_images")?.number());
            self.generated = usage.map(|images| images as u32).or(self.generated);
        }
        if self.operation == Operation::Credits {
            credits::update(self.call, node);
        }
        if self.operation == Operation::Models {
            self.derived |= models::complete(self.call.provider, node);
        }
        for item in node.get_mut("data").map(Node::items_mut).unwrap_or_default() {
            self.item(item);
        }
        for result in node.get_mut("results").map(Node::items_mut).unwrap_or_default() {
            let url = self.picture(None);
            if let Ok(url) = Node::parse(&Value::from(url).to_string()) {
                *result = url;
            }
        }
        // An event of a stream is an item itself.
        self.item(node);
    }

    /// A task in an answer becomes one that can be polled. How long it takes is this mock's to say, except to the document's own
    /// request.
    fn accept(&mut self, node: &mut Node) {
        let is_task = node.get("task_info").is_some() && node.get("id").is_some();
        if is_task {
            let id = task::accept(self.call, &self.ask, self.ask.reported);
            node.replace("id", &id);
            self.accepted = Some(id);
            if let Some(info) = node.get_mut("task_info").filter(|_| !self.printed) {
                info.replace("estimated_time", &self.call.conduct.estimated_seconds);
            }
        }
    }

    fn item(&mut self, item: &mut Node) {
        let size = item.get("size").and_then(Node::text);
        if item.get("url").and_then(Node::text).is_some() {
            let url = self.picture(size.as_deref());
            item.replace("url", &url);
        } else if item.get("b64_json").and_then(Node::text).is_some() {
            let place = self.pictures.len();
            self.picture(size.as_deref());
            item.replace("b64_json", &inline_marker(place));
        }
    }

    /// The next picture's URL; it has the size the answer states, else the one the request asks for.
    fn picture(&mut self, size: Option<&str>) -> String {
        let index = u32::try_from(self.pictures.len()).unwrap_or(u32::MAX);
        let mut picture = self.ask.picture(self.call.engine.settings().seed, index);
        if let Some((width, height)) = size.and_then(sizes::pixels) {
            (picture.width, picture.height) = (width, height);
        }
        let url = self.call.url(&picture);
        self.pictures.push(picture);
        url
    }

    /// A stream of events, one a chunk; only single lines of JSON are made live, everything else is byte exact.
    fn events(&mut self, text: &str) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for frame in text.split_inclusive("\n\n") {
            let lines: Vec<String> = frame.split_inclusive('\n').map(|line| self.line(line)).collect();
            chunks.push(Chunk::now(splice(&lines.concat(), &self.pictures)));
        }
        chunks
    }

    fn line(&mut self, line: &str) -> String {
        let ending = &line[line.trim_end().len()..];
        match line.trim_end().strip_prefix("data:").map(str::trim_start) {
            Some(data) if data.starts_with('{') => format!("data: {}{ending}", self.json(data)),
            _ => line.to_owned(),
        }
    }
}
