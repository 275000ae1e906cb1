//! The mock's own routes, below `/__mock/v1`. The clock, and waiting for something, are the server's.

pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod overview;
pub(crate) mod query;
pub(crate) mod reset;
pub(crate) mod settings;
pub(crate) mod tasks;
pub(crate) mod verify;

use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::endpoints::admin::query::{AdminQuery, JournalFilter};
use crate::engine::Engine;
use crate::request::auth::bearer;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::script::Script;

/// What is here: a route, and what it is for.
const ROUTES: [(&str, &str); 12] = [
    ("GET health", "whether it runs, and what it knows"),
    ("GET sessions", "who is there"),
    ("GET journal", "what was asked and answered; explain=true names the nearest exchanges"),
    ("POST verify", "whether what was asked is what was expected"),
    ("GET or POST wait", "the same, once there is enough of it"),
    ("GET, POST or DELETE faults", "what goes wrong"),
    ("GET or POST tasks", "how tasks are, and moving them by hand"),
    ("GET callbacks", "who was and will be called back"),
    ("GET or POST clock", "what time it is"),
    ("GET ledger", "what was paid"),
    ("GET or POST settings", "how requests are answered"),
    ("POST reset", "forgetting"),
];

/// Why a request to the mock itself is not answered: a status, a code, and what to do.
#[derive(Debug)]
pub(crate) struct AdminError {
    status: u16,
    code: &'static str,
    message: String,
}

impl AdminError {
    /// The request says something that makes no sense here.
    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    /// The route does not take this method.
    pub(crate) fn method(takes: &str) -> Self {
        Self { status: 405, code: "mock_bad_method", message: format!("this route takes {takes}") }
    }

    /// What is asked about is not there.
    pub(crate) fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 404, code, message: message.into() }
    }

    /// What would be told is not known any more.
    pub(crate) fn gone(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 409, code, message: message.into() }
    }

    /// The same as a script.
    pub(crate) fn script(&self) -> Script {
        Script::json(self.status, &explanation(self.code, &self.message))
    }
}

impl From<AdminError> for EndpointResponse {
    fn from(refusal: AdminError) -> Self {
        explain(refusal.status, refusal.code, &refusal.message)
    }
}

/// Answers a request to the mock itself.
pub(crate) fn respond(engine: &Engine, now: Timestamp, request: &Request<Bytes>, below: &str) -> EndpointResponse {
    if let Some(refusal) = refusal(engine, request.headers()) {
        return refusal;
    }
    route(engine, now, request, below).unwrap_or_else(EndpointResponse::from)
}

fn route(
    engine: &Engine,
    now: Timestamp,
    request: &Request<Bytes>,
    below: &str,
) -> Result<EndpointResponse, AdminError> {
    let query = |allowed| AdminQuery::read(request, allowed);
    let method = request.method().as_str();
    match (method, below.strip_prefix("/v1/").unwrap_or_default()) {
        ("GET", "health") => query(&[]).map(|_| health(engine, now)),
        ("GET", "sessions") => query(&[]).map(|_| overview::sessions(engine)),
        ("GET", "journal") => {
            let query = query(&query::narrowing(&["session", "explain", "limit", "after"]))?;
            journal::respond(&engine.sessions, &engine.index, &query)
        }
        ("GET", "ledger") => overview::ledger(engine, now, query(&["session"])?.one()?),
        ("GET", "callbacks") => overview::callbacks(engine, query(&["session"])?.one()?),
        ("POST", "verify") => {
            let query = AdminQuery::read(request, &query::narrowing(&["session"]))?;
            let wanted = verify::Expectation::read(request.body(), JournalFilter::of(&query)?)?;
            Ok(EndpointResponse::value(200, &engine.verdict(query.scope(), &wanted).decided()?))
        }
        (_, "faults") => faults::respond(engine, now, request),
        (_, "tasks") => tasks::respond(engine, now, request),
        (_, "settings") => settings::respond(engine, now, request),
        ("POST", "reset") => {
            let query = query(&["session"])?;
            Ok(reset::respond(engine, query.scope(), &reset::read(request.body())?))
        }
        ("POST" | "PUT" | "PATCH" | "DELETE", "health" | "sessions" | "journal" | "ledger" | "callbacks") => {
            Err(AdminError::method("GET"))
        }
        ("GET" | "PUT" | "PATCH" | "DELETE", "verify" | "reset") => Err(AdminError::method("POST")),
        (_, "wait" | "clock") => {
            Err(AdminError::missing("mock_no_server", "the engine alone has no clock and cannot wait"))
        }
        _ => Err(AdminError::missing("mock_no_such_route", routes())),
    }
}

fn routes() -> String {
    let routes: Vec<String> = ROUTES.iter().map(|(route, does)| format!("{route} ({does})")).collect();
    format!("below /__mock/v1 are {}; ?session=NAME means a session, and without it `default`", routes.join(", "))
}

/// Why a caller may not use the admin routes.
pub(crate) fn refusal(engine: &Engine, headers: &HeaderMap) -> Option<EndpointResponse> {
    let token = engine.settings().admin_token.as_deref()?;
    let message = "the admin routes of this mock need its admin token as a bearer";
    (bearer(headers) != Some(token)).then(|| explain(401, "mock_admin_token", message))
}

fn health(engine: &Engine, now: Timestamp) -> EndpointResponse {
    let providers: Vec<&str> = engine.library().providers().iter().map(|provider| provider.id.as_str()).collect();
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "time": now.to_string(),
        "providers": providers,
        "exchanges": engine.library().exchanges().len(),
        "sessions": engine.sessions().names(),
    });
    EndpointResponse::value(200, &body)
}

/// A body that is a JSON object; an empty one has no members.
pub(crate) fn object(code: &'static str, body: &[u8], example: &str) -> Result<Map<String, Value>, AdminError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|error| AdminError::bad(code, format!("the body is no JSON object ({error}); write {example}")))
}

/// An error of the mock itself, which no provider would send.
pub(crate) fn explain(status: u16, code: &str, message: &str) -> EndpointResponse {
    EndpointResponse::value(status, &explanation(code, message))
}

pub(crate) fn explanation(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "type": "mock_error" } })
}
