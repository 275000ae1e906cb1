//! Responses that come compressed, or say so.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::lift::Response;
use crate::input::split;

/// The labels that the first byte chooses from. Seeds are packed in the order of the first five.
const LABELS: [&str; 8] = ["identity", "gzip", "deflate", "deflate", "zstd", "br", "gzip, br", ""];

/// How far a client lets a response unpack: a thousand times its length, and what is free, in bytes.
const MOST: (usize, usize) = (1000, 2 << 20);

/// A body, with a label that the first byte chooses; a high bit asks for a stream.
pub fn run(input: &[u8]) {
    let (choice, body) = split(input);
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let label = LABELS[usize::from(choice) % LABELS.len()];
    if !label.is_empty() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(label));
    }
    let dialect = &seedream::dialect("ark").expect("it is there");
    let length = MOST.0 * body.len() + MOST.1;
    let body = Bytes::copy_from_slice(body);
    Response { dialect, stream: choice & 0x80 != 0, headers, body, length }.is_read_alike(choice);
}
