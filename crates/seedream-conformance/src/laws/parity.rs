//! One request has the same result at every provider, but for losses that are declared: what a response of its family does not state,
//! and what the check has warned about. Each adapter is held to the one normal form of the result, which is as good as comparing all of
//! them with each other, and needs no other to be there.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use seedream_core::{
    Encoded, Exchange as Sent, Field, ImageData, ImageRequest, Input, Response, ResponseFormat, Size, Strictness, Tier,
    Timestamp, WarningKind,
};
use seedream_fixtures::{Placeholder, ProviderFacts, ResponseFamily};
use seedream_mock::Engine;

use crate::{
    Case, CaseFailure, Law, Subject,
    harness::difference::Differences,
    harness::in_process_mock::{HOST, mock_of},
    harness::simulation::Simulation,
};

type RequestEdit = fn(ImageRequest) -> ImageRequest;

/// The requests that are sent to all providers.
const REQUESTS: [(&str, RequestEdit); 10] = [
    ("plain", |r| r),
    ("one", |r| r.count(1)),
    ("three", |r| r.count(3)),
    ("pixels", |r| r.size(Size::pixels(2048, 2048))),
    ("wide", |r| r.size(Size::pixels(2560, 1440))),
    ("tier", |r| r.size(Tier::K2)),
    ("ratio", |r| r.size(Size::ratio(16, 9))),
    ("ratio-tier", |r| r.size(Size::ratio(16, 9).at(Tier::K2))),
    ("inline", |r| r.response_format(ResponseFormat::B64Json)),
    ("without-watermark", |r| r.watermark(false)),
];

/// Why a request is passed over: neither the document nor the adapter has its size, so there is nothing to compare.
const NO_SUCH_SIZE: &str = "the document has no such size, and the adapter refuses it";

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    if mock_of(subject).is_none() {
        return vec![Case::skipped(Law::Parity, subject, "the mock does not serve this provider")];
    }
    let of = |(name, ask): (&str, RequestEdit)| {
        let (judged, id) = (subject.clone(), format!("{}/{name}", subject.id()));
        let request = request(subject, ask);
        if !is_offered(subject, &request) {
            return Case::passed_over(Law::Parity, id, NO_SUCH_SIZE);
        }
        Case::new(Law::Parity, id, None, move || check(&judged, &request))
    };
    REQUESTS.into_iter().map(of).collect()
}

fn request(subject: &Subject, ask: RequestEdit) -> ImageRequest {
    let model = &subject.dialect().descriptor().default_model;
    ask(ImageRequest::new(model, "3 images of a lighthouse in fog"))
}

/// Whether the document's model has the size of a request, or the adapter accepts it in another form.
fn is_offered(subject: &Subject, request: &ImageRequest) -> bool {
    let facts = subject.provider().and_then(|provider| provider.model(request.model.as_str()));
    let (Some(size), Some(facts)) = (request.size, facts.map(|model| &model.size)) else { return true };
    let has = |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let documented = match size {
        Size::Tier(tier) => has(&facts.tiers, tier.as_str()),
        Size::Pixels(_) => facts.pixels.is_some(),
        Size::Ratio { ratio, tier } => {
            has(&facts.ratios, &ratio.to_string()) && tier.is_none_or(|tier| has(&facts.qualities, tier.as_str()))
        }
        _ => facts.auto,
    };
    let rules = subject.dialect().capabilities(&request.model);
    documented || rules.check(request, Strictness::Strict).is_ok()
}

fn check(subject: &Subject, request: &ImageRequest) -> Result<(), CaseFailure> {
    let rules = subject.dialect().capabilities(&request.model);
    let checked = rules.check(request, Strictness::Lenient);
    let checked = checked.map_err(|error| CaseFailure::new(format!("cannot be sent at all: {error}")))?;
    let engine = mock_of(subject).ok_or_else(|| CaseFailure::harness("the mock does not serve this provider"))?;
    let upstream = MockUpstream::new(engine, subject);
    let encoded = Encoded::new(&**subject.dialect(), checked.clone());
    let encoded = encoded.map_err(|error| CaseFailure::new(error.to_string()))?;
    let run = Simulation::submit(subject, encoded, 0).against(|sent, now| vec![upstream.response(sent, now)])?;
    let mut d = Differences::default();
    d.same("submits", &1, &run.submits.len());
    let generation = run.result.map_err(|error| CaseFailure::new(format!("no images: {error}")))?;

    let loses = |kind| !matches!(kind, WarningKind::Advice | WarningKind::Rewritten);
    let lost = |field| checked.warnings().iter().any(|warning| warning.field == Some(field) && loses(warning.kind));
    let images = if lost(Field::Count) { None } else { Some(request.count.map_or(1, |count| count.ceiling())) };
    d.stated("images", images.as_ref(), u32::try_from(generation.images().count()).ok().as_ref());
    d.same("failures", &0, &generation.failures().count());
    let places: Vec<_> = generation.images().map(|image| image.index).collect();
    d.same("places", &(0..places.len() as u32).collect(), &places);
    d.same("model", checked.model(), &generation.model);
    let inline = request.response_format == Some(ResponseFormat::B64Json) && !lost(Field::ResponseFormat);
    let always = subject.provider().is_some_and(|provider| has_only_base64(subject, provider));
    let states_size = subject.provider().is_some_and(|provider| provider.response == ResponseFamily::Images);
    for image in generation.images() {
        let size = match request.size {
            Some(Size::Pixels(pixels)) if states_size => Some(pixels),
            _ => None,
        };
        d.stated("size", size.as_ref(), image.size.as_ref());
        match &image.data {
            ImageData::Url { url, .. } => {
                d.holds(!inline, || "asked for inline, came as a URL".to_owned());
                d.holds(upstream.opens(url), || format!("{url} does not open"));
            }
            ImageData::Incomplete { reason, .. } => d.holds(false, || format!("an image came incomplete: {reason}")),
            ImageData::Bytes(bytes) => {
                d.holds((inline || always) && !bytes.is_empty(), || "came inline, unasked".to_owned());
            }
            _ => d.holds(false, || "the image is nowhere".to_owned()),
        }
    }
    if states_size {
        d.same("billed", &Some(generation.images().count() as u64), &generation.billed());
    }
    d.into_result()
}

/// Whether each image that the document shows is in the response itself, and none has a URL.
fn has_only_base64(subject: &Subject, provider: &ProviderFacts) -> bool {
    if let Some(task) = &provider.task {
        return task.image.uses(Placeholder::Base64) && !task.image.uses(Placeholder::Url);
    }
    let expected = subject.exchanges().filter_map(|exchange| exchange.expect.as_ref()?.images.as_ref());
    let mut images = expected.flatten().peekable();
    images.peek().is_some() && images.all(|image| image.inline == Some(true) && image.url.is_none())
}

/// The mock upstream, on the clock of the simulation.
struct MockUpstream {
    engine: Engine,
    below: String,
}

impl MockUpstream {
    fn new(engine: Engine, subject: &Subject) -> Self {
        let below = subject.base_path();
        Self { engine, below: format!("{HOST}/{}{below}", subject.id()) }
    }

    fn at(now: Duration) -> Timestamp {
        // 2026-11-20T00:00:00Z: any day, but the same in every run.
        Timestamp::from_unix_seconds(1_795_132_800).and_then(|day| day.checked_add(now)).unwrap_or_default()
    }

    fn response(&self, sent: &Sent, now: Duration) -> Input {
        let (mut parts, body) = sent.request.clone().into_parts();
        let uri = format!("{}{}", self.below, parts.uri);
        if let Ok(uri) = uri.parse() {
            parts.uri = uri;
        }
        parts.headers.insert(AUTHORIZATION, http::HeaderValue::from_static("Bearer sk-conformance"));
        let at = Self::at(now);
        let script = self.engine.handle(at, &http::Request::from_parts(parts, body));
        let (status, body) = (http::StatusCode::from_u16(script.status).unwrap_or_default(), script.body());
        Input::Response(Response::new(status, script.headers, body, at))
    }

    /// Whether a URL serves an image.
    fn opens(&self, url: &str) -> bool {
        let Ok(request) = http::Request::get(url).body(Bytes::new()) else { return false };
        let script = self.engine.handle(Self::at(Duration::from_secs(600)), &request);
        script.status == 200 && script.header("content-type").is_some_and(|kind| kind.starts_with("image/"))
    }
}
