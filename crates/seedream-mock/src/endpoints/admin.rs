//! The mock's own routes, below `/__mock/v1`. The clock, and waiting for something, are the server's.

pub(crate) mod error;
pub(crate) mod exchange_file;
pub(crate) mod exchanges;
pub(crate) mod faults;
pub(crate) mod journal;
pub(crate) mod metrics;
pub(crate) mod overview;
pub(crate) mod providers;
pub(crate) mod query;
pub(crate) mod reset;
pub(crate) mod settings;
pub(crate) mod tasks;
pub(crate) mod verify;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderValue, Request, Version};
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
const ROUTES: [(&str, &str); 18] = [
    ("GET health", "status, version, providers"),
    ("GET sessions", "the sessions"),
    ("GET metrics", "counters for Prometheus, also at /metrics"),
    ("GET journal", "the requests and their responses; explain=true names the nearest exchanges"),
    ("GET exchanges", "the newest requests first, each in short; before= continues"),
    (
        "GET exchange",
        "one request with its response, and as a file of fixtures; number= is its number in the session's journal",
    ),
    ("GET image", "an image of a response, which counts as no download; longest= makes it smaller"),
    ("GET events", "the requests as they arrive, as server-sent events"),
    ("GET providers", "the base URLs"),
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
    if let Some(refusal) = refusal(services, request) {
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
        ("GET", "exchanges") => {
            let query = query(&query::narrowing(&["session", "limit", "before"]))?;
            exchanges::list(&services.sessions, &query)
        }
        ("GET", "exchange") => exchanges::one(services, &query(&["session", "number"])?),
        ("GET", "image") => exchanges::image(services, &query(&["session", "number", "index", "longest"])?),
        ("GET", "providers") => query(&[]).map(|_| providers::list(services)),
        ("GET", "metrics") => query(&[]).map(|_| metrics::respond(services, |_| now)),
        ("GET", "ledger") => overview::ledger(services, now, &query(&["session", "entries"])?),
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
            "health" | "sessions" | "metrics" | "journal" | "exchanges" | "exchange" | "image" | "events" | "providers"
            | "ledger" | "callbacks",
        ) => Err(AdminError::method("GET")),
        ("GET" | "PUT" | "PATCH" | "DELETE", "verify" | "reset") => Err(AdminError::method("POST")),
        (_, "wait" | "clock" | "events") => {
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
/// refused by its origin; and it could read one under a name of its own that leads to this machine, so without a token the mock
/// has to be asked by its address.
pub(crate) fn refusal(services: &Services, request: &Request<Bytes>) -> Option<EndpointResponse> {
    let (headers, host) = (request.headers(), host_of(request));
    let refused = |code, message: &str| Some(EndpointResponse::value(403, &mock_error(code, message)));
    let same = |origin: &str| origin.split_once("://").is_some_and(|(_, place)| Some(place) == host);
    let is_ours = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| is_loopback(origin) || same(origin));
    if headers.get(ORIGIN).is_some_and(|origin| !is_ours(origin)) {
        let message = "Origin: the admin routes are for pages of this machine: serve the page from localhost";
        return refused("mock_foreign_origin", message);
    }
    let Some(token) = services.settings.initial().admin_token.as_deref() else {
        let message = "Host: without an admin token the admin routes are asked by address: write http://127.0.0.1 or http://localhost \
                       with the mock's port, or start the mock with --admin-token";
        return if host.is_some_and(|host| !is_address(host)) { refused("mock_foreign_host", message) } else { None };
    };
    let message = "the admin routes of this mock need its admin token as a bearer";
    (bearer(headers) != Some(token)).then(|| EndpointResponse::value(401, &mock_error("mock_admin_token", message)))
}

/// The host that a client names: in HTTP/2 it stands in the URI.
fn host_of(request: &Request<Bytes>) -> Option<&str> {
    let header = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    let in_uri = || request.uri().authority().filter(|_| request.version() == Version::HTTP_2).map(Authority::as_str);
    header.or_else(in_uri)
}

/// Whether a host is an address or this machine's own name, which no other site can make its own.
fn is_address(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
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
