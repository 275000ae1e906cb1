//! The pure engine: a request and a time in, a [`Script`] out. No socket, no clock, no randomness of its own.

mod admin;
mod answer;
mod ask;
mod auth;
mod call;
mod create;
mod digest;
mod fixture;
mod group;
mod images_url;
mod journal;
mod members;
mod models;
mod normalise;
mod ordered;
mod problem;
mod reply;
mod route;
mod rules;
mod script;
mod session;
mod settings;
mod sizes;
mod stream;
mod task;

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{ErrorFamily, Library, Provider, RouteName};
use serde_json::Value;

pub use journal::Entry;
pub use script::{Chunk, Content, End, Script};
pub use settings::{Settings, TaskEnd, Validate};

use answer::Answer;
use auth::Behaviour;
use call::Call;
use images_url::Signer;
use problem::Fill;
use route::Address;
use session::Sessions;

/// Every provider of the library, answering. Equal requests at equal times in equal order get equal scripts from engines of
/// equal settings.
pub struct Engine {
    library: &'static Library,
    settings: Settings,
    index: fixture::Index,
    signer: Signer,
    sessions: Sessions,
    ordinal: AtomicU64,
}

/// What one request became, for its script and its entry in the journal.
struct Handled {
    answer: Answer,
    provider: Option<String>,
    session: String,
    request_id: String,
    request_id_headers: Vec<String>,
    behaviour: Behaviour,
}

impl Engine {
    /// An engine that answers for every embedded provider.
    pub fn new(settings: Settings) -> Self {
        let library = seedream_fixtures::library();
        let sessions = Sessions::new(settings.session_capacity, settings.session_idle, settings.journal_capacity);
        Self {
            library,
            index: fixture::Index::new(library),
            signer: Signer::new(settings.seed),
            sessions,
            settings,
            ordinal: AtomicU64::new(0),
        }
    }

    /// Answers one request at a time.
    pub fn handle(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        let address = Address::read(request.uri().path());
        if address.house == route::ADMIN {
            let (query, headers) = (request.uri().query().unwrap_or_default(), request.headers());
            let answer = admin::answer(self, now, request.method(), address.below, query, headers);
            return script(answer, &self.settings, Behaviour::Plain, &[]);
        }
        // Looking at the mock must not change what it answers, so only other requests are counted.
        let ordinal = self.ordinal.fetch_add(1, Ordering::Relaxed);
        let json = serde_json::from_slice(request.body()).ok();
        let handled = match self.library.provider(address.house) {
            Some(provider) => self.call(now, request, &address, provider, ordinal, json.as_ref()),
            None => self.elsewhere(now, request, &address, ordinal),
        };
        self.record(now, request, json.as_ref(), ordinal, &handled);
        let ids: Vec<(String, String)> =
            handled.request_id_headers.iter().map(|name| (name.clone(), handled.request_id.clone())).collect();
        script(handled.answer, &self.settings, handled.behaviour, &ids)
    }

    /// What was asked and answered so far: in one session, or in all.
    pub fn journal(&self, session: Option<&str>) -> Vec<Entry> {
        self.sessions.journal(session)
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The answer to a caller who may not use the admin routes.
    pub(crate) fn refuses_admin(&self, headers: &http::HeaderMap) -> Option<Script> {
        let refusal = admin::refusal(self, headers)?;
        Some(script(refusal, &self.settings, Behaviour::Plain, &[]))
    }

    pub(crate) fn library(&self) -> &Library {
        self.library
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// A request below a provider's prefix.
    fn call(
        &self,
        now: Timestamp,
        request: &Request<Bytes>,
        address: &Address<'_>,
        provider: &Provider,
        ordinal: u64,
        json: Option<&Value>,
    ) -> Handled {
        let found = route::find(provider, request.method().as_str(), address.below);
        let route = found.map(|(route, _)| route);
        let id = found.map(|(_, id)| id).unwrap_or_default();
        let required = route.is_some_and(|route| route.auth_required.unwrap_or(provider.auth.required));
        let family = route.and_then(|route| route.errors).unwrap_or(provider.errors);
        let call = Call {
            engine: self,
            provider,
            route,
            now,
            session: address.session.or_else(|| task::session_of(id)).unwrap_or(route::DEFAULT_SESSION).to_owned(),
            origin: origin(request),
            behaviour: auth::behaviour(auth::bearer(request.headers()), required, &self.settings.keys),
            ordinal,
            request_id: call::request_id(family, now, self.settings.seed, ordinal),
            json,
        };
        Handled {
            answer: self.answer(&call, request, address.below, id),
            provider: Some(provider.id.clone()),
            request_id_headers: provider.request_id_headers.clone(),
            session: call.session,
            request_id: call.request_id,
            behaviour: call.behaviour,
        }
    }

    /// Keys are judged first, then a forced exchange, then an equal one, then the provider's rules.
    fn answer(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str, id: &str) -> Answer {
        if let Behaviour::Refuse(cause) = call.behaviour {
            let model = call.object().map(|body| create::model_name(call, body)).unwrap_or_default();
            return call.problem(cause, &Fill { model, ..Fill::default() }).into();
        }
        if let Some(name) = request.headers().get(fixture::HEADER) {
            let exchange = name.to_str().ok().and_then(|name| self.library.exchange(name));
            return exchange.and_then(fixture::forced).unwrap_or_else(no_such_fixture);
        }
        // The key that withholds a picture is about what the documents do not show.
        if call.behaviour != Behaviour::Partial
            && let Some(answer) = self.documented(call, request, below)
        {
            return answer;
        }
        match call.route.map(|route| route.name) {
            Some(RouteName::Create) => create::create(call),
            Some(RouteName::Task) => task::poll(call, id),
            Some(RouteName::Models) => models::list(call.provider, call.family()),
            Some(RouteName::Credits) => models::credits(),
            None => self.no_such_route(request),
        }
    }

    fn documented(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str) -> Option<Answer> {
        let method = request.method().as_str();
        let found = self.index.find(&call.provider.id, method, below, call.json)?;
        let mut answer = fixture::live(call, self.library.exchange(found)?)?;
        if answer.status >= 400 {
            answer.violations = create::broken_rules(call);
        }
        Some(answer)
    }

    /// A request below no provider's prefix: a picture, or nothing.
    fn elsewhere(&self, now: Timestamp, request: &Request<Bytes>, address: &Address<'_>, ordinal: u64) -> Handled {
        let is_picture = address.house == images_url::FOLDER;
        let request_id = call::request_id(ErrorFamily::Ark, now, self.settings.seed, ordinal);
        let mut provider = None;
        let answer = if is_picture {
            provider = address.below.trim_start_matches('/').split('/').next().map(str::to_owned);
            self.picture(now, request, &request_id)
        } else {
            self.no_such_route(request)
        };
        let session = address.session.unwrap_or(route::DEFAULT_SESSION).to_owned();
        let request_id_headers = vec![String::from("x-request-id")];
        Handled { answer, provider, session, request_id, request_id_headers, behaviour: Behaviour::Plain }
    }

    fn picture(&self, now: Timestamp, request: &Request<Bytes>, request_id: &str) -> Answer {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let mut answer = match self.signer.open(request.method(), path, query, now) {
            Ok(picture) => Answer::new(200, picture.format.media_type(), vec![Chunk::now(Content::Picture(picture))]),
            Err(refusal) => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>{}</Message>\
                     <RequestId>{request_id}</RequestId></Error>",
                    refusal.message()
                );
                Answer::new(403, "application/xml", vec![Chunk::text(body)])
            }
        };
        if request.headers().contains_key(http::header::AUTHORIZATION) {
            answer.notes.push("a key was sent to a result URL; it was ignored".into());
        }
        answer
    }

    fn no_such_route(&self, request: &Request<Bytes>) -> Answer {
        let asked = format!("{} {}", request.method(), request.uri().path());
        let nearest = route::nearest(self.library.providers(), &asked);
        let message = format!("no provider has {asked} here; the nearest routes are {}", nearest.join(", "));
        admin::explain(404, "mock_no_such_route", &message)
    }

    fn record(&self, now: Timestamp, request: &Request<Bytes>, json: Option<&Value>, ordinal: u64, handled: &Handled) {
        let answer = &handled.answer;
        let entry = Entry {
            ordinal,
            at: now,
            session: handled.session.clone(),
            provider: handled.provider.clone(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: if handled.behaviour == Behaviour::Reset { 0 } else { answer.status },
            fixture: answer.fixture.clone(),
            evidence: answer.evidence.as_str(),
            billed: answer.billed,
            request_id: handled.request_id.clone(),
            headers: journal::headers(request.headers()),
            body: journal::body(request.body(), json),
            effective: answer.effective.as_ref().map(journal::shortened),
            violation: (!answer.violations.is_empty()).then(|| answer.violations.join("; ")),
            notes: answer.notes.clone(),
        };
        self.sessions.with(&handled.session, now, |session| session.journal.push(entry));
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn no_such_fixture() -> Answer {
    let message = "x-mock-fixture names no exchange with an answer; names are <provider>/<area>/<case>";
    admin::explain(400, "mock_no_such_fixture", message)
}

/// What this caller puts before a path of the mock: behind a name or a forwarded port it is not the mock's own address.
fn origin(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    format!("http://{}", host.unwrap_or("localhost"))
}

/// Puts an answer's head together.
fn script(answer: Answer, settings: &Settings, behaviour: Behaviour, ids: &[(String, String)]) -> Script {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = answer.headers;
    // A documented id of a request stands for the live one.
    let live = |(name, _): &&(String, String)| !headers.iter().any(|(known, _)| known == name);
    let ids: Vec<_> = ids.iter().filter(live).cloned().collect();
    headers.extend(ids);
    headers.push((String::from("content-type"), answer.content_type));
    headers.push(own(fixture::HEADER, answer.fixture.as_deref().unwrap_or("-")));
    headers.push(own("x-mock-evidence", answer.evidence.as_str()));
    if !answer.violations.is_empty() {
        headers.push(own("x-mock-violation", &printable(&answer.violations.join("; "))));
    }
    Script {
        delay: if behaviour == Behaviour::Slow { settings.slow } else { std::time::Duration::ZERO },
        status: answer.status,
        headers,
        chunks: answer.chunks,
        end: if behaviour == Behaviour::Reset { End::Reset } else { End::Complete },
        streamed: answer.streamed,
    }
}

/// A header takes visible ASCII only, and not too much of it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(1000).collect()
}
