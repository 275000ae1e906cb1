//! The pure engine: a request and a time in, a [`Script`] out. No socket, no clock, no randomness of its own.

pub(crate) mod admin;
mod answer;
mod ask;
mod auth;
mod call;
pub(crate) mod callback;
mod conduct;
mod create;
mod credits;
mod digest;
mod faults;
mod fixture;
mod group;
mod images_url;
mod items;
mod journal;
mod ledger;
mod members;
mod models;
mod near;
mod normalise;
mod ordered;
mod pattern;
mod pictures;
mod problem;
mod record;
mod reference;
mod relay;
mod reply;
pub(crate) mod route;
mod rules;
mod script;
mod session;
mod settings;
mod sizes;
mod spoil;
mod stream;
mod task;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{Cause, ErrorFamily, Library, Provider, Role, Route, RouteName};
use serde_json::{Map, Value, json};

pub use admin::reset::Part;
pub use admin::verify::{Miss, Verdict, Wanted};
pub use journal::Entry;
pub use ledger::Bill;
pub use pattern::Difference;
pub use script::{Chunk, Content, End, Script};
pub use settings::{Settings, TaskEnd, Validate};
pub(crate) use traffic::Usage;

use admin::query::Scope;
use answer::Answer;
use call::Call;
use conduct::{Change, Conduct};
use faults::{Chosen, Sources};
use images_url::Signer;
use problem::Fill;
use route::Address;
use session::Sessions;
use traffic::Caller;

use crate::fault::{Ending, Fault, FaultError, On, Place};

/// Every provider of the library, answering. Equal requests at equal times in equal order get equal scripts from engines of
/// equal settings.
pub struct Engine {
    library: Arc<Library>,
    settings: Settings,
    /// What differs from the settings, for all sessions.
    change: Mutex<Change>,
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
    fault: Fault,
    /// How the relay behaves, where not as documented.
    profile: Option<String>,
    /// The name by which limits count it, where one does.
    counted: Option<String>,
}

impl Engine {
    /// An engine that answers for every embedded provider.
    pub fn new(settings: Settings) -> Self {
        Self::with(Arc::clone(seedream_fixtures::library()), settings)
    }

    /// An engine that answers for every provider of a library: the embedded one, or one with a user's own exchanges
    /// [over](Library::over) it.
    pub fn with(library: Arc<Library>, settings: Settings) -> Self {
        let sessions = Sessions::new(&settings);
        Self {
            index: fixture::Index::new(&library),
            library,
            signer: Signer::new(settings.seed),
            sessions,
            settings,
            change: Mutex::default(),
            ordinal: AtomicU64::new(0),
        }
    }

    /// Answers one request at a time.
    pub fn handle(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        if let Some(session) = self.session_of(request) {
            self.enter(now, &session);
        }
        self.respond(now, request)
    }

    /// The session that a request uses; none where it is to the mock itself.
    pub(crate) fn session_of(&self, request: &Request<Bytes>) -> Option<String> {
        let address = Address::read(request.uri().path());
        let of_task = || task::session_of(address.below.rsplit('/').next().unwrap_or_default());
        let named = address.session.or_else(of_task).unwrap_or(route::DEFAULT_SESSION);
        (address.house != route::ADMIN).then(|| named.to_owned())
    }

    /// Uses a session, which opens it if need be; says whether it is a new one.
    pub(crate) fn enter(&self, now: Timestamp, session: &str) -> bool {
        self.sessions.enter(session, now)
    }

    /// Answers one request at a time of its session's clock.
    pub(crate) fn respond(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        let address = Address::read(request.uri().path());
        if address.house == route::ADMIN {
            let answer = admin::answer(self, now, request, address.below);
            return script(answer, &Fault::default(), Vec::new());
        }
        // Looking at the mock must not change what it answers, so only other requests are counted.
        let ordinal = self.ordinal.fetch_add(1, Ordering::Relaxed);
        let json: Option<Value> = serde_json::from_slice(request.body()).ok();
        let mut handled = match self.library.provider(address.house) {
            Some(provider) => self.call(now, request, &address, provider, ordinal, json.as_ref()),
            None => self.elsewhere(now, request, &address, ordinal),
        };
        self.record(now, request, json, ordinal, &mut handled);
        let ids: Vec<(String, String)> =
            handled.request_id_headers.iter().map(|name| (name.clone(), handled.request_id.clone())).collect();
        Script { ordinal: Some(ordinal), ..script(handled.answer, &handled.fault, ids) }
    }

    /// What was asked and answered so far: in one session, or in all.
    pub fn journal(&self, session: Option<&str>) -> Vec<Entry> {
        self.sessions.journal(session)
    }

    /// What was paid so far at a time, in one session or in all: tasks that have ended by then are settled.
    pub fn ledger(&self, now: Timestamp, session: Option<&str>) -> Vec<Bill> {
        let bills = self.sessions.each(|name, open| {
            let wanted = session.is_none_or(|session| session == name);
            wanted.then(|| open.settled(now).bills().cloned().collect::<Vec<_>>())
        });
        let mut bills: Vec<Bill> = bills.flatten().collect();
        bills.sort_by_key(|bill| bill.ordinal);
        bills
    }

    /// The caller of a request has gone before he had his answer. What is billed stays billed.
    pub(crate) fn left(&self, ordinal: u64) {
        let gone = self.sessions.each(|_, session| {
            session.left(ordinal);
            None::<()>
        });
        drop(gone);
    }

    /// Adds faults to those of a session.
    pub fn add_faults(&self, now: Timestamp, session: &str, faults: impl IntoIterator<Item = Fault>) {
        self.sessions.with(session, now, |session| session.rules.add(faults));
    }

    /// Forgets the faults of a session.
    pub fn clear_faults(&self, now: Timestamp, session: &str) {
        self.sessions.with(session, now, |session| session.rules.clear());
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How a session's requests are answered.
    pub(crate) fn conduct(&self, session: &str) -> Conduct {
        let change = self.sessions.look(session, |session| session.change).unwrap_or_default();
        self.conduct_of_all().with(change)
    }

    /// How requests are answered in every session that has nothing of its own.
    pub(crate) fn conduct_of_all(&self) -> Conduct {
        Conduct::of(&self.settings).with(*self.change.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes that for one session, or for all.
    fn change(&self, now: Timestamp, scope: Scope<'_>, members: &Map<String, Value>) -> Result<(), String> {
        if let Scope::One(session) = scope {
            return self.sessions.with(session, now, |session| {
                session.change = session.change.read(members)?;
                Ok(())
            });
        }
        let mut change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        *change = change.read(members)?;
        Ok(())
    }

    fn set_change(&self, change: Change) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = change;
    }

    /// The answer to a caller who may not use the admin routes.
    pub(crate) fn refuses_admin(&self, headers: &http::HeaderMap) -> Option<Script> {
        let refusal = admin::refusal(self, headers)?;
        Some(script(refusal, &Fault::default(), Vec::new()))
    }

    pub(crate) fn library(&self) -> &Library {
        &self.library
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
        let profile = self.settings.profiles.of(&provider.id);
        let family = call::family(provider, route, profile);
        let bearer = auth::bearer(request.headers());
        let session = address.session.or_else(|| task::session_of(id)).unwrap_or(route::DEFAULT_SESSION);
        let conduct = self.conduct(session);
        let verdict = auth::judge(bearer, required, &self.settings.keys, conduct.slow);
        let mut call = Call {
            engine: self,
            provider,
            route,
            profile,
            now,
            session: session.to_owned(),
            conduct,
            origin: origin(request),
            fault: Fault::default(),
            later: Vec::new(),
            ordinal,
            request_id: call::request_id(family, now, self.settings.seed, ordinal),
            bearer,
            json,
        };
        let mut counted = None;
        // Who is not let in gets nothing else, not even a fault.
        let mut answer = match verdict {
            auth::Verdict::Unknown => {
                let model = call.object().map(|body| create::model_name(&call, body)).unwrap_or_default();
                call.problem(Cause::Unauthorized, &Fill { model, ..Fill::default() }).into()
            }
            auth::Verdict::Known(key) => match self.faults(&call, request, id, key.map(|fault| *fault)) {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    (call.fault, call.later, counted) = (chosen.now, chosen.later, chosen.counted);
                    spoil::spoil(self.answer(&call, request, address.below, id), &call.fault)
                }
            },
        };
        answer.headers.extend(route.into_iter().flat_map(|route| echoed(route, request)));
        Handled {
            answer,
            provider: Some(provider.id.clone()),
            request_id_headers: call.request_id_headers().to_vec(),
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
    ) -> Result<Chosen, FaultError> {
        let target = match call.route.map(|route| route.name) {
            Some(RouteName::Create) => On::Create,
            Some(RouteName::Task) => On::Poll,
            Some(RouteName::Models | RouteName::Credits) => On::Models,
            None => return Ok(Chosen::default()),
        };
        let prompt = call.provider.field(Role::Prompt).and_then(|field| members::text(call.object()?, &field.name));
        let task = |session: &mut session::Session| session.task(id).map(|task| task.later.clone());
        let carried = match target {
            On::Poll => self.sessions.with(&call.session, call.now, task).unwrap_or_default(),
            _ => Vec::new(),
        };
        let caller = Caller {
            provider: &call.provider.id,
            model: call.object().map(|body| create::model_name(call, body)).unwrap_or_default(),
            key: call.bearer,
        };
        let sources = Sources { header: header(request), prompt, key, carried, name: id, caller };
        faults::choose(self, &call.session, call.now, target, sources)
    }

    /// Faults are looked at first, then a forced exchange, then an equal one, then the provider's rules.
    fn answer(&self, call: &Call<'_>, request: &Request<Bytes>, below: &str, id: &str) -> Answer {
        if let Some(answer) = spoil::instead(&call.fault, target(request)) {
            return answer;
        }
        if let Some(problem) = call.faulty(&call.fault) {
            return problem.into();
        }
        if let Some(name) = request.headers().get(fixture::HEADER) {
            let name = name.to_str().unwrap_or_default();
            let exchange = self.library.exchange(name);
            return exchange.and_then(fixture::forced).unwrap_or_else(|| self.no_such_fixture(name));
        }
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
        let found = self.index.find(&call.provider.id, method, below, call.json, own)?;
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
        let session = address.session.unwrap_or(route::DEFAULT_SESSION).to_owned();
        let (mut provider, mut fault) = (None, Fault::default());
        let answer = if is_picture {
            provider = address.below.trim_start_matches('/').split('/').next().map(str::to_owned);
            match pictures::faults(self, &session, now, request) {
                Err(error) => bad_fault(&error),
                Ok(chosen) => {
                    fault = chosen.now;
                    spoil::spoil(pictures::answer(self, now, request, &request_id, &fault), &fault)
                }
            }
        } else {
            self.no_such_route(request)
        };
        let request_id_headers = vec![String::from("x-request-id")];
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

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn bad_fault(error: &FaultError) -> Answer {
    admin::explain(400, "mock_bad_fault", &format!("{error}; GET /__mock/v1/faults lists the words of a fault"))
}

/// The faults in a request's header.
fn header(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get(faults::HEADER).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// The headers of a request that its answer has too.
fn echoed(route: &Route, request: &Request<Bytes>) -> impl Iterator<Item = (String, String)> {
    let sent = |name: &String| Some((name.clone(), request.headers().get(name)?.to_str().ok()?.to_owned()));
    route.echoes.iter().filter_map(sent)
}

/// What was asked for, to be asked for again.
fn target(request: &Request<Bytes>) -> &str {
    request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

/// What this caller puts before a path of the mock: behind a name or a forwarded port it is not the mock's own address.
fn origin(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    format!("http://{}", host.unwrap_or("localhost"))
}

/// Puts an answer's head together.
fn script(answer: Answer, fault: &Fault, mut ids: Vec<(String, String)>) -> Script {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = answer.headers;
    // A documented id of a request stands for the live one.
    ids.retain(|(name, _)| !headers.iter().any(|(known, _)| known == name));
    headers.extend(ids);
    headers.push((String::from("content-type"), answer.content_type));
    headers.push(own(fixture::HEADER, answer.fixture.as_deref().unwrap_or("-")));
    headers.push(own("x-mock-evidence", answer.evidence.as_str()));
    if !answer.violations.is_empty() {
        headers.push(own("x-mock-violation", &printable(&answer.violations.join("; "))));
    }
    Script {
        ordinal: None,
        delay: fault.delay.unwrap_or_default(),
        status: answer.status,
        headers,
        chunks: answer.chunks,
        end: match fault.end {
            None => End::Complete,
            Some((Ending::Reset, Place::Before)) => End::Reset,
            Some((ending, place)) => End::Cut(ending, place),
        },
        stall: fault.stall.map(|place| (place, fault.stall_for)),
        drip: fault.drip,
        wrong_length: fault.wrong_length,
        streamed: answer.streamed,
    }
}

/// A header takes visible ASCII only, and not too much of it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(1000).collect()
}
