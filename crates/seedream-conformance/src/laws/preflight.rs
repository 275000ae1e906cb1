//! What the document forbids is refused before anything is sent; what it allows is sent, once, as it was planned.

use std::{sync::Arc, time::Duration};

use seedream_client::{Client, ImageProvider as _, Transport};
use seedream_core::{Error, ErrorKind, ImageRequest, Policy};
use seedream_fixtures::{ExpectedPreflight, RecordedExchange};

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    harness::difference::Differences,
    harness::in_process_mock::{HOST, InProcessMock},
    harness::{recording_transport::RecordingTransport, running_mock::MockTarget},
};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Preflight, subject, case, move || {
            check(&judged, case, HOST, Arc::new(InProcessMock::new(&judged)))
        })
    };
    subject.exchanges().filter(|case| case.given.is_some()).map(of).collect()
}

/// The cases of an adapter that can run against a mock elsewhere, over HTTP: those of [`Law::Preflight`].
pub fn cases_at(subject: &Subject, target: &MockTarget) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let (judged, target) = (subject.clone(), target.clone());
        Case::of(Law::Preflight, subject, case, move || check(&judged, case, target.url(), target.transport()))
    };
    subject.exchanges().filter(|case| case.given.is_some()).map(of).collect()
}

fn check(subject: &Subject, case: &RecordedExchange, host: &str, mock: Arc<dyn Transport>) -> Result<(), CaseFailure> {
    let mock = Arc::new(RecordingTransport::new(mock));
    let Some(request) = convert_exchange::given(case).transpose()? else {
        return Err(CaseFailure::harness("the fixture has no `given`"));
    };
    let failed = |error: Error| CaseFailure::harness(format!("no client: {error}"));
    let client = client(subject, host, mock.clone()).map_err(failed)?;
    let plan = client.plan(&request);
    let outcome = send(&client, request)?;

    let mut d = Differences::default();
    let sent = mock.sent();
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
    let mock = (subject.hooks().transport)(mock);
    Client::builder(subject.dialect().clone())
        .base_url(format!("{host}/{id}{below}"))
        .key("sk-conformance")
        .policy(policy)
        .strictness(subject.hooks().strictness)
        .transport(mock)
        .build()
}

/// Sends a request and follows it until the first response of the provider.
fn send(client: &Client, request: ImageRequest) -> Result<Result<(), Error>, CaseFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CaseFailure::harness(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(async {
        let mut events = client.events(request).await?;
        match events.next().await {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }))
}
