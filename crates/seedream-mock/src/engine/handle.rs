//! Answering one request: what is tried in which order, and what it becomes.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{Cause, ErrorFamily, Provider, Role, Route, RouteName};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::{self, Call};
use super::faults::{self, Chosen, Sources};
use super::problem::Fill;
use super::route::{self, Address};
use super::session::Session;
use super::sessions::Glance;
use super::settings::Validate;
use super::traffic::Caller;
use super::{
    Engine, admin, auth, create, credits, fixture, members, models, near, pictures, shape, spoil, stream, task, upload,
};
use crate::fault::{Fault, FaultError, On};

/// What one request became, for its script and its entry in the journal.
#[derive(Debug)]
pub(super) struct Handled<'r> {
    pub(super) answer: Answer,
    pub(super) provider: Option<&'r str>,
    pub(super) session: &'r str,
    pub(super) request_id: String,
    pub(super) request_id_headers: &'r [String],
    pub(super) fault: Fault,
    /// How the relay behaves, where not as documented.
    pub(super) profile: Option<String>,
    /// The name by which limits count it, where one does.
    pub(super) counted: Option<String>,
}

impl Engine {
    /// A request below a provider's prefix.
    pub(super) fn call<'r>(
        &'r self,
        now: Timestamp,
        request: &'r Request<Bytes>,
        address: &Address<'r>,
        provider: &'r Provider,
        ordinal: u64,
        json: Option<&'r Value>,
    ) -> Handled<'r> {
        let found = route::find(provider, request.method().as_str(), address.below);
        let route = found.map(|(route, _)| route);
        let id = found.map(|(_, id)| id).unwrap_or_default();
        let required = route.is_some_and(|route| route.auth_required.unwrap_or(provider.auth.required));
        let profile = self.settings.profiles.of(&provider.id);
        let family = call::family(provider, route, profile);
        let bearer = auth::bearer(request.headers());
        let session = address.session.or_else(|| task::session_of(id)).unwrap_or(route::DEFAULT_SESSION);
        let Glance { change, has_rules } = self.sessions.glance(session);
        let conduct = self.conduct_of_all().with(change);
        let verdict = auth::judge(bearer, required, &self.settings.keys, conduct.slow);
        let mut call = Call {
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
            request_id: call::request_id(family, now, self.settings.seed, ordinal),
            bearer,
            json,
            body_hash: members::hash(json),
        };
        let mut counted = None;
        // Who is not let in gets nothing else, not even a fault.
        let mut answer = match verdict {
            auth::Verdict::Unknown => {
                let model = call.object().map(|body| create::model_name(&call, body)).unwrap_or_default();
                call.problem(Cause::Unauthorized, &Fill { model, ..Fill::default() }).into()
            }
            auth::Verdict::Known(key) => match self.faults(&call, request, id, key.map(|fault| *fault), has_rules) {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    (call.fault, call.later, counted) = (chosen.now, chosen.later, chosen.counted);
                    let answer = self.answer(&call, request, address.below, id);
                    spoil::spoil(shape::apply(&call, request.uri().path(), answer), &call.fault)
                }
            },
        };
        answer.headers.extend(route.into_iter().flat_map(|route| echoed(route, request)));
        Handled {
            answer,
            provider: Some(&provider.id),
            request_id_headers: call.request_id_headers(),
            session: call.session,
            request_id: call.request_id,
            fault: call.fault,
            profile: (!profile.is_documented()).then(|| profile.to_string()),
            counted,
        }
    }

    /// What goes wrong with a request to a provider.
    fn faults(
        &self,
        call: &Call<'_>,
        request: &Request<Bytes>,
        id: &str,
        key: Option<Fault>,
        has_rules: bool,
    ) -> Result<Chosen, FaultError> {
        let Some(route) = call.route else { return Ok(Chosen::default()) };
        if let Some(chosen) = upload::chosen(request) {
            return Ok(chosen);
        }
        let target = upload::target(route.name);
        let prompt = call.provider.field(Role::Prompt).and_then(|field| members::text(call.object()?, &field.name));
        let task = |session: &mut Session| session.task(id).map(|task| task.later.clone());
        let carried = match target {
            On::Poll => self.sessions.with(call.session, call.now, task).unwrap_or_default(),
            _ => Vec::new(),
        };
        let sources = Sources { header: header(request), prompt, key, carried, name: id, caller: Caller::default() };
        if sources.are_silent() && !has_rules {
            return Ok(Chosen::default());
        }
        let caller = Caller {
            provider: &call.provider.id,
            model: call.object().map(|body| create::model_name(call, body)).unwrap_or_default(),
            key: call.bearer,
        };
        faults::choose(self, call.session, call.now, target, Sources { caller, ..sources })
    }

    /// Faults are looked at first, then a forced exchange, then the content type, then an equal exchange, then the provider's rules.
    fn answer(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str, id: &str) -> Answer {
        if upload::cuts(&call.fault) {
            return upload::nothing();
        }
        if let Some(answer) = spoil::instead(&call.fault, target(request)) {
            return answer;
        }
        if let Some(problem) = call.faulty(&call.fault)
            && !stream::refuses(call)
        {
            return problem.into();
        }
        if let Some(name) = request.headers().get(fixture::HEADER) {
            let name = name.to_str().unwrap_or_default();
            let exchange = self.library.exchange(name);
            return exchange.and_then(fixture::forced).unwrap_or_else(|| self.no_such_fixture(name));
        }
        match create::mislabelled(call, request.headers()) {
            Some(violation) if call.conduct.validate == Validate::Strict => create::refuse_label(call, &violation),
            Some(violation) => {
                let mut answer = self.by_request(call, request, below, id);
                answer.violations.insert(0, violation.line());
                answer
            }
            None => self.by_request(call, request, below, id),
        }
    }

    /// The answer to what is asked: the documents', where they show one, or the rules'.
    fn by_request(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str, id: &str) -> Answer {
        // What the documents do not show is answered by the rules.
        let plain = !call.fault.changes_answer() && call.later.is_empty();
        if let Some(answer) = plain.then(|| self.documented(call, request, below)).flatten() {
            return answer;
        }
        if let Some(answer) = call.unrouted(request.method().as_str(), below) {
            return answer;
        }
        match call.route.map(|route| route.name) {
            Some(RouteName::Create) => create::create(call),
            Some(RouteName::Task) => task::poll(call, id),
            Some(RouteName::Models) => models::list(call.provider, call.family()),
            Some(RouteName::Credits) => credits::answer(call),
            None => self.no_such_route(request),
        }
    }

    fn documented(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str) -> Option<Answer> {
        let method = request.method().as_str();
        // A relay with habits of its own does not answer as documented; what a user has written stands.
        let own = !call.profile.is_documented();
        let found = self.index.find(call.provider, method, below, call.json, call.body_hash, own)?;
        let mut answer = fixture::live(call, self.library.exchange(found.id)?, found.printed)?;
        if answer.status >= 400 {
            answer.violations = create::broken_rules(call);
        }
        Some(answer)
    }

    /// A request below no provider's prefix: a picture, or nothing.
    pub(super) fn elsewhere<'r>(
        &'r self,
        now: Timestamp,
        request: &'r Request<Bytes>,
        address: &Address<'r>,
        ordinal: u64,
    ) -> Handled<'r> {
        let path = pictures::signed_path(address, request);
        let request_id = call::request_id(ErrorFamily::Ark, now, self.settings.seed, ordinal);
        let session = address.session.unwrap_or(route::DEFAULT_SESSION);
        let (mut provider, mut fault) = (None, Fault::default());
        let answer = if let Some(path) = path {
            provider = address.picture_of();
            match pictures::faults(self, session, now, request) {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    fault = chosen.now;
                    spoil::spoil(pictures::answer(self, now, request, &path, &request_id, &fault), &fault)
                }
            }
        } else {
            self.no_such_route(request)
        };
        let request_id_headers = &self.own_id_headers[..];
        Handled { answer, provider, session, request_id, request_id_headers, fault, profile: None, counted: None }
    }

    fn no_such_route(&self, request: &Request<Bytes>) -> Answer {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let nearest = near::routes(self.library.providers(), method, path);
        let names: Vec<&str> = nearest.iter().map(|near| near.route.as_str()).collect();
        let differs = nearest.first().map(|near| near.differs.iter().map(ToString::to_string).collect::<Vec<_>>());
        let message = format!(
            "no provider has {method} {path} here; the nearest routes are {}; the first differs in {}",
            names.join(", "),
            differs.unwrap_or_default().join(", "),
        );
        let mut body = admin::explanation("mock_no_such_route", &message);
        body["nearest"] = json!(nearest);
        Answer { notes: vec![message], ..Answer::value(404, &body) }
    }

    fn no_such_fixture(&self, name: &str) -> Answer {
        let nearest = near::exchanges(&self.library, name).join(", ");
        let message =
            "x-mock-fixture names no exchange with an answer; names are <provider>/<area>/<case>, the nearest are";
        admin::explain(400, "mock_no_such_fixture", &format!("{message} {nearest}"))
    }
}

fn bad_fault(error: &FaultError) -> Answer {
    admin::explain(400, "mock_bad_fault", &format!("{error}; GET /__mock/v1/faults lists the words of a fault"))
}

/// The faults in a request's header.
pub(super) fn header(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get(faults::HEADER).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// The headers of a request that its answer has too.
fn echoed(route: &Route, request: &Request<Bytes>) -> impl Iterator<Item = (String, String)> {
    let sent = |name: &String| Some((name.clone(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    route.echoes.iter().filter_map(sent)
}

/// What was asked for, to be asked for again.
pub(super) fn target(request: &Request<Bytes>) -> &str {
    request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// What this caller puts before a path of the mock: behind a name or a forwarded port it is not the mock's own address.
fn origin(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    format!("http://{}", host.unwrap_or("localhost"))
}
