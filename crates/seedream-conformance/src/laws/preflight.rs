//! What the document forbids is refused before anything is sent; what it allows is sent, once, as it was planned.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use seedream_client::Client;
use seedream_core::{Error, ErrorKind, ImageProvider as _, ImageRequest, Policy};
use seedream_fixtures::{Exchange, Preflight};

use crate::{
    Case, Failure, Law, Subject,
    difference::Differences,
    exchange,
    in_process::{HOST, InProcess},
};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static Exchange| {
        let judged = subject.clone();
        Case::of(Law::Preflight, subject, case, move || check(&judged, case))
    };
    subject.exchanges().filter(|case| case.given.is_some()).map(of).collect()
}

fn check(subject: &Subject, case: &Exchange) -> Result<(), Failure> {
    let Some(request) = exchange::given(case).transpose()? else {
        return Err(Failure::harness("the fixture has no `given`"));
    };
    let mock = Arc::new(InProcess::new());
    let failed = |error: Error| Failure::harness(format!("no client: {error}"));
    let client = client(subject, mock.clone()).map_err(failed)?;
    let plan = client.plan(&request);
    let outcome = send(&client, request)?;

    let mut d = Differences::default();
    let journal = mock.journal();
    let posts = journal.iter().filter(|entry| entry.method == "POST").count();
    match (case.preflight, &plan) {
        (Some(Preflight::Refused), _) => {
            let kind = outcome.as_ref().err().map(Error::kind);
            d.same("refused as", &Some(ErrorKind::InvalidRequest), &kind);
            d.same("requests that reached the provider", &0, &journal.len());
        }
        (preflight, Ok(plan)) => {
            d.same("purchases that reached the provider", &1, &posts);
            let sent = mock.first_body().map(|body| String::from_utf8_lossy(&body).into_owned());
            d.same("body, planned and sent", &Some(plan.body.get()), &sent.as_deref());
            let warned = preflight == Some(Preflight::Warned);
            let warnings = || plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            d.holds(warned != plan.warnings.is_empty(), || format!("warned: expected {warned}, saw [{}]", warnings()));
        }
        (_, Err(error)) => d.holds(false, || format!("the document allows it, and it is refused: {error}")),
    }
    d.into_result()
}

fn client(subject: &Subject, mock: Arc<InProcess>) -> Result<Client, Error> {
    let id = subject.id();
    let below = subject.provider().map(|provider| provider.base_path()).unwrap_or_default();
    let mut policy = Policy::default();
    policy.max_submits = 1;
    policy.deadline = Duration::from_secs(30);
    let mock = (subject.driver().transport)(mock);
    Client::builder(subject.dialect().clone())
        .base_url(format!("{HOST}/{id}{below}"))
        .key("sk-conformance")
        .policy(policy)
        .transport(mock)
        .build()
}

/// Sends a request and follows it until the provider has answered for the first time.
fn send(client: &Client, request: ImageRequest) -> Result<Result<(), Error>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Failure::harness(format!("no runtime: {error}")))?;
    Ok(runtime.block_on(async {
        let mut events = client.events(request).await?;
        match events.next().await {
            Some(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }))
}
