//! What a provider's facts claim and no exchange shows: a law has nothing to compare there, so an adapter could be wrong unnoticed.

use std::collections::BTreeSet;

use seedream_fixtures::{
    ErrorTemplate, ExpectedPreflight, FactSource, FieldFacts, OperationKind, ProviderFacts, RecordedExchange,
    ResponseMode, RouteName,
};

use crate::RequirementLevel;

/// How a request ends, and whether an exchange shows that.
type ShownEnd = (&'static str, fn(&RecordedExchange) -> bool);

/// One sentence for each claim of `provider.json` that must hold and that no exchange shows.
pub(super) fn unshown(provider: &ProviderFacts, exchanges: &[&RecordedExchange]) -> Vec<String> {
    let mut missing = Vec::new();
    for field in provider.fields.iter().filter(|field| must(&field.source) && is_used(provider, field)) {
        if !exchanges.iter().any(|exchange| sends(exchange, &field.name)) {
            missing.push(format!("the member {}: an exchange with `given` and a request that has it", field.name));
        }
    }
    let shown: BTreeSet<&str> = exchanges.iter().filter_map(|exchange| size_form(exchange)).collect();
    missing.extend(
        size_forms(provider)
            .into_iter()
            .filter(|form| !shown.contains(form))
            .map(|form| format!("a size in the form `{form}`: an exchange whose `given.size` has it")),
    );
    for template in provider.error_templates.iter().filter(|template| must(&template.source)) {
        if !exchanges.iter().any(|exchange| shows(exchange, template)) {
            let (status, code) = (template.status, template.code.as_str());
            missing.push(format!("the error {status} {code}: an exchange with that response and `expect.error`"));
        }
    }
    let ends: &[ShownEnd] = match provider.mode {
        ResponseMode::Sync => &[("a response with images", has_images)],
        ResponseMode::Task => &[
            ("a task that is accepted", is_accepted),
            ("a poll of a task that runs", is_running),
            ("a poll of a task that has images", |exchange| is_poll(exchange) && has_images(exchange)),
            ("a poll of a task that has failed", has_failed),
        ],
    };
    let ends = ends.iter().filter(|(_, is_shown)| !exchanges.iter().any(|exchange| is_shown(exchange)));
    missing.extend(ends.map(|(what, _)| format!("{what}: an exchange with that response and `expect`")));
    let lists_models = provider.routes.iter().any(|route| route.name == RouteName::Models && must(&route.source));
    if lists_models && !exchanges.iter().any(|exchange| exchange.operation == OperationKind::Models) {
        missing.push("the list of models: an exchange with the operation `models`".to_owned());
    }
    missing.into_iter().map(|what| format!("{}: no exchange shows {what}", provider.id)).collect()
}

fn must(source: &FactSource) -> bool {
    RequirementLevel::of(Some(source)) == RequirementLevel::Must
}

/// Whether a member has an effect on any model.
fn is_used(provider: &ProviderFacts, field: &FieldFacts) -> bool {
    provider.models.iter().any(|model| !model.refuses(&field.name) && !model.ignored.contains(&field.name))
}

/// Whether an exchange shows a request of ours with a member, dotted where it is inside an object.
fn sends(exchange: &RecordedExchange, member: &str) -> bool {
    let sent = exchange.given.is_some() && exchange.preflight != Some(ExpectedPreflight::Refused);
    let body = exchange.request.as_ref().filter(|_| sent).and_then(|request| request.json_value());
    body.is_some_and(|body| member.split('.').try_fold(&body, |value, name| value.get(name)).is_some())
}

/// The form of the size that an exchange asks for.
fn size_form(exchange: &RecordedExchange) -> Option<&'static str> {
    if exchange.preflight == Some(ExpectedPreflight::Refused) {
        return None;
    }
    let size = exchange.given.as_ref()?.get("size")?.as_str()?;
    Some(match size {
        "auto" => "auto",
        _ if size.contains('@') => "16:9@2K",
        _ if size.contains(':') => "16:9",
        _ if size.contains('x') => "2048x2048",
        _ => "2K",
    })
}

/// The forms of a size that the models of a provider accept.
fn size_forms(provider: &ProviderFacts) -> BTreeSet<&'static str> {
    let models = provider.models.iter().map(|model| (&model.size, model.size.source.as_ref().unwrap_or(&model.source)));
    let forms = models.filter(|(_, source)| must(source)).flat_map(|(size, _)| {
        let with_tier = !size.ratios.is_empty() && !size.qualities.is_empty();
        [
            (!size.tiers.is_empty(), "2K"),
            (!size.ratios.is_empty(), "16:9"),
            (with_tier, "16:9@2K"),
            (size.auto, "auto"),
            (size.pixels.is_some(), "2048x2048"),
        ]
    });
    forms.filter(|(accepted, _)| *accepted).map(|(_, form)| form).collect()
}

/// Whether an exchange shows a documented error.
fn shows(exchange: &RecordedExchange, template: &ErrorTemplate) -> bool {
    let (Some(response), Some(expect)) = (&exchange.response, &exchange.expect) else { return false };
    let code = template.code.as_str();
    let seen = expect.error.as_ref().map(|error| error.code.as_deref().unwrap_or_default());
    response.status == template.status && seen.is_some_and(|seen| code.is_empty() || seen.is_empty() || seen == code)
}

fn is_poll(exchange: &RecordedExchange) -> bool {
    exchange.operation == OperationKind::Poll
}

fn has_images(exchange: &RecordedExchange) -> bool {
    let images = exchange.expect.as_ref().and_then(|expect| expect.images.as_ref());
    exchange.response.is_some() && images.is_some_and(|images| !images.is_empty())
}

fn is_accepted(exchange: &RecordedExchange) -> bool {
    let task = exchange.expect.as_ref().and_then(|expect| expect.task.as_ref());
    exchange.operation == OperationKind::Create && task.is_some_and(|task| task.id.is_some())
}

fn is_running(exchange: &RecordedExchange) -> bool {
    let expect = exchange.expect.as_ref();
    is_poll(exchange)
        && expect.is_some_and(|expect| expect.state.is_some() && expect.images.is_none() && expect.error.is_none())
}

/// Whether the task has failed, and not its poll.
fn has_failed(exchange: &RecordedExchange) -> bool {
    let success = exchange.response.as_ref().is_some_and(|response| (200..300).contains(&response.status));
    is_poll(exchange) && success && exchange.expect.as_ref().is_some_and(|expect| expect.error.is_some())
}
