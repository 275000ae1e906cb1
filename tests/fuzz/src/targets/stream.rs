//! The decoders of streams.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, StatusCode};
use seedream::seedream_core::{Blobs, Dialect, Response, StreamItem, Timestamp, sse::Frame};
use seedream::{Charge, Error, Generation, ImageData};

use super::{
    decode::{Asked, asked, error_is_sound, generation_is_sound},
    sse,
};
use crate::input::split;

/// Every adapter with streams, with a request for two images.
static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let streams = |dialect: &Arc<dyn Dialect>| dialect.streaming().is_some();
    seedream::dialects().into_iter().filter(streams).map(|dialect| asked(dialect, 2)).collect()
});

/// What was delivered while events came, and what they amounted to.
struct Read {
    images: Vec<ImageData>,
    end: Result<Generation, Error>,
}

/// Bytes of a stream. The first one chooses where it is cut.
pub fn run(input: &[u8]) {
    let (choice, bytes) = split(input);
    let frames = sse::read([bytes]);
    for asked in &*ASKED {
        let whole = read(asked, &frames, false);
        check(&whole, bytes.len());
        let broken = read(asked, &frames, true);
        assert_eq!(broken.images, whole.images, "what came before the break is delivered");
        assert!(!is_free(&broken.end), "what was not read whole may cost something");
        // Events that are complete before the cut are the same events.
        let at = frames.len() * usize::from(choice) / 256;
        let part = read(asked, &frames[..at], true);
        assert!(whole.images.starts_with(&part.images), "what was delivered stays so");
    }
}

fn read(asked: &Asked, frames: &[Frame], broken: bool) -> Read {
    let streaming = asked.dialect.streaming().expect("it has streams");
    let mut decoder = streaming.decoder(&asked.request);
    let blobs = Blobs::default();
    let items: Vec<_> =
        frames.iter().filter(|frame| !frame.is_done()).flat_map(|frame| decoder.event(frame, &blobs)).collect();
    let at = Timestamp::from_unix_seconds(1_800_000_000).expect("it is a time");
    let mut response = Response::new(StatusCode::OK, HeaderMap::new(), "", at);
    response.truncated = broken;
    let images = items.into_iter().filter_map(|item| match item {
        StreamItem::Image(image) => Some(image.data),
        _ => None,
    });
    Read { images: images.collect(), end: decoder.finish(&response) }
}

/// Whether it says that nothing was billed, other than as a refusal.
fn is_free(end: &Result<Generation, Error>) -> bool {
    match end {
        Ok(generation) => generation.charge() == Charge::No,
        Err(error) => error.charge() == Charge::No && !error.kind().is_refusal(),
    }
}

fn check(read: &Read, length: usize) {
    match &read.end {
        Ok(generation) => {
            generation_is_sound(generation, length);
            let mut images: Vec<_> = generation.images().map(|image| &image.data).collect();
            assert_eq!(images.len(), read.images.len(), "each image that was delivered is in the end, and no other");
            for image in &read.images {
                let at = images.iter().position(|other| *other == image).expect("it is in the end");
                images.swap_remove(at);
            }
        }
        Err(error) => {
            assert!(read.images.is_empty(), "a stream with an image is no error");
            error_is_sound(error, length);
        }
    }
}
