//! Event streams.

use super::*;

/// A request for so many images, in a stream.
fn of_count(count: u32) -> Operation {
    of(Words::ALL, &ImageRequest::new("m", "p").count(count), Policy::default())
}

fn kinds(generation: &Generation) -> Vec<WarningKind> {
    generation.warnings.iter().map(|warning| warning.kind).collect()
}

#[test]
fn a_stream_ends_with_its_mark_or_with_its_connection() {
    use WarningKind::{Advice, BilledFewer, BilledMore, Incomplete};

    let done = || frame("[DONE]");
    for (name, frames, images, failures, warnings) in [
        ("a mark", vec![frame("image 0"), done()], 1, 0, vec![]),
        // A mark says that no more was meant to come.
        ("a mark after one of two", vec![frame("image 0"), frame("failed 1"), done()], 1, 1, vec![]),
        ("its end", vec![frame("image 0"), frame("image 1"), Input::StreamEnd], 2, 0, vec![]),
        ("its end, with usage", vec![frame("image 0"), frame("usage 1"), Input::StreamEnd], 1, 0, vec![]),
        ("its end, after one of two", vec![frame("image 0"), Input::StreamEnd], 1, 0, vec![Incomplete]),
        // The reason is reported once.
        ("an error", vec![frame("image 0"), frame("error 0"), Input::StreamEnd], 1, 0, vec![Incomplete]),
        ("a break", vec![frame("image 0"), frame("usage 1"), broken(None)], 1, 0, vec![Incomplete]),
        ("more billed", vec![frame("image 0"), frame("usage 2"), done()], 1, 1, vec![BilledMore]),
        ("fewer billed", vec![frame("image 0"), frame("usage 0"), done()], 1, 0, vec![BilledFewer]),
    ] {
        let run = play(of_count(2), std::iter::once(head()).chain(frames));
        let generation = run.result.unwrap();
        let came = (generation.images().count(), generation.failures().count());
        // The warnings of the check come first.
        let warnings = [vec![Advice], warnings].concat();
        assert_eq!((run.submits, came, kinds(&generation)), (1, (images, failures), warnings), "{name}");
        let told = run.events.iter().filter(|event| matches!(event, Event::Image(_) | Event::ImageFailed(_))).count();
        assert_eq!(told, images + failures, "{name}: each outcome is reported once");
    }
}

#[test]
fn a_stream_without_an_image_is_an_error_that_says_what_it_may_have_cost() {
    for (name, frames, kind, charge) in [
        ("a mark", vec![frame("[DONE]")], ErrorKind::NoImages, Charge::Unknown),
        ("its end", vec![frame("failed 0"), Input::StreamEnd], ErrorKind::NoImages, Charge::Unknown),
        ("told free", vec![frame("failed 0"), frame("usage 0"), Input::StreamEnd], ErrorKind::NoImages, Charge::No),
        ("a break", vec![frame("failed 0"), frame("usage 0"), broken(None)], ErrorKind::Transport, Charge::Unknown),
    ] {
        let error = play(of_count(2), std::iter::once(head()).chain(frames)).result.unwrap_err();
        assert_eq!((error.kind(), error.charge()), (kind, charge), "{name}");
        assert!(error.generation().is_some(), "{name}: the arrived part is kept");
        assert_eq!((error.attempts().len(), error.attempts()[0].outcome.as_str()), (1, "HTTP 200, a stream"));
    }
}

#[test]
fn a_complete_stream_is_read_on_for_its_mark_for_three_seconds() {
    let mut operation = of_count(1);
    let at = Duration::from_secs;
    operation.on(Input::Begin, at(0));
    assert!(matches!(operation.on(head(), at(1)).then, Then::Read));
    assert!(matches!(operation.on(frame("image 0"), at(2)).then, Then::Read), "its usage may come");
    for (input, now) in [(frame("usage 1"), 5), (frame("usage 1"), 7), (Input::Woke, 7)] {
        let then = operation.on(input, at(now)).then;
        assert!(matches!(then, Then::ReadUntil(until) if until == at(8)), "{then:?}");
    }
    let generation = ended(operation.on(Input::Woke, at(8)).then).unwrap();
    assert_eq!((generation.images().count(), kinds(&generation)), (1, vec![]));
}

#[test]
fn a_stream_from_a_provider_that_has_none_may_have_been_billed() {
    let words = Words { streams: false, ..Words::ALL };
    let run = play(of(words, &ImageRequest::new("m", "p"), Policy::default()), [head()]);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.kind(), error.charge()), (1, ErrorKind::MalformedResponse, Charge::Unknown));
}
