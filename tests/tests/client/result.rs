//! What comes back.

use futures_util::StreamExt as _;
use seedream::seedream_client::{JobEvent, SaveOptions};
use seedream::seedream_core::WarningKind;
use seedream::{Event, Exactly, ImageData, ImageProvider as _, ImageRequest, OutputFormat, Size, dialects};
use seedream_mock::MockServer;

use crate::mock_and_clients::{Desk, dialect};

#[tokio::test]
async fn the_first_image_of_a_stream_is_on_disk_before_the_stream_ends() {
    let (desk, place) = (Desk::open().await, tempfile::tempdir().unwrap());
    let client = desk.client(&dialect("ark"));
    let request = ImageRequest::new("seedream-4.5", "three views of a lighthouse, 3 images").count(3).stream(true);
    let mut events = client.events(request).await.unwrap();
    let options = SaveOptions::new(place.path(), "ark");
    let (mut saved, mut finished) = (Vec::new(), None);
    while let Some(event) = events.next().await {
        match event.unwrap() {
            Event::Image(image) => {
                assert!(finished.is_none(), "pictures come before the end");
                saved.push(client.save_image(&image, &options).await.unwrap());
            }
            Event::Finished(generation) => finished = Some(generation),
            _ => {}
        }
    }
    assert_eq!(finished.unwrap().images().count(), 3);
    assert!(saved.len() == 3 && saved.iter().all(|image| image.file().unwrap().exists()));
}

#[tokio::test]
async fn every_dialect_tells_of_each_image_before_it_is_over() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let request = ImageRequest::new("seedream-4.5", "three views of a lighthouse").count(3);
        let events: Vec<_> = desk.client(&dialect).events(request).await.unwrap().collect().await;
        let images = events.iter().filter(|event| matches!(event, Ok(Event::Image(_)))).count();
        assert!(images == 3 && matches!(events.last(), Some(Ok(Event::Finished(_)))), "{dialect:?}: {events:?}");
    }
}

/// Where a provider tells of all images at its end, buying one by one tells of each before the next is even asked for.
#[tokio::test]
async fn bought_one_by_one_the_first_image_is_told_before_the_last_is_asked_for_on_every_dialect() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let client = desk.client(&dialect);
        let mut asked = Vec::new();
        let exactly = Exactly::new(client.job(ImageRequest::new("seedream-4.5", "a lighthouse")), 3).at_a_time(1);
        let tell = |_, event: &JobEvent| {
            if matches!(event, JobEvent::Image(_)) {
                asked.push(desk.posts());
            }
        };
        let bought = exactly.run_with_events(tell).await;
        assert_eq!((bought.delivered(), asked), (3, vec![1, 2, 3]), "{dialect:?}");
    }
}

#[tokio::test]
async fn an_image_that_was_withheld_is_a_typed_failure_in_its_place() {
    let desk = Desk::open().await;
    let client = desk.with(&dialect("ark"), seedream::Strictness::Strict, "sk-mock-partial");
    let generation = client.generate(ImageRequest::new("seedream-4.5", "3 images of a kite").count(3)).await.unwrap();
    assert_eq!((generation.images().count(), generation.failures().count()), (2, 1));
    let failure = generation.require_all().unwrap_err();
    assert_eq!((failure.index, failure.kind.as_str()), (1, "content_rejected"));
    assert_eq!(generation.billed(), Some(2));
}

#[tokio::test]
async fn images_inside_the_response_are_the_bytes_that_the_url_would_give() {
    let desk = Desk::open().await;
    let client = desk.client(&dialect("aiearth"));
    let request = ImageRequest::new("seedream-5.0-lite", "a kite").format(OutputFormat::Png);
    let by_url = client.generate(request.clone()).await.unwrap();
    let inside = client.generate(request.response_format(seedream::ResponseFormat::B64Json)).await.unwrap();
    let fetched = client.fetch(by_url.images().next().unwrap()).await.unwrap();
    let ImageData::Bytes(bytes) = &inside.images().next().unwrap().data else { panic!("inside the answer") };
    assert_eq!(&fetched, bytes);
}

/// What is lost on the way shows in the number and the format of the images; the stated size is compared with that of the file.
#[tokio::test]
async fn a_lossy_relay_is_noticed_by_what_it_states_of_an_image() {
    let mock = MockServer::builder().profiles("ark=lossy-relay".parse().unwrap()).start().await.unwrap();
    let (desk, place) = (Desk::of(mock), tempfile::tempdir().unwrap());
    let client = desk.client(&dialect("ark"));
    let request = ImageRequest::new("seedream-5.0-lite", "3 images of a kite")
        .count(3)
        .size(Size::pixels(2048, 2048))
        .format(OutputFormat::Png)
        .watermark(false);
    let generation = client.generate(request).await.unwrap();
    assert_eq!((generation.images().count(), generation.billed()), (1, Some(1)), "numbers in texts are read");
    assert!(generation.warnings.is_empty(), "a group may have fewer images: {:?}", generation.warnings);
    let image = generation.images().next().unwrap();
    let saved = client.save_image(image, &SaveOptions::new(place.path(), "ark")).await.unwrap();
    let told: Vec<_> = saved.warnings.iter().map(|warning| (warning.kind, warning.message.as_str())).collect();
    assert_eq!(told, [(WarningKind::OtherSize, "image 0 is 2048x2048, but the response says 1024x1024")]);
    assert_eq!(saved.media_type, "image/jpeg", "a PNG was requested; the type is read from the bytes");
}
