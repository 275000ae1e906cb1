//! Small dialects: one that responds at once (and can stream), and one with tasks.

use std::sync::LazyLock;

use base64::Engine as _;
use bytes::Bytes;
use http::Request;
use seedream_client::{Client, ClientBuilder};
use seedream_core::*;
use serde_json::{Map, Value, json};

pub(crate) static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    Descriptor::new("tiny", "Tiny", "test", [])
        .base_urls(["https://tiny.example", "https://mirror.example"])
        .key_variables(["TINY_API_KEY"])
        .default_model("tiny-1")
});

/// Answers at once, or as a stream where the request asks for one.
#[derive(Debug)]
pub(crate) struct Tiny;

/// Accepts a task.
#[derive(Debug)]
pub(crate) struct TinyTasks;

pub(crate) const KEY: &str = "canary-0123456789";

pub(crate) fn request() -> ImageRequest {
    ImageRequest::new("tiny-1", "a lighthouse")
}

/// A patient client with short waits.
pub(crate) fn client(dialect: impl Dialect, base_url: &str) -> ClientBuilder {
    let mut policy = Policy::default();
    policy.backoff.first = std::time::Duration::from_millis(1);
    policy.pace.shortest = std::time::Duration::from_millis(1);
    Client::builder(dialect).base_url(base_url).key(KEY).policy(policy).seed(7)
}

fn capabilities(model: &ModelId) -> Capabilities {
    let source = Source::derived("a test");
    let resolution =
        Resolution { requested: model.clone(), model: model.clone(), family: None, standing: Standing::Sold };
    let size = SizeRule::only_pixels(PixelRule::any(), "2048x2048", source.clone());
    let mut capabilities = Capabilities::new(&DESCRIPTOR, resolution, size, Members::new::<&str>([], source.clone()));
    capabilities.images = ImagesRule::up_to(15, source.clone());
    capabilities.fields =
        [FieldRule::honoured(Field::Stream, source.clone()), FieldRule::refused(Field::Seed, source)].into();
    capabilities
}

fn encode(path: &str, checked: &Checked) -> Result<Request<Bytes>> {
    checked.belongs_to("tiny")?;
    // Members in an order that is not the alphabet's, as documents have it.
    let mut body = format!(r#"{{"prompt":{},"model":"{}""#, json!(checked.request().prompt), checked.model());
    if let Some(stream) = checked.request().stream {
        body.push_str(&format!(r#","stream":{stream}"#));
    }
    body.push('}');
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Bytes::from(body)).map_err(|_| Error::new(ErrorKind::Config, "request"))
}

fn image(index: usize, item: &Value, blobs: &Blobs) -> Result<GeneratedImage, ImageFailure> {
    let index = index as u32;
    if let Some(text) = item["b64"].as_str() {
        let small = || ImageData::Bytes(base64::engine::general_purpose::STANDARD.decode(text).unwrap().into());
        return Ok(GeneratedImage::new(index, blobs.get(text).cloned().unwrap_or_else(small)));
    }
    match item["url"].as_str() {
        Some(url) => {
            let expires_at = Some("2026-11-21T20:00:00Z".parse().unwrap());
            Ok(GeneratedImage::new(index, ImageData::Url { url: url.into(), expires_at }))
        }
        None => Err(ImageFailure::new(index, ErrorKind::Server, "refused")),
    }
}

fn refused(response: &Response) -> Error {
    let kind = match response.status.as_u16() {
        429 => ErrorKind::RateLimited,
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Balance,
        403 => ErrorKind::PermissionDenied,
        410 => ErrorKind::ModelNotFound,
        422 => ErrorKind::rejected(Stage::Input, Medium::Text),
        423 => ErrorKind::QuotaExhausted,
        404 => ErrorKind::TaskNotFound,
        _ => ErrorKind::Server,
    };
    Error::from_response(kind, String::from_utf8_lossy(&response.body), response)
}

fn read(response: &Response) -> Result<Value> {
    if !response.status.is_success() {
        return Err(refused(response));
    }
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::from_response(ErrorKind::MalformedResponse, error.to_string(), response))
}

fn generation(model: &ModelId, value: &Value, response: &Response) -> Result<Generation> {
    let mut generation = Generation::new(model.clone());
    let items = value["data"].as_array().into_iter().flatten();
    generation.outcomes = items.enumerate().map(|(index, item)| image(index, item, response.blobs())).collect();
    generation.usage.generated_images = value["billed"].as_u64();
    generation.raw = response.body.clone();
    generation.or_no_images()
}

impl Dialect for Tiny {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        encode("/v1/images", request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        Ok(Decoded::Done(generation(request.model(), &read(response)?, response)?))
    }

    fn effective(&self, request: &Checked, mut members: Map<String, Value>) -> Effective {
        members.insert("watermark".to_owned(), true.into());
        Effective { body: members, max_images: Some(request.ceiling()) }
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        Some(self)
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        Some(self)
    }
}

impl CatalogDialect for Tiny {
    fn models_request(&self) -> Request<Bytes> {
        Request::get("/v1/models").body(Bytes::new()).unwrap()
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        let value = read(response)?;
        let ids = value["data"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str());
        Ok(ids.map(ModelInfo::new).collect())
    }
}

impl StreamDialect for Tiny {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        Box::new(Decoder(Generation::new(request.model().clone())))
    }
}

#[derive(Debug)]
struct Decoder(Generation);

impl StreamDecoder for Decoder {
    fn event(&mut self, frame: &sse::Frame, blobs: &Blobs) -> Vec<StreamItem> {
        let Ok(value) = serde_json::from_str::<Value>(&frame.data) else { return Vec::new() };
        // An array tells of several at once.
        let items = if let Value::Array(items) = value { items } else { vec![value] };
        let told = items.iter().map(|item| {
            let outcome = image(self.0.outcomes.len(), item, blobs);
            self.0.outcomes.push(outcome.clone());
            outcome.map_or_else(StreamItem::Failed, StreamItem::Image)
        });
        told.collect()
    }

    fn finish(self: Box<Self>, _: &Response) -> Result<Generation> {
        self.0.or_no_images()
    }
}

impl Dialect for TinyTasks {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        encode("/v1/jobs", request)
    }

    fn decode(&self, _: &Checked, response: &Response) -> Result<Decoded> {
        let value = read(response)?;
        let mut acceptance = Acceptance::new(TaskId::new(value["id"].as_str().unwrap_or_default())?);
        acceptance.estimated_seconds = value["eta"].as_u64().and_then(|eta| eta.try_into().ok());
        Ok(Decoded::Accepted(acceptance))
    }

    fn effective(&self, _: &Checked, _: Map<String, Value>) -> Effective {
        Effective::default()
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        Some(self)
    }
}

impl TaskDialect for TinyTasks {
    fn poll(&self, task: &Task) -> Result<Request<Bytes>> {
        Ok(Request::get(format!("/v1/jobs/{}", task.id)).body(Bytes::new()).unwrap())
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        let value = read(response)?;
        match value["status"].as_str() {
            Some("done") => Ok(TaskState::Done(generation(&task.model, &value, response)?)),
            Some("some") => {
                let found = Some(Box::new(generation(&task.model, &value, response)?));
                Ok(TaskState::Running { status: "some".to_owned(), progress: None, estimated_seconds: None, found })
            }
            status => Ok(TaskState::running(status.unwrap_or("?"), Some(50))),
        }
    }
}

/// Everything that an error can show to anybody.
pub(crate) fn texts(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}", error.message());
    let mut source = error.cause();
    while let Some(cause) = source {
        text.push_str(&format!("\n{cause}\n{cause:?}"));
        source = cause.source();
    }
    text
}
