//! A stream gives the same events however its bytes are cut, and what arrived is kept wherever it ends; unknown events are skipped, a
//! failed image does not end the others, and nobody waits for a mark that does not come.

use seedream_core::{Blobs, Charge, Error, GeneratedImage, Generation, ImageFailure, Input, StreamItem, sse};
use seedream_fixtures::{FieldRole, RecordedBody, RecordedExchange};

use crate::{
    Case, Failure, Law, Subject,
    difference::Differences,
    example::{DocumentedResponse, stream},
    exchange,
    play::{Play, Played},
};

type Check = fn(&Subject, &DocumentedResponse) -> Result<(), Failure>;

/// What can happen to a stream.
const ASPECTS: [(&str, Check); 5] =
    [("chunks", chunks), ("cut", cut), ("unknown", unknown), ("unmarked", unmarked), ("failed", failed)];

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    if subject.provider().is_none_or(|provider| provider.field(FieldRole::Stream).is_none()) {
        return vec![Case::skipped(Law::Stream, subject, "the document knows no streams")];
    }
    let of = |case: &'static RecordedExchange| {
        ASPECTS.map(|(name, check)| {
            let judged = subject.clone();
            Case::about(Law::Stream, subject, case, name, move || match DocumentedResponse::of(case)? {
                Some(example) => check(&judged, &example),
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

fn frames(example: &DocumentedResponse) -> Vec<sse::Frame> {
    let mut parser = sse::Parser::new();
    parser.feed(&example.response.body).into_iter().chain(parser.finish()).collect()
}

fn play(subject: &Subject, example: &DocumentedResponse, inputs: Vec<Input>) -> Result<Played, Failure> {
    let checked = exchange::checked(&**subject.dialect(), example.exchange)?;
    let mut inputs = Some(inputs);
    Play::submit(subject, checked, 0)?.against(|_, _| inputs.take().unwrap_or_default())
}

/// What came of a stream: its outcomes, and how it ended.
fn came(played: &Played) -> (Vec<Result<GeneratedImage, ImageFailure>>, Option<String>) {
    let error = played.result.as_ref().err();
    let generation = played.result.as_ref().ok().or_else(|| error.and_then(Error::generation));
    let outcomes = generation.map(|generation| generation.outcomes.clone()).unwrap_or_default();
    (outcomes, error.map(|error| error.kind().to_string()))
}

fn images(played: &Played) -> usize {
    played.result.as_ref().map_or(0, |generation: &Generation| generation.images().count())
}

/// The same bytes in two pieces are the same events, wherever they part.
fn chunks(_subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let (body, whole) = (&example.response.body, frames(example));
    for at in 0..body.len() {
        let mut parser = sse::Parser::new();
        let first = parser.feed(&body[..at]);
        let seen: Vec<_> = first.into_iter().chain(parser.feed(&body[at..])).chain(parser.finish()).collect();
        if seen != whole {
            return Err(Failure::new(format!("in two pieces at byte {at}: expected {whole:?}, saw {seen:?}")));
        }
    }
    Ok(())
}

/// Cut anywhere, what had arrived is kept as it was, and nothing is bought again.
fn cut(subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let (whole, _) = came(&play(subject, example, example.whole())?);
    let mut d = Differences::default();
    let steps = (example.response.body.len() / 96).max(1);
    for at in (0..example.response.body.len()).step_by(steps) {
        let played = play(subject, example, example.cut(at))?;
        let (kept, _) = came(&played);
        let arrived = example.arrived(at);
        d.holds(images(&played) >= arrived, || {
            format!("cut at byte {at}: {arrived} pictures arrived, {} were kept", images(&played))
        });
        let known = kept.iter().flatten().all(|image| whole.iter().flatten().any(|known| known == image));
        d.holds(known, || format!("cut at byte {at}: a picture was kept that is none of the whole answer"));
        d.same(&format!("cut at byte {at}: submits"), &1, &played.submits.len());
        match &played.result {
            Ok(generation) => {
                let told = kept.len() == whole.len() || !generation.warnings.is_empty();
                d.holds(told, || format!("cut at byte {at}: nobody is told that pictures are missing"));
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

/// Events that nobody knows change nothing.
fn unknown(subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let whole = play(subject, example, example.whole())?;
    let unheard = sse::Parser::new().feed(
        b"event: image_generation.unheard\ndata: {\"type\":\"image_generation.unheard\",\"new\":{\"a\":[1]}}\n\n",
    );
    let between = frames(example).into_iter().flat_map(|frame| [unheard.clone(), vec![frame]].concat()).collect();
    let seen = play(subject, example, stream(&example.response, between, Input::StreamEnd))?;
    let mut d = Differences::default();
    d.same("with unknown events", &came(&whole), &came(&seen));
    let usage = |played: &Played| played.result.as_ref().map(|generation| generation.usage.clone()).ok();
    d.same("with unknown events: usage", &usage(&whole), &usage(&seen));
    d.into_result()
}

/// Without `[DONE]`, and without the event that sums up, the images are the same.
fn unmarked(subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let whole = play(subject, example, example.whole())?;
    let unmarked: Vec<_> = frames(example).into_iter().filter(|frame| !frame.is_done()).collect();
    let mut d = Differences::default();
    let seen = play(subject, example, stream(&example.response, unmarked.clone(), Input::StreamEnd))?;
    d.same("without [DONE]", &came(&whole), &came(&seen));
    let summed_up = |played: &Played| played.result.as_ref().is_ok_and(|generation| !generation.usage.is_empty());
    if summed_up(&whole) {
        let warnings = |played: &Played| played.result.as_ref().map(|g| g.warnings.clone()).unwrap_or_default();
        d.same("without [DONE]: warnings", &warnings(&whole), &warnings(&seen));
    }
    let pictures: Vec<_> = items(subject, example)?.into_iter().filter(|(_, items)| !items.is_empty()).collect();
    if images(&whole) > 0 {
        let pictures = pictures.into_iter().map(|(frame, _)| frame).collect();
        let seen = play(subject, example, stream(&example.response, pictures, Input::StreamEnd))?;
        d.same("with nothing but its pictures", &images(&whole), &images(&seen));
    }
    d.into_result()
}

/// An image that fails first does not keep the others from coming.
fn failed(subject: &Subject, example: &DocumentedResponse) -> Result<(), Failure> {
    let whole = play(subject, example, example.whole())?;
    let mut failure = None;
    for exchange in subject.exchanges().filter(|exchange| is_stream(exchange)) {
        let Some(other) = DocumentedResponse::of(exchange)? else { continue };
        let found = items(subject, &other)?;
        // One that the stream has itself would be an event that came twice.
        let own: Vec<_> = items(subject, example)?.into_iter().flat_map(|(_, items)| items).collect();
        let fails = |(_, items): &(_, Vec<StreamItem>)| {
            matches!(items[..], [StreamItem::Failed(_)]) && !items.iter().any(|item| own.contains(item))
        };
        failure = failure.or(found.into_iter().find(fails).map(|(frame, _)| frame));
    }
    let Some(failure) = failure else { return Ok(()) };
    let frames = std::iter::once(failure).chain(frames(example)).collect();
    let seen = play(subject, example, stream(&example.response, frames, Input::StreamEnd))?;
    let mut d = Differences::default();
    d.same("pictures behind one that failed", &images(&whole), &images(&seen));
    d.same("outcomes with one that failed", &(came(&whole).0.len() + 1), &came(&seen).0.len());
    d.into_result()
}

/// Every event with what the adapter takes from it.
fn items(subject: &Subject, example: &DocumentedResponse) -> Result<Vec<(sse::Frame, Vec<StreamItem>)>, Failure> {
    let dialect = subject.dialect();
    let streams = dialect.streaming().ok_or_else(|| Failure::new("the document has streams, the adapter has none"))?;
    let mut decoder = streams.decoder(&exchange::checked(&**dialect, example.exchange)?);
    let read = |frame: sse::Frame| {
        let items = decoder.event(&frame, &Blobs::default());
        (frame, items)
    };
    Ok(frames(example).into_iter().filter(|frame| !frame.is_done()).map(read).collect())
}
