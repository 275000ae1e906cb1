//! The effect of a fault: what replaces a response, and what is done to one.

use bytes::Bytes;
use http::Uri;

use crate::faults::grammar::Fault;
use crate::faults::shape_words::{LengthFault, Truncation};
use crate::response::chunk::{Chunk, ChunkContent};
use crate::response::content_coding;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::html_page::html_page;

/// Bytes that are not JSON.
const GARBAGE: &[u8] = b"\x00\xff\xfe{[\"created\": mock garbage \x80";

/// The beginning of a gzip stream.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";

/// How much padding is one chunk.
const PADDING: usize = 1 << 20;

/// The page of a gateway, or a redirect, where one stands instead of the response. A redirect leads to the same URI if the fault does
/// not say.
pub(crate) fn instead(fault: &Fault, uri: &Uri) -> Option<EndpointResponse> {
    if let Some(status) = fault.html {
        return Some(EndpointResponse::new(status, "text/html", vec![Chunk::text(html_page(status))]));
    }
    let status = fault.redirect?;
    let same = || uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let mut response = EndpointResponse::new(status, "text/plain", Vec::new());
    response.headers.push((String::from("location"), fault.to.clone().unwrap_or_else(same)));
    Some(response)
}

/// Does to a response what a fault says.
pub(crate) fn apply(mut response: EndpointResponse, fault: &Fault) -> EndpointResponse {
    let mut header = |name: &str, value: &str| response.headers.push((name.to_owned(), value.to_owned()));
    if let Some(value) = &fault.retry_after {
        header("retry-after", value);
    }
    if let Some(retry) = fault.should_retry {
        header("x-should-retry", if retry { "true" } else { "false" });
    }
    if fault.broken_gzip {
        header("content-encoding", "gzip");
        response.chunks.insert(0, Chunk::text(GZIP));
    }
    if fault.garbage {
        response.content_type = "application/json".into();
        response.chunks = vec![Chunk::text(GARBAGE)];
    }
    if fault.empty {
        response.chunks.clear();
    }
    if let Some(label) = &fault.label {
        response.content_type = label.clone().into();
    }
    if fault.garbage || fault.empty || fault.length == Some(LengthFault::Wrong) {
        response.streamed = false;
    }
    if let Some(bytes) = fault.oversize {
        response.streamed = true;
        response.chunks.extend(padding(bytes));
    }
    if let Some(cut) = fault.truncate {
        response.chunks = truncated(response.chunks, cut);
    }
    if fault.empty || fault.garbage || fault.truncate.is_some() {
        response.repeats = None;
    }
    content_coding::pack(response, &fault.coding)
}

/// This many spaces, which JSON allows.
fn padding(bytes: u64) -> impl Iterator<Item = Chunk> {
    let block = Bytes::from(vec![b' '; PADDING.min(usize::try_from(bytes).unwrap_or(PADDING))]);
    let whole = bytes / PADDING as u64;
    let rest = block.slice(..(bytes % PADDING as u64) as usize);
    let blocks = std::iter::repeat_n(block, usize::try_from(whole).unwrap_or(usize::MAX));
    blocks.chain((!rest.is_empty()).then_some(rest)).map(Chunk::text)
}

/// A body's beginning.
fn truncated(chunks: Vec<Chunk>, cut: Truncation) -> Vec<Chunk> {
    let after = chunks.iter().map(|chunk| chunk.after).sum();
    let whole = ChunkContent::Joined(chunks.into_iter().map(|chunk| chunk.content).collect());
    vec![Chunk { after, content: ChunkContent::Beginning(Box::new(whole), cut) }]
}

#[cfg(test)]
mod tests {
    use super::padding;

    #[test]
    fn padding_has_its_length() {
        for bytes in [0u64, 1, 5, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let length: usize = padding(bytes).map(|chunk| chunk.content.bytes(|_| unreachable!()).len()).sum();
            assert_eq!(length as u64, bytes);
        }
    }
}
