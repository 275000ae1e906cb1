//! Every documented response, cut behind each of its bytes, by a clean end or a broken one: what was complete before the cut is
//! delivered, or the task is collected; only a refusal is called free, and nothing is bought twice.

use std::{collections::BTreeSet, time::Duration};

use seedream_core::{Charge, Error, Input, Purpose, charge_of, json, sse};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};

use super::ground::{Came, came, charge};
use crate::{
    Case, Failure, Law, Subject,
    difference::Differences,
    example::{Bill, DocumentedResponse, broken, stream},
    exchange,
    laws::tasks::Shown,
    play::{Play, Played},
};

pub(super) fn cases(subject: &Subject) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    let mut cases = Vec::new();
    // Many requests are shown with the same response.
    let shown = |exchange: &RecordedExchange| {
        let response = exchange.response.as_ref()?;
        let text = match &response.body {
            RecordedBody::Json(raw) => raw.get().to_owned(),
            RecordedBody::Sse(text) | RecordedBody::Text(text) => text.clone(),
            RecordedBody::Base64(_) => return None,
        };
        let read =
            matches!(exchange.operation, OperationKind::Create | OperationKind::Poll) && exchange.expect.is_some();
        (read && response.status < 300).then_some((exchange.operation == OperationKind::Poll, text))
    };
    for exchange in subject.exchanges() {
        if shown(exchange).is_some_and(|key| seen.insert(key)) {
            let judged = subject.clone();
            cases.push(Case::about(Law::Crooked, subject, exchange, "cut", move || {
                match DocumentedResponse::of(exchange)? {
                    Some(example) => success(&judged, &example),
                    None => Ok(()),
                }
            }));
        }
    }
    let judged = subject.clone();
    cases.push(Case::new(Law::Crooked, format!("{}/refusals/cut", subject.id()), None, move || refusals(&judged)));
    cases
}

/// How a connection ends.
const ENDS: [(&str, bool); 2] = [("ended", true), ("broken", false)];

fn success(subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let polled = example.exchange.operation == OperationKind::Poll;
    if polled && subject.dialect().tasks().is_none() {
        return Err(Failure::new("the document has tasks, the adapter has none"));
    }
    let whole = play(subject, example, example.response.body.len(), true)?;
    let (free, known) = (charge(&whole) == Charge::No, images(&whole));
    let values = values(&example.response.body);
    for at in subject.cuts(example.response.body.len()) {
        for (name, ends) in ENDS {
            let mut d = Differences::default();
            let name = format!("{name} behind byte {at}");
            let played = play(subject, example, at, ends)?;
            let part = &example.response.body[..at];
            let text = String::from_utf8_lossy(part);
            let kept = images(&played);
            let arrived = arrived(subject, example, at);
            d.holds(kept.len() >= arrived, || format!("{name}: {arrived} images arrived, {} came", kept.len()));
            let real = kept.iter().all(|image| known.contains(image) || matches!(image, Came::Inline(_)));
            d.holds(real, || format!("{name}: an image came that is none of the whole response: {kept:?}"));
            let task = example.exchange.expect.as_ref().and_then(|expect| expect.task.as_ref()?.id.clone());
            if let Some(id) = task.filter(|_| !polled) {
                let asked = played.polls.iter().any(|(_, path)| path.ends_with(&id));
                let named = text.contains(&format!("\"{id}\""));
                d.holds(asked == named, || format!("{name}: the id had arrived: {named}, the task is polled: {asked}"));
            }
            let lost = polled && played.result.as_ref().is_err_and(|error| error.task().is_none());
            d.holds(!lost, || format!("{name}: the task is lost"));
            // What is missing says nothing.
            let same = free && ends && is_stream(example) && self::values(part) == values;
            d.holds(same || charge(&played) != Charge::No, || format!("{name}: called free"));
            d.same(&format!("{name}: submits"), &1, &played.submits.len());
            d.into_result()?;
        }
    }
    Ok(())
}

/// An error that is cut is bounded by its status, and is sent again only where that is free.
fn refusals(subject: &Subject) -> Result<(), Failure> {
    for example in DocumentedResponse::all(subject, OperationKind::Create)? {
        let status = example.response.status;
        if status.is_success() {
            continue;
        }
        for at in subject.cuts(example.response.body.len()) {
            for (name, ends) in ENDS {
                let mut d = Differences::default();
                let name = format!("{} {name} behind byte {at}", example.exchange.id());
                let played = play(subject, &example, at, ends)?;
                let Err(error) = &played.result else {
                    return Err(Failure::new(format!("{name}: read as a success")));
                };
                let least = charge_of(status, error.kind());
                d.holds(error.charge() >= least, || format!("{name}: {:?}, at least {least:?}", error.charge()));
                let again = played.submits.len() > 1;
                d.holds(!again || matches!(status.as_u16(), 429 | 503), || format!("{name}: sent again"));
                d.holds(!again || least == Charge::No, || format!("{name}: sent again, and may have been bought"));
                d.into_result()?;
            }
        }
    }
    Ok(())
}

fn is_stream(example: &DocumentedResponse) -> bool {
    matches!(example.exchange.response.as_ref().map(|response| &response.body), Some(RecordedBody::Sse(_)))
}

/// How many values of events are complete.
fn values(part: &[u8]) -> usize {
    let mut parser = sse::Parser::new();
    let frames: Vec<_> = parser.feed(part).into_iter().chain(parser.finish()).collect();
    frames.iter().flat_map(|frame| json::documents(frame.data.as_bytes())).filter(|document| !document.cut).count()
}

/// How many images were complete.
fn arrived(subject: &Subject, example: &DocumentedResponse, at: usize) -> usize {
    // An event that is cut is read by the adapter alone.
    if is_stream(example) && !subject.dialect().is_lenient() {
        return example.arrived(at);
    }
    example.named_in(&String::from_utf8_lossy(&example.response.body[..at]))
}

/// What comes of the first bytes of a response.
fn play(subject: &Subject, example: &DocumentedResponse, at: usize, ends: bool) -> Result<Played, Failure> {
    let inputs = || {
        let part = example.response.body.slice(..at);
        if is_stream(example) {
            let mut parser = sse::Parser::new();
            let frames = parser.feed(&part).into_iter().chain(parser.finish()).collect();
            return stream(&example.response, frames, if ends { Input::StreamEnd } else { broken(None) });
        }
        let mut response = example.response.clone();
        response.body = part;
        vec![if ends { Input::Response(response) } else { broken(Some(response)) }]
    };
    if example.exchange.operation == OperationKind::Poll {
        let task = exchange::task(&**subject.dialect())?;
        let play = Play::resume(subject, task, 0).map_err(|error| Failure::new(format!("refused: {error}")))?;
        let mut played = play.cancelled_at(PATIENCE).against(|_, _| inputs())?;
        // Nothing was submitted, as it should be.
        played.submits.push((Duration::ZERO, bytes::Bytes::new()));
        return Ok(played);
    }
    let checked = exchange::checked(&**subject.dialect(), example.exchange)?;
    let done = if example.bill == Bill::Task { Some(Shown::of(subject)?.done) } else { None };
    Play::submit(subject, checked, 0)?.cancelled_at(PATIENCE).against(|sent, _| match (sent.purpose, &done) {
        (Purpose::Poll, Some(done)) => done.whole(),
        _ => inputs(),
    })
}

/// How long polls that are cut are made: as long as takes some of them.
const PATIENCE: Duration = Duration::from_secs(40);

/// What came, also beside an error.
fn images(played: &Played) -> Vec<Came> {
    let generation = played.result.as_ref().ok().or_else(|| played.result.as_ref().err().and_then(Error::generation));
    generation.map(came).unwrap_or_default()
}
