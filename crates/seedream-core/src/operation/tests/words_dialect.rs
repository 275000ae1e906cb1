//! A provider whose responses are words.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::*;
use crate::{
    Acceptance, Blobs, Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Family, GeneratedImage,
    ImageData, ImageFailure, ImagesRule, Members, ModelEntry, ModelId, PixelRule, Response, SizeRule, Source,
    StreamDecoder, StreamDialect, StreamItem, TaskDialect, TaskId, TaskState, Usage, Warning, sse::Frame,
};

/// The response to a submit is `images 2`, `none` or `task t-1` (`task t-1 t-2` where it names two ids), a poll with
/// `wait 40`, `some 2`, `images 2`, `failed` or `lost`, and a stream has the events `image 0`, `failed 0`,
/// `error 0` and `usage 2`.
/// Everything else is an error: `rate_limited`, `overloaded`, `quota`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) tasks: bool,
    pub(crate) streams: bool,
    pub(crate) descriptor: &'static LazyLock<Descriptor>,
}

impl Words {
    pub(crate) const ALL: Self = Self { tasks: true, streams: true, descriptor: &DESCRIPTOR };
    /// The same words of another provider.
    pub(crate) const OTHER: Self = Self { descriptor: &OTHER, ..Self::ALL };
}

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| named("words"));
static OTHER: LazyLock<Descriptor> = LazyLock::new(|| named("other words"));

fn named(id: &'static str) -> Descriptor {
    let model = ModelEntry::new("m", Family::Seedream4, Source::documented("test", "models"));
    Descriptor::new(id, "words", "test", [model]).base_urls(["https://words.example"])
}

fn image(index: u32) -> GeneratedImage {
    GeneratedImage::new(index, ImageData::Bytes(Bytes::from_static(b"x")))
}

fn images(model: &ModelId, count: &str) -> Generation {
    let mut generation = Generation::new(model.clone());
    generation.outcomes = (0..count.parse().unwrap()).map(|index| Ok(image(index))).collect();
    generation
}

fn understood(response: &Response) -> Error {
    let kind = match std::str::from_utf8(&response.body).unwrap() {
        "rate_limited" => ErrorKind::RateLimited,
        "overloaded" => ErrorKind::Overloaded,
        "quota" => ErrorKind::QuotaExhausted,
        "lost" => ErrorKind::TaskNotFound,
        _ if response.status.is_success() => ErrorKind::MalformedResponse,
        _ => ErrorKind::Server,
    };
    // The status overrides the charge that an adapter reports.
    Error::from_response(kind, "refused", response).with_charge(Charge::No)
}

impl Dialect for Words {
    fn descriptor(&self) -> &Descriptor {
        self.descriptor
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let source = Source::documented("test", "all");
        let size = SizeRule::only_pixels(PixelRule::new(1, 100, 2), "1x1", source.clone());
        let mut rules =
            Capabilities::new(&DESCRIPTOR, DESCRIPTOR.resolve(model), size, Members::new::<&str>([], source.clone()));
        rules.images = ImagesRule::up_to(15, source);
        rules
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        let prompt = request.request().prompt.clone();
        if prompt == "cannot be said" {
            return Err(Error::new(ErrorKind::Unsupported, "no words for it"));
        }
        Ok(http::Request::post("/make").body(prompt.into()).unwrap())
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        let text = std::str::from_utf8(&response.body).unwrap();
        match text.split_once(' ').unwrap_or((text, "")) {
            _ if !response.status.is_success() => Err(understood(response)),
            ("images", count) => images(request.model(), count).or_no_images().map(Decoded::Done),
            ("none", _) => {
                let mut none = images(request.model(), "0");
                none.usage.generated_images = Some(0);
                none.or_no_images().map(Decoded::Done)
            }
            ("task", ids) => {
                let mut ids = ids.split(' ').map(|id| TaskId::new(id).unwrap());
                let mut acceptance = Acceptance::new(ids.next().unwrap());
                acceptance.other_ids = ids.collect();
                acceptance.usage.input_images = Some(2);
                Ok(Decoded::Accepted(acceptance))
            }
            _ => Err(understood(response)),
        }
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Effective { body: members, max_images: Some(request.ceiling()) }
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        self.tasks.then_some(self)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        self.streams.then_some(self)
    }
}

impl TaskDialect for Words {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        Ok(http::Request::get(format!("/tasks/{}", task.id)).body(Bytes::new()).unwrap())
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        if !response.status.is_success() {
            return Err(understood(response));
        }
        let text = std::str::from_utf8(&response.body).unwrap();
        Ok(match text.split_once(' ').unwrap_or((text, "")) {
            ("images", count) => TaskState::Done(images(&task.model, count)),
            ("wait", progress) => TaskState::running("processing", progress.parse().ok()),
            ("some", count) => TaskState::Running {
                status: "processing".to_owned(),
                progress: None,
                estimated_seconds: None,
                found: Some(Box::new(images(&task.model, count))),
            },
            ("about", seconds) => TaskState::Running {
                status: "processing".to_owned(),
                progress: None,
                estimated_seconds: seconds.parse().ok(),
                found: None,
            },
            ("failed", _) => TaskState::Failed(Error::new(ErrorKind::TaskFailed, "it failed")),
            ("lost", _) => TaskState::Failed(Error::new(ErrorKind::TaskFailed, "").with_charge(Charge::Unknown)),
            _ => return Err(understood(response)),
        })
    }
}

impl StreamDialect for Words {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        Box::new(Heard { asked: request.ceiling(), generation: Generation::new(request.model().clone()) })
    }
}

/// The decoded part of a stream.
#[derive(Debug)]
struct Heard {
    asked: u32,
    generation: Generation,
}

impl StreamDecoder for Heard {
    fn event(&mut self, frame: &Frame, _: &Blobs) -> Vec<StreamItem> {
        let (word, number) = frame.data.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match word {
            "image" => {
                self.generation.outcomes.push(Ok(image(number)));
                vec![StreamItem::Image(image(number))]
            }
            "failed" => {
                let failure = ImageFailure::new(number, ErrorKind::Server, "not drawn");
                self.generation.outcomes.push(Err(failure.clone()));
                vec![StreamItem::Failed(failure)]
            }
            "error" => {
                self.generation.warnings.push(Warning::new(WarningKind::Incomplete, None, "an error among the events"));
                Vec::new()
            }
            "usage" => {
                self.generation.usage = Usage { generated_images: Some(number.into()), ..Usage::default() };
                Vec::new()
            }
            other => panic!("{other}"),
        }
    }

    fn is_complete(&self) -> bool {
        self.generation.outcomes.len() == self.asked as usize && !self.generation.usage.is_empty()
    }

    fn finish(self: Box<Self>, _: &Response) -> Result<Generation> {
        self.generation.or_no_images()
    }
}
