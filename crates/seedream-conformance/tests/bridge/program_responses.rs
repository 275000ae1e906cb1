//! What an adapter is, asks for and reads, in the form of the protocol.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use seedream_core::{
    Capabilities, Decoded, Dialect, Error, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, ModelInfo,
    Result, StreamItem, TaskState, Usage,
};
use serde_json::{Value, json};

pub(crate) fn description(dialect: &dyn Dialect) -> Value {
    let descriptor = dialect.descriptor();
    let abilities = [
        ("tasks", dialect.tasks().is_some()),
        ("streaming", dialect.streaming().is_some()),
        ("catalog", dialect.catalog().is_some()),
        ("lenient", dialect.is_lenient()),
    ];
    let models = descriptor.models.iter().map(|model| {
        let capabilities = rules(&dialect.capabilities(&model.id));
        json!({ "id": model.id, "family": model.family, "aliases": model.aliases, "capabilities": capabilities })
    });
    json!({
        "id": descriptor.id, "document": descriptor.document, "base_urls": descriptor.base_urls,
        "default_model": descriptor.default_model, "key_variables": descriptor.key_variables,
        "abilities": abilities.iter().filter(|(_, can)| *can).map(|(name, _)| name).collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
        "unknown": rules(&dialect.capabilities(&"no-such-model".into())),
    })
}

/// The rules of a model, without what says which model's they are.
fn rules(all: &Capabilities) -> Value {
    let mut rules = serde_json::to_value(all).unwrap_or_default();
    if let Value::Object(members) = &mut rules {
        members.retain(|name, _| {
            !["provider", "seller", "relay", "requested", "model", "standing", "family"].contains(&name.as_str())
        });
    }
    rules
}

pub(crate) fn request(request: &http::Request<Bytes>) -> serde_json::Result<Value> {
    let path = request.uri().path_and_query().map(http::uri::PathAndQuery::as_str);
    let json: Option<Value> =
        (!request.body().is_empty()).then(|| serde_json::from_slice(request.body())).transpose()?;
    Ok(json!({ "method": request.method().as_str(), "path": path, "json": json }))
}

pub(crate) fn outcome(outcome: Result<Decoded>) -> Value {
    match outcome {
        Ok(Decoded::Accepted(task)) => json!({
            "accepted": task.id, "estimated_seconds": task.estimated_seconds, "can_cancel": task.can_cancel, "created": seconds(task.created),
            "reported_model": task.reported_model, "usage": usage(&task.usage), "other_ids": task.other_ids,
        }),
        Ok(Decoded::Done(made)) => generation(Ok(made)),
        Ok(_) => Value::Null,
        Err(error) => generation(Err(error)),
    }
}

pub(crate) fn state(state: Result<TaskState>) -> Value {
    match state {
        Ok(TaskState::Running { status, progress, estimated_seconds, found }) => {
            let mut said = found.map_or_else(|| json!({}), |found| generation(Ok(*found)));
            (said["running"], said["progress"]) = (status.into(), progress.into());
            said["estimated_seconds"] = estimated_seconds.into();
            said
        }
        Ok(TaskState::Done(made)) => generation(Ok(made)),
        Ok(TaskState::Failed(error)) => beside(json!({ "failed": said(&error) }), &error),
        Ok(_) => Value::Null,
        Err(error) => generation(Err(error)),
    }
}

pub(crate) fn models(models: Result<Vec<ModelInfo>>) -> Value {
    let ids = |models: Vec<ModelInfo>| json!({ "models": models.iter().map(|model| &model.id).collect::<Vec<_>>() });
    models.map_or_else(|error| failed(&error), ids)
}

pub(crate) fn generation(generation: Result<Generation>) -> Value {
    let images = |made: &Generation| {
        with_facts(json!({ "images": made.outcomes.iter().map(image_json).collect::<Vec<_>>() }), made)
    };
    match generation {
        Ok(made) => images(&made),
        // Where every image failed, the error follows from what is said of each.
        Err(error) => match error.generation().filter(|made| !made.outcomes.is_empty()) {
            Some(made) => images(made),
            None => failed(&error),
        },
    }
}

fn with_facts(mut meaning: Value, made: &Generation) -> Value {
    (meaning["reported_model"], meaning["created"]) = (json!(made.reported_model), seconds(made.created));
    (meaning["request_id"], meaning["usage"]) = (json!(made.request_id), usage(&made.usage));
    (meaning["warnings"], meaning["charge"]) = (json!(made.warnings), json!(made.charged));
    meaning
}

pub(crate) fn items(items: Vec<StreamItem>, complete: bool) -> Value {
    let outcome = |item| match item {
        StreamItem::Image(made) => image_json(&Ok(made)),
        StreamItem::Failed(failure) => image_json(&Err(failure)),
        _ => Value::Null,
    };
    json!({ "images": items.into_iter().map(outcome).collect::<Vec<_>>(), "complete": complete })
}

fn image_json(outcome: &std::result::Result<GeneratedImage, ImageFailure>) -> Value {
    let image = match outcome {
        Ok(image) => image,
        Err(failure) => {
            let error = kind(failure.kind, failure.code.as_deref(), &failure.message);
            return json!({ "index": failure.index, "error": error });
        }
    };
    let mut said = json!({
        "index": image.index, "size": image.size, "format": image.format,
        "other": image.other,
    });
    match &image.data {
        ImageData::Url { url, expires_at } => {
            (said["url"], said["expires_at"]) = (url.as_str().into(), seconds(*expires_at));
        }
        ImageData::Bytes(bytes) => said["base64"] = STANDARD.encode(bytes).into(),
        _ => {}
    }
    said
}

fn failed(error: &Error) -> Value {
    beside(json!({ "error": said(error) }), error)
}

/// What an error carries beside itself.
fn beside(meaning: Value, error: &Error) -> Value {
    let mut meaning = match error.generation() {
        Some(made) => with_facts(meaning, made),
        None => meaning,
    };
    meaning["request_id"] = error.request_id().into();
    meaning
}

fn said(error: &Error) -> Value {
    let mut said = kind(error.kind(), error.code(), error.message());
    said["param"] = error.param().into();
    said["charge"] = json!(error.charge());
    said
}

fn kind(kind: ErrorKind, code: Option<&str>, message: &str) -> Value {
    let (stage, medium) = match kind {
        ErrorKind::ContentRejected { stage, medium, .. } => (Some(stage), Some(medium)),
        _ => (None, None),
    };
    json!({ "kind": kind.as_str(), "code": code, "message": message, "stage": stage, "medium": medium })
}

fn seconds(at: Option<seedream_core::Timestamp>) -> Value {
    at.map(seedream_core::Timestamp::unix_seconds).into()
}

/// The known members and the others side by side, as providers write them.
fn usage(usage: &Usage) -> Value {
    let mut members = serde_json::to_value(usage).unwrap_or_default();
    let others = members.as_object_mut().and_then(|members| members.remove("other"));
    for (name, value) in others.as_ref().and_then(Value::as_object).into_iter().flatten() {
        members[name] = value.clone();
    }
    members
}
