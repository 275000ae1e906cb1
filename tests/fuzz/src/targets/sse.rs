//! The parser of server-sent events.

use seedream::seedream_core::sse::{Frame, Parser};

use crate::input::{chunkings, split};

/// Bytes of a stream, in chunks of a length that the first byte chooses.
pub fn run(input: &[u8]) {
    let (choice, bytes) = split(input);
    let whole = read([bytes]);
    for size in chunkings(choice, bytes.len()) {
        assert_eq!(read(bytes.chunks(size)), whole, "chunks of {size} bytes");
    }
    let text: usize = whole.iter().map(|frame| frame.data.len() + frame.event.as_ref().map_or(0, String::len)).sum();
    // A byte that is not UTF-8 becomes a character of three.
    assert!(text <= 3 * bytes.len(), "{text} bytes of events from {}", bytes.len());
    assert!(whole.len() <= bytes.len());
}

/// The events of a stream that comes in chunks.
pub(crate) fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Frame> {
    let mut parser = Parser::new();
    let mut frames: Vec<_> = chunks.into_iter().flat_map(|chunk| parser.feed(chunk)).collect();
    frames.extend(parser.finish());
    frames
}
