//! The key stands in the header of the provider's own endpoint, and nowhere else: in no encoded request, no Debug, Display or cause of an
//! error, and it follows no redirect.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use seedream_client::{Client, ImageProvider as _, Reached, ResponseBody, Transport, TransportError};
use seedream_core::{Error, ImageRequest, Policy, Response, Strictness};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};
use serde_json::Value;

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::documented_response::made_up,
    fixture::json_leaves::{leaves, with},
    harness::difference::Differences,
    harness::in_process_mock::HOST,
};

/// A key that no pattern gives away.
const KEY: &str = "canary7Yellow2Bird9Sings4Nothing";

/// Headers that carry keys.
const HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "proxy-authorization"];

type SecrecyCheck = fn(&Subject) -> Result<(), CaseFailure>;

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let ways: [(&str, SecrecyCheck); 3] = [("encoded", encoded), ("shown", shown), ("redirected", redirected)];
    let whole = ways.into_iter().map(|(name, check)| {
        let judged = subject.clone();
        Case::new(Law::Secrecy, format!("{}/{name}", subject.id()), None, move || check(&judged))
    });
    let is_error = |case: &&'static RecordedExchange| {
        let response = case.response.as_ref();
        let json = response.is_some_and(|r| r.status >= 400 && matches!(r.body, RecordedBody::Json(_)));
        json && case.operation == OperationKind::Create
    };
    let echo = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Secrecy, subject, case, move || echoed(&judged, case))
    };
    whole.chain(subject.exchanges().filter(is_error).map(echo)).collect()
}

/// What an adapter encodes carries no credential: it has none, and the edge adds it.
fn encoded(subject: &Subject) -> Result<(), CaseFailure> {
    let dialect = &**subject.dialect();
    let mut requests = Vec::new();
    let failed = |error: Error| CaseFailure::new(format!("cannot be encoded: {error}"));
    for case in subject.exchanges().filter(|case| case.given.is_some()) {
        // What cannot be said in this dialect is no request.
        let Ok(checked) = convert_exchange::checked(dialect, case) else { continue };
        requests.push(dialect.encode(&checked).map_err(failed)?);
    }
    requests.extend(dialect.catalog().map(|catalog| catalog.models_request()));
    if let Some(tasks) = dialect.tasks() {
        requests.push(tasks.poll(&convert_exchange::task(dialect)?).map_err(failed)?);
    }
    let mut d = Differences::default();
    for request in requests {
        for name in HEADERS {
            d.holds(!request.headers().contains_key(name), || format!("{}: sets the header {name}", request.uri()));
        }
        let relative = request.uri().host().is_none() && request.uri().path().starts_with('/');
        d.holds(relative, || format!("{}: is no path below the base URL", request.uri()));
    }
    d.into_result()
}

/// The client that holds the key shows it nowhere, and sends it to its endpoint only.
fn shown(subject: &Subject) -> Result<(), CaseFailure> {
    let wire = Arc::new(CannedTransport::new(made_up(401, "application/json", "{}")));
    let client = client(subject, wire.clone())?;
    let request = plain(subject);
    let plan = client.plan(&request).map_err(|error| CaseFailure::new(format!("no plan: {error}")))?;
    let error = ask(&client, request)?;
    let mut d = Differences::default();
    hides(&mut d, "the client", &format!("{client:?}{client:#?}"));
    hides(&mut d, "the plan", &format!("{plan:?}"));
    hides(&mut d, "the error", &texts(&error));
    for sent in wire.sent() {
        d.same("host", &HOST.strip_prefix("http://"), &sent.uri.host());
        d.holds(sent.key_in_header, || "the key does not reach the endpoint".to_owned());
        hides(&mut d, "the request", &format!("{}{}", sent.uri, sent.rest));
    }
    d.into_result()
}

/// A redirect to another host is not followed, with the key or without it.
fn redirected(subject: &Subject) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for status in [301, 302, 303, 307, 308] {
        let mut response = made_up(status, "text/plain", "");
        response.headers.insert(http::header::LOCATION, http::HeaderValue::from_static("https://elsewhere.example/v1"));
        let wire = Arc::new(CannedTransport::new(response));
        let error = ask(&client(subject, wire.clone())?, plain(subject))?;
        hides(&mut d, "the error", &texts(&error));
        let hosts: Vec<_> = wire.sent().iter().map(|sent| sent.uri.host().unwrap_or_default().to_owned()).collect();
        d.same(&format!("hosts after a {status}"), &vec!["mock.localhost".to_owned()], &hosts);
    }
    d.into_result()
}

/// Some gateways repeat the key that they were sent; the error does not.
fn echoed(subject: &Subject, case: &RecordedExchange) -> Result<(), CaseFailure> {
    let Some(recorded) = &case.response else { return Ok(()) };
    let response = convert_exchange::response(recorded)?;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let said: Vec<_> = leaves(&body).into_iter().filter(|at| body.pointer(at).is_some_and(Value::is_string)).collect();
    let mut d = Differences::default();
    for at in said {
        let body = with(&body, &at, |text| format!("{} Bearer {KEY}", text.as_str().unwrap_or_default()).into());
        let mut echo = convert_exchange::response_with(recorded, body.to_string())?;
        for status in [echo.status, http::StatusCode::OK] {
            echo.status = status;
            let error = ask(&client(subject, Arc::new(CannedTransport::new(echo.clone())))?, plain(subject))?;
            hides(&mut d, &format!("the error, where {at} of a {status} repeats it,"), &texts(&error));
        }
    }
    d.into_result()
}

fn hides(d: &mut Differences, what: &str, text: &str) {
    d.holds(!text.contains(KEY), || format!("{what} shows the key"));
}

/// Everything that an error says, its causes included.
fn texts(error: &Error) -> String {
    let mut text = format!("{error}{error:?}{error:#?}{:?}", (error.code(), error.param(), error.message()));
    let mut cause = StdError::source(error);
    while let Some(next) = cause {
        text.push_str(&format!("{next}{next:?}"));
        cause = next.source();
    }
    text
}

fn plain(subject: &Subject) -> ImageRequest {
    ImageRequest::new(&subject.dialect().descriptor().default_model, "a lighthouse in fog")
}

fn client(subject: &Subject, wire: Arc<dyn Transport>) -> Result<Client, CaseFailure> {
    let below = subject.base_path();
    let mut policy = Policy::default();
    policy.max_submits = 1;
    Client::builder(subject.dialect().clone())
        .base_url(format!("{HOST}{below}"))
        .key(KEY)
        .policy(policy)
        .strictness(Strictness::Off)
        .transport((subject.hooks().transport)(wire))
        .build()
        .map_err(|error| CaseFailure::harness(format!("no client: {error}")))
}

fn ask(client: &Client, request: ImageRequest) -> Result<Error, CaseFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| CaseFailure::harness(format!("no runtime: {error}")))?;
    match runtime.block_on(client.generate(request)) {
        Ok(_) => Err(CaseFailure::new("a refusal was read as a success")),
        Err(error) => Ok(error),
    }
}

/// A wire that gives the same response to everything, and remembers what was sent.
struct CannedTransport {
    response: Response,
    sent: Mutex<Vec<SentRequest>>,
}

/// A request, as far as it matters here.
#[derive(Clone)]
struct SentRequest {
    uri: http::Uri,
    key_in_header: bool,
    /// All of it but the one header.
    rest: String,
}

impl CannedTransport {
    fn new(response: Response) -> Self {
        Self { response, sent: Mutex::default() }
    }

    fn sent(&self) -> Vec<SentRequest> {
        self.sent.lock().map(|sent| sent.clone()).unwrap_or_default()
    }
}

impl fmt::Debug for CannedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CannedTransport")
    }
}

#[async_trait]
impl Transport for CannedTransport {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let mut headers = request.headers().clone();
        let bearer = headers.remove(http::header::AUTHORIZATION);
        let key_in_header = bearer.is_some_and(|value| value.as_bytes().ends_with(KEY.as_bytes()));
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let rest = format!("{headers:?}{}", String::from_utf8_lossy(request.body()));
        if let Ok(mut sent) = self.sent.lock() {
            sent.push(SentRequest { uri: request.uri().clone(), key_in_header, rest });
        }
        let body = ResponseBody::from(self.response.body.clone());
        let mut recorded = http::Response::builder().status(self.response.status);
        for (name, value) in &self.response.headers {
            recorded = recorded.header(name, value);
        }
        recorded.body(body).map_err(|error| TransportError::new(Reached::Sent, error.to_string()))
    }
}
