//! Fetches: tries, redirects, and transfers that break off.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use seedream_core::{ErrorKind, ImageData, Response, Result, Timestamp};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    download_routes::DownloadRoutes,
    downloader::Downloader,
    failure::FetchFailure,
    options::DownloadOptions,
    partial_image::PartialImage,
    retry_waits::RetryWaits,
    url_policy::{DownloadRoute, parse, refused},
};
use crate::{
    body::content_coding::DecodedBody,
    disk::Spool,
    trace::TraceSpan,
    transport::{ResponseBody, later},
};

/// How many redirects are followed, each checked like the URL itself.
const REDIRECTS: u32 = 5;

/// How much a try has to bring so that the next follows at once, in bytes.
const MUCH: u64 = 16 << 10;

impl Downloader {
    /// Fetches an image, with as many tries as its waits allow.
    pub(super) async fn fetch_traced(&self, url: &str, spool: Spool, trace: &mut TraceSpan) -> Result<ImageData> {
        let options = &self.options;
        let parsed = parse(url).map_err(|error| FetchFailure::from(error).about(url))?;
        let until = later(Instant::now(), options.deadline);
        let mut partial = PartialImage::new(spool, options.max_bytes);
        let mut waits = RetryWaits::new(options.waits, options.backoff);
        let mut furthest = None;
        let mut tried = 0;
        let failure = loop {
            tried += 1;
            trace.tries(tried);
            let ended = once(self, &parsed, until, &mut partial, trace).await;
            let length = partial.length();
            let failure = match ended.and_then(|()| partial.check()) {
                Ok(()) => return Ok(partial.complete().await),
                // What was to follow is not part of the image.
                Err(failure) if failure.passes && partial.has_ended() => return Ok(partial.complete().await),
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
        match partial.furthest().await {
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
}

/// Follows redirects to a body, and reads that.
async fn once(
    downloader: &Downloader,
    url: &Url,
    until: Instant,
    partial: &mut PartialImage,
    trace: &mut TraceSpan,
) -> Result<(), FetchFailure> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let (mut head, body) = get(downloader, &url, until, partial).await?.into_parts();
        trace.status(head.status);
        if head.status.is_success() && head.status != StatusCode::ACCEPTED {
            let labeled = head.headers.contains_key(header::CONTENT_ENCODING);
            // A part of an image may look like anything.
            let body = match head.status {
                StatusCode::PARTIAL_CONTENT => DecodedBody::untouched(body),
                _ => DecodedBody::new(&mut head.headers, body),
            };
            let coded = labeled && !head.headers.contains_key(header::CONTENT_ENCODING);
            let coded = coded || (labeled && head.status == StatusCode::PARTIAL_CONTENT);
            partial.begin(head.status, &head.headers, coded)?;
            return read(downloader, body, until, partial, trace).await;
        }
        if !matches!(head.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Err(not_there(head.status, head.headers, partial));
        }
        let target = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let target = target.and_then(|target| url.join(target).ok());
        url = target.ok_or_else(|| FetchFailure::from(refused("it redirects to nowhere")))?;
    }
    Err(refused("it redirects too often").into())
}

async fn get(
    downloader: &Downloader,
    url: &Url,
    until: Instant,
    partial: &PartialImage,
) -> Result<http::Response<ResponseBody>, FetchFailure> {
    let route = downloader.policy.check(url)?;
    let transport = downloader.routes.as_ref().map(|DownloadRoutes { own, public }| match route {
        DownloadRoute::Own => own,
        DownloadRoute::Public => public,
    });
    let transport = transport.ok_or_else(|| {
        let message =
            "result URLs cannot be fetched: enable the feature `reqwest` of seedream-client, or set a transport";
        FetchFailure::lasting(ErrorKind::Unsupported, message)
    })?;
    let request = request(url, &downloader.user_agent, partial.rest())?;
    match timeout_at(soon(downloader, until), transport.send(request)).await {
        Ok(Ok(response)) => Ok(response),
        #[cfg(feature = "reqwest")]
        Ok(Err(error)) if super::public_routes::is_caused_by_address(&error) => {
            Err(refused("its name has no public address").into())
        }
        Ok(Err(error)) => Err(FetchFailure::of(error)),
        Err(_) => Err(too_slow(downloader, until)),
    }
}

fn request(url: &Url, user_agent: &HeaderValue, rest: HeaderMap) -> Result<http::Request<Bytes>, FetchFailure> {
    let mut url = url.clone();
    url.set_fragment(None);
    let request = http::Request::get(url.as_str()).body(Bytes::new());
    let mut request = request.map_err(|error| FetchFailure::from(refused(&format!("it cannot be sent: {error}"))))?;
    *request.headers_mut() = rest;
    request.headers_mut().insert(header::USER_AGENT, user_agent.clone());
    request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(request)
}

async fn read(
    downloader: &Downloader,
    mut body: DecodedBody,
    until: Instant,
    partial: &mut PartialImage,
    trace: &mut TraceSpan,
) -> Result<(), FetchFailure> {
    let mut arrived = 0;
    loop {
        let frame = match timeout_at(soon(downloader, until), body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(FetchFailure::of(error)),
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
            partial.is_coded();
        }
        trace.read(bytes.len());
        partial.take(&bytes).await?;
    }
}

fn soon(downloader: &Downloader, until: Instant) -> Instant {
    until.min(later(Instant::now(), downloader.options.stall))
}

/// A transfer that took too long in all, or that stood still.
fn too_slow(downloader: &Downloader, until: Instant) -> FetchFailure {
    let DownloadOptions { stall, deadline, .. } = &downloader.options;
    if Instant::now() >= until {
        let message = format!("the download was not complete within {} s", deadline.as_secs_f64());
        return FetchFailure::lasting(ErrorKind::Timeout, message);
    }
    FetchFailure::passing(ErrorKind::Timeout, format!("the download stalled for {} s", stall.as_secs_f64()))
}

fn not_there(status: StatusCode, headers: HeaderMap, partial: &mut PartialImage) -> FetchFailure {
    let hint = match status.as_u16() {
        401 | 403 | 404 | 410 => ": the URL may have expired",
        202 => ": the image is not there yet",
        _ => "",
    };
    let message = format!("the download failed with HTTP {}{hint}", status.as_u16());
    // There is no such rest: what has arrived does not belong to what is there now.
    let other = status == StatusCode::RANGE_NOT_SATISFIABLE && partial.start_over();
    let passes = other || status.is_server_error() || matches!(status.as_u16(), 202 | 404 | 408 | 425 | 429);
    let retry_after = Response::new(status, headers, Bytes::new(), Timestamp::now()).retry_after();
    let mut failure = FetchFailure::lasting(ErrorKind::Server, message);
    (failure.passes, failure.retry_after) = (passes, retry_after);
    failure
}
