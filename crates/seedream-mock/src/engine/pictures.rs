//! Downloads of pictures.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::Answer;
use super::faults::{self, Chosen, Sources};
use super::handle::{header, target};
use super::ranges::{Unmet, Wanted};
use super::route::Address;
use super::script::{Chunk, Content};
use super::{Engine, images_url, ranges, route, spoil};
use crate::fault::{Fault, FaultError, On, PictureFault, Place, parse};
use crate::picture::Picture;

/// How much of a file comes before its connection closes.
const PART: u64 = 64 * 1024;

/// What goes wrong with a download: what its header says, what its URL carries, what its session has.
pub(crate) fn faults(
    engine: &Engine,
    session: &str,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Result<Chosen, FaultError> {
    // A URL is altered by others only at the price of its signature, which is told apart from a fault.
    let carried = parse(&images_url::faults(request.uri().query().unwrap_or_default())).unwrap_or_default();
    let sources = Sources { header: header(request), carried, name: request.uri().path(), ..Sources::default() };
    faults::choose(engine, session, now, On::Picture, sources)
}

/// Answers a download; `path` is the one that was signed.
pub(crate) fn answer(
    engine: &Engine,
    now: Timestamp,
    request: &Request<Bytes>,
    path: &str,
    request_id: &str,
    fault: &Fault,
) -> Answer {
    if let Some(answer) = spoil::instead(fault, target(request)) {
        return answer;
    }
    let query = request.uri().query().unwrap_or_default();
    let mut answer = match (fault.status, engine.signer().open(request.method(), path, query, now)) {
        (Some(status), _) => {
            let code = fault.code.as_deref().unwrap_or("InternalError");
            refused(status, code, fault.message.as_deref().unwrap_or("The download failed."), request_id)
        }
        (None, Ok(picture)) if fault.alters_file() => whole(picture, fault.picture),
        (None, Ok(picture)) => stored(engine, request, path, picture, fault.picture, request_id),
        (None, Err(refusal)) => {
            let (code, message) = refusal.told();
            Answer { notes: vec![refusal.note(query)], ..refused(403, code, message, request_id) }
        }
    };
    if request.headers().contains_key(http::header::AUTHORIZATION) {
        answer.notes.push("a key was sent to a result URL; it was ignored".into());
    }
    answer
}

/// The image of which a request asks for a part: it is rendered before the answer can be decided.
pub(crate) fn parted(engine: &Engine, now: Timestamp, request: &Request<Bytes>) -> Option<Picture> {
    if !request.headers().contains_key(http::header::RANGE) {
        return None;
    }
    let path = signed_path(&Address::read(request.uri().path()), request)?;
    engine.signer().open(request.method(), &path, request.uri().query()?, now).ok()
}

/// The path of an image as it was signed, if a request asks for one.
pub(crate) fn signed_path<'r>(address: &Address<'r>, request: &'r Request<Bytes>) -> Option<Cow<'r, str>> {
    match address.house {
        images_url::FOLDER => Some(Cow::Borrowed(request.uri().path())),
        _ => images_url::nested(address.session.unwrap_or(route::DEFAULT_SESSION), address.below),
    }
}

/// A file that is wrong, in one piece: no part of it fits a part of the file that is right.
fn whole(picture: Picture, flaw: Option<PictureFault>) -> Answer {
    let html = flaw == Some(PictureFault::Html);
    let media_type = if html { "text/html" } else { picture.format.media_type() };
    let content = Content::Picture(picture).flawed(flaw);
    let until_close = flaw == Some(PictureFault::Cut);
    Answer { until_close, ..Answer::new(200, media_type, vec![Chunk::now(content)]) }
}

/// A file as an object store answers it: with its tag, in parts, under conditions.
fn stored(
    engine: &Engine,
    request: &Request<Bytes>,
    path: &str,
    picture: Picture,
    flaw: Option<PictureFault>,
    request_id: &str,
) -> Answer {
    let tag = (flaw != Some(PictureFault::CloseEveryUntagged)).then(|| ranges::tag(path));
    let headers = request.headers();
    let unmet = tag.as_deref().and_then(|tag| ranges::unmet(headers, tag));
    let media_type = picture.format.media_type();
    let mut answer = match unmet {
        Some(Unmet::Unmodified) => Answer::new(304, media_type, Vec::new()),
        Some(Unmet::Modified) => {
            refused(412, "PreconditionFailed", "At least one of the preconditions did not hold.", request_id)
        }
        None if ranges::asks(headers, tag.as_deref()) => {
            part(headers, &engine.render(&picture), media_type, request_id)
        }
        None => Answer::new(200, media_type, vec![Chunk::now(Content::Picture(picture))]),
    };
    answer.headers.push((String::from("accept-ranges"), String::from("bytes")));
    answer.headers.extend(tag.map(|tag| (String::from("etag"), tag)));
    // A connection that closes before the end of its file, so that the rest must be asked for.
    answer.closes = flaw.map(|_| Place::Body(PART));
    answer
}

/// The part of a file that a request asks for.
fn part(headers: &HeaderMap, file: &Bytes, media_type: &'static str, request_id: &str) -> Answer {
    let length = file.len();
    let (place, mut answer) = match ranges::wanted(headers, length) {
        Wanted::Whole => return Answer::new(200, media_type, vec![Chunk::text(file.clone())]),
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            (place, Answer::new(206, media_type, vec![Chunk::text(file.slice(range))]))
        }
        Wanted::Beyond => {
            let message = "The requested range cannot be satisfied.";
            (format!("bytes */{length}"), refused(416, "InvalidRange", message, request_id))
        }
    };
    answer.headers.push((String::from("content-range"), place));
    answer
}

/// An error in the store's form.
fn refused(status: u16, code: &str, message: &str, request_id: &str) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Error<'a> {
        code: &'a str,
        request_id: &'a str,
        host_id: &'static str,
        message: &'a str,
    }
    Answer::value(status, &Error { code, request_id, host_id: "mock", message })
}
