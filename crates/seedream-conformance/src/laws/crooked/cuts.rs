//! Every documented response, cut after each of its bytes, by a clean end or a broken one: what was complete before the cut is
//! delivered, or the task is collected; only a refusal is called free, and nothing is bought twice.

use std::{collections::BTreeSet, time::Duration};

use seedream_core::{Charge, Encoded, Error, Input, Purpose, Response, charge_of, json, sse};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};

use super::shape_fixture::{DeliveredImage, charge, delivered_images};
use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse, broken, stream},
    fixture::task_id_in_response,
    harness::difference::Differences,
    harness::simulation::{SimulatedRun, Simulation, asks_for},
    harness::task_fixtures::TaskFixtures,
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
                    Some(documented) => success(&judged, &documented),
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

fn success(subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let polled = documented.exchange.operation == OperationKind::Poll;
    if polled && subject.dialect().tasks().is_none() {
        return Err(CaseFailure::new("the document has tasks, the adapter has none"));
    }
    let cut = CutResponse::new(subject, documented)?;
    let whole = cut.simulate(documented.response.body.len(), true)?;
    let (free, known) = (charge(&whole) == Charge::No, images(&whole));
    let values = values(&documented.response.body);
    let task = documented.exchange.expect.as_ref().and_then(|expect| expect.task.as_ref()?.id.as_deref());
    let task = task.filter(|_| !polled);
    for at in subject.cuts(documented.response.body.len()) {
        let part = &documented.response.body[..at];
        let is_known =
            |known: fn(&Response, &str, usize) -> bool| task.is_some_and(|id| known(&documented.response, id, at));
        let (must, may) = (is_known(task_id_in_response::must_be_known), is_known(task_id_in_response::may_be_known));
        let arrived = arrived(subject, documented, at);
        for (name, ends) in ENDS {
            let mut d = Differences::default();
            let name = format!("{name} after byte {at}");
            let run = cut.simulate(at, ends)?;
            let kept = images(&run);
            d.holds(kept.len() >= arrived, || format!("{name}: {arrived} images arrived, {} came", kept.len()));
            let real = kept.iter().all(|image| known.contains(image) || matches!(image, DeliveredImage::Inline(_)));
            d.holds(real, || format!("{name}: an image came that is not in the whole response: {kept:?}"));
            if let Some(id) = task {
                let asked = run.polls.iter().any(|(_, target)| asks_for(target, id));
                let right = if asked { may } else { !must };
                d.holds(right, || format!("{name}: the id had arrived: {must}, the task is polled: {asked}"));
            }
            let lost = polled && run.result.as_ref().is_err_and(|error| error.task().is_none());
            d.holds(!lost, || format!("{name}: the task is lost"));
            // What is missing proves nothing.
            let same = free && ends && is_stream(documented) && self::values(part) == values;
            d.holds(same || charge(&run) != Charge::No, || format!("{name}: called free"));
            d.same(&format!("{name}: submits"), &1, &run.submits.len());
            d.into_result()?;
        }
    }
    Ok(())
}

/// An error that is cut is bounded by its status, and is sent again only where that is free.
fn refusals(subject: &Subject) -> Result<(), CaseFailure> {
    for documented in DocumentedResponse::all(subject, OperationKind::Create)? {
        let status = documented.response.status;
        if status.is_success() {
            continue;
        }
        let cut = CutResponse::new(subject, &documented)?;
        for at in subject.cuts(documented.response.body.len()) {
            for (name, ends) in ENDS {
                let mut d = Differences::default();
                let name = format!("{} {name} after byte {at}", documented.exchange.id());
                let run = cut.simulate(at, ends)?;
                let Err(error) = &run.result else {
                    return Err(CaseFailure::new(format!("{name}: read as a success")));
                };
                let least = charge_of(status, error.kind());
                d.holds(error.charge() >= least, || format!("{name}: {:?}, at least {least:?}", error.charge()));
                let again = run.submits.len() > 1;
                d.holds(!again || matches!(status.as_u16(), 429 | 503), || format!("{name}: sent again"));
                d.holds(!again || least == Charge::No, || format!("{name}: sent again, and may have been bought"));
                d.into_result()?;
            }
        }
    }
    Ok(())
}

fn is_stream(documented: &DocumentedResponse) -> bool {
    matches!(documented.exchange.response.as_ref().map(|response| &response.body), Some(RecordedBody::Sse(_)))
}

/// How many values of events are complete.
fn values(part: &[u8]) -> usize {
    let mut parser = sse::Parser::new();
    let frames: Vec<_> = parser.feed(part).into_iter().chain(parser.finish()).collect();
    frames.iter().flat_map(|frame| json::documents(frame.data.as_bytes())).filter(|document| !document.cut).count()
}

/// How many images were complete.
fn arrived(subject: &Subject, documented: &DocumentedResponse, at: usize) -> usize {
    // An event that is cut is read by the adapter alone.
    if is_stream(documented) && !subject.dialect().is_lenient() {
        return documented.arrived(at);
    }
    documented.named_in(&String::from_utf8_lossy(&documented.response.body[..at]))
}

/// A response that is cut, and what is the same at each cut.
struct CutResponse<'a> {
    subject: &'a Subject,
    documented: &'a DocumentedResponse,
    /// The request; `None` where the response is that of a poll.
    request: Option<Encoded>,
    /// The end of the task, where the response accepts one.
    done: Option<DocumentedResponse>,
}

impl<'a> CutResponse<'a> {
    fn new(subject: &'a Subject, documented: &'a DocumentedResponse) -> Result<Self, CaseFailure> {
        let polled = documented.exchange.operation == OperationKind::Poll;
        let request =
            if polled { None } else { Some(convert_exchange::encoded(&**subject.dialect(), documented.exchange)?) };
        let accepts = !polled && documented.charge == DocumentedCharge::Task;
        let done = if accepts { Some(TaskFixtures::of(subject)?.done) } else { None };
        Ok(Self { subject, documented, request, done })
    }

    /// Runs the operation with the first bytes of the response.
    fn simulate(&self, at: usize, ends: bool) -> Result<SimulatedRun, CaseFailure> {
        let Some(request) = &self.request else {
            let task = convert_exchange::task(&**self.subject.dialect())?;
            let simulation = Simulation::resume(self.subject, task, 0)
                .map_err(|error| CaseFailure::new(format!("refused: {error}")))?;
            let mut run = simulation.cancelled_at(PATIENCE).against(|_, _| self.inputs(at, ends))?;
            // Nothing was submitted, as it should be.
            run.submits.push((Duration::ZERO, bytes::Bytes::new()));
            return Ok(run);
        };
        let simulation = Simulation::submit(self.subject, request.clone(), 0).cancelled_at(PATIENCE);
        simulation.against(|sent, _| match (sent.purpose, &self.done) {
            (Purpose::Poll, Some(done)) => done.whole(),
            _ => self.inputs(at, ends),
        })
    }

    fn inputs(&self, at: usize, ends: bool) -> Vec<Input> {
        let response = &self.documented.response;
        let part = response.body.slice(..at);
        if is_stream(self.documented) {
            let mut parser = sse::Parser::new();
            let frames = parser.feed(&part).into_iter().chain(parser.finish()).collect();
            return stream(response, frames, if ends { Input::StreamEnd } else { broken(None) });
        }
        let mut response = response.clone();
        response.body = part;
        vec![if ends { Input::Response(response) } else { broken(Some(response)) }]
    }
}

/// How long polls that are cut are made: as long as takes some of them.
const PATIENCE: Duration = Duration::from_secs(40);

/// The images that were delivered, also with an error.
fn images(run: &SimulatedRun) -> Vec<DeliveredImage> {
    let generation = run.result.as_ref().ok().or_else(|| run.result.as_ref().err().and_then(Error::generation));
    generation.map(delivered_images).unwrap_or_default()
}
