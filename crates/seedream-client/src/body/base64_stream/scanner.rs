//! Finds base64 images in the bytes of a response.

use memchr::memchr2;

use super::{
    body_syntax::{BodySyntax, DATA_FIELD, THRESHOLD, string_stop},
    decoder::{Base64Decoder, DecodeStop},
    member::{JsonNesting, MemberKind},
    reencode::Restorer,
    string_start::{may_be_image, may_begin},
};

/// What becomes of the bytes that were fed.
#[derive(Debug)]
pub(super) enum ScannedPiece<'a> {
    /// Passes on as it is.
    Text(&'a [u8]),
    /// An image begins; the first of it has been appended to what is decoded.
    Begin,
    /// More of it has been appended.
    More,
    /// It is complete. The token is to be written here; the quote that ends the string follows as text.
    End,
    /// It was no base64 after all. What was decoded of it is to be written here through this.
    Restore(Box<Restorer>),
}

/// What becomes of what is held.
pub(super) enum HoldOutcome {
    /// It goes on.
    More,
    /// It is an image.
    Begin,
    /// It is not an image, and passes on.
    Release,
}

/// Where in the body the next byte stands.
#[derive(Debug)]
pub(super) enum ScanState {
    /// Between strings.
    Between,
    /// In front of the first byte of a value.
    Start,
    /// In a string that stays where it is, which may be the name of a member.
    Plain { name: bool, escaped: bool },
    /// In a string that may become an image; it is held.
    Held { class: MemberKind, escaped: bool, broke: Option<usize> },
    /// In an image.
    Image(Box<Base64Decoder>),
    /// A line of events ended in a string that stays. It goes on in the next one, unless that begins a document.
    Broken,
}

/// Where in a line of a stream of events the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinePlace {
    /// So many bytes of `data:` have been read.
    Head(usize),
    /// In a line of data, or in JSON that was printed without `data:`.
    Data,
    /// In a comment or another field.
    Other,
}

/// Finds images in the bytes of a response. Linear in them and indifferent to their chunking; holds no more than the beginning
/// of one string.
#[derive(Debug)]
pub(super) struct Base64Scanner {
    pub(super) syntax: BodySyntax,
    line: LinePlace,
    /// Whether the last byte was a CR, so that a LF after it ends no line of its own.
    after_cr: bool,
    pub(super) place: ScanState,
    nest: JsonNesting,
    /// The string that may become an image.
    pub(super) held: Vec<u8>,
}

impl Base64Scanner {
    pub(super) fn new(syntax: BodySyntax) -> Self {
        Self {
            syntax,
            line: match syntax {
                BodySyntax::Json => LinePlace::Data,
                BodySyntax::Events => LinePlace::Head(0),
            },
            after_cr: false,
            place: ScanState::Between,
            nest: JsonNesting::new(),
            held: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` and says what becomes of them; `None` where none are left. What is decoded is
    /// appended to `decoded`, which belongs to one image: it is empty when one begins, and taken when it ends.
    pub(super) fn step<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        decoded: &mut Vec<u8>,
    ) -> Option<ScannedPiece<'s>> {
        while !input.is_empty() {
            if matches!(self.place, ScanState::Image(_)) {
                return Some(self.image(input, decoded));
            }
            if matches!(self.place, ScanState::Held { .. }) {
                match self.hold(input, decoded) {
                    HoldOutcome::More => continue,
                    HoldOutcome::Begin => return Some(ScannedPiece::Begin),
                    HoldOutcome::Release => return Some(ScannedPiece::Text(&self.held)),
                }
            }
            let taken = self.text(input);
            if taken > 0 {
                let (text, rest) = input.split_at(taken);
                *input = rest;
                return Some(ScannedPiece::Text(text));
            }
        }
        None
    }

    /// Whether an image has begun and not ended.
    pub(super) fn is_in_image(&self) -> bool {
        matches!(self.place, ScanState::Image(_))
    }

    /// The end: what is still held passes on.
    pub(super) fn finish(&mut self) -> &[u8] {
        match std::mem::replace(&mut self.place, ScanState::Between) {
            ScanState::Held { .. } => &self.held,
            _ => &[],
        }
    }

    /// How many bytes stay where they are: up to a string that may become an image, or to the end of the input.
    pub(super) fn text(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            let lf_of_crlf = std::mem::take(&mut self.after_cr) && byte == b'\n';
            if self.syntax == BodySyntax::Events && !lf_of_crlf && self.line != LinePlace::Data {
                at += self.outside_data(&input[at..]);
                continue;
            }
            match &mut self.place {
                ScanState::Plain { name, escaped } => {
                    if std::mem::take(escaped) {
                        // Any byte, unless it ends the line.
                        at += usize::from(!self.ends_line(byte));
                        continue;
                    }
                    let rest = &input[at..];
                    let plain = string_stop(self.syntax, rest).unwrap_or(rest.len());
                    if *name {
                        self.nest.name().push(&rest[..plain]);
                    }
                    at += plain;
                    match input.get(at) {
                        Some(b'"') => {
                            if !*name {
                                self.nest.next();
                            }
                            self.place = ScanState::Between;
                            at += 1;
                        }
                        // What is escaped is passed over with it, unless it may end the line.
                        Some(b'\\') => match input.get(at + 1) {
                            Some(b'\n' | b'\r') | None => {
                                *escaped = true;
                                at += 1;
                            }
                            Some(_) => at += 2,
                        },
                        Some(&byte) => {
                            self.place = ScanState::Broken;
                            self.end_line(byte);
                            at += 1;
                        }
                        None => {}
                    }
                }
                ScanState::Between => {
                    at += 1;
                    match byte {
                        b'"' => at += self.open(&input[at..]),
                        b' ' | b'\t' | b'\r' | b'\n' => {
                            if !lf_of_crlf && self.ends_line(byte) {
                                self.end_line(byte);
                            }
                        }
                        _ => {
                            self.nest.between(byte);
                            let is_mark = |byte: &&u8| !matches!(byte, b'"' | b' ' | b'\t' | b'\r' | b'\n');
                            while let Some(&byte) = input.get(at).filter(is_mark) {
                                self.nest.between(byte);
                                at += 1;
                            }
                        }
                    }
                }
                ScanState::Start => at += self.start(&input[at..]),
                ScanState::Broken => match byte {
                    b'\r' | b'\n' if !lf_of_crlf => {
                        self.end_line(byte);
                        at += 1;
                    }
                    b'\r' | b'\n' | b' ' | b'\t' => at += 1,
                    b'{' | b'[' => {
                        self.nest.clear();
                        self.place = ScanState::Between;
                    }
                    _ => self.place = PLAIN,
                },
                ScanState::Held { .. } | ScanState::Image(_) => return at,
            }
        }
        at
    }

    /// A string begins: how much of it was read.
    fn open(&mut self, rest: &[u8]) -> usize {
        if self.nest.begins_name() {
            match string_stop(self.syntax, rest) {
                Some(end) if rest[end] == b'"' => {
                    self.nest.name().push(&rest[..end]);
                    return end + 1;
                }
                _ => self.place = ScanState::Plain { name: true, escaped: false },
            }
        } else if self.nest.holds_values() {
            self.place = ScanState::Start;
            if !rest.is_empty() {
                return self.start(rest);
            }
        } else {
            self.place = PLAIN;
        }
        0
    }

    /// A value that is a string begins with these bytes, which are some: how many of them were read.
    fn start(&mut self, rest: &[u8]) -> usize {
        let start = &rest[..rest.len().min(THRESHOLD)];
        match string_stop(self.syntax, start) {
            // A string this short stays.
            Some(end) if start[end] == b'"' => {
                self.nest.next();
                self.place = ScanState::Between;
                return end + 1;
            }
            _ if may_begin(start[0]) || self.nest.may_be_base64() => {
                let class = self.nest.class();
                if may_be_image(start, class, self.syntax) {
                    self.held.clear();
                    self.place = ScanState::Held { class, escaped: false, broke: None };
                    return 0;
                }
            }
            _ => {}
        }
        self.place = PLAIN;
        0
    }

    fn ends_line(&self, byte: u8) -> bool {
        self.syntax == BodySyntax::Events && matches!(byte, b'\n' | b'\r')
    }

    fn end_line(&mut self, byte: u8) {
        self.line = LinePlace::Head(0);
        self.after_cr = byte == b'\r';
    }

    /// Reads on in the head of a line, or in one without data, and says how much was read.
    fn outside_data(&mut self, input: &[u8]) -> usize {
        let byte = input[0];
        match self.line {
            LinePlace::Head(0) if matches!(byte, b'\n' | b'\r') => {
                // An empty line ends the event.
                self.place = ScanState::Between;
                self.nest.clear();
                self.end_line(byte);
                1
            }
            LinePlace::Head(matched) if byte == DATA_FIELD[matched] => {
                let matched = matched + 1;
                self.line = if matched == DATA_FIELD.len() { LinePlace::Data } else { LinePlace::Head(matched) };
                1
            }
            // JSON that was printed over several lines of which only the first has `data:`.
            LinePlace::Head(0) if !byte.is_ascii_alphabetic() && byte != b':' => {
                self.line = LinePlace::Data;
                0
            }
            LinePlace::Head(_) => {
                self.line = LinePlace::Other;
                0
            }
            LinePlace::Other | LinePlace::Data => match memchr2(b'\n', b'\r', input) {
                Some(end) => {
                    self.end_line(input[end]);
                    end + 1
                }
                None => input.len(),
            },
        }
    }

    fn image(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> ScannedPiece<'static> {
        let ScanState::Image(decoder) = &mut self.place else { return ScannedPiece::More };
        let fed = decoder.feed(input, decoded);
        let taken = match fed {
            DecodeStop::All => input.len(),
            DecodeStop::Quote(at) | DecodeStop::Not(at) => at,
        };
        *input = &input[taken..];
        match fed {
            DecodeStop::All => ScannedPiece::More,
            DecodeStop::Quote(_) if decoder.finish(decoded) => {
                self.place = PLAIN;
                ScannedPiece::End
            }
            DecodeStop::Quote(_) | DecodeStop::Not(_) => {
                let ScanState::Image(decoder) = std::mem::replace(&mut self.place, PLAIN) else {
                    return ScannedPiece::More;
                };
                let (restorer, broke) = decoder.into_restorer();
                self.text(&broke);
                ScannedPiece::Restore(Box::new(restorer))
            }
        }
    }
}

/// In a string that stays.
const PLAIN: ScanState = ScanState::Plain { name: false, escaped: false };
