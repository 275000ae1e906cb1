//! Decoding of whole responses by every adapter.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use seedream::seedream_core::{Checked, Dialect, Response, TaskId, TaskState, Timestamp, json};
use seedream::{Charge, Error, Generation, ImageData, ImageRequest, Strictness, Task};
use seedream_core::Decoded;

use crate::input::split;

/// The statuses that the first byte chooses from.
const STATUSES: [u16; 16] = [200, 200, 201, 202, 206, 302, 400, 401, 402, 403, 404, 408, 422, 429, 500, 503];

/// Set in the first byte where the connection broke behind the body.
const BROKEN: u8 = 0x80;

/// The first byte of a response with this status.
pub(crate) fn choice(status: u16) -> u8 {
    let at = STATUSES.iter().position(|known| *known == status).unwrap_or(0);
    u8::try_from(at).expect("there are few statuses")
}

/// An adapter and a request that it takes.
pub(crate) struct Asked {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) request: Checked,
    task: Task,
}

/// Every adapter with a request for two images.
pub(crate) static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let dialects = seedream::dialects();
    dialects.into_iter().map(|dialect| asked(dialect, 2)).collect()
});

pub(crate) fn asked(dialect: Arc<dyn Dialect>, count: u32) -> Asked {
    let descriptor = dialect.descriptor();
    let request = ImageRequest::new(&descriptor.default_model, "a lighthouse in fog").count(count);
    let request = dialect.capabilities(&request.model).check(&request, Strictness::Lenient).expect("it breaks no rule");
    let id = TaskId::new("task-1").expect("it is an id");
    let task = Task::new(&descriptor.id, &*descriptor.base_urls[0], id, request.model().clone());
    Asked { dialect, request, task }
}

/// What a response amounts to.
enum Read {
    Images(Box<Generation>),
    Task,
    Error(Error),
}

/// A body, with a status that the first byte chooses.
pub fn run(input: &[u8]) {
    let (choice, body) = split(input);
    let status = StatusCode::from_u16(STATUSES[usize::from(choice) % STATUSES.len()]).expect("they are statuses");
    let mut response = response(status, body);
    response.truncated = choice & BROKEN != 0;
    // As the client does it before an adapter sees a response.
    let response = response.mended();
    for asked in &*ASKED {
        let read = decode(asked, &response);
        check(&read, &response);
        poll(asked, &response);
        if let Read::Images(whole) = read
            && json::is_strict(body)
        {
            cuts(asked, &whole, body);
        }
    }
}

fn response(status: StatusCode, body: &[u8]) -> Response {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let at = Timestamp::from_unix_seconds(1_800_000_000).expect("it is a time");
    Response::new(status, headers, body.to_vec(), at)
}

fn decode(asked: &Asked, response: &Response) -> Read {
    match asked.dialect.decode(&asked.request, response) {
        Ok(Decoded::Done(generation)) => Read::Images(generation.into()),
        Ok(_) => Read::Task,
        Err(error) => Read::Error(error),
    }
}

fn check(read: &Read, response: &Response) {
    let success = response.status.is_success();
    let exact = response.is_whole() && json::is_strict(&response.body);
    match read {
        Read::Images(generation) => {
            assert!(success, "only a success has images");
            assert!(generation.images().next().is_some(), "a generation has an image");
            generation_is_sound(generation, response.body.len());
            assert!(exact || generation.charge() != Charge::No, "what was not read whole may cost something");
        }
        Read::Task => assert!(success, "only a success is an acceptance"),
        Read::Error(error) => {
            let refused = !success || error.kind().is_refusal();
            assert!(exact || refused || error.charge() != Charge::No, "what was not read whole may cost something");
            error_is_sound(error, response.body.len());
        }
    }
}

/// Whether what is shown of an error, and what it holds, is in proportion to the response.
pub(crate) fn error_is_sound(error: &Error, length: usize) {
    let shown = error.to_string().len() + format!("{error:?}").len();
    assert!(shown <= 4096 + 16 * length, "{shown} bytes are said of {length}");
    if let Some(generation) = error.generation() {
        generation_is_sound(generation, length);
    }
}

/// Whether outcomes are in order and in proportion to the response.
pub(crate) fn generation_is_sound(generation: &Generation, length: usize) {
    assert!(generation.outcomes.len() <= length, "{} outcomes of {length} bytes", generation.outcomes.len());
    let size: usize = generation.images().map(|image| held(&image.data)).sum();
    // A link that is not absolute becomes one.
    let allowed = 4 * length + 512 * generation.outcomes.len();
    assert!(size <= allowed, "{size} bytes of images from {length}");
    let said: usize = generation.warnings.iter().map(|warning| warning.message.len()).sum();
    let said = said + generation.failures().map(|failure| failure.message.len()).sum::<usize>();
    assert!(said <= 4096 + 256 * length, "{said} bytes are said of {length}");
}

fn held(data: &ImageData) -> usize {
    match data {
        ImageData::Url { url, .. } => url.len(),
        ImageData::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

fn poll(asked: &Asked, response: &Response) {
    let Some(tasks) = asked.dialect.tasks() else { return };
    let exact = response.is_whole() && json::is_strict(&response.body);
    match tasks.decode_poll(&asked.task, response) {
        Ok(TaskState::Done(generation)) => generation_is_sound(&generation, response.body.len()),
        Ok(TaskState::Failed(error)) => {
            let refused = !response.status.is_success() || error.kind().is_refusal();
            assert!(exact || refused || error.charge() != Charge::No, "what was not read whole may cost something");
            error_is_sound(&error, response.body.len());
        }
        Ok(TaskState::Running { found: Some(generation), .. }) => generation_is_sound(&generation, response.body.len()),
        Ok(_) => {}
        Err(error) => error_is_sound(&error, response.body.len()),
    }
}

fn is_link_to(data: &ImageData, expected: &str) -> bool {
    matches!(data, ImageData::Url { url, .. } if url == expected)
}

/// An image whose URL was complete when the connection broke is delivered.
fn cuts(asked: &Asked, whole: &Generation, body: &[u8]) {
    for image in whole.images() {
        let ImageData::Url { url, .. } = &image.data else { continue };
        let quoted = format!("\"{url}\"");
        let Some(at) = memchr::memmem::rfind(body, quoted.as_bytes()) else { continue };
        let mut cut = response(StatusCode::OK, &body[..at + quoted.len()]);
        cut.truncated = true;
        let delivered = match decode(asked, &cut.mended()) {
            Read::Images(generation) => generation.images().any(|other| is_link_to(&other.data, url)),
            _ => false,
        };
        assert!(delivered, "{} loses {url}, which was complete before the cut", asked.dialect.descriptor().id);
    }
}
