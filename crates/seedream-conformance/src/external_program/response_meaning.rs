//! What a program makes of a response, as the types of the core crate.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use seedream_core::{
    Acceptance, Blobs, Charge, Decoded, Error, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, Medium,
    ModelId, ModelInfo, Response, Result, Stage, TaskId, TaskState, Timestamp, Usage, Warning, WarningKind,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What a response means: images, a task, a list of models, or an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ResponseMeaning {
    images: Vec<ImageMeaning>,
    models: Vec<ModelId>,
    accepted: Option<String>,
    estimated_seconds: Option<u32>,
    can_cancel: Option<bool>,
    running: Option<String>,
    progress: Option<u8>,
    /// The task has failed, as a response says that could be read.
    failed: Option<ErrorMeaning>,
    /// The response is an error, or cannot be read.
    error: Option<ErrorMeaning>,
    request_id: Option<String>,
    reported_model: Option<String>,
    created: Option<i64>,
    usage: Map<String, Value>,
    /// What is odd about the response.
    warnings: Vec<Warning>,
    /// Other ids that may be the task's.
    other_ids: Vec<String>,
    /// What images cost, where their usage does not say.
    charge: Option<Charge>,
    /// Whether nothing but an end can follow in a stream.
    pub(super) complete: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageMeaning {
    index: u32,
    url: Option<String>,
    expires_at: Option<i64>,
    base64: Option<String>,
    size: Option<String>,
    format: Option<String>,
    #[serde(default)]
    other: Map<String, Value>,
    error: Option<ErrorMeaning>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ErrorMeaning {
    kind: String,
    code: Option<String>,
    message: String,
    param: Option<String>,
    stage: Option<Stage>,
    medium: Option<Medium>,
    charge: Option<Charge>,
}

impl ResponseMeaning {
    pub(super) fn outcome(self, model: &ModelId, response: &Response) -> Result<Decoded> {
        let Some(id) = &self.accepted else { return self.generation(model, response).map(Decoded::Done) };
        let id = TaskId::new(id.as_str()).map_err(|error| {
            Error::from_response(ErrorKind::MalformedResponse, error.to_string(), response).with_charge(Charge::Unknown)
        })?;
        let mut acceptance = Acceptance::new(id);
        acceptance.created = self.created.and_then(at);
        acceptance.other_ids = self.other_ids.iter().filter_map(|id| TaskId::new(id.as_str()).ok()).collect();
        acceptance.usage = usage(self.usage);
        (acceptance.reported_model, acceptance.estimated_seconds) = (self.reported_model, self.estimated_seconds);
        acceptance.can_cancel = self.can_cancel;
        Ok(Decoded::Accepted(acceptance))
    }

    pub(super) fn state(mut self, model: &ModelId, response: &Response) -> Result<TaskState> {
        if let Some(status) = self.running.take() {
            let (progress, estimate) = (self.progress, self.estimated_seconds);
            let images = self.generation(model, response).ok().map(Box::new);
            let mut state = TaskState::running(status, progress);
            if let TaskState::Running { estimated_seconds, found, .. } = &mut state {
                (*estimated_seconds, *found) = (estimate, images);
            }
            return Ok(state);
        }
        if let Some(failed) = self.failed.take() {
            return Ok(TaskState::Failed(self.error(failed, model, response)));
        }
        self.generation(model, response).map(TaskState::Done)
    }

    pub(super) fn generation(mut self, model: &ModelId, response: &Response) -> Result<Generation> {
        if let Some(failed) = self.error.take().or_else(|| self.failed.take()) {
            return Err(self.error(failed, model, response));
        }
        let mut generation = self.facts(model, response);
        if response.truncated {
            let message = "the response was cut off: what had arrived was kept";
            generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
        }
        generation.outcomes = self.outcomes(response.blobs());
        generation.or_no_images()
    }

    /// What the response says beside its images.
    fn facts(&self, model: &ModelId, response: &Response) -> Generation {
        let mut generation = Generation::new(model.clone());
        generation.reported_model.clone_from(&self.reported_model);
        generation.created = self.created.and_then(at);
        generation.request_id = self.request_id.clone().or_else(|| response.request_id());
        generation.raw = response.body.clone();
        generation.usage = usage(self.usage.clone());
        generation.warnings.clone_from(&self.warnings);
        generation.charged = self.charge;
        generation
    }

    pub(super) fn models(mut self, response: &Response) -> Result<Vec<ModelInfo>> {
        match self.error.take() {
            Some(failed) => Err(failed.error(self.request_id, response)),
            None => Ok(self.models.into_iter().map(ModelInfo::new).collect()),
        }
    }

    pub(super) fn outcomes(self, blobs: &Blobs) -> Vec<Result<GeneratedImage, ImageFailure>> {
        self.images.into_iter().map(|image| image.outcome(blobs)).collect()
    }

    /// An error without images still carries what the response said beside them.
    fn error(self, failed: ErrorMeaning, model: &ModelId, response: &Response) -> Error {
        let facts = self.facts(model, response);
        let says_more = facts.reported_model.is_some() || facts.created.is_some() || !facts.usage.is_empty();
        let says_more = says_more || facts.charged.is_some();
        let error = failed.error(self.request_id, response);
        if says_more { error.with_generation(facts) } else { error }
    }
}

impl ImageMeaning {
    fn outcome(self, blobs: &Blobs) -> Result<GeneratedImage, ImageFailure> {
        if let Some(failed) = self.error {
            return Err(ImageFailure::new(self.index, failed.kind(), &failed.message).with_code(failed.code));
        }
        let lifted = self.url.as_deref().or(self.base64.as_deref()).and_then(|token| blobs.get(token)).cloned();
        let inline = |text: &str| STANDARD.decode(text).ok().map(|bytes| ImageData::Bytes(bytes.into()));
        let expires_at = self.expires_at.and_then(at);
        let data = lifted.or(self.url.map(|url| ImageData::Url { url, expires_at }));
        let data = data.or_else(|| inline(self.base64.as_deref()?));
        let unreadable = || ImageFailure::new(self.index, ErrorKind::MalformedResponse, "there is no image");
        let mut image = GeneratedImage::new(self.index, data.ok_or_else(unreadable)?);
        // A size or format that cannot be read is left out; the image stays.
        image.size = self.size.and_then(|size| size.parse().ok());
        image.format = self.format.and_then(|format| serde_json::from_value(format.into()).ok());
        image.other = self.other;
        Ok(image)
    }
}

impl ErrorMeaning {
    fn error(self, request_id: Option<String>, response: &Response) -> Error {
        let error = Error::from_response(self.kind(), &self.message, response);
        let charge = self.charge.unwrap_or_else(|| error.charge());
        error.with_code_and_param(self.code, self.param).with_request_id(request_id).with_charge(charge)
    }

    /// Every kind by its stored form; moderation says what it looked at.
    fn kind(&self) -> ErrorKind {
        use ErrorKind::{
            Authentication, Balance, Cancelled, Config, InvalidRequest, MalformedResponse, ModelNotFound, NoImages,
            Overloaded, PermissionDenied, QuotaExhausted, RateLimited, ReferenceImage, Server, Storage, TaskFailed,
            TaskNotFound, Timeout, TooLarge, Transport, UnexpectedTask, Unsupported,
        };
        let rejected =
            ErrorKind::rejected(self.stage.unwrap_or(Stage::Unknown), self.medium.unwrap_or(Medium::Unknown));
        let kinds = [
            Authentication,
            Balance,
            Cancelled,
            Config,
            InvalidRequest,
            MalformedResponse,
            ModelNotFound,
            NoImages,
            Overloaded,
            PermissionDenied,
            QuotaExhausted,
            RateLimited,
            ReferenceImage,
            Server,
            Storage,
            TaskFailed,
            TaskNotFound,
            Timeout,
            TooLarge,
            Transport,
            UnexpectedTask,
            Unsupported,
            rejected,
        ];
        // An unknown kind becomes one that no fixture expects, so that the case fails.
        kinds.into_iter().find(|kind| kind.as_str() == self.kind).unwrap_or(Config)
    }
}

fn at(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_unix_seconds(seconds)
}

/// Members of `usage` that have a field and fit into it; the others stay by their names.
fn usage(members: Map<String, Value>) -> Usage {
    let fits = |name: &String, value: &Value| {
        let alone = serde_json::from_value::<Usage>(json!({ name: value }));
        name != "other" && alone.is_ok_and(|usage| !usage.is_empty())
    };
    let (known, other): (Map<_, _>, Map<_, _>) = members.into_iter().partition(|(name, value)| fits(name, value));
    let mut usage = serde_json::from_value::<Usage>(known.into()).unwrap_or_default();
    usage.other = other;
    usage
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use seedream_core::Amount;

    use super::*;

    fn read(json: Value) -> ResponseMeaning {
        serde_json::from_value(json).unwrap()
    }

    fn response(status: u16) -> Response {
        Response::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new(), "body", Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_task_is_accepted_runs_and_ends() {
        let accepted = read(
            json!({"accepted": "task-1", "estimated_seconds": 45, "usage": {"reserved": {"micros": 1_500_000, "unit": "credits"}}}),
        );
        let Ok(Decoded::Accepted(task)) = accepted.outcome(&"m".into(), &response(200)) else { panic!("accepted") };
        assert_eq!(
            (task.id.as_str(), task.estimated_seconds, task.usage.reserved),
            ("task-1", Some(45), Some(Amount::micros(1_500_000, "credits")))
        );
        let hostile = read(json!({"accepted": "../x"})).outcome(&"m".into(), &response(200)).unwrap_err();
        assert_eq!((hostile.kind(), hostile.charge()), (ErrorKind::MalformedResponse, Charge::Unknown));
        let state = |json, status| read(json).state(&"m".into(), &response(status));
        let running = state(json!({"running": "processing", "progress": 40}), 200);
        assert!(matches!(running, Ok(TaskState::Running { progress: Some(40), .. })));
        let rejected = json!({"kind": "content_rejected", "stage": "output", "medium": "image"});
        let failed = json!({"failed": rejected, "created": 7, "request_id": "r"});
        let Ok(TaskState::Failed(error)) = state(failed, 200) else { panic!("the task failed") };
        assert_eq!(error.kind(), ErrorKind::rejected(Stage::Output, Medium::Image));
        assert_eq!((error.request_id(), error.generation().unwrap().created.unwrap().unix_seconds()), (Some("r"), 7));
        assert!(state(json!({ "error": rejected }), 200).is_err(), "the poll failed, not the task");
        let refused = read(json!({ "failed": rejected })).outcome(&"m".into(), &response(200)).unwrap_err();
        assert_eq!(
            refused.kind(),
            ErrorKind::rejected(Stage::Output, Medium::Image),
            "said of no poll, it is an error"
        );
        let done = json!({"images": [{"index": 0, "url": "https://a.example/1", "size": "2048x2048x"}]});
        assert!(matches!(state(done, 200), Ok(TaskState::Done(generation)) if generation.images().count() == 1));
    }

    #[test]
    fn a_list_of_models_is_read_or_is_an_error() {
        let listed = read(json!({"models": ["a", "b"]})).models(&response(200)).unwrap();
        assert_eq!(listed, [ModelInfo::new("a"), ModelInfo::new("b")]);
        let error = read(json!({"error": {"kind": "authentication"}})).models(&response(401)).unwrap_err();
        assert_eq!((error.kind(), error.charge()), (ErrorKind::Authentication, Charge::No));
    }

    #[test]
    fn images_failures_and_odd_usage_are_kept() {
        let meaning = read(json!({
            "images": [{"index": 0, "base64": "aGk="}, {"index": 1, "base64": "token"}, {"index": 2, "base64": "?"},
                       {"index": 3, "error": {"kind": "server", "code": "x", "message": "no"}}],
            "usage": {"generated_images": 2, "total_tokens": "many", "other": 1, "new": true},
        }));
        let mut blobs = Blobs::default();
        blobs.insert("token", ImageData::Bytes("lifted".into()));
        let generation = meaning.generation(&"m".into(), &response(200).with_blobs(blobs)).unwrap();
        let bytes: Vec<_> = generation.images().map(|image| format!("{:?}", image.data)).collect();
        assert_eq!(bytes, ["Bytes(2 bytes)", "Bytes(6 bytes)"]);
        let failures: Vec<_> = generation.failures().map(|failure| (failure.index, failure.kind)).collect();
        assert_eq!(failures, [(2, ErrorKind::MalformedResponse), (3, ErrorKind::Server)]);
        assert_eq!(generation.usage.generated_images, Some(2));
        assert_eq!(generation.usage.other.keys().collect::<Vec<_>>(), ["new", "other", "total_tokens"]);
    }
}
