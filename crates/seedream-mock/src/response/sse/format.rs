//! Writing events: the ordinary form, and every other one that a reader of such streams has to bear.

use std::time::Duration;

use bytes::Bytes;

use crate::faults::grammar::Fault;
use crate::faults::shape_words::StreamFault;
use crate::faults::word_values::SseFault;
use crate::json::ordered::OrderedValue;
use crate::response::chunk::{Chunk, ChunkContent, splice};
use crate::response::sse::frame::SseFrame;

/// What stands between events to keep a stream alive. Some characters have several bytes, to be split between.
pub(crate) const COMMENT: &str = ": keepalive 画像\n\n";

/// The lengths of the pieces of a stream that is split anywhere, over and over.
const PIECES: [usize; 4] = [1, 2, 3, 4];

/// How an event's JSON is laid out.
#[derive(Clone, Copy)]
enum SseLayout {
    OneLine,
    /// Every line says `data:`.
    Multiline,
    /// Only the first line does.
    Pretty,
}

/// How events are written.
pub(crate) struct SseFormat {
    layout: SseLayout,
    ending: &'static str,
    comments: bool,
    split: bool,
    /// What every line of data begins with.
    data: &'static str,
    /// What stands before each event, in the name of data.
    before: &'static str,
    /// What ends an event.
    end: &'static str,
}

impl SseFormat {
    pub(crate) fn of(fault: &Fault) -> Self {
        let has = |difference| fault.streams(difference);
        let layout = match (has(SseFault::Multiline), has(SseFault::Pretty)) {
            (true, _) => SseLayout::Multiline,
            (false, true) => SseLayout::Pretty,
            (false, false) => SseLayout::OneLine,
        };
        let ending = match (has(SseFault::Crlf), has(SseFault::Cr)) {
            (true, _) => "\r\n",
            (false, true) => "\r",
            (false, false) => "\n",
        };
        let split = has(SseFault::Split);
        // What is split must have something to be split in.
        Self {
            layout,
            ending,
            comments: split || has(SseFault::Comments),
            split,
            data: if fault.flows(&StreamFault::DataData) { "data: data: " } else { "data: " },
            before: match (fault.flows(&StreamFault::CommentData), fault.flows(&StreamFault::EmptyData)) {
                (true, true) => "data: : keepalive\n\ndata:\n\n",
                (true, false) => "data: : keepalive\n\n",
                (false, true) => "data:\n\n",
                (false, false) => "",
            },
            end: if fault.flows(&StreamFault::OneNewline) { "" } else { "\n" },
        }
    }

    /// A comment that keeps a stream alive.
    pub(crate) fn comment(&self) -> String {
        COMMENT.replace('\n', self.ending)
    }

    /// The chunks of a stream, one an event unless it is split.
    pub(crate) fn write(&self, frames: &[SseFrame]) -> Vec<Chunk> {
        let mut chunks = Vec::with_capacity(frames.len());
        for frame in frames {
            let images = if frame.images.is_empty() { frame.image.as_slice() } else { &frame.images };
            let (times, count) = frame.many;
            let content = splice(&self.text(frame).repeat(times), images);
            if self.split && count == 1 {
                split(frame.after, content, &mut chunks);
            } else {
                chunks.extend(std::iter::repeat_n(Chunk { after: frame.after, content }, count));
            }
        }
        chunks
    }

    fn text(&self, frame: &SseFrame) -> String {
        let mut text = String::from(if self.comments { COMMENT } else { "" });
        text.push_str(self.before);
        if let Some(event) = frame.event {
            text.push_str(&format!("event: {event}\n"));
        }
        for (place, line) in self.data(&frame.data).lines().enumerate() {
            let bare = place > 0 && matches!(self.layout, SseLayout::Pretty);
            text.push_str(if bare { "" } else { self.data });
            text.push_str(line);
            text.push('\n');
        }
        if frame.ends {
            text.pop();
        } else {
            text.push_str(self.end);
        }
        // JSON has no line ends inside its texts, so every one here is the form's.
        text.replace('\n', self.ending)
    }

    fn data(&self, data: &str) -> String {
        if matches!(self.layout, SseLayout::OneLine) {
            return data.to_owned();
        }
        let pretty = OrderedValue::parse(data).ok().and_then(|node| serde_json::to_string_pretty(&node).ok());
        // Markers of images are recognised without a space.
        pretty.map_or_else(|| data.to_owned(), |text| text.replace("\"b64_json\": \"@", "\"b64_json\":\"@"))
    }
}

/// Pieces that end anywhere, also inside a character; inline images stay whole.
fn split(after: Duration, content: ChunkContent, chunks: &mut Vec<Chunk>) {
    let mut after = after;
    let parts = match content {
        ChunkContent::Joined(parts) => parts,
        other => vec![other],
    };
    for part in parts {
        let ChunkContent::Bytes(mut rest) = part else {
            chunks.push(Chunk { after: std::mem::take(&mut after), content: part });
            continue;
        };
        for length in PIECES.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let piece: Bytes = rest.split_to(rest.len().min(*length));
            chunks.push(Chunk { after: std::mem::take(&mut after), content: ChunkContent::Bytes(piece) });
        }
    }
}
