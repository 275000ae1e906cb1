//! Answering one request: what is tried in which order, and what it becomes.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{ErrorCause, ErrorFamily, FieldRole, ProviderFacts, RouteFacts, RouteName};
use serde_json::{Value, json};

use crate::endpoints::{admin, credits, generate, images, models, recorded, tasks};
use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::faults::rate::RateKey;
use crate::faults::select::{FaultSources, SelectedFaults};
use crate::faults::text::FaultError;
use crate::faults::words::FaultTarget;
use crate::faults::{apply, reshape, select, upload};
use crate::json::path;
use crate::request::address::Address;
use crate::request::context::RequestContext;
use crate::request::{address, auth, context};
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::ErrorDetails;
use crate::response::sse;
use crate::settings::Validate;
use crate::state::session::Session;
use crate::state::sessions::SessionView;
use crate::suggest;

/// What one request became, for its script and its entry in the journal.
#[derive(Debug)]
pub(crate) struct Processed<'r> {
    pub(crate) response: EndpointResponse,
    pub(crate) provider: Option<&'r str>,
    pub(crate) session: &'r str,
    pub(crate) request_id: String,
    pub(crate) request_id_headers: &'r [String],
    pub(crate) fault: Fault,
    /// How the relay behaves, where not as documented.
    pub(crate) profile: Option<String>,
    /// The name by which limits count it, where one does.
    pub(crate) counted: Option<String>,
}

impl Engine {
    /// A request below a provider's prefix.
    pub(crate) fn process<'r>(
        &'r self,
        now: Timestamp,
        request: &'r Request<Bytes>,
        address: &Address<'r>,
        provider: &'r ProviderFacts,
        ordinal: u64,
        json: Option<&'r Value>,
    ) -> Processed<'r> {
        let found = address::find(provider, request.method().as_str(), address.below);
        let route = found.map(|(route, _)| route);
        let id = found.map(|(_, id)| id).unwrap_or_default();
        let required = route.is_some_and(|route| route.auth_required.unwrap_or(provider.auth.required));
        let profile = self.settings.profiles.of(&provider.id);
        let family = context::family(provider, route, profile);
        let bearer = auth::bearer(request.headers());
        let session = address.session.or_else(|| tasks::session_of(id)).unwrap_or(address::DEFAULT_SESSION);
        let SessionView { change, has_rules } = self.sessions.glance(session);
        let conduct = self.conduct_of_all().with(change);
        let verdict = auth::judge(bearer, required, &self.settings.keys, conduct.slow);
        let mut context = RequestContext {
            engine: self,
            provider,
            route,
            profile,
            now,
            session,
            conduct,
            origin: origin(request),
            fault: Fault::default(),
            later: Vec::new(),
            ordinal,
            request_id: context::request_id(family, now, self.settings.seed, ordinal),
            bearer,
            json,
            body_hash: path::hash(json),
        };
        let mut counted = None;
        // Who is not let in gets nothing else, not even a fault.
        let mut response = match verdict {
            auth::Admission::Unknown => {
                let model = context.object().map(|body| generate::model_name(&context, body)).unwrap_or_default();
                context.problem(ErrorCause::Unauthorized, &ErrorDetails { model, ..ErrorDetails::default() }).into()
            }
            auth::Admission::Known(key) => match self.faults(&context, request, id, key.map(|fault| *fault), has_rules)
            {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    (context.fault, context.later, counted) = (chosen.now, chosen.later, chosen.counted);
                    let response = self.endpoint(&context, request, address.below, id);
                    apply::spoil(reshape::apply(&context, request.uri().path(), response), &context.fault)
                }
            },
        };
        response.headers.extend(route.into_iter().flat_map(|route| echoed(route, request)));
        Processed {
            response,
            provider: Some(&provider.id),
            request_id_headers: context.request_id_headers(),
            session: context.session,
            request_id: context.request_id,
            fault: context.fault,
            profile: (!profile.is_documented()).then(|| profile.to_string()),
            counted,
        }
    }

    /// What goes wrong with a request to a provider.
    fn faults(
        &self,
        context: &RequestContext<'_>,
        request: &Request<Bytes>,
        id: &str,
        key: Option<Fault>,
        has_rules: bool,
    ) -> Result<SelectedFaults, FaultError> {
        let Some(route) = context.route else { return Ok(SelectedFaults::default()) };
        if let Some(chosen) = upload::chosen(request) {
            return Ok(chosen);
        }
        let target = upload::target(route.name);
        let prompt =
            context.provider.field(FieldRole::Prompt).and_then(|field| path::text(context.object()?, &field.name));
        let task = |session: &mut Session| session.task(id).map(|task| task.later.clone());
        let carried = match target {
            FaultTarget::Poll => self.sessions.with(context.session, context.now, task).unwrap_or_default(),
            _ => Vec::new(),
        };
        let sources =
            FaultSources { header: header(request), prompt, key, carried, name: id, caller: RateKey::default() };
        if sources.are_silent() && !has_rules {
            return Ok(SelectedFaults::default());
        }
        let caller = RateKey {
            provider: &context.provider.id,
            model: context.object().map(|body| generate::model_name(context, body)).unwrap_or_default(),
            key: context.bearer,
        };
        select::choose(self, context.session, context.now, target, FaultSources { caller, ..sources })
    }

    /// Faults are looked at first, then a forced exchange, then the content type, then an equal exchange, then the provider's rules.
    fn endpoint(
        &self,
        context: &RequestContext<'_>,
        request: &Request<Bytes>,
        below: &str,
        id: &str,
    ) -> EndpointResponse {
        if upload::cuts(&context.fault) {
            return upload::nothing();
        }
        if let Some(response) = apply::instead(&context.fault, target(request)) {
            return response;
        }
        if let Some(problem) = context.faulty(&context.fault)
            && !sse::refuses(context)
        {
            return problem.into();
        }
        if let Some(name) = request.headers().get(recorded::HEADER) {
            let name = name.to_str().unwrap_or_default();
            let exchange = self.library.exchange(name);
            return exchange.and_then(recorded::forced).unwrap_or_else(|| self.no_such_fixture(name));
        }
        match generate::mislabelled(context, request.headers()) {
            Some(violation) if context.conduct.validate == Validate::Strict => {
                generate::refuse_label(context, &violation)
            }
            Some(violation) => {
                let mut response = self.by_request(context, request, below, id);
                response.violations.insert(0, violation.line());
                response
            }
            None => self.by_request(context, request, below, id),
        }
    }

    /// The answer to what is asked: the documents', where they show one, or the rules'.
    fn by_request(
        &self,
        context: &RequestContext<'_>,
        request: &Request<Bytes>,
        below: &str,
        id: &str,
    ) -> EndpointResponse {
        // What the documents do not show is answered by the rules.
        let plain = !context.fault.changes_response() && context.later.is_empty();
        if let Some(response) = plain.then(|| self.documented(context, request, below)).flatten() {
            return response;
        }
        if let Some(response) = context.unrouted(request.method().as_str(), below) {
            return response;
        }
        match context.route.map(|route| route.name) {
            Some(RouteName::Create) => generate::create(context),
            Some(RouteName::Task) => tasks::poll(context, id),
            Some(RouteName::Models) => models::list(context.provider, context.family()),
            Some(RouteName::Credits) => credits::respond(context),
            None => self.no_such_route(request),
        }
    }

    fn documented(
        &self,
        context: &RequestContext<'_>,
        request: &Request<Bytes>,
        below: &str,
    ) -> Option<EndpointResponse> {
        let method = request.method().as_str();
        // A relay with habits of its own does not answer as documented; what a user has written stands.
        let own = !context.profile.is_documented();
        let found = self.index.find(context.provider, method, below, context.json, context.body_hash, own)?;
        let mut response = recorded::live(context, self.library.exchange(found.id)?, found.printed)?;
        if response.status >= 400 {
            response.violations = generate::broken_rules(context);
        }
        Some(response)
    }

    /// A request below no provider's prefix: a picture, or nothing.
    pub(crate) fn elsewhere<'r>(
        &'r self,
        now: Timestamp,
        request: &'r Request<Bytes>,
        address: &Address<'r>,
        ordinal: u64,
    ) -> Processed<'r> {
        let path = images::signed_path(address, request);
        let request_id = context::request_id(ErrorFamily::Ark, now, self.settings.seed, ordinal);
        let session = address.session.unwrap_or(address::DEFAULT_SESSION);
        let (mut provider, mut fault) = (None, Fault::default());
        let response = if let Some(path) = path {
            provider = address.image_of();
            match images::faults(self, session, now, request) {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    fault = chosen.now;
                    apply::spoil(images::respond(self, now, request, &path, &request_id, &fault), &fault)
                }
            }
        } else {
            self.no_such_route(request)
        };
        let request_id_headers = &self.own_id_headers[..];
        Processed { response, provider, session, request_id, request_id_headers, fault, profile: None, counted: None }
    }

    fn no_such_route(&self, request: &Request<Bytes>) -> EndpointResponse {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let nearest = suggest::routes(self.library.providers(), method, path);
        let names: Vec<&str> = nearest.iter().map(|near| near.route.as_str()).collect();
        let differs = nearest.first().map(|near| near.differs.iter().map(ToString::to_string).collect::<Vec<_>>());
        let message = format!(
            "no provider has {method} {path} here; the nearest routes are {}; the first differs in {}",
            names.join(", "),
            differs.unwrap_or_default().join(", "),
        );
        let mut body = admin::explanation("mock_no_such_route", &message);
        body["nearest"] = json!(nearest);
        EndpointResponse { notes: vec![message], ..EndpointResponse::value(404, &body) }
    }

    fn no_such_fixture(&self, name: &str) -> EndpointResponse {
        let nearest = suggest::exchanges(&self.library, name).join(", ");
        let message =
            "x-mock-fixture names no exchange with an answer; names are <provider>/<area>/<case>, the nearest are";
        admin::explain(400, "mock_no_such_fixture", &format!("{message} {nearest}"))
    }
}

fn bad_fault(error: &FaultError) -> EndpointResponse {
    admin::explain(400, "mock_bad_fault", &format!("{error}; GET /__mock/v1/faults lists the words of a fault"))
}

/// The faults in a request's header.
pub(crate) fn header(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get(select::HEADER).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// The headers of a request that its answer has too.
fn echoed(route: &RouteFacts, request: &Request<Bytes>) -> impl Iterator<Item = (String, String)> {
    let sent = |name: &String| Some((name.clone(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    route.echoes.iter().filter_map(sent)
}

/// What was asked for, to be asked for again.
pub(crate) fn target(request: &Request<Bytes>) -> &str {
    request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// What this caller puts before a path of the mock: behind a name or a forwarded port it is not the mock's own address.
fn origin(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    format!("http://{}", host.unwrap_or("localhost"))
}
