//! What the document forbids is refused before anything is sent; what it allows is sent, once, as it was planned.

use std::{sync::Arc, time::Duration};

use seedream_client::{Client, ImageProvider as _, Transport};
use seedream_core::{Error, ErrorKind, ImageRequest, Policy};
use seedream_fixtures::{ExpectedPreflight, RecordedExchange};

use crate::{
    Case, Failure, Law, Subject,
    difference::Differences,
    exchange,
    in_process::{HOST, InProcess},
    place::{Place, Sent, Watched},
};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Preflight, subject, case, move || check(&judged, case))
    };
    subject.exchanges().filter(|case| case.given.is_some()).map(of).collect()
}

/// The same cases against a mock that is running elsewhere, over HTTP.
pub(crate) fn cases_at(subject: &Subject, place: &Place) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let (judged, place) = (subject.clone(), place.clone());
        Case::of(Law::Preflight, subject, case, move || {
            let watched = Arc::new(Watched::new(place.transport()));
            judge(&judged, case, place.url(), watched.clone(), &|| watched.sent())
        })
    };
    subject.exchanges().filter(|case| case.given.is_some()).map(of).collect()
}

fn check(subject: &Subject, case: &RecordedExchange) -> Result<(), Failure> {
    let mock = Arc::new(InProcess::new(subject));
    let sent = || {
        let reached = mock.reached();
        Sent {
            all: reached.len(),
            purchases: reached.iter().filter(|(method, _)| method == http::Method::POST).count(),
            first: reached.first().map(|(_, body)| body.clone()),
        }
    };
    judge(subject, case, HOST, mock.clone(), &sent)
}

fn judge(
    subject: &Subject,
    case: &RecordedExchange,
    host: &str,
    mock: Arc<dyn Transport>,
    sent: &dyn Fn() -> Sent,
) -> Result<(), Failure> {
    let Some(request) = exchange::given(case).transpose()? else {
        return Err(Failure::harness("the fixture has no `given`"));
    };
    let failed = |error: Error| Failure::harness(format!("no client: {error}"));
    let client = client(subject, host, mock).map_err(failed)?;
    let plan = client.plan(&request);
    let outcome = send(&client, request)?;

    let mut d = Differences::default();
    let sent = sent();
    match (case.preflight, &plan) {
        (Some(ExpectedPreflight::Refused), _) => {
            let kind = outcome.as_ref().err().map(Error::kind);
            d.same("refused as", &Some(ErrorKind::InvalidRequest), &kind);
            d.same("requests that reached the provider", &0, &sent.all);
        }
        (preflight, Ok(plan)) => {
            d.same("purchases that reached the provider", &1, &sent.purchases);
            let first = sent.first.map(|body| String::from_utf8_lossy(&body).into_owned());
            d.same("body, planned and sent", &Some(plan.body.get()), &first.as_deref());
            let warned = preflight == Some(ExpectedPreflight::Warned);
            let warnings = || plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            d.holds(warned != plan.warnings.is_empty(), || format!("warned: expected {warned}, saw [{}]", warnings()));
        }
        (_, Err(error)) => d.holds(false, || format!("the document allows it, and it is refused: {error}")),
    }
    d.into_result()
}

fn client(subject: &Subject, host: &str, mock: Arc<dyn Transport>) -> Result<Client, Error> {
    let id = subject.id();
    let below = subject.base_path();
    let mut policy = Policy::default();
    policy.max_submits = 1;
    policy.deadline = Duration::from_secs(30);
    let mock = (subject.driver().transport)(mock);
    Client::builder(subject.dialect().clone())
        .base_url(format!("{host}/{id}{below}"))
        .key("sk-conformance")
        .policy(policy)
        .strictness(subject.driver().strictness)
        .transport(mock)
        .build()
}

/// Sends a request and follows it until the provider has answered for the first time.
fn send(client: &Client, request: ImageRequest) -> Result<Result<(), Error>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::harness(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(async {
        let mut events = client.events(request).await?;
        match events.next().await {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }))
}
