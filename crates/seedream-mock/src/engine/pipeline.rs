//! From a request to its response: what is tried in which order.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{ErrorCause, ErrorFamily, ProviderFacts, RouteFacts, RouteName};
use serde_json::json;

use crate::endpoints::{credits, generate, images, models, recorded, relay, replay, tasks};
use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::faults::notation::FaultError;
use crate::faults::{apply, reshape};
use crate::request::address::{self, Address, DEFAULT_SESSION, SESSION_NAME};
use crate::request::auth::TEST_KEYS;
use crate::request::context;
use crate::request::context::{Rejection, RequestContext};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::{ErrorDetails, mock_error};
use crate::response::{error, sse};
use crate::settings::Validate;
use crate::state::metrics::RequestKind;
use crate::{headers, suggest};

/// What one request led to, for its script and its entry in the journal.
#[derive(Debug)]
pub(crate) struct Processed<'r> {
    pub(crate) response: EndpointResponse,
    pub(crate) provider: Option<&'r ProviderFacts>,
    /// The id of the provider that an image URL names, where the library need not know it.
    pub(crate) provider_id: Option<&'r str>,
    pub(crate) session: &'r str,
    /// What the request is to.
    pub(crate) kind: RequestKind,
    pub(crate) model: Option<&'r str>,
    /// The client's key.
    pub(crate) key: Option<&'r str>,
    pub(crate) request_id: String,
    pub(crate) request_id_headers: &'r [String],
    pub(crate) fault: Fault,
    /// How the relay behaves, where not as documented.
    pub(crate) profile: Option<String>,
    /// The name by which rate limits count the request, where a limit does.
    pub(crate) counted: Option<String>,
}

/// Processes a request below a provider's prefix.
pub(crate) fn provider<'r>(context: RequestContext<'r>) -> Processed<'r> {
    // What was recorded says everything, also to a wrong key.
    let played = replay::respond(&context);
    let is_live = played.is_none();
    let mut response = match &context.rejection {
        _ if !is_live => played.unwrap_or_else(|| no_such_route(context.services, context.request)),
        Some(Rejection::UnknownKey) => {
            let model = context.model.unwrap_or_default();
            let details = ErrorDetails { model, ..ErrorDetails::default() };
            error::of(&context, ErrorCause::Unauthorized, &details).into()
        }
        Some(Rejection::NoTestKey) => no_test_key(),
        Some(Rejection::BadFault(error)) => bad_fault(error),
        None => apply::apply(reshape::apply(&context, endpoint(&context)), &context.fault),
    };
    if is_live {
        response.headers.extend(context.route.into_iter().flat_map(|route| echoed(route, context.request)));
    }
    Processed {
        response,
        provider: Some(context.provider),
        provider_id: Some(&context.provider.id),
        session: context.session,
        kind: context.route.map_or(RequestKind::Other, |route| RequestKind::Route(route.name)),
        model: context.model,
        key: context.bearer,
        request_id_headers: if is_live { context.request_id_headers() } else { &[] },
        request_id: context.request_id,
        fault: context.fault,
        profile: (!context.profile.is_documented()).then(|| context.profile.to_string()),
        counted: context.counted,
    }
}

/// Processes a request below no provider's prefix: a download, or one without a route.
pub(crate) fn other<'r>(
    services: &'r Services,
    (now, ordinal): (Timestamp, u64),
    request: &'r Request<Bytes>,
    address: &Address<'r>,
) -> Processed<'r> {
    let path = images::signed_path(address, request);
    let request_id = context::request_id(ErrorFamily::CodeParam, now, services.settings.initial().seed, ordinal);
    let session = address.session.unwrap_or(DEFAULT_SESSION);
    let (mut provider_id, mut fault) = (None, Fault::default());
    let played = replay::image(services, address);
    let kind = if path.is_some() || played.is_some() { RequestKind::Image } else { RequestKind::Other };
    let response = if kind == RequestKind::Image {
        provider_id = address.image_provider();
        match images::faults(services, session, now, request) {
            Err(error) => bad_fault(&error),
            Ok(selected) => {
                fault = selected.now;
                let path = path.unwrap_or_default();
                let made = || images::respond(services, now, request, &path, &request_id, &fault);
                apply::apply(played.unwrap_or_else(made), &fault)
            }
        }
    } else {
        no_such_route(services, request)
    };
    Processed {
        response,
        provider: None,
        provider_id,
        session,
        kind,
        model: None,
        key: None,
        request_id,
        request_id_headers: &services.own_id_headers[..],
        fault,
        profile: None,
        counted: None,
    }
}

/// Faults come first, then a forced exchange, then the content type, then an equal exchange, then the provider's rules.
fn endpoint(context: &RequestContext<'_>) -> EndpointResponse {
    if context.fault.cuts_request() {
        // The client receives nothing of it.
        let notes = vec![String::from("the connection ended while the request was still being read")];
        return EndpointResponse { notes, ..EndpointResponse::new(400, "text/plain", Vec::new()) };
    }
    if let Some(response) = apply::instead(&context.fault, context.request.uri()) {
        return response;
    }
    if let Some(error) = error::of_fault(context, &context.fault)
        && !sse::refuses(context)
    {
        return error.into();
    }
    if let Some(name) = context.request.headers().get(headers::FIXTURE) {
        let name = name.to_str().unwrap_or_default();
        let exchange = context.services.library.exchange(name);
        if let Some(played) = exchange.and_then(|exchange| replay::play(context, exchange)) {
            return played;
        }
        return exchange.and_then(recorded::forced).unwrap_or_else(|| no_such_fixture(context.services, name));
    }
    match generate::content_type_violation(context) {
        Some(violation) if context.settings.validate == Validate::Strict => {
            generate::refuse_content_type(context, &violation)
        }
        Some(violation) => {
            let mut response = by_request(context);
            response.violations.insert(0, violation.line());
            response
        }
        None => by_request(context),
    }
}

/// The response of a recorded exchange, where one is equal, or of the rules.
fn by_request(context: &RequestContext<'_>) -> EndpointResponse {
    // A recorded response does not show a fault.
    let plain = !context.fault.changes_response() && context.later.is_empty();
    if let Some(response) = plain.then(|| recorded::respond(context)).flatten() {
        return response;
    }
    if let Some(response) = relay::respond(context) {
        return response;
    }
    match context.route.map(|route| route.name) {
        Some(RouteName::Create) => generate::respond(context),
        Some(RouteName::Task) => tasks::respond(context),
        Some(RouteName::Models) => models::list(context.provider, context.family()),
        Some(RouteName::Credits) => credits::respond(context),
        None => no_such_route(context.services, context.request),
    }
}

fn no_such_route(services: &Services, request: &Request<Bytes>) -> EndpointResponse {
    let (method, path) = (request.method().as_str(), request.uri().path());
    if let Some((name, legal)) = address::no_session(path) {
        let message = format!("the session name `{name}` is not valid: {SESSION_NAME}; for example /s/{legal}/");
        return EndpointResponse {
            notes: vec![message.clone()],
            ..EndpointResponse::value(404, &mock_error("mock_no_session", &message))
        };
    }
    let nearest = suggest::routes(services.library.providers(), method, path, request.uri().query());
    let names: Vec<&str> = nearest.iter().map(|near| near.route.as_str()).collect();
    let differs = nearest.first().map(|near| near.differs.iter().map(ToString::to_string).collect::<Vec<_>>());
    let message = format!(
        "no provider has {method} {path} here; the nearest routes are {}; the first differs in {}",
        names.join(", "),
        differs.unwrap_or_default().join(", "),
    );
    let mut body = mock_error("mock_no_such_route", &message);
    body["nearest"] = json!(nearest);
    EndpointResponse { notes: vec![message], ..EndpointResponse::value(404, &body) }
}

fn no_such_fixture(services: &Services, name: &str) -> EndpointResponse {
    let nearest = suggest::exchanges(&services.library, name).join(", ");
    let rule = "x-mock-fixture names no exchange with a response; names are <provider>/<area>/<case>, the nearest are";
    EndpointResponse::value(400, &mock_error("mock_no_such_fixture", &format!("{rule} {nearest}")))
}

fn no_test_key() -> EndpointResponse {
    let names = TEST_KEYS.map(|(name, _)| name).join(", ");
    let message =
        format!("keys that begin with sk-mock- are test keys, and this is none of {names}; use one, or any other key");
    EndpointResponse::value(400, &mock_error("mock_no_test_key", &message))
}

fn bad_fault(error: &FaultError) -> EndpointResponse {
    let message = format!("{error}; GET /__mock/v1/faults lists the words of a fault");
    EndpointResponse::value(400, &mock_error("mock_bad_fault", &message))
}

/// The headers of a request that its response repeats.
fn echoed(route: &RouteFacts, request: &Request<Bytes>) -> impl Iterator<Item = (String, String)> {
    let sent = |name: &String| Some((name.clone(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    route.echoes.iter().filter_map(sent)
}
