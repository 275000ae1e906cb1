//! Streams of events, with every oddity that was seen of them (a stranger's words and our own, none may cost an image).

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use seedream::seedream_client::SaveOptions;
use seedream::seedream_core::WarningKind;
use seedream::{Charge, Error, Event, Generation, ImageData, ImageProvider as _, ImageRequest, Strictness};
use seedream_mock::{Clock, MockServer};

use crate::mock_and_clients::{Desk, dialect};

fn three(fault: &str) -> ImageRequest {
    ImageRequest::new("seedream-4.0", format!("3 images of a kite [[mock: {fault}]]")).count(3).stream(true)
}

/// What a stream comes to, and what was told on the way.
async fn read(desk: &Desk, request: ImageRequest) -> (Vec<Event>, Result<Generation, Error>) {
    let mut events = desk.with(&dialect("ark"), Strictness::Off, "sk-any").events(request).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Finished(generation)) => return (told, Ok(generation)),
            Ok(event) => told.push(event),
            Err(error) => return (told, Err(error)),
        }
    }
    panic!("no end")
}

#[tokio::test]
async fn every_oddity_of_a_stream_keeps_every_image_and_is_told_as_it_comes() {
    // What is written between the images, how many come, how many are refused, and whether the end is told of.
    for (fault, images, failures, told) in [
        ("sse=comments", 3, 0, None),
        ("sse=crlf", 3, 0, None),
        ("sse=cr", 3, 0, None),
        ("sse=split", 3, 0, None),
        ("sse=multiline", 3, 0, None),
        // As the documents print it: JSON over several lines without `data:` (1.6.1).
        ("sse=pretty", 3, 0, None),
        ("sse=multiline,cr,split,comments", 3, 0, None),
        // The end is `[DONE]`, or the end of the connection (1.6.6).
        ("sse=no-completed", 3, 0, None),
        ("sse=no-done", 3, 0, None),
        ("sse=no-completed,no-done", 3, 0, None),
        // The protocol goes on behind an image that failed, whatever two official SDKs do (1.6.7).
        ("moderate=0", 2, 1, None),
        ("moderate=1", 2, 1, None),
        ("moderate=2", 2, 1, None),
        ("moderate=0,1", 1, 2, None),
        ("moderate=1; sse=no-completed,no-done", 2, 1, None),
        // JSON in the place of a stream, under its own name and under the stream's (1.6.5).
        ("sse=json", 3, 0, None),
        ("sse=json-as-stream", 3, 0, None),
        // `completed` is an image where it holds one (1.6.9).
        ("sse=openai", 3, 0, None),
        // An error behind images costs none of them, and is told of once.
        ("sse=error", 1, 0, Some(WarningKind::Incomplete)),
        ("sse=cut", 1, 1, Some(WarningKind::Incomplete)),
    ] {
        let desk = Desk::open().await;
        let (events, outcome) = read(&desk, three(fault)).await;
        let generation = outcome.unwrap_or_else(|error| panic!("{fault}: {error}"));
        let seen = (generation.images().count(), generation.failures().count());
        assert_eq!(seen, (images, failures), "{fault}: {generation:?}");
        let images = events.iter().filter(|event| matches!(event, Event::Image(_))).count();
        let failed = events.iter().filter(|event| matches!(event, Event::ImageFailed(_))).count();
        assert_eq!((images, failed), seen, "{fault}: each is told on the way");
        let indices: Vec<_> = (0..seen.0 + seen.1).collect();
        let places = generation.outcomes.iter().map(|outcome| match outcome {
            Ok(image) => image.index as usize,
            Err(failure) => failure.index as usize,
        });
        assert_eq!(places.collect::<Vec<_>>(), indices, "{fault}");
        let kinds: Vec<_> = generation.warnings.iter().map(|warning| warning.kind).collect();
        assert_eq!(kinds, Vec::from_iter(told), "{fault}: {:?}", generation.warnings);
        assert_eq!(desk.posts(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_refused_stream_is_plain_json_and_free() {
    let desk = Desk::open().await;
    let (_, outcome) = read(&desk, three("status=400 code=InvalidParameter")).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.charge(), desk.posts()), (Some("InvalidParameter"), Charge::No, 1));
}

#[tokio::test]
async fn a_stream_of_one_refused_image_and_silence_is_that_refusal() {
    let desk = Desk::open().await;
    let one = "a kite [[mock: moderate=0; sse=no-completed,no-done]]";
    let (events, outcome) = read(&desk, ImageRequest::new("seedream-4.0", one).stream(true)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), Some("OutputImageSensitiveContentDetected"), "{error}");
    let told = events.iter().filter(|event| matches!(event, Event::ImageFailed(_))).count();
    let failures = error.generation().map_or(0, |generation| generation.failures().count());
    assert!(told == failures && desk.posts() == 1, "{events:?}");
}

#[tokio::test]
async fn an_error_event_before_any_image_is_the_error() {
    let desk = Desk::open().await;
    let (_, outcome) = read(&desk, three("fail=0 sse=no-completed,no-done")).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.charge(), desk.posts()), (Some("InternalServiceError"), Charge::Unknown, 1));
}

/// The head comes with the first image, after half a minute (1.6.3), and each image when it is made.
#[tokio::test]
async fn a_late_head_is_waited_for_and_each_image_is_on_disk_before_the_next_exists() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_204_800);
    let mock = MockServer::builder().clock(Clock::stopped(start)).start().await.unwrap();
    let desk = Desk::of(mock);
    let place = tempfile::tempdir().unwrap();
    let client = desk.client(&dialect("ark"));
    let mut events = client.events(three("pace=27s")).await.unwrap();
    for number in 0..3 {
        let clock = desk.clock();
        let made = async {
            clock.until_waiting(1).await;
            clock.advance(Duration::from_secs(27));
        };
        // Before the clock moves there is nothing to be told of.
        let (event, ()) = tokio::join!(events.next(), made);
        let Some(Ok(Event::Image(image))) = event else { panic!("{event:?}") };
        assert!(matches!(image.data, ImageData::Url { .. }) && image.index == number);
        client.save_image(&image, &SaveOptions::new(place.path(), "ark")).await.unwrap();
        let passed = clock.now().duration_since(start).unwrap().as_secs();
        assert_eq!(
            (passed, std::fs::read_dir(place.path()).unwrap().count()),
            (27 * u64::from(number + 1), 1 + number as usize)
        );
    }
    let rest: Vec<_> = events.collect().await;
    assert!(matches!(&rest[..], [Ok(Event::Finished(generation))] if generation.images().count() == 3), "{rest:?}");
}
