//! The mock's own routes, below `/__mock/v1`. The clock, and waiting for something, are the server's.

pub(crate) mod error;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod metrics;
pub(crate) mod overview;
pub(crate) mod query;
pub(crate) mod reset;
pub(crate) mod settings;
pub(crate) mod tasks;
pub(crate) mod verify;

use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde_json::json;

use crate::endpoints::admin::error::AdminError;
use crate::engine::services::Services;
use crate::request::auth::bearer;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::mock_error;
use crate::settings::cors_origin::is_loopback;
use query::{AdminQuery, JournalFilter};

/// What is here: a route, and what it is for.
const ROUTES: [(&str, &str); 13] = [
    ("GET health", "status, version, providers"),
    ("GET sessions", "the sessions"),
    ("GET metrics", "counters for Prometheus, also at /metrics"),
    ("GET journal", "the requests and their responses; explain=true names the nearest exchanges"),
    ("POST verify", "compares the journal with an expectation"),
    ("GET or POST wait", "the same, once enough entries match"),
    ("GET, POST or DELETE faults", "the faults"),
    ("GET or POST tasks", "the tasks, and moving them by hand"),
    ("GET callbacks", "the callbacks, sent and still to be sent"),
    ("GET or POST clock", "the time"),
    ("GET ledger", "the ledger"),
    ("GET or POST settings", "the settings"),
    ("POST reset", "clears parts of a session"),
];

/// Answers a request to the mock itself.
pub(crate) fn respond(services: &Services, now: Timestamp, request: &Request<Bytes>, below: &str) -> EndpointResponse {
    if let Some(refusal) = refusal(services, request.headers()) {
        return refusal;
    }
    route(services, now, request, below).unwrap_or_else(EndpointResponse::from)
}

fn route(
    services: &Services,
    now: Timestamp,
    request: &Request<Bytes>,
    below: &str,
) -> Result<EndpointResponse, AdminError> {
    let query = |allowed| AdminQuery::read(request, allowed);
    let method = request.method().as_str();
    match (method, below.strip_prefix("/v1/").unwrap_or_default()) {
        ("GET", "health") => query(&[]).map(|_| health(services, now)),
        ("GET", "sessions") => query(&[]).map(|_| overview::sessions(services)),
        ("GET", "journal") => {
            let query = query(&query::narrowing(&["session", "explain", "limit", "after"]))?;
            journal::respond(&services.sessions, &services.index, &query)
        }
        ("GET", "metrics") => query(&[]).map(|_| metrics::respond(services, |_| now)),
        ("GET", "ledger") => overview::ledger(services, now, query(&["session"])?.one()?),
        ("GET", "callbacks") => overview::callbacks(services, query(&["session"])?.one()?),
        ("POST", "verify") => {
            let query = AdminQuery::read(request, &query::narrowing(&["session"]))?;
            let wanted = verify::Expectation::read(request.body(), JournalFilter::of(&query)?)?;
            Ok(EndpointResponse::value(200, &verify::verify(services, query.scope(), &wanted).decided()?))
        }
        (_, "faults") => faults::respond(services, now, request),
        (_, "tasks") => tasks::respond(services, now, request),
        (_, "settings") => settings::respond(services, now, request),
        ("POST", "reset") => {
            let query = query(&["session"])?;
            Ok(reset::respond(services, query.scope(), &reset::read(request.body())?))
        }
        (
            "POST" | "PUT" | "PATCH" | "DELETE",
            "health" | "sessions" | "metrics" | "journal" | "ledger" | "callbacks",
        ) => Err(AdminError::method("GET")),
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

/// Why a caller may not use the admin routes. A page of another site could change the mock without reading a response, so it is
/// refused by its origin.
pub(crate) fn refusal(services: &Services, headers: &HeaderMap) -> Option<EndpointResponse> {
    let foreign = headers.get(ORIGIN).is_some_and(|origin| !origin.to_str().is_ok_and(is_loopback));
    if foreign {
        let message = "Origin: the admin routes are for pages of this machine: serve the page from localhost";
        return Some(EndpointResponse::value(403, &mock_error("mock_foreign_origin", message)));
    }
    let token = services.settings.initial().admin_token.as_deref()?;
    let message = "the admin routes of this mock need its admin token as a bearer";
    (bearer(headers) != Some(token)).then(|| EndpointResponse::value(401, &mock_error("mock_admin_token", message)))
}

fn health(services: &Services, now: Timestamp) -> EndpointResponse {
    let providers: Vec<&str> = services.library.providers().iter().map(|provider| provider.id.as_str()).collect();
    let body = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "time": now.to_string(),
        "providers": providers,
        "exchanges": services.library.exchanges().len(),
        "sessions": services.sessions.names(),
    });
    EndpointResponse::value(200, &body)
}
