//! Fetches with reqwest: tries, redirects, and answers that break off.

use std::time::Duration;

use http::{StatusCode, header};
use seedream_core::{Error, ErrorKind, ImageData, Result};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    Downloader,
    arriving::Arriving,
    clients::is_caused_by_address,
    guard::{parse, refused},
};
use crate::{
    Reached,
    drive::later,
    spool::Spool,
    trace::Trace,
    transport::reqwest::{cut, failed},
};

/// How many redirects are followed, each checked like the URL itself.
const REDIRECTS: u32 = 5;

/// Why a try failed, and whether another can help.
pub(super) struct Failure {
    error: Error,
    passes: bool,
}

impl Failure {
    pub(super) fn lasting(error: Error) -> Self {
        Self { error, passes: false }
    }

    pub(super) fn passing(error: Error) -> Self {
        Self { error, passes: true }
    }
}

pub(super) async fn fetch(downloader: &Downloader, url: &str, spool: Spool, trace: &mut Trace) -> Result<ImageData> {
    let options = &downloader.options;
    let url = parse(url)?;
    let until = later(Instant::now(), options.deadline);
    let mut arriving = Arriving::new(spool, options.max_bytes);
    let mut tried = 1;
    loop {
        trace.tries(tried);
        let failure = match once(downloader, &url, until, &mut arriving, trace).await {
            Ok(()) => return Ok(arriving.complete().await),
            Err(failure) => failure,
        };
        let wait = options.backoff.saturating_mul(1 << (tried - 1).min(16));
        if !failure.passes || tried >= options.tries || later(Instant::now(), wait) >= until {
            return Err(failure.error);
        }
        tried += 1;
        tokio::time::sleep(wait).await;
    }
}

/// Follows redirects to a body, and reads that.
async fn once(
    downloader: &Downloader,
    url: &Url,
    until: Instant,
    arriving: &mut Arriving,
    trace: &mut Trace,
) -> Result<(), Failure> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let answer = get(downloader, &url, until, arriving).await?;
        let status = answer.status();
        trace.status(status);
        if status.is_success() {
            arriving.begin(status, answer.headers())?;
            return read(downloader, answer, until, arriving, trace).await;
        }
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(not_there(status, arriving));
        }
        let target = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|target| url.join(target).ok());
        url = target.ok_or_else(|| Failure::lasting(refused("it redirects to nowhere")))?;
    }
    Err(Failure::lasting(refused("it redirects too often")))
}

async fn get(
    downloader: &Downloader,
    url: &Url,
    until: Instant,
    arriving: &Arriving,
) -> Result<reqwest::Response, Failure> {
    let route = downloader.guard.check(url).map_err(Failure::lasting)?;
    let client = downloader.client(route, url).map_err(|error| Failure::lasting(error.into()))?;
    let request = client.get(url.clone()).header(header::USER_AGENT, downloader.user_agent.clone());
    let request = request.headers(arriving.rest());
    match timeout_at(soon(downloader, until), request.send()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if is_caused_by_address(&error) => {
            Err(Failure::lasting(refused("its name has no public address")))
        }
        Ok(Err(error)) => Err(Failure::passing(failed(error, Reached::Sent).into())),
        Err(_) => Err(Failure::passing(stalled(downloader.options.stall))),
    }
}

async fn read(
    downloader: &Downloader,
    mut answer: reqwest::Response,
    until: Instant,
    arriving: &mut Arriving,
    trace: &mut Trace,
) -> Result<(), Failure> {
    loop {
        let chunk = match timeout_at(soon(downloader, until), answer.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(Failure::passing(cut(error).into())),
            Err(_) => return Err(Failure::passing(stalled(downloader.options.stall))),
        };
        trace.read(chunk.len());
        arriving.take(&chunk).await?;
    }
}

fn soon(downloader: &Downloader, until: Instant) -> Instant {
    until.min(later(Instant::now(), downloader.options.stall))
}

fn stalled(stall: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("the download stalled for {} s", stall.as_secs_f64()))
}

fn not_there(status: StatusCode, arriving: &mut Arriving) -> Failure {
    let gone = matches!(status.as_u16(), 401 | 403 | 404 | 410);
    let hint = if gone { ": the URL may have expired" } else { "" };
    let error = Error::new(ErrorKind::Server, format!("the download answered HTTP {}{hint}", status.as_u16()));
    // There is no such rest: what has arrived does not belong to what is there now.
    let other = status == StatusCode::RANGE_NOT_SATISFIABLE && arriving.start_over();
    let passes = other || status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Failure { error, passes }
}
