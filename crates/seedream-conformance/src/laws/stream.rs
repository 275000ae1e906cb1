//! A stream gives the same events however its bytes are cut, and what arrived is kept wherever it ends; unknown events are skipped, a
//! failed image does not end the others, and the end does not depend on a mark.

use seedream_core::{Blobs, Charge, Error, GeneratedImage, Generation, ImageFailure, Input, StreamItem, sse};
use seedream_fixtures::{FieldRole, RecordedBody, RecordedExchange};

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedResponse, stream},
    harness::difference::Differences,
    harness::simulation::{SimulatedRun, Simulation},
};

type StreamCheck = fn(&Subject, &DocumentedResponse) -> Result<(), CaseFailure>;

/// What can happen to a stream.
const ASPECTS: [(&str, StreamCheck); 5] =
    [("chunks", chunks), ("cut", cut), ("unknown", unknown), ("unmarked", unmarked), ("failed", failed)];

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    if subject.provider().is_none_or(|provider| provider.field(FieldRole::Stream).is_none()) {
        return vec![Case::skipped(Law::Stream, subject, "the document knows no streams")];
    }
    let of = |case: &'static RecordedExchange| {
        ASPECTS.map(|(name, check)| {
            let judged = subject.clone();
            Case::about(Law::Stream, subject, case, name, move || match DocumentedResponse::of(case)? {
                Some(documented) => check(&judged, &documented),
                None => Ok(()),
            })
        })
    };
    subject.exchanges().filter(|case| is_stream(case)).flat_map(of).collect()
}

fn is_stream(case: &RecordedExchange) -> bool {
    let response = case.response.as_ref();
    response.is_some_and(|response| matches!(response.body, RecordedBody::Sse(_)) && response.status == 200)
}

fn frames(documented: &DocumentedResponse) -> Vec<sse::Frame> {
    let mut parser = sse::Parser::new();
    parser.feed(&documented.response.body).into_iter().chain(parser.finish()).collect()
}

fn simulate(
    subject: &Subject,
    documented: &DocumentedResponse,
    inputs: Vec<Input>,
) -> Result<SimulatedRun, CaseFailure> {
    let request = convert_exchange::encoded(&**subject.dialect(), documented.exchange)?;
    let mut inputs = Some(inputs);
    Simulation::submit(subject, request, 0).against(|_, _| inputs.take().unwrap_or_default())
}

/// The outcomes of a stream, and how it ended.
fn came(run: &SimulatedRun) -> (Vec<Result<GeneratedImage, ImageFailure>>, Option<String>) {
    let error = run.result.as_ref().err();
    let generation = run.result.as_ref().ok().or_else(|| error.and_then(Error::generation));
    let outcomes = generation.map(|generation| generation.outcomes.clone()).unwrap_or_default();
    (outcomes, error.map(|error| error.kind().to_string()))
}

fn images(run: &SimulatedRun) -> usize {
    run.result.as_ref().map_or(0, |generation: &Generation| generation.images().count())
}

/// The same bytes in two pieces are the same events, wherever they part.
fn chunks(_subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let (body, whole) = (&documented.response.body, frames(documented));
    for at in 0..body.len() {
        let mut parser = sse::Parser::new();
        let first = parser.feed(&body[..at]);
        let seen: Vec<_> = first.into_iter().chain(parser.feed(&body[at..])).chain(parser.finish()).collect();
        if seen != whole {
            return Err(CaseFailure::new(format!("in two pieces at byte {at}: expected {whole:?}, saw {seen:?}")));
        }
    }
    Ok(())
}

/// Cut anywhere, what had arrived is kept as it was, and nothing is bought again.
fn cut(subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let (whole, _) = came(&simulate(subject, documented, documented.whole())?);
    let mut d = Differences::default();
    let steps = (documented.response.body.len() / 96).max(1);
    for at in (0..documented.response.body.len()).step_by(steps) {
        let run = simulate(subject, documented, documented.cut(at))?;
        let (kept, _) = came(&run);
        let arrived = documented.arrived(at);
        d.holds(images(&run) >= arrived, || {
            format!("cut at byte {at}: {arrived} images arrived, {} were kept", images(&run))
        });
        let known = kept.iter().flatten().all(|image| whole.iter().flatten().any(|known| known == image));
        d.holds(known, || format!("cut at byte {at}: an image was kept that is not in the whole response"));
        d.same(&format!("cut at byte {at}: submits"), &1, &run.submits.len());
        match &run.result {
            Ok(generation) => {
                let told = kept.len() == whole.len() || !generation.warnings.is_empty();
                d.holds(told, || format!("cut at byte {at}: no warning says that images are missing"));
            }
            Err(error) => {
                let ended = error.charge() >= Charge::Unknown || generation_says_free(error);
                d.holds(ended, || format!("cut at byte {at}: called free: {error}"));
            }
        }
    }
    d.into_result()
}

fn generation_says_free(error: &Error) -> bool {
    error.generation().is_some_and(|generation| generation.billed() == Some(0))
}

/// Unknown events change nothing.
fn unknown(subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let whole = simulate(subject, documented, documented.whole())?;
    let unheard = sse::Parser::new().feed(
        b"event: image_generation.unheard\ndata: {\"type\":\"image_generation.unheard\",\"new\":{\"a\":[1]}}\n\n",
    );
    let between = frames(documented).into_iter().flat_map(|frame| [unheard.clone(), vec![frame]].concat()).collect();
    let seen = simulate(subject, documented, stream(&documented.response, between, Input::StreamEnd))?;
    let mut d = Differences::default();
    d.same("with unknown events", &came(&whole), &came(&seen));
    let usage = |run: &SimulatedRun| run.result.as_ref().map(|generation| generation.usage.clone()).ok();
    d.same("with unknown events: usage", &usage(&whole), &usage(&seen));
    d.into_result()
}

/// Without `[DONE]`, and without the event that sums up, the images are the same.
fn unmarked(subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let whole = simulate(subject, documented, documented.whole())?;
    let unmarked: Vec<_> = frames(documented).into_iter().filter(|frame| !frame.is_done()).collect();
    let mut d = Differences::default();
    let seen = simulate(subject, documented, stream(&documented.response, unmarked.clone(), Input::StreamEnd))?;
    d.same("without [DONE]", &came(&whole), &came(&seen));
    let summed_up = |run: &SimulatedRun| run.result.as_ref().is_ok_and(|generation| !generation.usage.is_empty());
    if summed_up(&whole) {
        let warnings = |run: &SimulatedRun| run.result.as_ref().map(|g| g.warnings.clone()).unwrap_or_default();
        d.same("without [DONE]: warnings", &warnings(&whole), &warnings(&seen));
    }
    let with_images: Vec<_> = items(subject, documented)?.into_iter().filter(|(_, items)| !items.is_empty()).collect();
    if images(&whole) > 0 {
        let only_images = with_images.into_iter().map(|(frame, _)| frame).collect();
        let seen = simulate(subject, documented, stream(&documented.response, only_images, Input::StreamEnd))?;
        d.same("with nothing but its images", &images(&whole), &images(&seen));
    }
    d.into_result()
}

/// An image that fails first does not keep the others from coming.
fn failed(subject: &Subject, documented: &DocumentedResponse) -> Result<(), CaseFailure> {
    let whole = simulate(subject, documented, documented.whole())?;
    let mut failure = None;
    for exchange in subject.exchanges().filter(|exchange| is_stream(exchange)) {
        let Some(other) = DocumentedResponse::of(exchange)? else { continue };
        let found = items(subject, &other)?;
        // One that the stream has itself would be an event that came twice.
        let own: Vec<_> = items(subject, documented)?.into_iter().flat_map(|(_, items)| items).collect();
        let fails = |(_, items): &(_, Vec<StreamItem>)| {
            matches!(items[..], [StreamItem::Failed(_)]) && !items.iter().any(|item| own.contains(item))
        };
        failure = failure.or(found.into_iter().find(fails).map(|(frame, _)| frame));
    }
    let Some(failure) = failure else { return Ok(()) };
    let frames = std::iter::once(failure).chain(frames(documented)).collect();
    let seen = simulate(subject, documented, stream(&documented.response, frames, Input::StreamEnd))?;
    let mut d = Differences::default();
    d.same("images after one that failed", &images(&whole), &images(&seen));
    d.same("outcomes with one that failed", &(came(&whole).0.len() + 1), &came(&seen).0.len());
    d.into_result()
}

/// Every event with what the adapter takes from it.
fn items(
    subject: &Subject,
    documented: &DocumentedResponse,
) -> Result<Vec<(sse::Frame, Vec<StreamItem>)>, CaseFailure> {
    let dialect = subject.dialect();
    let streams =
        dialect.streaming().ok_or_else(|| CaseFailure::new("the document has streams, the adapter has none"))?;
    let mut decoder = streams.decoder(&convert_exchange::checked(&**dialect, documented.exchange)?);
    let read = |frame: sse::Frame| {
        let items = decoder.event(&frame, &Blobs::default());
        (frame, items)
    };
    Ok(frames(documented).into_iter().filter(|frame| !frame.is_done()).map(read).collect())
}
