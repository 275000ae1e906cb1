//! Responses read by a client: images are lifted out while the bytes arrive, and what is left is decoded.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use seedream::seedream_core::Dialect;
use seedream::{Charge, ErrorKind, Generation, ImageData, ImageProvider as _, ImageRequest};

use super::decode::{error_is_sound, generation_is_sound};
use crate::{
    input::{chunkings, split},
    scripted_client::{self, Scripted},
};

const ACCEPTED: &str = r#"{"id":"task-unified-1-a","status":"pending","task_info":{"estimated_time":1}}"#;

/// The most long strings of one body.
const MOST: usize = 8;

/// A body; the first byte chooses the adapter, whether a stream is asked for, and the chunks.
///
/// A byte below 5 stands for a long string, which few mutations would find: see [`expanded`].
pub fn run(input: &[u8]) {
    let (choice, body) = split(input);
    let dialects = seedream::dialects();
    let dialect = &dialects[usize::from(choice) % dialects.len()];
    let body = expanded(body);
    let content_type = if choice & 0x40 == 0 { "application/json" } else { "text/event-stream" };
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    let response = Response { dialect, stream: choice & 0x80 != 0, headers, length: body.len(), body };
    let whole = response.is_read_alike(choice);
    let broken = response.read(usize::MAX, true);
    if dialect.tasks().is_none() {
        assert_eq!(broken.images, whole.images, "what came before the break is delivered");
    }
    assert_ne!(broken.charge, Charge::No, "what was not read whole may cost something");
}

/// A success that responds to a purchase, or a poll of a task.
pub(crate) struct Response<'a> {
    pub(crate) dialect: &'a Arc<dyn Dialect>,
    /// Whether a stream is asked for, where the adapter has any.
    pub(crate) stream: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What the size of an outcome is measured by, in bytes.
    pub(crate) length: usize,
}

/// What is compared of an outcome: neither times nor tokens.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    images: Vec<(u32, Vec<u8>)>,
    failures: Vec<(u32, ErrorKind, Option<String>)>,
    error: Option<(ErrorKind, Option<String>)>,
    charge: Charge,
}

impl Response<'_> {
    /// What it amounts to, which must be the same in chunks of any length.
    pub(crate) fn is_read_alike(&self, choice: u8) -> Read {
        let whole = self.read(usize::MAX, false);
        for size in chunkings(choice, self.body.len()) {
            assert_eq!(self.read(size, false), whole, "chunks of {size} bytes");
        }
        whole
    }

    fn read(&self, chunk: usize, broken: bool) -> Read {
        let accepted = self.dialect.tasks().map(|_| ACCEPTED);
        let (headers, body, purchases) = (self.headers.clone(), self.body.clone(), AtomicUsize::new(0));
        let scripted = Arc::new(Scripted { accepted, headers, body, chunk, broken, purchases });
        let client = scripted_client::client(self.dialect.clone(), scripted.clone());
        let request = ImageRequest::new(&self.dialect.descriptor().default_model, "a lighthouse in fog").count(2);
        let streams = self.stream && self.dialect.streaming().is_some();
        let request = if streams { request.stream(true) } else { request };
        let outcome = scripted_client::run(client.generate(request));
        assert_eq!(scripted.purchases.load(Ordering::Relaxed), 1, "a success is not bought again");
        match outcome {
            Ok(generation) => {
                // An acceptance has a length of its own.
                generation_is_sound(&generation, self.length.max(256));
                Read { charge: generation.charge(), error: None, ..of(&generation) }
            }
            Err(error) => {
                error_is_sound(&error, self.length.max(256));
                let told = Some((error.kind(), error.code().map(str::to_owned)));
                let empty = Read { images: Vec::new(), failures: Vec::new(), error: None, charge: Charge::No };
                Read { error: told, charge: error.charge(), ..error.generation().map_or(empty, of) }
            }
        }
    }
}

fn of(generation: &Generation) -> Read {
    let images = generation.images().map(|image| (image.index, bytes(&image.data)));
    let failures = generation.failures().map(|failure| (failure.index, failure.kind, failure.code.clone()));
    Read { images: images.collect(), failures: failures.collect(), error: None, charge: Charge::No }
}

fn bytes(data: &ImageData) -> Vec<u8> {
    match data {
        ImageData::Url { url, .. } => url.clone().into_bytes(),
        ImageData::Bytes(bytes) => bytes.to_vec(),
        ImageData::Incomplete { data, .. } => bytes(data),
        other => panic!("there is no directory for {other:?}"),
    }
}

/// The body with a long string for each of its first bytes below 5: base64 of a PNG, of a JPEG, in the alphabet of URLs, and of what
/// is no image; 0 stays.
fn expanded(body: &[u8]) -> Bytes {
    static LONG: LazyLock<[String; 4]> = LazyLock::new(|| {
        let noise = |start: &[u8]| {
            let mut state = 1_u32;
            let rest = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            });
            start.iter().copied().chain(rest).take(900).collect::<Vec<_>>()
        };
        let png = noise(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        let url_safe = STANDARD.encode(&png).replace('+', "-").replace('/', "_");
        [
            STANDARD.encode(&png),
            STANDARD.encode(noise(b"\xff\xd8\xff\xe0\0\x10JFIF")),
            url_safe,
            STANDARD.encode(noise(b"")),
        ]
    });
    let mut expanded = Vec::with_capacity(body.len());
    let mut left = MOST;
    for byte in body {
        match byte {
            1..5 if left > 0 => {
                left -= 1;
                expanded.extend_from_slice(LONG[usize::from(byte - 1)].as_bytes());
            }
            _ => expanded.push(*byte),
        }
    }
    expanded.into()
}
