//! Recorded responses: found by an equal request, or forced by name.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use seedream_fixtures::{EvidenceKind, OperationKind, RecordedBody, RecordedExchange, RecordedResponse};
use serde_json::Value;

use crate::endpoints::{credits, generate, models, tasks};
use crate::engine::services::Services;
use crate::image::test_image::TestImage;
use crate::json::ordered::OrderedValue;
use crate::json::path::Object;
use crate::request::context::RequestContext;
use crate::request::fields::RequestFields;
use crate::request::generation_spec::GenerationSpec;
use crate::request::rewrite::ForwardedRequest;
use crate::request::{rewrite, sizes};
use crate::response::chunk::{Chunk, inline_marker, splice};
use crate::response::endpoint_response::EndpointResponse;

/// The response of the recorded exchange with an equal request, if there is one.
pub(crate) fn respond(context: &RequestContext<'_>) -> Option<EndpointResponse> {
    let method = context.request.method().as_str();
    // A relay that differs from its documentation does not answer as documented; a user's own exchange stands.
    let own = !context.profile.is_documented();
    let Services { index, library, .. } = context.services;
    let found = index.find(context.provider, method, context.below, context.json, context.body_hash, own)?;
    let mut response = live(context, library.exchange(found.id)?, found.printed)?;
    if response.status >= 400 {
        response.violations = generate::broken_rules(context);
    }
    Some(response)
}

/// An exchange's response, byte for byte.
pub(crate) fn forced(exchange: &RecordedExchange) -> Option<EndpointResponse> {
    let recorded = exchange.response.as_ref()?;
    let bytes: Bytes = match &recorded.body {
        RecordedBody::Json(raw) => raw.get().to_owned().into(),
        RecordedBody::Text(text) | RecordedBody::Sse(text) => text.clone().into(),
        RecordedBody::Base64(text) => STANDARD.decode(text).unwrap_or_default().into(),
    };
    Some(with_head(exchange, recorded, vec![Chunk::text(bytes)]))
}

/// An exchange's response with its volatile members made live: images open, tasks can be polled, the time is now. To a document's
/// own request a task is expected to take as long as is printed.
fn live(context: &RequestContext<'_>, exchange: &RecordedExchange, printed: bool) -> Option<EndpointResponse> {
    let recorded = exchange.response.as_ref()?;
    // A user's own list of models stays as written.
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
    let mut response = with_head(exchange, recorded, chunks);
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
fn with_head(exchange: &RecordedExchange, recorded: &RecordedResponse, chunks: Vec<Chunk>) -> EndpointResponse {
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

/// A documented response on its way to being live.
struct LiveExchange<'c, 'e> {
    context: &'c RequestContext<'e>,
    spec: GenerationSpec<'c>,
    /// What the request asked for.
    operation: OperationKind,
    /// Whether the request is the document's own.
    printed: bool,
    /// The images of the response so far; markers count from its start.
    images: Vec<TestImage>,
    /// How many images it says were made.
    generated: Option<u32>,
    /// The task that was accepted.
    accepted: Option<String>,
    /// Whether it says more than the document.
    derived: bool,
}

impl LiveExchange<'_, '_> {
    /// Whether the request asked for images, rather than for how something is.
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

    /// A task in a response becomes one that can be polled. How long it takes is this mock's to say, except to the document's own
    /// request.
    fn accept(&mut self, node: &mut OrderedValue) {
        let is_task = node.get("task_info").is_some() && node.get("id").is_some();
        if is_task {
            let id = tasks::accept(self.context, &self.spec, self.spec.reported);
            node.replace("id", &id);
            self.accepted = Some(id);
            if let Some(info) = node.get_mut("task_info").filter(|_| !self.printed) {
                info.replace("estimated_time", &self.context.settings.estimated_seconds);
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

    /// The next image's URL; it has the size the response states, else the one the request asks for.
    fn image(&mut self, size: Option<&str>) -> String {
        let index = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
        let mut image = self.spec.image(self.context.settings.seed, index);
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
