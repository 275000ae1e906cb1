//! What shapes are made from: a documented success of a provider, and the way to it.

use std::{cell::RefCell, fmt};

use crate::harness::random::Rng;
use bytes::Bytes;
use seedream_core::{
    Charge, Error, Exchange as Sent, Generation, ImageData, Input, Purpose, Response, Warning, WarningKind,
};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange, ResponseMode};
use serde_json::{Map, Value, json};

use crate::{
    CaseFailure, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse, made_up},
    harness::difference::Differences,
    harness::random::{below, seeded},
    harness::simulation::{SimulatedRun, Simulation, poll_target},
    harness::task_fixtures::TaskFixtures,
};

/// How often each kind is drawn.
pub(super) const ROUNDS: u64 = 4;

/// The host of the images of a response.
pub(super) const IMAGES: &str = "https://images.response/";

/// A documented success whose images have URLs, and what is drawn for it.
pub(super) struct ShapeFixture {
    pub(super) subject: Subject,
    /// The tasks of a provider that has them.
    shown: Option<TaskFixtures>,
    pub(super) documented: DocumentedResponse,
    /// The response, without its images.
    pub(super) facts: Map<String, Value>,
    /// The member that holds the images.
    pub(super) member: String,
    pub(super) urls: Vec<String>,
    round: u64,
    random: RefCell<Rng>,
}

/// An image that was delivered.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum DeliveredImage {
    Link(String),
    Inline(Bytes),
    /// A file, or something incomplete.
    Otherwise,
}

impl fmt::Debug for DeliveredImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(url) => f.write_str(&url.chars().take(60).collect::<String>()),
            Self::Inline(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Otherwise => f.write_str("something else"),
        }
    }
}

impl DeliveredImage {
    fn of(data: &ImageData) -> Self {
        match data {
            ImageData::Url { url, .. } => Self::Link(url.clone()),
            ImageData::Bytes(bytes) => Self::Inline(bytes.clone()),
            _ => Self::Otherwise,
        }
    }
}

impl ShapeFixture {
    /// The success with the most images; `None` where none is shown.
    pub(super) fn of(subject: &Subject, round: u64) -> Result<Option<Self>, CaseFailure> {
        let has_tasks = subject.provider().is_some_and(|provider| provider.mode == ResponseMode::Task);
        let operation = if has_tasks { OperationKind::Poll } else { OperationKind::Create };
        let usable = DocumentedResponse::all(subject, operation)?.into_iter().filter(is_usable);
        let Some(documented) = usable.max_by_key(|documented| urls(documented.exchange).len()) else { return Ok(None) };
        let shown = if has_tasks { Some(TaskFixtures::of(subject)?) } else { None };
        let urls = urls(documented.exchange);
        let Ok(Value::Object(mut facts)) = serde_json::from_slice(&documented.response.body) else { return Ok(None) };
        let member = facts.iter().find(|(_, value)| value.is_array() && value.to_string().contains(&urls[0]));
        let Some(member) = member.map(|(name, _)| name.clone()) else { return Ok(None) };
        facts.remove(&member);
        let random = RefCell::new(seeded(subject.id(), round));
        Ok(Some(Self { subject: subject.clone(), shown, documented, facts, member, urls, round, random }))
    }

    /// Those of many documented responses that this round takes; the rounds together take each of them once.
    pub(super) fn share<T>(&self, responses: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        responses.into_iter().zip((0..ROUNDS).cycle()).filter(|(_, round)| *round == self.round).map(|(one, _)| one)
    }

    /// A number from 0 up to, but not, `end`.
    pub(super) fn draw(&self, end: usize) -> usize {
        below(&mut self.random.borrow_mut(), end)
    }

    /// A text in letters of any case.
    pub(super) fn cased(&self, text: &str) -> String {
        let drawn = |c: char| if self.draw(2) == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        text.chars().map(drawn).collect()
    }

    /// An id that no document shows.
    pub(super) fn id(&self) -> String {
        format!("task_{:x}-{:x}", self.draw(usize::MAX), self.draw(usize::MAX))
    }

    /// The items of the documented response, one object each.
    pub(super) fn items(&self) -> Value {
        self.urls.iter().map(|url| json!({ "url": url })).collect()
    }

    /// The documented response with other members for its images.
    pub(super) fn with(&self, images: Value) -> Value {
        let mut body = self.facts.clone();
        match images {
            Value::Object(members) => body.extend(members),
            other => return other,
        }
        body.into()
    }

    /// The documented response with other items in their own place.
    pub(super) fn holding(&self, items: Value) -> Value {
        self.with(Map::from_iter([(self.member.clone(), items)]).into())
    }

    /// A value as text, as one of many writers would write it.
    pub(super) fn text(&self, value: &Value) -> String {
        let body = if self.draw(2) == 0 { value.to_string() } else { format!("{value:#}") };
        let blank = ["", " ", "\n", "\r\n\t", "\u{feff}"][self.draw(5)];
        format!("{blank}{body}{}", ["", "\n", "  \r\n"][self.draw(3)])
    }

    /// The documented head with another body.
    pub(super) fn response(&self, body: impl Into<Bytes>) -> Response {
        let mut response = self.documented.response.clone();
        response.body = body.into();
        response
    }

    /// Runs the operation with a body in the place of the documented one.
    pub(super) fn simulate(&self, body: impl Into<Bytes>) -> Result<SimulatedRun, CaseFailure> {
        let response = self.response(body);
        self.against(|| vec![Input::Response(response.clone())])
    }

    /// Runs the operation with a value as the body, written in one of many ways.
    pub(super) fn simulate_json(&self, value: &Value) -> Result<SimulatedRun, CaseFailure> {
        self.simulate(self.text(value))
    }

    /// The same, of anything that happens in its place: at the request, or at each poll.
    pub(super) fn against(&self, mut inputs: impl FnMut() -> Vec<Input>) -> Result<SimulatedRun, CaseFailure> {
        match &self.shown {
            Some(shown) => shown.run(&self.subject, |_, _| inputs()),
            None => self.submit()?.against(|_, _| inputs()),
        }
    }

    /// A request to the provider.
    pub(super) fn submit(&self) -> Result<Simulation, CaseFailure> {
        if let Some(shown) = &self.shown {
            return shown.submit(&self.subject);
        }
        let request = convert_exchange::encoded(&**self.subject.dialect(), self.documented.exchange)?;
        Ok(Simulation::submit(&self.subject, request, 0))
    }

    /// Runs the operation with a response to the request itself; each poll gets a response by its target.
    pub(super) fn accepted(
        &self,
        body: &Value,
        mut poll: impl FnMut(&str) -> Response,
    ) -> Result<SimulatedRun, CaseFailure> {
        let response = made_up(200, "application/json", self.text(body));
        self.submit()?.against(|sent: &Sent, _| match sent.purpose {
            Purpose::Submit => vec![Input::Response(response.clone())],
            Purpose::Poll => vec![Input::Response(poll(&poll_target(&sent.request)))],
        })
    }

    /// The documented responses to a purchase and to a poll, the images of which are elsewhere.
    pub(super) fn script(&self) -> (Response, Response) {
        let mut text = String::from_utf8_lossy(&self.documented.response.body).into_owned();
        for (place, url) in self.urls.iter().enumerate() {
            text = text.replace(url, &format!("{IMAGES}{place}.png?sig=s3cret"));
        }
        let done = self.response(text);
        (self.shown.as_ref().map_or_else(|| done.clone(), |shown| shown.created.response.clone()), done)
    }

    /// The documented response with one image inside it, as its base64.
    pub(super) fn with_image(self, base64: &str) -> Self {
        let mut documented = self.documented.clone();
        let body =
            self.with(json!({ self.member.as_str(): [{ "b64_json": base64 }], "usage": { "generated_images": 1 } }));
        documented.response.body = body.to_string().into();
        Self { documented, urls: Vec::new(), ..self }
    }

    /// The documented images, and nothing was bought twice.
    pub(super) fn delivers(&self, d: &mut Differences, name: &str, run: &SimulatedRun) {
        let links: Vec<_> = self.urls.iter().cloned().map(DeliveredImage::Link).collect();
        delivered(d, name, &links, run);
    }
}

/// These images were delivered, and nothing was bought twice.
pub(super) fn delivered(d: &mut Differences, name: &str, expected: &[DeliveredImage], run: &SimulatedRun) {
    match &run.result {
        Ok(generation) => d.same(&format!("{name}: images"), &expected.to_vec(), &delivered_images(generation)),
        Err(error) => d.holds(false, || format!("{name}: {} images came, and: {error}", expected.len())),
    }
    once(d, name, run);
}

pub(super) fn once(d: &mut Differences, name: &str, run: &SimulatedRun) {
    d.same(&format!("{name}: submits"), &1, &run.submits.len());
}

pub(super) fn delivered_images(generation: &Generation) -> Vec<DeliveredImage> {
    generation.images().map(|image| DeliveredImage::of(&image.data)).collect()
}

/// There is a warning of a kind that contains one of these words.
pub(super) fn warned(d: &mut Differences, name: &str, kind: WarningKind, words: &[&str], run: &SimulatedRun) {
    let says = |warning: &Warning| {
        warning.kind == kind && (words.is_empty() || words.iter().any(|word| warning.message.contains(word)))
    };
    let seen = warnings(run);
    d.holds(seen.iter().any(says), || format!("{name}: no warning `{kind:?}` names {words:?}: {seen:?}"));
}

pub(super) fn warnings(run: &SimulatedRun) -> Vec<Warning> {
    let generation = run.result.as_ref().ok().or_else(|| run.result.as_ref().err()?.generation());
    generation.map(|generation| generation.warnings.clone()).unwrap_or_default()
}

/// What it cost.
pub(super) fn charge(run: &SimulatedRun) -> Charge {
    run.result.as_ref().map_or_else(Error::charge, Generation::charge)
}

/// It is not called free.
pub(super) fn not_free(d: &mut Differences, name: &str, run: &SimulatedRun) {
    let said =
        || run.result.as_ref().map_or_else(ToString::to_string, |made| format!("{} images", made.outcomes.len()));
    d.holds(charge(run) != Charge::No, || format!("{name}: called free: {}", said()));
    once(d, name, run);
}

fn is_usable(documented: &DocumentedResponse) -> bool {
    let response = documented.exchange.response.as_ref();
    let is_json = response.is_some_and(|response| matches!(response.body, RecordedBody::Json(_)));
    let expect = documented.exchange.expect.as_ref();
    let fails = expect.and_then(|expect| expect.failures.as_ref()).is_some_and(|failures| !failures.is_empty());
    let urls = urls(documented.exchange);
    let mut apart = urls.clone();
    apart.sort();
    apart.dedup();
    let real = urls.iter().all(|url| url.starts_with("http") && !url.contains("..."));
    is_json
        && !fails
        && real
        && !urls.is_empty()
        && apart.len() == urls.len()
        && documented.charge == DocumentedCharge::Images(urls.len())
}

fn urls(exchange: &RecordedExchange) -> Vec<String> {
    let images = exchange.expect.iter().flat_map(|expect| expect.images.iter().flatten());
    images.filter_map(|image| image.url.clone()).collect()
}
