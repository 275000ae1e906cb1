//! The responses of tasks, in the form that the facts of their provider give.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use seedream_fixtures::{CodeFacts, JsonTemplate, Placeholder, TaskFacts, TaskPhase, TaskResponse, TemplateSink};
use serde::Serialize;
use serde_json::Value;

use crate::image::test_image::TestImage;
use crate::response::chunk::{Chunk, ChunkContent};
use crate::response::endpoint_response::EndpointResponse;

/// What is known of a task when it is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskValues<'a> {
    pub(crate) id: &'a str,
    pub(crate) model: &'a str,
    pub(crate) created: i64,
    pub(crate) ended_at: Option<i64>,
    pub(crate) status: Option<Cow<'a, Value>>,
    pub(crate) progress: u8,
    pub(crate) running: bool,
    pub(crate) estimate: Option<u64>,
    pub(crate) reserved: Option<f64>,
    /// Whether that is written as a text.
    pub(crate) reserved_as_text: bool,
    pub(crate) cost: Option<f64>,
    pub(crate) error: Option<(&'a CodeFacts, &'a str)>,
    /// The images, each with its URL.
    pub(crate) images: Vec<(&'a TestImage, String)>,
    /// When the URLs end.
    pub(crate) expires_at: i64,
    /// Whether the request asks for files rather than for URLs.
    pub(crate) inline: bool,
}

/// The response of a task whose body may hold images.
pub(crate) struct TaskReport {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: ChunkContent,
}

impl From<TaskReport> for EndpointResponse {
    fn from(TaskReport { status, headers, content }: TaskReport) -> Self {
        Self { headers, ..Self::new(status, "application/json", vec![Chunk::now(content)]) }
    }
}

/// A response of a task.
pub(crate) fn report(form: &TaskFacts, response: &TaskResponse, values: &TaskValues<'_>) -> TaskReport {
    let text = |placeholder| TaskSink::of(form, values).text(placeholder).into_owned().into();
    let headers = response.headers.iter().map(|(name, value)| (name.clone(), value.write(text)));
    TaskReport {
        status: response.status,
        headers: headers.collect(),
        content: response.json.as_ref().map_or(ChunkContent::Bytes(Bytes::new()), |json| body(form, json, values)),
    }
}

/// A body that tells of a task.
pub(crate) fn body(form: &TaskFacts, json: &JsonTemplate, values: &TaskValues<'_>) -> ChunkContent {
    let mut sink = TaskSink::of(form, values);
    json.write(&mut sink);
    sink.body.finish()
}

/// The word for a phase.
pub(crate) fn word(form: &TaskFacts, phase: TaskPhase) -> Option<Cow<'_, Value>> {
    form.status.word(phase).map(Cow::Borrowed)
}

/// JSON that is being written, with the images in it.
#[derive(Default)]
struct BodyWriter {
    text: Vec<u8>,
    parts: Vec<ChunkContent>,
}

impl BodyWriter {
    fn fixed(&mut self, json: &str) {
        self.text.extend_from_slice(json.as_bytes());
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        // Texts and numbers always serialise, and a vector takes all.
        let _ = serde_json::to_writer(&mut self.text, value);
    }

    fn base64(&mut self, image: &TestImage) {
        self.text.push(b'"');
        self.parts.push(ChunkContent::Bytes(std::mem::take(&mut self.text).into()));
        self.parts.push(ChunkContent::Base64(image.clone()));
        self.text.push(b'"');
    }

    fn finish(mut self) -> ChunkContent {
        let rest = ChunkContent::Bytes(self.text.into());
        if self.parts.is_empty() {
            return rest;
        }
        self.parts.push(rest);
        ChunkContent::Joined(self.parts)
    }
}

struct TaskSink<'t> {
    form: &'t TaskFacts,
    values: &'t TaskValues<'t>,
    body: BodyWriter,
}

impl<'t> TaskSink<'t> {
    /// About what the body of a task with one image needs.
    const USUAL: usize = 1024;

    fn of(form: &'t TaskFacts, values: &'t TaskValues<'t>) -> Self {
        let capacity = if values.images.is_empty() { Self::USUAL / 2 } else { Self::USUAL };
        Self { form, values, body: BodyWriter { text: Vec::with_capacity(capacity), parts: Vec::new() } }
    }

    fn images(&mut self) {
        let TaskValues { images, inline, expires_at, .. } = self.values;
        let form = &self.form.image;
        let both = form.uses(Placeholder::Url) && form.uses(Placeholder::Base64);
        self.body.fixed("[");
        for (place, (image, url)) in images.iter().enumerate() {
            if place > 0 {
                self.body.fixed(",");
            }
            let body = std::mem::take(&mut self.body);
            let shown = |placeholder| !both || (placeholder == Placeholder::Base64) == *inline;
            let (has_url, has_file) = (shown(Placeholder::Url), shown(Placeholder::Base64));
            let mut sink = ImageSink { image, url, expires_at: *expires_at, has_url, has_file, body };
            form.write(&mut sink);
            self.body = sink.body;
        }
        self.body.fixed("]");
    }
}

impl TemplateSink for TaskSink<'_> {
    fn has(&self, placeholder: Placeholder) -> bool {
        let values = self.values;
        match placeholder {
            Placeholder::Id
            | Placeholder::Model
            | Placeholder::Created
            | Placeholder::Progress
            | Placeholder::Running => true,
            Placeholder::EndedAt => values.ended_at.is_some(),
            Placeholder::Status => values.status.is_some(),
            Placeholder::Estimate => values.estimate.is_some(),
            Placeholder::Reserved => values.reserved.is_some(),
            Placeholder::Cost => values.cost.is_some(),
            Placeholder::ErrorCode | Placeholder::ErrorMessage => values.error.is_some(),
            Placeholder::Images | Placeholder::ExpiresAt => !values.images.is_empty(),
            Placeholder::ImageCount => !values.running,
            _ => false,
        }
    }

    fn fixed(&mut self, json: &str) {
        self.body.fixed(json);
    }

    fn value(&mut self, placeholder: Placeholder) {
        let (values, body) = (self.values, &mut self.body);
        match placeholder {
            Placeholder::Id => body.value(values.id),
            Placeholder::Model => body.value(values.model),
            Placeholder::Created => body.value(&values.created),
            Placeholder::EndedAt => body.value(&values.ended_at),
            Placeholder::Status => body.value(&values.status),
            Placeholder::Progress => body.value(&values.progress),
            Placeholder::Running => body.value(&values.running),
            Placeholder::Estimate => body.value(&values.estimate),
            Placeholder::Reserved if values.reserved_as_text => body.value(&values.reserved.map(|sum| sum.to_string())),
            Placeholder::Reserved => body.value(&values.reserved),
            Placeholder::Cost => body.value(&values.cost),
            Placeholder::ErrorCode => body.value(&values.error.map(|(code, _)| code)),
            Placeholder::ErrorMessage => body.value(&values.error.map(|(_, message)| message)),
            Placeholder::ImageCount => body.value(&values.images.len()),
            Placeholder::ExpiresAt => body.value(&values.expires_at),
            Placeholder::Images => self.images(),
            // Lint refuses every other placeholder here.
            _ => body.fixed("null"),
        }
    }

    fn text(&self, placeholder: Placeholder) -> Cow<'_, str> {
        let values = self.values;
        match placeholder {
            Placeholder::Id => values.id.into(),
            Placeholder::Model => values.model.into(),
            Placeholder::ErrorMessage => values.error.map(|(_, message)| message).unwrap_or_default().into(),
            Placeholder::ErrorCode => values.error.map(|(code, _)| code.as_str()).unwrap_or_default().into(),
            placeholder => {
                let mut sink = Self::of(self.form, values);
                if sink.has(placeholder) {
                    sink.value(placeholder);
                }
                let json = sink.body.text;
                String::from_utf8_lossy(&json).trim_matches('"').to_owned().into()
            }
        }
    }
}

struct ImageSink<'t> {
    image: &'t TestImage,
    url: &'t str,
    expires_at: i64,
    has_url: bool,
    has_file: bool,
    body: BodyWriter,
}

impl ImageSink<'_> {
    fn size(&self) -> String {
        format!("{}x{}", self.image.width, self.image.height)
    }
}

impl TemplateSink for ImageSink<'_> {
    fn has(&self, placeholder: Placeholder) -> bool {
        match placeholder {
            Placeholder::Url | Placeholder::ExpiresAt => self.has_url,
            Placeholder::Base64 => self.has_file,
            _ => true,
        }
    }

    fn fixed(&mut self, json: &str) {
        self.body.fixed(json);
    }

    fn value(&mut self, placeholder: Placeholder) {
        let image = self.image;
        match placeholder {
            Placeholder::Url => self.body.value(self.url),
            Placeholder::Base64 => self.body.base64(image),
            Placeholder::Index => self.body.value(&image.index),
            Placeholder::Width => self.body.value(&image.width),
            Placeholder::Height => self.body.value(&image.height),
            Placeholder::Format => self.body.value(image.format.as_str()),
            Placeholder::ExpiresAt => self.body.value(&self.expires_at),
            Placeholder::Size => {
                let size = self.size();
                self.body.value(&size);
            }
            // Lint refuses every other placeholder here.
            _ => self.body.fixed("null"),
        }
    }

    fn text(&self, placeholder: Placeholder) -> Cow<'_, str> {
        match placeholder {
            Placeholder::Url => self.url.into(),
            Placeholder::Index => self.image.index.to_string().into(),
            Placeholder::Width => self.image.width.to_string().into(),
            Placeholder::Height => self.image.height.to_string().into(),
            Placeholder::Format => self.image.format.as_str().into(),
            Placeholder::ExpiresAt => self.expires_at.to_string().into(),
            Placeholder::Size => self.size().into(),
            // Inside a longer text, as in a `data:` URI, the file cannot wait.
            Placeholder::Base64 => STANDARD.encode(self.image.render()).into(),
            _ => Cow::Borrowed(""),
        }
    }
}
