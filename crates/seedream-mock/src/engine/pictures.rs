//! Downloads of pictures.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use super::answer::Answer;
use super::faults::{self, Chosen, Sources};
use super::handle::{header, target};
use super::script::{Chunk, Content};
use super::{Engine, images_url, ranges, spoil};
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
        (None, Ok(picture)) => match fault.picture {
            Some(PictureFault::CloseEvery) => broken_off(request, &picture, Some(ranges::tag(path))),
            Some(PictureFault::CloseEveryUntagged) => broken_off(request, &picture, None),
            flaw => whole(picture, flaw),
        },
        (None, Err(refusal)) => refused(403, "AccessDenied", refusal.message(), request_id),
    };
    if request.headers().contains_key(http::header::AUTHORIZATION) {
        answer.notes.push("a key was sent to a result URL; it was ignored".into());
    }
    answer
}

/// A file in one piece, right or wrong.
fn whole(picture: Picture, flaw: Option<PictureFault>) -> Answer {
    let html = flaw == Some(PictureFault::Html);
    let media_type = if html { "text/html" } else { picture.format.media_type() };
    let content = Content::Picture(picture).flawed(flaw);
    let until_close = flaw == Some(PictureFault::Cut);
    Answer { until_close, ..Answer::new(200, media_type, vec![Chunk::now(content)]) }
}

/// A file whose connection closes before its end, so that the rest must be asked for.
fn broken_off(request: &Request<Bytes>, picture: &Picture, tag: Option<String>) -> Answer {
    let media_type = picture.format.media_type();
    let mut answer = if ranges::asks(request.headers(), tag.as_deref()) {
        ranges::part(request.headers(), &picture.render(), media_type)
    } else {
        Answer::new(200, media_type, vec![Chunk::now(Content::Picture(picture.clone()))])
    };
    answer.headers.push((String::from("accept-ranges"), String::from("bytes")));
    answer.headers.extend(tag.map(|tag| (String::from("etag"), tag)));
    answer.closes = Some(Place::Body(PART));
    answer
}

fn refused(status: u16, code: &str, message: &str, request_id: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{request_id}</RequestId></Error>"
    );
    Answer::new(status, "application/xml", vec![Chunk::text(body)])
}
