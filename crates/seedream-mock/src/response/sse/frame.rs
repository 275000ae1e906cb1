//! One event of a stream, before it is written.

use std::time::Duration;

use serde::Serialize;

use crate::image::test_image::TestImage;
use crate::response::image_results::ImageResult;

/// The content type of a stream of events.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// One event before it is written.
#[derive(Clone)]
pub(crate) struct SseFrame {
    pub(crate) event: Option<&'static str>,
    /// JSON on one line, or another text.
    pub(crate) data: String,
    pub(crate) image: Option<TestImage>,
    /// The images of an event that holds several.
    pub(crate) images: Vec<TestImage>,
    /// How long it takes.
    pub(crate) after: Duration,
    /// How often it stands in a chunk, and how many such chunks come.
    pub(crate) many: (usize, usize),
    /// Whether the stream ends with its last byte of data.
    pub(crate) ends: bool,
}

impl SseFrame {
    pub(crate) fn new(event: Option<&'static str>, data: &impl Serialize) -> Self {
        // Structs of texts and numbers always serialise.
        Self::text(event, serde_json::to_string(data).unwrap_or_default())
    }

    pub(crate) fn text(event: Option<&'static str>, data: String) -> Self {
        let (images, after) = (Vec::new(), Duration::ZERO);
        Self { event, data, image: None, images, after, many: (1, 1), ends: false }
    }

    pub(crate) fn done() -> Self {
        Self::text(None, String::from("[DONE]"))
    }

    pub(crate) fn of(self, item: &ImageResult, after: Duration) -> Self {
        Self { image: item.image().cloned(), after, ..self }
    }
}
