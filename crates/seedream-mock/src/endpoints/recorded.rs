//! Documented answers: found by an equal request, or forced by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderName;
use seedream_fixtures::{
    EvidenceKind, FieldRole, FixtureLibrary, OperationKind, ProviderFacts, RecordedBody, RecordedExchange,
    RecordedResponse,
};
use serde::Serialize;
use serde_json::Value;

use crate::endpoints::{credits, models, tasks};
use crate::hash;
use crate::image::TestImage;
use crate::json::diff::Difference;
use crate::json::ordered::OrderedValue;
use crate::json::path::Object;
use crate::json::{diff, path};
use crate::request::context::RequestContext;
use crate::request::fields::RequestFields;
use crate::request::generation_spec::GenerationSpec;
use crate::request::rewrite::ForwardedRequest;
use crate::request::{rewrite, sizes};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::script::{Chunk, inline_marker, splice};
use crate::state::journal::shortened;

/// The request header that forces an exchange, and the response header that names the one that answered.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-mock-fixture");

/// The exchanges with an answer, by what asks for them: provider, path, method.
pub(crate) struct ExchangeIndex {
    by_request: BTreeMap<String, BTreeMap<String, BTreeMap<String, Candidates>>>,
}

/// The exchanges that one method of one path answers with.
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
pub(crate) struct ExchangeMatch<'i> {
    pub(crate) id: &'i str,
    /// Whether the request is the document's own, word for word.
    pub(crate) printed: bool,
}

impl ExchangeIndex {
    pub(crate) fn new(library: &FixtureLibrary) -> Self {
        let mut index = Self { by_request: BTreeMap::new() };
        for exchange in library.exchanges() {
            let (Some(request), Some(recorded)) = (&exchange.request, &exchange.response) else { continue };
            let body = request.json_value();
            // The provider calls back in the other direction. An unauthorised answer belongs to another key, and keys are
            // judged before. A POST without a body is one whose source shows the answer only.
            let unfindable = exchange.operation == OperationKind::Callback
                || (recorded.status == 401 && !exchange.is_users())
                || (body.is_none() && request.method != "GET");
            if !unfindable {
                let paths = index.by_request.entry(exchange.provider().to_owned()).or_default();
                let methods = paths.entry(request.path.clone()).or_default();
                let bare = body.as_ref().map(without_nulls);
                methods.entry(request.method.clone()).or_default().add(ExchangeCandidate {
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
        provider: &ProviderFacts,
        method: &str,
        path: &str,
        body: Option<&Value>,
        hash: u64,
        own: bool,
    ) -> Option<ExchangeMatch<'_>> {
        let candidates = self.candidates(&provider.id, method, path)?;
        // What is equal is alike too, and nearly always nothing is.
        let alike = candidates.alike(body, hash);
        if alike.is_empty() {
            let printed = candidates.printed(provider, body);
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

/// The one candidate that fits; two are none.
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

/// An exchange's answer, byte for byte.
pub(crate) fn forced(exchange: &RecordedExchange) -> Option<EndpointResponse> {
    let recorded = exchange.response.as_ref()?;
    let bytes: Bytes = match &recorded.body {
        RecordedBody::Json(raw) => raw.get().to_owned().into(),
        RecordedBody::Text(text) | RecordedBody::Sse(text) => text.clone().into(),
        RecordedBody::Base64(text) => STANDARD.decode(text).unwrap_or_default().into(),
    };
    Some(respond(exchange, recorded, vec![Chunk::text(bytes)]))
}

/// An exchange's answer with its volatile members made live: pictures open, tasks can be polled, the time is now. To a document's
/// own request a task is expected to take as long as is printed.
pub(crate) fn live(
    context: &RequestContext<'_>,
    exchange: &RecordedExchange,
    printed: bool,
) -> Option<EndpointResponse> {
    let recorded = exchange.response.as_ref()?;
    // A user's own list of models is as he wrote it.
    let own_list = exchange.operation == OperationKind::Models && exchange.is_users();
    if !(200..300).contains(&recorded.status) || own_list {
        return forced(exchange);
    }
    let nothing = Object::new();
    let body = context.object().unwrap_or(&nothing);
    let effective = rewrite::effective(context.provider, body);
    let spec = GenerationSpec::read(
        &RequestFields::of(context.provider, body),
        &RequestFields::of(context.provider, &effective),
    );
    let mut live = LiveExchange {
        context,
        spec: if exchange.operation == OperationKind::Create { spec.repeated(context.repeat()) } else { spec },
        operation: exchange.operation,
        printed,
        images: Vec::new(),
        generated: None,
        accepted: None,
        derived: false,
    };
    let chunks = match &recorded.body {
        RecordedBody::Json(raw) => {
            let text = live.json(raw.get());
            vec![Chunk::now(splice(&text, &live.images))]
        }
        RecordedBody::Sse(text) => live.events(text),
        RecordedBody::Text(_) | RecordedBody::Base64(_) => return forced(exchange),
    };
    // A page may print fewer images than it says were made.
    let images = live.generated.unwrap_or_else(|| u32::try_from(live.images.len()).unwrap_or(u32::MAX));
    let mut response = respond(exchange, recorded, chunks);
    if live.derived {
        response.evidence = EvidenceKind::Derived;
    }
    response.billed =
        if live.creates() { images.max(live.accepted.as_ref().map_or(0, |_| live.spec.image_count)) } else { 0 };
    response.reserved = live.accepted.map(|id| (id, live.spec.reserved));
    if !effective.is_empty() {
        response.effective = ForwardedRequest::of(effective, true);
    }
    Some(response)
}

/// An exchange's head around a body.
fn respond(exchange: &RecordedExchange, recorded: &RecordedResponse, chunks: Vec<Chunk>) -> EndpointResponse {
    // These describe the recorded connection and not this one.
    const HOP: [&str; 5] = ["content-length", "transfer-encoding", "connection", "date", "content-encoding"];
    let headers = recorded.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let (types, headers): (Vec<_>, Vec<_>) =
        headers.filter(|(name, _)| !HOP.contains(&name.as_str())).partition(|(name, _)| name == "content-type");
    let content_type = types.into_iter().next().map(|(_, value)| value);
    EndpointResponse {
        headers,
        streamed: matches!(recorded.body, RecordedBody::Sse(_)),
        fixture: Some(exchange.id().to_owned()),
        evidence: exchange.source.kind,
        ..EndpointResponse::new(
            recorded.status,
            content_type.map_or(recorded.body.content_type().into(), Cow::Owned),
            chunks,
        )
    }
}

/// A documented answer on its way to being live.
struct LiveExchange<'c, 'e> {
    context: &'c RequestContext<'e>,
    spec: GenerationSpec<'c>,
    /// What the request asked for.
    operation: OperationKind,
    /// Whether the request is the document's own.
    printed: bool,
    /// The pictures of the answer so far; markers count from its start.
    images: Vec<TestImage>,
    /// How many images it says were made.
    generated: Option<u32>,
    /// The task that was accepted.
    accepted: Option<String>,
    /// Whether it says more than the document.
    derived: bool,
}

impl LiveExchange<'_, '_> {
    /// Whether the request asked for pictures, rather than for how something is.
    fn creates(&self) -> bool {
        self.operation == OperationKind::Create
    }

    /// A JSON body. What is not JSON after all stays as it is.
    fn json(&mut self, text: &str) -> String {
        let Ok(mut node) = OrderedValue::parse(text) else { return text.to_owned() };
        self.node(&mut node);
        node.write()
    }

    fn node(&mut self, node: &mut OrderedValue) {
        if self.creates() {
            self.accept(node);
            node.replace("created", &self.context.now.as_second());
            let usage = node.get_mut("usage").and_then(|usage| usage.get("generated_images")?.number());
            self.generated = usage.map(|images| images as u32).or(self.generated);
        }
        if self.operation == OperationKind::Credits {
            credits::update(self.context, node);
        }
        if self.operation == OperationKind::Models {
            self.derived |= models::complete(self.context.provider, node);
        }
        for item in node.get_mut("data").map(OrderedValue::items_mut).unwrap_or_default() {
            self.item(item);
        }
        for result in node.get_mut("results").map(OrderedValue::items_mut).unwrap_or_default() {
            let url = self.image(None);
            if let Ok(url) = OrderedValue::parse(&Value::from(url).to_string()) {
                *result = url;
            }
        }
        // An event of a stream is an item itself.
        self.item(node);
    }

    /// A task in an answer becomes one that can be polled. How long it takes is this mock's to say, except to the document's own
    /// request.
    fn accept(&mut self, node: &mut OrderedValue) {
        let is_task = node.get("task_info").is_some() && node.get("id").is_some();
        if is_task {
            let id = tasks::accept(self.context, &self.spec, self.spec.reported);
            node.replace("id", &id);
            self.accepted = Some(id);
            if let Some(info) = node.get_mut("task_info").filter(|_| !self.printed) {
                info.replace("estimated_time", &self.context.conduct.estimated_seconds);
            }
        }
    }

    fn item(&mut self, item: &mut OrderedValue) {
        let size = item.get("size").and_then(OrderedValue::text);
        if item.get("url").and_then(OrderedValue::text).is_some() {
            let url = self.image(size.as_deref());
            item.replace("url", &url);
        } else if item.get("b64_json").and_then(OrderedValue::text).is_some() {
            let place = self.images.len();
            self.image(size.as_deref());
            item.replace("b64_json", &inline_marker(place));
        }
    }

    /// The next picture's URL; it has the size the answer states, else the one the request asks for.
    fn image(&mut self, size: Option<&str>) -> String {
        let index = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
        let mut image = self.spec.image(self.context.engine.settings().seed, index);
        if let Some((width, height)) = size.and_then(sizes::pixels) {
            (image.width, image.height) = (width, height);
        }
        let url = self.context.url(&image);
        self.images.push(image);
        url
    }

    /// A stream of events, one a chunk; only single lines of JSON are made live, everything else is byte exact.
    fn events(&mut self, text: &str) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for frame in text.split_inclusive("\n\n") {
            let lines: Vec<String> = frame.split_inclusive('\n').map(|line| self.line(line)).collect();
            chunks.push(Chunk::now(splice(&lines.concat(), &self.images)));
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
