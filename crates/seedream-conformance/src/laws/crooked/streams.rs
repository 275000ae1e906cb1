//! Events that are framed badly, repeated, without an end, or sent where no stream was requested.

use std::time::Duration;

use seedream_core::{Error, Input, WarningKind, sse};
use seedream_fixtures::{OperationKind, RecordedBody};
use serde_json::{Value, json};

use super::shape_fixture::{DeliveredImage, ShapeFixture, delivered, warned, warnings};
use crate::{
    CaseFailure, Subject,
    fixture::convert_exchange,
    fixture::decoded_response::DecodedResponse,
    fixture::documented_response::{DocumentedResponse, made_up, stream},
    harness::difference::Differences,
    harness::simulation::{SimulatedRun, Simulation},
};

/// A documented stream whose images have URLs.
pub(super) struct StreamFixture {
    documented: DocumentedResponse,
    /// The data of each of its events.
    pub(super) events: Vec<String>,
    images: Vec<DeliveredImage>,
}

impl StreamFixture {
    /// The stream with the most images.
    pub(super) fn of(subject: &Subject) -> Result<Self, CaseFailure> {
        let fits = |documented: &DocumentedResponse| {
            let apart = !documented.response.body.windows(3).any(|three| three == b"...");
            let body = documented.exchange.response.as_ref().map(|recorded| &recorded.body);
            let is_stream = matches!(body, Some(RecordedBody::Sse(_))) && documented.response.status == 200;
            let text = String::from_utf8_lossy(&documented.response.body);
            is_stream
                && apart
                && documented.names_every_image()
                && documented.named_in(&text) > 0
                && text.contains("completed")
        };
        let shown = DocumentedResponse::all(subject, OperationKind::Create)?.into_iter().filter(fits);
        let count =
            |documented: &DocumentedResponse| documented.named_in(&String::from_utf8_lossy(&documented.response.body));
        let documented = shown.max_by_key(count).ok_or_else(|| CaseFailure::harness("no fixture shows a stream"))?;
        let mut parser = sse::Parser::new();
        let frames = parser.feed(&documented.response.body).into_iter().chain(parser.finish());
        let events = frames.filter(|frame| !frame.is_done()).map(|frame| frame.data.replace('\n', "")).collect();
        let expect = documented.exchange.expect.iter().flat_map(|expect| expect.images.iter().flatten());
        let images = expect.filter_map(|image| image.url.clone()).map(DeliveredImage::Link).collect();
        Ok(Self { documented, events, images })
    }

    pub(super) fn simulate(&self, subject: &Subject, body: &[u8], end: Input) -> Result<SimulatedRun, CaseFailure> {
        let mut parser = sse::Parser::new();
        let frames = parser.feed(body).into_iter().chain(parser.finish()).collect();
        self.frames(subject, frames, end)
    }

    fn frames(&self, subject: &Subject, frames: Vec<sse::Frame>, end: Input) -> Result<SimulatedRun, CaseFailure> {
        let request = convert_exchange::encoded(&**subject.dialect(), self.documented.exchange)?;
        let mut inputs = Some(stream(&self.documented.response, frames, end));
        Simulation::submit(subject, request, 0).against(|_, _| inputs.take().unwrap_or_default())
    }

    /// The documented images, each once, and nothing to warn about.
    fn delivers(&self, d: &mut Differences, name: &str, run: &SimulatedRun) {
        delivered(d, name, &self.images, run);
        let odd = warnings(run);
        let odd: Vec<_> = odd.iter().filter(|warning| is_odd(warning.kind)).collect();
        d.holds(odd.is_empty(), || format!("{name}: warned of {odd:?}"));
    }
}

fn is_odd(kind: WarningKind) -> bool {
    matches!(kind, WarningKind::Unreadable | WarningKind::Incomplete | WarningKind::Repeated | WarningKind::BilledMore)
}

/// Whether the provider's facts show a stream.
pub(super) fn are_shown(subject: &Subject) -> bool {
    subject.dialect().streaming().is_some() && StreamFixture::of(subject).is_ok()
}

/// Events divided by other than blank lines, framed twice, or not at all.
pub(super) fn framed_badly(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let line = ["\n", "\r\n", "\r"][fixture.draw(3)];
    let noise =
        [": keep-alive", "data:", "data: ", "data: : keep-alive", "event: ping", "retry: 5", ":"][fixture.draw(7)];
    let each = |of: &dyn Fn(&str) -> String| -> String { shown.events.iter().map(|event| of(event)).collect() };
    let name = |event: &str| {
        let value: Value = serde_json::from_str(event).unwrap_or_default();
        value["type"].as_str().unwrap_or_default().to_owned()
    };
    let pretty = |event: &str| format!("{:#}", serde_json::from_str::<Value>(event).unwrap_or_default());
    for (what, text) in [
        ("one line break between them", each(&|event| format!("data: {event}{line}"))),
        (
            "one line break between named ones",
            each(&|event| format!("event: {}{line}data: {event}{line}", name(event))),
        ),
        ("framed twice", each(&|event| format!("data: data: {event}{line}{line}"))),
        ("framed three times", each(&|event| format!("data:data: data:{event}{line}{line}"))),
        (
            "noise between them",
            each(&|event| format!("{noise}{line}{line}data: {event}{line}{line}{noise}{line}{line}")),
        ),
        ("noise right before them", each(&|event| format!("{noise}{line}data: {event}{line}{line}"))),
        ("comments as data", each(&|event| format!("data: : on{line}{line}data: {event}{line}{line}"))),
        ("bare JSON", each(&|event| format!("{event}{line}{line}"))),
        ("bare JSON between keep-alives", each(&|event| format!(": on{line}{line}{event}{line}{line}"))),
        ("bare JSON in lines", each(&|event| format!("{event}{line}"))),
        (
            "printed over several lines",
            each(&|event| format!("data: {}{line}{line}", pretty(event).replace('\n', line))),
        ),
        ("each line framed", each(&|event| format!("data: {}\n\n", pretty(event).replace('\n', "\ndata: ")))),
        ("without a blank", each(&|event| format!("data:{event}{line}{line}"))),
        ("two values in one event", format!("data: {}{line}{line}", shown.events.join(" "))),
        ("a list of all in one event", format!("data: [{}]{line}{line}", shown.events.join(","))),
    ] {
        for mark in ["", "data: [DONE]\n\n", "data: data: [DONE]\n\n", "data: [DONE]"] {
            let run = shown.simulate(&fixture.subject, format!("{text}{mark}").as_bytes(), Input::StreamEnd)?;
            shown.delivers(&mut d, &format!("{what}, noise {noise:?}, mark {mark:?}"), &run);
        }
    }
    d.into_result()
}

/// A whole response in one event.
pub(super) fn list(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let body = fixture.holding(fixture.items());
    for value in [body.clone(), json!({ "type": "image_generation.completed", "data": fixture.items() })] {
        let text = format!(": on\n\ndata: {value}\n\ndata: [DONE]\n\n");
        let run = shown.simulate(&fixture.subject, text.as_bytes(), Input::StreamEnd)?;
        fixture.delivers(&mut d, "a whole response in one event", &run);
    }
    d.into_result()
}

/// A stream in chunks that end anywhere.
pub(super) fn chunks(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let (body, mut parser, mut frames) = (&shown.documented.response.body, sse::Parser::new(), Vec::new());
    let mut rest = &body[..];
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + fixture.draw(40)).min(rest.len()));
        frames.extend(parser.feed(chunk));
        rest = after;
    }
    frames.extend(parser.finish());
    shown.delivers(&mut d, "in chunks", &shown.frames(&fixture.subject, frames, Input::StreamEnd)?);
    d.into_result()
}

/// A stream that is complete ends soon, whether its connection does or not.
pub(super) fn never_ends(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let event = |data: &str| sse::Frame { event: None, data: data.to_owned() };
    let frames: Vec<_> = shown.events.iter().map(|data| event(data)).collect();
    let request = convert_exchange::encoded(&**fixture.subject.dialect(), shown.documented.exchange)?;
    let mut inputs = stream(&shown.documented.response, frames, Input::StreamEnd);
    inputs.pop();
    let mut inputs = Some(inputs);
    let run = Simulation::submit(&fixture.subject, request, 0).against(|_, _| inputs.take().unwrap_or_default())?;
    shown.delivers(&mut d, "without an end", &run);
    d.holds(run.ended <= Duration::from_secs(10), || format!("ended only after {:?}", run.ended));
    d.into_result()
}

/// A repeated image is delivered once, with a warning.
pub(super) fn repeated(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let event = |data: &String| format!("data: {data}\n\n");
    let all: String = shown.events.iter().map(event).collect();
    let twice: String = shown.events.iter().map(|data| event(data).repeat(2 + fixture.draw(2))).collect();
    for (name, text) in [("each event again", twice), ("the stream replayed", all.repeat(2))] {
        let run = shown.simulate(&fixture.subject, text.as_bytes(), Input::StreamEnd)?;
        delivered(&mut d, name, &shown.images, &run);
        warned(&mut d, name, WarningKind::Repeated, &[], &run);
    }
    d.into_result()
}

/// Words of an error inside a stream are shown, and mean what the same code means elsewhere.
pub(super) fn words(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let shown = StreamFixture::of(&fixture.subject)?;
    let mut d = Differences::default();
    let dialect = fixture.subject.dialect();
    let created = fixture.subject.exchanges().filter(|case| case.operation == OperationKind::Create);
    let refused = created.filter(|case| case.response.as_ref().is_some_and(|response| response.status >= 400));
    for case in fixture.share(refused) {
        let Some(RecordedBody::Json(raw)) = case.response.as_ref().map(|r| &r.body) else {
            continue;
        };
        let body: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let member =
            |name: &str| body.pointer(&format!("/error/{name}")).and_then(Value::as_str).filter(|s| !s.is_empty());
        let (Some(code), Some(message)) = (member("code"), member("message")) else { continue };
        let plain = made_up(200, "application/json", body.to_string());
        let Some(DecodedResponse::Error(expected)) = DecodedResponse::read(&**dialect, case, &plain)? else { continue };
        // What has no meaning under 200 is not looked for in words.
        let coded = expected.kind() != seedream_core::ErrorKind::Server;
        for (text, has_code) in [
            (format!("event: error\ndata: {code}: {message}\n\n"), coded),
            (format!("event: error\ndata: {body}\n\n"), true),
            (format!(": on\n\n{body}\n\n: on\n\n"), true),
            (format!("data: {body}\n\ndata: [DONE]\n\n"), true),
        ] {
            let name = format!("{}: {:.60}", case.id(), text);
            let run = shown.simulate(&fixture.subject, text.as_bytes(), Input::StreamEnd)?;
            let error = run.result.as_ref().err();
            let words: String = expected.message().chars().take(30).collect();
            d.holds(error.is_some_and(|e| e.message().contains(&words)), || format!("{name}: not shown: {error:?}"));
            if has_code {
                d.same(&format!("{name}: kind"), &Some(expected.kind()), &error.map(Error::kind));
            }
            // After an image it becomes a warning.
            let text = format!("data: {}\n\n{text}", shown.events[0]);
            let run = shown.simulate(&fixture.subject, text.as_bytes(), Input::StreamEnd)?;
            delivered(&mut d, &name, &shown.images[..1], &run);
            warned(&mut d, &name, WarningKind::Incomplete, &[&words], &run);
        }
    }
    d.into_result()
}

/// Events where no stream was requested, labelled as JSON.
pub(super) fn as_json(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let line = ["\n", "\r\n"][fixture.draw(2)];
    let usage = json!({ "generated_images": fixture.urls.len() });
    let completed = json!({ "type": "image_generation.completed", "usage": usage });
    let event = |url: &String| json!({ "type": "image_generation.partial_succeeded", "url": url });
    let named: String = fixture
        .urls
        .iter()
        .map(|url| format!("event: image_generation.partial_succeeded{line}data: {}{line}{line}", event(url)))
        .collect();
    let plain: String = fixture.urls.iter().map(|url| format!("data: {}{line}{line}", json!({ "url": url }))).collect();
    let whole = format!("data: {}{line}{line}", fixture.holding(fixture.items()));
    let bare: String = fixture.urls.iter().map(|url| format!("{}{line}", event(url))).collect();
    let done = format!("data: {completed}{line}{line}data: [DONE]{line}{line}");
    for (name, text) in [
        ("named events", format!("{named}{done}")),
        ("plain events", format!("{plain}{done}")),
        ("without an end", named.clone()),
        ("after a comment", format!(": on{line}{line}{named}{done}")),
        ("after blanks", format!("{line}{line} {line}{plain}{done}")),
        ("a whole response in one event", format!("{whole}data: [DONE]{line}{line}")),
        ("bare JSON in lines", format!("{bare}{completed}{line}")),
    ] {
        let run = fixture.simulate(text)?;
        fixture.delivers(&mut d, name, &run);
    }
    d.into_result()
}
