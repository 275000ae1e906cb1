//! A lenient parser for server-sent events.
//!
//! Takes time linear in the bytes, for any chunking. Lines end in LF, CRLF or CR; comments and unknown fields are skipped; several
//! `data` lines are one event. Ark's pages print JSON over several lines of which only the first begins with `data:`; the parser
//! accepts such lines as data, although the SSE grammar drops them. It also accepts JSON on lines without a field. If blank lines
//! between events are missing, a data line after complete JSON begins the next event, and so does a second name.

use std::fmt;

mod nesting;

use nesting::Nesting;

/// One event: its name and its data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The text after `event:`, if any.
    pub event: Option<String>,
    /// The lines after `data:`, joined by LF.
    pub data: String,
}

impl fmt::Debug for Frame {
    /// Shows the size of the data, not its content: it may contain signed URLs and images.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("event", &self.event)
            .field("data", &format_args!("{} bytes", self.data.len()))
            .finish()
    }
}

impl Frame {
    /// Whether this is the end mark `[DONE]` of OpenAI's family.
    pub fn is_done(&self) -> bool {
        self.data.trim().eq_ignore_ascii_case("[DONE]")
    }
}

/// An incremental event parser.
#[derive(Clone, Default)]
pub struct Parser {
    /// The incomplete last line.
    line: Vec<u8>,
    /// Whether the last byte was a CR, so that a LF after it does not end a second line.
    after_cr: bool,
    /// Whether anything other than a byte order mark has been read.
    begun: bool,
    event: Option<String>,
    data: Option<String>,
    /// How far the JSON of the data was scanned; it is scanned only if a second data line arrives.
    nesting: Nesting,
}

impl fmt::Debug for Parser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("event", &self.event).finish_non_exhaustive()
    }
}

impl Parser {
    /// Creates a parser at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next bytes and returns the events that they complete.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        // A LF directly after a CR belongs to it, in any chunk; the next one does not.
        if !bytes.is_empty() && std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
            bytes = &bytes[1..];
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            self.line.extend_from_slice(&bytes[..end]);
            frames.extend(self.end_line());
            let crlf = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
            self.after_cr = bytes[end] == b'\r' && end + 1 == bytes.len();
            bytes = &bytes[end + 1 + usize::from(crlf)..];
        }
        self.line.extend_from_slice(bytes);
        frames
    }

    /// Returns the events that the end of the stream completes: providers omit the last blank line.
    pub fn finish(&mut self) -> Vec<Frame> {
        let before = if self.line.is_empty() { None } else { self.end_line() };
        before.into_iter().chain(self.take()).collect()
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = String::from_utf8(std::mem::take(&mut self.line));
        let mut line = line.unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
        if !std::mem::replace(&mut self.begun, true) && line.starts_with('\u{feff}') {
            line.remove(0);
        }
        if line.is_empty() {
            return self.take();
        }
        let (field, rest) = line.split_once(':').unwrap_or((&line, ""));
        let value = line.len() - rest.strip_prefix(' ').unwrap_or(rest).len();
        let is = |name: &str| field.trim_ascii().eq_ignore_ascii_case(name);
        if field.is_empty() || is("id") || is("retry") {
            return None;
        }
        if is("event") {
            let name = line[value..].to_owned();
            let before = if self.event.is_some() && self.data.is_some() { self.take() } else { None };
            self.event = Some(name);
            return before;
        }
        if is("data") {
            // Some gateways frame an event twice.
            let mut value = value;
            while let Some(rest) = framed_again(&line[value..]) {
                value = line.len() - rest.len();
            }
            return self.push_data(line, value, true);
        }
        // JSON without framing, or a continuation line without `data:`.
        let is_json = self.data.is_some() || line.trim_ascii_start().starts_with(['{', '[']);
        if is_json { self.push_data(line, 0, false) } else { None }
    }

    /// Adds a data line, from the start of its value, and returns the event that was complete before it. The first line is not
    /// copied: it may be an image.
    fn push_data(&mut self, mut line: String, value: usize, framed: bool) -> Option<Frame> {
        let complete = self.data.as_ref().is_some_and(|data| self.nesting.is_complete(data));
        if complete && !framed && !line.trim_ascii_start().starts_with(['{', '[']) {
            // Neither data nor JSON: an unknown field.
            return None;
        }
        let before = if complete { self.take() } else { None };
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(&line[value..]);
            }
            None => {
                line.drain(..value);
                self.data = Some(line);
            }
        }
        before
    }

    fn take(&mut self) -> Option<Frame> {
        self.nesting = Nesting::default();
        let event = self.event.take();
        self.data.take().map(|data| Frame { event, data })
    }
}

/// Removes a second `data:` before JSON or the end mark. A data URI is unchanged.
fn framed_again(value: &str) -> Option<&str> {
    let (field, rest) = value.trim_ascii_start().split_at_checked("data:".len())?;
    let rest = field.eq_ignore_ascii_case("data:").then_some(rest)?.trim_ascii_start();
    (rest.is_empty() || rest.starts_with(['{', '[']) || framed_again(rest).is_some()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Frame> {
        let mut parser = Parser::new();
        let mut frames = parser.feed(bytes);
        frames.extend(parser.finish());
        frames
    }

    fn frame(event: Option<&str>, data: &str) -> Frame {
        Frame { event: event.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn the_oddities_of_providers_are_read() {
        for (text, frames) in [
            ("event: a\ndata: {}\n\n", vec![frame(Some("a"), "{}")]),
            ("event: a\r\ndata: {}\r\n\r\ndata: [DONE]\r\n\r\n", vec![frame(Some("a"), "{}"), frame(None, "[DONE]")]),
            ("data: 1\r\rdata: 2\r\r", vec![frame(None, "1"), frame(None, "2")]),
            (": keepalive\n\ndata:x\n\n", vec![frame(None, "x")]),
            ("data: a\ndata: b\n\n", vec![frame(None, "a\nb")]),
            (
                "data: {\n  \"type\": \"x\",\n  \"n\": 1\n}\n\n",
                vec![frame(None, "{\n  \"type\": \"x\",\n  \"n\": 1\n}")],
            ),
            ("\u{feff}data: x\n\n", vec![frame(None, "x")]),
            ("id: 1\nretry: 5\ndata: x\n\n", vec![frame(None, "x")]),
            ("event: lonely\n\ndata: x\n\n", vec![frame(None, "x")]),
            ("data: no blank line at the end", vec![frame(None, "no blank line at the end")]),
            ("data\n\n", vec![frame(None, "")]),
            (
                "data: {}\ndata: {\ndata: }\ndata: [DONE]\n",
                vec![frame(None, "{}"), frame(None, "{\n}"), frame(None, "[DONE]")],
            ),
            ("event: a\ndata: x\nevent: b\ndata: y\n", vec![frame(Some("a"), "x"), frame(Some("b"), "y")]),
            ("data: data: {}\n\ndata: data:data: [DONE]\n\n", vec![frame(None, "{}"), frame(None, "[DONE]")]),
            ("data: data:image/png;base64,AA\n\n", vec![frame(None, "data:image/png;base64,AA")]),
            (": on\n\n{\"a\":\n\"}\"}\nnote\n: on\n\n", vec![frame(None, "{\"a\":\n\"}\"}")]),
            ("data: {\"a\":\"}\ndata: \"}\n\n", vec![frame(None, "{\"a\":\"}\n\"}")]),
            ("data:\ndata:\n\n", vec![frame(None, "\n")]),
            ("EVENT: a\nDATA: {}\n\n data: DATA: {}\n\n", vec![frame(Some("a"), "{}"), frame(None, "{}")]),
            ("", vec![]),
        ] {
            assert_eq!(read(text.as_bytes()), frames, "{text:?}");
        }
    }

    #[test]
    fn a_lf_directly_after_a_cr_ends_no_line_and_the_next_one_does() {
        let mut parser = Parser::new();
        let frames: Vec<_> = ["data: a\r", "\n", "\n", "data: b\r", "", "\n\n"]
            .iter()
            .flat_map(|part| parser.feed(part.as_bytes()))
            .collect();
        assert_eq!(frames, [frame(None, "a"), frame(None, "b")]);
    }

    #[test]
    fn the_mark_at_the_end_is_known() {
        assert!(["[DONE]", " [DONE]", "[done]"].iter().all(|mark| frame(None, mark).is_done()));
        assert!(!frame(None, "{}").is_done());
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            text in "(data: ?[a-zé]{0,6}|data: |event: [a-z]{0,3}|: c|\\{|\\}|\\[|\"|x|\r|\n|\r\n){0,24}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.sort_unstable();
            let mut parser = Parser::new();
            let (mut frames, mut from) = (Vec::new(), 0);
            for to in at.into_iter().chain([bytes.len()]) {
                frames.extend(parser.feed(&bytes[from..to]));
                from = to;
            }
            frames.extend(parser.finish());
            prop_assert_eq!(frames, read(bytes));
        }
    }
}
