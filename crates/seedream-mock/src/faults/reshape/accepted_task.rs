//! An accepted task where images should be.

use seedream_fixtures::TaskPhase;

use crate::faults::reshape::loose_json::LooseJson;
use crate::faults::shape_words::BodyFault;
use crate::request::context::RequestContext;
use crate::response::task;
use crate::response::task::{TaskValues, word};
use crate::state::task_id;

/// The response that accepts a task. Where the provider has tasks, `accepted` is its own and `document` says so; elsewhere
/// the id is one that nothing can be asked about.
pub(crate) fn shaped(
    context: &RequestContext<'_>,
    shape: BodyFault,
    accepted: Option<&str>,
    document: LooseJson,
) -> LooseJson {
    let (form, seed) = (context.services.task_form(context.provider), context.settings.seed);
    let id = accepted.map_or_else(
        || task_id::new(&form.id_prefix, context.now, context.session, seed, context.ordinal),
        str::to_owned,
    );
    let text = |text: &str| LooseJson::value(text);
    let whole = match accepted {
        Some(_) => document,
        None => told(context, &id, &document).unwrap_or(document),
    };
    let short = LooseJson::object([("status", text("submitted")), ("task_id", text(&id))]);
    let envelope = |data| LooseJson::object([("code", LooseJson::value(&200)), ("data", data)]);
    match shape {
        BodyFault::TaskList => envelope(LooseJson::List(vec![short])),
        BodyFault::TaskObject => envelope(short),
        BodyFault::TaskEnvelope => envelope(whole),
        _ => whole,
    }
}

/// A task with this id, as the response that accepts it tells; of its time and its price nothing is said.
fn told(context: &RequestContext<'_>, id: &str, document: &LooseJson) -> Option<LooseJson> {
    let form = context.services.task_form(context.provider);
    let model = document.get("model").and_then(LooseJson::text).unwrap_or_default();
    let values = TaskValues {
        id,
        model: &model,
        created: context.now.as_second(),
        status: word(form, TaskPhase::Accepted),
        running: true,
        ..TaskValues::default()
    };
    LooseJson::read(&task::body(form, form.accepted.json.as_ref()?, &values))
}
