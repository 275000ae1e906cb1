//! Creating images by the provider's rules, where no documented exchange is equal.

use std::borrow::Cow;

use http::header;
use seedream_fixtures::{ErrorCause, EvidenceKind, FieldRole, ResponseFamily, RouteName};

use crate::endpoints::tasks;
use crate::faults::grammar::Fault;
use crate::faults::shape_words::BodyFault;
use crate::faults::word_values::{RefusalCause, SseFault};
use crate::json::path;
use crate::json::path::Object;
use crate::request::context::RequestContext;
use crate::request::fields::RequestFields;
use crate::request::gateway_rewrite::ForwardedRequest;
use crate::request::generation_spec::GenerationSpec;
use crate::request::validate::RuleOptions;
use crate::request::violation::RuleViolation;
use crate::request::{gateway_rewrite, relay_losses, validate};
use crate::response::chunk::Chunk;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::ErrorDetails;
use crate::response::image_results::ImageResult;
use crate::response::{error, image_results, sse, success_json};
use crate::settings::{AcceptedContentTypes, CallbackReach, Validate};

/// Answers a request for images.
pub(crate) fn respond(context: &RequestContext<'_>) -> EndpointResponse {
    let Some(body) = context.object() else {
        let detail = "the request body must be a JSON object.";
        let fill = ErrorDetails { field: "body", detail, ..ErrorDetails::default() };
        let violations = vec![format!("body: json: {detail}")];
        return EndpointResponse { violations, ..error::of(context, ErrorCause::Invalid, &fill).into() };
    };
    let (relayed, lost) = relay_losses::relayed(context, body);
    let own = matches!(relayed, Cow::Borrowed(_));
    let body = &*relayed;
    let effective = gateway_rewrite::effective(context.provider, body);
    let said = RequestFields::of(context.provider, body);
    let sent_on = match &effective {
        Cow::Borrowed(_) => said.clone(),
        Cow::Owned(effective) => RequestFields::of(context.provider, effective),
    };
    let broken = violations(context, &said, &sent_on);
    let lines = broken.iter().map(RuleViolation::line).collect();

    let strict = context.settings.validate == Validate::Strict;
    let mut response = match broken.iter().find(|violation| strict && !violation.advice) {
        Some(violation) => refuse(context, body, violation),
        None => by_rules(
            context,
            &GenerationSpec::read(&said, &sent_on).behind(context.losses()).repeated(context.repeat()),
        ),
    };
    response.violations = lines;
    let ignored = validate::unknown_members(context.provider, body)
        .into_iter()
        .map(|name| format!("{name} is not a documented member and was ignored"));
    response.notes = lost.into_iter().map(|name| format!("{name} was lost at the relay")).chain(ignored).collect();
    response.effective = ForwardedRequest::of(effective, own);
    response
}

/// The violation of a content type other than JSON. No page says what else is accepted, so this is derived.
pub(crate) fn content_type_violation(context: &RequestContext<'_>) -> Option<RuleViolation> {
    let creates = context.route.is_some_and(|route| route.name == RouteName::Create);
    if !creates
        || context.settings.content_type == AcceptedContentTypes::Any
        || context.settings.validate == Validate::Off
    {
        return None;
    }
    let label = context.request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = label.and_then(|label| label.split(';').next()).unwrap_or_default().trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json");
    (!is_json).then(|| RuleViolation::new("Content-Type", "content_type", "must be application/json."))
}

/// The refusal of a request for its content type: the error is the provider's; that it is sent is an assumption.
pub(crate) fn refuse_content_type(context: &RequestContext<'_>, violation: &RuleViolation) -> EndpointResponse {
    let nothing = Object::new();
    let refusal = refuse(context, context.object().unwrap_or(&nothing), violation);
    EndpointResponse { violations: vec![violation.line()], evidence: EvidenceKind::Derived, ..refusal }
}

/// The rules a request breaks, in one line each, for a response that was found elsewhere.
pub(crate) fn broken_rules(context: &RequestContext<'_>) -> Vec<String> {
    let found = |body| {
        let effective = gateway_rewrite::effective(context.provider, body);
        violations(
            context,
            &RequestFields::of(context.provider, body),
            &RequestFields::of(context.provider, &effective),
        )
    };
    let broken = context.object().map(found).unwrap_or_default();
    broken.iter().map(RuleViolation::line).collect()
}

fn violations(
    context: &RequestContext<'_>,
    body: &RequestFields<'_>,
    effective: &RequestFields<'_>,
) -> Vec<RuleViolation> {
    match context.settings.validate {
        Validate::Off => Vec::new(),
        Validate::Strict | Validate::Warn => {
            let strictness = RuleOptions {
                callbacks: context.settings.callbacks == CallbackReach::Strict,
                min_pixels: context.route.and_then(|route| route.min_pixels),
            };
            validate::violations(body, effective, strictness)
        }
    }
}

fn refuse(context: &RequestContext<'_>, body: &Object, violation: &RuleViolation) -> EndpointResponse {
    error::of(context, violation.cause, &ErrorDetails::of(violation, model_name(context, body))).into()
}

/// The model a request names, for sentences about it.
fn model_name<'b>(context: &RequestContext<'_>, body: &'b Object) -> &'b str {
    context.provider.field(FieldRole::Model).and_then(|field| path::text(body, &field.name)).unwrap_or_default()
}

fn by_rules(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> EndpointResponse {
    if context.response_family() == ResponseFamily::Task {
        return tasks::create(context, spec);
    }
    // Events under the name of JSON.
    let mislabelled = context.fault.shapes(BodyFault::Sse) && !spec.stream;
    let streams = mislabelled || (spec.stream && !context.fault.streams(SseFault::Json));
    let items = image_results::items(context, spec);
    // One image alone is refused as a whole (Ark's API reference); in a stream it is an event like others.
    if let ([ImageResult::Withheld { cause, .. }], false) = (items.as_slice(), streams) {
        return refuse_whole(context, *cause);
    }
    if streams {
        let mut response = sse::respond(context, spec, &items);
        if mislabelled {
            response.content_type = "application/json".into();
        }
        return response;
    }
    let content = success_json::content(context, spec, &items);
    let each = context.fault.pace.unwrap_or_default();
    let after = each.saturating_mul(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let chunk = Chunk { after, content: content.flawed(context.image_fault()) };
    EndpointResponse {
        billed: image_results::made(&items),
        ..EndpointResponse::new(200, "application/json", vec![chunk])
    }
}

fn refuse_whole(context: &RequestContext<'_>, cause: ErrorCause) -> EndpointResponse {
    let fault = Fault { refuse: Some(RefusalCause::of(cause)), code: context.fault.code.clone(), ..Fault::default() };
    error::of_fault(context, &fault)
        .map_or_else(|| error::of(context, cause, &ErrorDetails::default()).into(), EndpointResponse::from)
}
