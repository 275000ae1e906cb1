//! How many bytes of a connection a body takes.

use seedream_fixtures::WireFraming;

/// How many bytes of a connection a body takes that is sent in pieces of these lengths, without what ends it.
pub(crate) fn wire_length(framing: WireFraming, pieces: impl Iterator<Item = usize>) -> u64 {
    let frame = |length: usize| match framing {
        // The length in hexadecimal digits, and two ends of lines.
        WireFraming::Chunked => format!("{length:X}").len() + 4,
        WireFraming::Length | WireFraming::Close => 0,
    };
    pieces.map(|length| (frame(length) + length) as u64).sum()
}
