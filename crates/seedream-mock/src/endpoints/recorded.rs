//! Recorded responses: found by an equal request, or forced by name.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use seedream_fixtures::{
    EvidenceKind, JsonTemplate, OperationKind, Placeholder, RecordedBody, RecordedExchange, RecordedResponse,
    ResponseFamily, RouteName, TaskFacts, TextTemplate,
};

use crate::endpoints::{credits, generate, models, tasks};
use crate::engine::services::Services;
use crate::image::test_image::TestImage;
use crate::json::ordered::OrderedValue;
use crate::json::path::Object;
use crate::request::context::RequestContext;
use crate::request::fields::RequestFields;
use crate::request::gateway_rewrite::ForwardedRequest;
use crate::request::generation_spec::GenerationSpec;
use crate::request::{gateway_rewrite, sizes};
use crate::response::chunk::{Chunk, inline_marker, splice};
use crate::response::endpoint_response::EndpointResponse;
use crate::time::later;

/// The response of the recorded exchange with an equal request, if there is one.
pub(crate) fn respond(context: &RequestContext<'_>) -> Option<EndpointResponse> {
    let method = context.request.method().as_str();
    // A relay that differs from its documentation does not answer as documented; a user's own exchange stands.
    let own = !context.profile.is_documented();
    let Services { index, library, .. } = context.services;
    let asked = (context.below, context.request.uri().query());
    let found = index.find(context.provider, method, asked, context.json, context.body_hash, own)?;
    let mut response = live(context, library.exchange(found.id)?, found.printed)?;
    // The rules are those of requests for images.
    if response.status >= 400 && context.route.is_some_and(|route| route.name == RouteName::Create) {
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
    let effective = gateway_rewrite::effective(context.provider, body);
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
        // Of a task that is accepted only the head may say so.
        RecordedBody::Text(text) if live.task_form().is_some() => vec![Chunk::text(text.clone())],
        RecordedBody::Text(_) | RecordedBody::Base64(_) => return forced(exchange),
    };
    // A page may print fewer images than it says were made.
    let images = live.generated.unwrap_or_else(|| u32::try_from(live.images.len()).unwrap_or(u32::MAX));
    let mut response = with_head(exchange, recorded, chunks);
    live.accept_head(&mut response.headers);
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

impl<'e> LiveExchange<'_, 'e> {
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
        if self.operation == OperationKind::Poll {
            self.polled(node);
        }
        // An event of a stream is an item itself.
        self.item(node);
    }

    /// A task in a response becomes one that can be polled. How long it takes is this mock's to say, except to the document's own
    /// request.
    fn accept(&mut self, node: &mut OrderedValue) {
        let Some(accepted) = self.task_form().and_then(|form| form.accepted.json.as_ref()) else { return };
        if accepted.place(Placeholder::Id).is_some_and(|place| node.pointer_mut(place).is_some()) {
            self.keep_task();
        }
        let Some(id) = self.accepted.clone() else { return };
        for (place, placeholder) in accepted.places() {
            let Some(value) = node.pointer_mut(place) else { continue };
            match placeholder {
                Placeholder::Id => value.set(&id),
                Placeholder::Created => value.set(&self.context.now.as_second()),
                Placeholder::Estimate if !self.printed => value.set(&self.context.settings.estimated_seconds),
                _ => {}
            }
        }
    }

    /// The form of the tasks that this route accepts or tells of, if it does.
    fn task_form(&self) -> Option<&'e TaskFacts> {
        let context = self.context;
        (context.response_family() == ResponseFamily::Task).then(|| context.services.task_form(context.provider))
    }

    /// The headers of an acceptance that name its task; where they alone do, the task is accepted here.
    fn accept_head(&mut self, headers: &mut [(String, String)]) {
        let Some(form) = self.task_form().filter(|_| self.creates()) else { return };
        let is_id = |text: &TextTemplate| text.used().any(|placeholder| placeholder == Placeholder::Id);
        for (name, text) in form.accepted.headers.iter().filter(|(_, text)| is_id(text)) {
            let Some((_, value)) = headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if self.accepted.is_none() {
                self.keep_task();
            }
            let id = self.accepted.clone().unwrap_or_default();
            *value = text.write(|_| Cow::Borrowed(id.as_str()));
        }
    }

    fn keep_task(&mut self) {
        self.accepted = Some(tasks::accept(self.context, &self.spec, self.spec.reported));
    }

    /// The images of a task that has ended.
    fn polled(&mut self, node: &mut OrderedValue) {
        let Some(form) = self.task_form() else { return };
        let expires_at = later(self.context.now, Duration::from_secs(self.context.provider.limits.result_seconds));
        let places = form.completed.json.iter().flat_map(JsonTemplate::places);
        for (place, placeholder) in places {
            let Some(value) = node.pointer_mut(place) else { continue };
            match placeholder {
                Placeholder::Images => {
                    for image in value.items_mut() {
                        self.polled_image(&form.image, image, expires_at.as_second());
                    }
                }
                Placeholder::ExpiresAt => value.set(&expires_at.as_second()),
                _ => {}
            }
        }
    }

    fn polled_image(&mut self, form: &JsonTemplate, image: &mut OrderedValue, expires_at: i64) {
        for (place, placeholder) in form.places() {
            let Some(value) = image.pointer_mut(place) else { continue };
            match placeholder {
                Placeholder::Url => value.set(&self.image(None)),
                Placeholder::ExpiresAt => value.set(&expires_at),
                _ => {}
            }
        }
    }

    fn item(&mut self, item: &mut OrderedValue) {
        let size = item.get("size").and_then(OrderedValue::text);
        if let Some(OrderedValue::Array(urls)) = item.get_mut("url") {
            for url in urls {
                url.set(&self.image(size.as_deref()));
            }
        } else if item.get("url").and_then(OrderedValue::text).is_some() {
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
