//! An accepted task where images should be.

use crate::faults::reshape::document::LooseJson;
use crate::faults::shapes::BodyFault;
use crate::request::context::RequestContext;
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
        None => LooseJson::object([
            ("created", LooseJson::value(&context.now.as_second())),
            ("id", text(&id)),
            ("model", document.get("model").cloned().unwrap_or_else(|| text(""))),
            ("object", text(&form.object)),
            ("progress", LooseJson::value(&0)),
            ("status", text("pending")),
            ("type", text(&form.kind)),
        ]),
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
