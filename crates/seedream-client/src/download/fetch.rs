//! Fetches: tries, redirects, and transfers that break off.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use seedream_core::{Error, ErrorKind, ImageData, Response, Result, Timestamp, redact};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    DownloadOptions, Downloader, Routes,
    arriving::Arriving,
    guard::{Route, parse, refused},
    waits::Waits,
};
use crate::{ResponseBody, TransportError, coding::Decoded, drive::later, spool::Spool, trace::Trace};

/// How many redirects are followed, each checked like the URL itself.
const REDIRECTS: u32 = 5;

/// How much a try has to bring so that the next follows at once, in bytes.
const MUCH: u64 = 16 << 10;

/// The longest URL that a message names, in characters.
const LONGEST_URL: usize = 500;

/// Why a try failed, and whether another can help.
pub(super) struct Failure {
    kind: ErrorKind,
    message: String,
    source: Option<TransportError>,
    passes: bool,
    /// How long the server asks to wait.
    retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn lasting(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None, passes: false, retry_after: None }
    }

    pub(super) fn passing(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { passes: true, ..Self::lasting(kind, message) }
    }

    fn of(error: TransportError) -> Self {
        // What this machine lacks and what is too large stay so.
        let passes = !matches!(error.kind(), ErrorKind::Config | ErrorKind::TooLarge);
        Self { kind: error.kind(), message: error.sentence(), source: Some(error), passes, retry_after: None }
    }

    /// The failure of a URL, which is named without its query.
    fn about(self, url: &str) -> Error {
        let error = Error::new(self.kind, format!("{}: {}", self.message, named(url)));
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl From<Error> for Failure {
    /// A URL that is refused.
    fn from(error: Error) -> Self {
        Self::lasting(error.kind(), error.message())
    }
}

fn named(url: &str) -> String {
    let url = redact(url.split('#').next().unwrap_or_default());
    match url.char_indices().nth(LONGEST_URL) {
        Some((end, _)) => format!("{}…", &url[..end]),
        None => url,
    }
}

pub(super) async fn fetch(downloader: &Downloader, url: &str, spool: Spool, trace: &mut Trace) -> Result<ImageData> {
    let options = &downloader.options;
    let parsed = parse(url).map_err(|error| Failure::from(error).about(url))?;
    let until = later(Instant::now(), options.deadline);
    let mut arriving = Arriving::new(spool, options.max_bytes);
    let mut waits = Waits::new(options.waits, options.backoff);
    let mut furthest = None;
    let mut tried = 0;
    let failure = loop {
        tried += 1;
        trace.tries(tried);
        let ended = once(downloader, &parsed, until, &mut arriving, trace).await;
        let length = arriving.length();
        let failure = match ended.and_then(|()| arriving.check()) {
            Ok(()) => return Ok(arriving.complete().await),
            // Whatever was to follow, it is no part of the image.
            Err(failure) if failure.passes && arriving.has_ended() => return Ok(arriving.complete().await),
            Err(failure) => failure,
        };
        if !failure.passes {
            break failure;
        }
        let gained = furthest.map_or(0, |furthest| length.saturating_sub(furthest));
        furthest = furthest.max(Some(length));
        let wait = match gained {
            0 => waits.next(failure.retry_after),
            _ => waits.again(failure.retry_after).map(|wait| if gained < MUCH { wait } else { Duration::ZERO }),
        };
        match wait {
            Some(wait) if later(Instant::now(), wait) < until => tokio::time::sleep(wait).await,
            _ => break failure,
        }
    };
    let too_large = failure.kind == ErrorKind::TooLarge;
    let error = failure.about(url);
    if too_large {
        return Err(error);
    }
    match arriving.furthest().await {
        None => Err(error),
        // Of an image that was cut itself, the last failure says no more.
        Some(ImageData::Incomplete { data, reason }) => {
            let last = error.message();
            let reason = if last.starts_with(&reason) { last.to_owned() } else { format!("{reason}; {last}") };
            Ok(ImageData::Incomplete { data, reason })
        }
        Some(complete) => Ok(complete),
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
        let (mut head, body) = get(downloader, &url, until, arriving).await?.into_parts();
        trace.status(head.status);
        if head.status.is_success() && head.status != StatusCode::ACCEPTED {
            let labelled = head.headers.contains_key(header::CONTENT_ENCODING);
            // A part of an image may look like anything.
            let body = match head.status {
                StatusCode::PARTIAL_CONTENT => Decoded::untouched(body),
                _ => Decoded::new(&mut head.headers, body),
            };
            let coded = labelled && !head.headers.contains_key(header::CONTENT_ENCODING);
            let coded = coded || (labelled && head.status == StatusCode::PARTIAL_CONTENT);
            arriving.begin(head.status, &head.headers, coded)?;
            return read(downloader, body, until, arriving, trace).await;
        }
        if !matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(not_there(head.status, head.headers, arriving));
        }
        let target = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|target| url.join(target).ok());
        url = target.ok_or_else(|| Failure::from(refused("it redirects to nowhere")))?;
    }
    Err(refused("it redirects too often").into())
}

async fn get(
    downloader: &Downloader,
    url: &Url,
    until: Instant,
    arriving: &Arriving,
) -> Result<http::Response<ResponseBody>, Failure> {
    let route = downloader.guard.check(url)?;
    let transport = downloader.routes.as_ref().map(|Routes { own, public }| match route {
        Route::Own => own,
        Route::Public => public,
    });
    let transport = transport.ok_or_else(|| {
        let message =
            "result URLs cannot be fetched: enable the feature `reqwest` of seedream-client, or set a transport";
        Failure::lasting(ErrorKind::Unsupported, message)
    })?;
    let request = request(url, &downloader.user_agent, arriving.rest())?;
    match timeout_at(soon(downloader, until), transport.send(request)).await {
        Ok(Ok(response)) => Ok(response),
        #[cfg(feature = "reqwest")]
        Ok(Err(error)) if super::routes::is_caused_by_address(&error) => {
            Err(refused("its name has no public address").into())
        }
        Ok(Err(error)) => Err(Failure::of(error)),
        Err(_) => Err(too_slow(downloader, until)),
    }
}

fn request(url: &Url, user_agent: &HeaderValue, rest: HeaderMap) -> Result<http::Request<Bytes>, Failure> {
    let mut url = url.clone();
    url.set_fragment(None);
    let request = http::Request::get(url.as_str()).body(Bytes::new());
    let mut request = request.map_err(|error| Failure::from(refused(&format!("it cannot be sent: {error}"))))?;
    *request.headers_mut() = rest;
    request.headers_mut().insert(header::USER_AGENT, user_agent.clone());
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

async fn read(
    downloader: &Downloader,
    mut body: Decoded,
    until: Instant,
    arriving: &mut Arriving,
    trace: &mut Trace,
) -> Result<(), Failure> {
    let mut arrived = 0;
    loop {
        let frame = match timeout_at(soon(downloader, until), body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Failure::of(error)),
            Ok(None) => return Ok(()),
            // Compressed bytes come that give nothing yet.
            Err(_) if body.arrived() > arrived && Instant::now() < until => {
                arrived = body.arrived();
                continue;
            }
            Err(_) => return Err(too_slow(downloader, until)),
        };
        arrived = body.arrived();
        let Ok(bytes) = frame.into_data() else { continue };
        if body.was_coded() {
            arriving.is_coded();
        }
        trace.read(bytes.len());
        arriving.take(&bytes).await?;
    }
}

fn soon(downloader: &Downloader, until: Instant) -> Instant {
    until.min(later(Instant::now(), downloader.options.stall))
}

/// A transfer that took too long in all, or that stood still.
fn too_slow(downloader: &Downloader, until: Instant) -> Failure {
    let DownloadOptions { stall, deadline, .. } = &downloader.options;
    if Instant::now() >= until {
        let message = format!("the download was not complete within {} s", deadline.as_secs_f64());
        return Failure::lasting(ErrorKind::Timeout, message);
    }
    Failure::passing(ErrorKind::Timeout, format!("the download stalled for {} s", stall.as_secs_f64()))
}

fn not_there(status: StatusCode, headers: HeaderMap, arriving: &mut Arriving) -> Failure {
    let hint = match status.as_u16() {
        401 | 403 | 404 | 410 => ": the URL may have expired",
        202 => ": the picture is not there yet",
        _ => "",
    };
    let message = format!("the download was answered with HTTP {}{hint}", status.as_u16());
    // There is no such rest: what has arrived does not belong to what is there now.
    let other = status == StatusCode::RANGE_NOT_SATISFIABLE && arriving.start_over();
    let passes = other || status.is_server_error() || matches!(status.as_u16(), 202 | 404 | 408 | 425 | 429);
    let retry_after = Response::new(status, headers, Bytes::new(), Timestamp::now()).retry_after();
    Failure { passes, retry_after, ..Failure::lasting(ErrorKind::Server, message) }
}
