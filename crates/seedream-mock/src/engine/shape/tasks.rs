//! An accepted task where images should be.

use super::json::Json;
use crate::engine::call::Call;
use crate::engine::task;
use crate::fault::BodyFault;

/// The response that accepts a task. Where the provider has tasks, `accepted` is its own and `document` says so; elsewhere
/// the id is one that nothing can be asked about.
pub(super) fn shaped(call: &Call<'_>, shape: BodyFault, accepted: Option<&str>, document: Json) -> Json {
    let seed = call.engine.settings().seed;
    let id = accepted.map_or_else(|| task::new_id(call.now, call.session, seed, call.ordinal), str::to_owned);
    let text = |text: &str| Json::value(text);
    let whole = match accepted {
        Some(_) => document,
        None => Json::object([
            ("created", Json::value(&call.now.as_second())),
            ("id", text(&id)),
            ("model", document.get("model").cloned().unwrap_or_else(|| text(""))),
            ("object", text("image.generation.task")),
            ("progress", Json::value(&0)),
            ("status", text("pending")),
            ("type", text("image")),
        ]),
    };
    let short = Json::object([("status", text("submitted")), ("task_id", text(&id))]);
    let envelope = |data| Json::object([("code", Json::value(&200)), ("data", data)]);
    match shape {
        BodyFault::TaskList => envelope(Json::List(vec![short])),
        BodyFault::TaskObject => envelope(short),
        BodyFault::TaskEnvelope => envelope(whole),
        _ => whole,
    }
}
