//! Downloads of images.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde::Serialize;

use crate::endpoints::ranges;
use crate::endpoints::ranges::{FailedPrecondition, RequestedRange};
use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::faults::notation::{FaultError, parse};
use crate::faults::select::{FaultSources, SelectedFaults};
use crate::faults::word_values::{BytePosition, ConnectionEnd, FaultTarget, ImageFault};
use crate::faults::{apply, select};
use crate::image::signed_url;
use crate::image::test_image::TestImage;
use crate::request::address;
use crate::request::address::Address;
use crate::response::chunk::{Chunk, ChunkContent};
use crate::response::endpoint_response::EndpointResponse;

/// How much of a file comes before its connection closes.
const PART: u64 = 64 * 1024;

/// The faults of a download: those of its header, its URL and its session.
pub(crate) fn faults(
    services: &Services,
    session: &str,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<SelectedFaults, FaultError> {
    // An altered URL fails by its signature, so faults that cannot be read are ignored here.
    let carried = parse(&signed_url::faults(request.uri().query().unwrap_or_default())).unwrap_or_default();
    let sources = FaultSources {
        header: select::header(request.headers()),
        carried,
        name: request.uri().path(),
        ..FaultSources::default()
    };
    select::choose(services, session, now, FaultTarget::Image, sources)
}

/// Answers a download; `path` is the one that was signed.
pub(crate) fn respond(
    services: &Services,
    now: Timestamp,
    request: &Request<Bytes>,
    path: &str,
    request_id: &str,
    fault: &Fault,
) -> EndpointResponse {
    if let Some(response) = apply::instead(fault, request.uri()) {
        return response;
    }
    let query = request.uri().query().unwrap_or_default();
    let mut response = match (fault.status, services.signer.open(request.method(), path, query, now)) {
        (Some(status), _) => {
            let code = fault.code.as_deref().unwrap_or("InternalError");
            refused(status, code, fault.message.as_deref().unwrap_or("The download failed."), request_id)
        }
        (None, Ok(image)) if fault.alters_file() => whole(image, fault.image),
        (None, Ok(image)) => stored(services, request, path, image, fault.image, request_id),
        (None, Err(refusal)) => {
            let (code, message) = refusal.response_words();
            EndpointResponse { notes: vec![refusal.note(query)], ..refused(403, code, message, request_id) }
        }
    };
    if request.headers().contains_key(http::header::AUTHORIZATION) {
        response.notes.push("a key was sent to a result URL; it was ignored".into());
    }
    response
}

/// The image of which a request asks for a part: it is rendered before the response can be decided.
pub(crate) fn partial(services: &Services, now: Timestamp, request: &Request<Bytes>) -> Option<TestImage> {
    if !request.headers().contains_key(http::header::RANGE) {
        return None;
    }
    let path = signed_path(&Address::read(request.uri().path()), request)?;
    services.signer.open(request.method(), &path, request.uri().query()?, now).ok()
}

/// The path of an image as it was signed, if a request asks for one.
pub(crate) fn signed_path<'r>(address: &Address<'r>, request: &'r Request<Bytes>) -> Option<Cow<'r, str>> {
    match address.prefix {
        address::FOLDER => Some(Cow::Borrowed(request.uri().path())),
        _ => address::nested(address.session.unwrap_or(address::DEFAULT_SESSION), address.below),
    }
}

/// A damaged file, in one piece: its parts do not match those of the intact file.
fn whole(image: TestImage, flaw: Option<ImageFault>) -> EndpointResponse {
    let html = flaw == Some(ImageFault::Html);
    let media_type = if html { "text/html" } else { image.format.media_type() };
    let content = ChunkContent::Image(image).flawed(flaw);
    let until_close = flaw == Some(ImageFault::Cut);
    EndpointResponse { until_close, ..EndpointResponse::new(200, media_type, vec![Chunk::now(content)]) }
}

/// A file as an object store delivers it: with its tag, in ranges, under conditions.
fn stored(
    services: &Services,
    request: &Request<Bytes>,
    path: &str,
    image: TestImage,
    flaw: Option<ImageFault>,
    request_id: &str,
) -> EndpointResponse {
    let tag = (flaw != Some(ImageFault::CloseEveryUntagged)).then(|| ranges::tag(path));
    let headers = request.headers();
    let unmet = tag.as_deref().and_then(|tag| ranges::unmet(headers, tag));
    let media_type = image.format.media_type();
    let mut response = match unmet {
        Some(FailedPrecondition::Unmodified) => EndpointResponse::new(304, media_type, Vec::new()),
        Some(FailedPrecondition::Modified) => {
            refused(412, "PreconditionFailed", "At least one of the preconditions did not hold.", request_id)
        }
        None if ranges::asks(headers, tag.as_deref()) => {
            part(headers, &services.images.render(&image), media_type, request_id)
        }
        None => EndpointResponse::new(200, media_type, vec![Chunk::now(ChunkContent::Image(image))]),
    };
    response.headers.push((String::from("accept-ranges"), String::from("bytes")));
    response.headers.extend(tag.map(|tag| (String::from("etag"), tag)));
    // A connection that closes before the end of its file, so that the rest must be asked for.
    response.closes = flaw.map(|_| (ConnectionEnd::Close, BytePosition::Body(PART)));
    response
}

/// The part of a file that a request asks for.
fn part(headers: &HeaderMap, file: &Bytes, media_type: &'static str, request_id: &str) -> EndpointResponse {
    let length = file.len();
    let (place, mut response) = match ranges::wanted(headers, length) {
        RequestedRange::Whole => return EndpointResponse::new(200, media_type, vec![Chunk::text(file.clone())]),
        RequestedRange::Part(range) => {
            let place = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            (place, EndpointResponse::new(206, media_type, vec![Chunk::text(file.slice(range))]))
        }
        RequestedRange::Beyond => {
            let message = "The requested range cannot be satisfied.";
            (format!("bytes */{length}"), refused(416, "InvalidRange", message, request_id))
        }
    };
    response.headers.push((String::from("content-range"), place));
    response
}

/// An error in the store's form.
fn refused(status: u16, code: &str, message: &str, request_id: &str) -> EndpointResponse {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Error<'a> {
        code: &'a str,
        request_id: &'a str,
        host_id: &'static str,
        message: &'a str,
    }
    EndpointResponse::value(status, &Error { code, request_id, host_id: "mock", message })
}
