//! Takes images out of JSON, or out of a stream of events, while it arrives.
//!
//! A string is lifted wherever it stands, if it is long and its first bytes, decoded, are those of an image, or if it says so: a
//! data URI of an image, or a member whose name says base64. A prompt that is echoed, however much it looks like base64, is never
//! touched, and what only looked like base64 is put back as it was.

mod dress;
mod hold;
mod intake;
mod member;
mod restore;
mod run;
pub(crate) mod signature;
mod start;

use memchr::{memchr2, memchr3};

pub(crate) use self::intake::{Intake, Text, keep_body, put_back};
use self::{
    hold::Hold,
    member::{Class, Nest},
    restore::Restorer,
    run::{Fed, Run},
    start::{may_be_image, may_begin},
};

/// How long a string is, in bytes as it stands in the JSON, before it is worth lifting.
pub(crate) const THRESHOLD: usize = 1024;

/// How the JSON is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// It is the whole body.
    Json,
    /// It stands behind `data:` in lines.
    Events,
}

/// What becomes of the bytes that were fed.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
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

#[derive(Debug)]
enum Place {
    /// Between strings.
    Between,
    /// In front of the first byte of a value.
    Start,
    /// In a string that stays where it is, which may be the name of a member.
    Plain { name: bool, escaped: bool },
    /// In a string that may become an image; it is held.
    Held { class: Class, escaped: bool, broke: Option<usize> },
    /// In an image.
    Picture(Box<Run>),
    /// A line of events ended in a string that stays. It goes on in the next one, unless that begins a document.
    Broken,
}

/// Where in a line of a stream of events the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// So many bytes of `data:` have been read.
    Head(usize),
    /// In a line of data, or in JSON that was printed without `data:`.
    Data,
    /// In a comment or another field.
    Other,
}

const FIELD: &[u8] = b"data:";

/// Finds images in the bytes of a response. Linear in them and indifferent to their chunking; holds no more than the beginning
/// of one string.
#[derive(Debug)]
pub(crate) struct Lifter {
    grammar: Grammar,
    line: Line,
    /// Whether the last byte was a CR, so that a LF behind it ends no line of its own.
    after_cr: bool,
    place: Place,
    nest: Nest,
    /// The string that may become an image.
    held: Vec<u8>,
}

impl Lifter {
    pub(crate) fn new(grammar: Grammar) -> Self {
        Self {
            grammar,
            line: match grammar {
                Grammar::Json => Line::Data,
                Grammar::Events => Line::Head(0),
            },
            after_cr: false,
            place: Place::Between,
            nest: Nest::new(),
            held: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` and says what becomes of them; `None` where none are left. What is decoded is
    /// appended to `decoded`, which belongs to one image: it is empty when one begins, and taken when it ends.
    pub(crate) fn step<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8], decoded: &mut Vec<u8>) -> Option<Piece<'s>> {
        while !input.is_empty() {
            if matches!(self.place, Place::Picture(_)) {
                return Some(self.image(input, decoded));
            }
            if matches!(self.place, Place::Held { .. }) {
                match self.hold(input, decoded) {
                    Hold::On => continue,
                    Hold::Begin => return Some(Piece::Begin),
                    Hold::Release => return Some(Piece::Text(&self.held)),
                }
            }
            let taken = self.text(input);
            if taken > 0 {
                let (text, rest) = input.split_at(taken);
                *input = rest;
                return Some(Piece::Text(text));
            }
        }
        None
    }

    /// Whether an image has begun and not ended.
    pub(crate) fn is_in_image(&self) -> bool {
        matches!(self.place, Place::Picture(_))
    }

    /// The end: what is still held passes on.
    pub(crate) fn finish(&mut self) -> &[u8] {
        match std::mem::replace(&mut self.place, Place::Between) {
            Place::Held { .. } => &self.held,
            _ => &[],
        }
    }

    /// How many bytes stay where they are: up to a string that may become an image, or to the end of the input.
    fn text(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            let lf_of_crlf = std::mem::take(&mut self.after_cr) && byte == b'\n';
            if self.grammar == Grammar::Events && !lf_of_crlf && self.line != Line::Data {
                at += self.outside_data(&input[at..]);
                continue;
            }
            match &mut self.place {
                Place::Plain { name, escaped } => {
                    if std::mem::take(escaped) {
                        // Whatever it is, unless it ends the line.
                        at += usize::from(!self.ends_line(byte));
                        continue;
                    }
                    let rest = &input[at..];
                    let plain = stop(self.grammar, rest).unwrap_or(rest.len());
                    if *name {
                        self.nest.name().push(&rest[..plain]);
                    }
                    at += plain;
                    match input.get(at) {
                        Some(b'"') => {
                            if !*name {
                                self.nest.next();
                            }
                            self.place = Place::Between;
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
                            self.place = Place::Broken;
                            self.end_line(byte);
                            at += 1;
                        }
                        None => {}
                    }
                }
                Place::Between => {
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
                Place::Start => at += self.start(&input[at..]),
                Place::Broken => match byte {
                    b'\r' | b'\n' if !lf_of_crlf => {
                        self.end_line(byte);
                        at += 1;
                    }
                    b'\r' | b'\n' | b' ' | b'\t' => at += 1,
                    b'{' | b'[' => {
                        self.nest.clear();
                        self.place = Place::Between;
                    }
                    _ => self.place = PLAIN,
                },
                Place::Held { .. } | Place::Picture(_) => return at,
            }
        }
        at
    }

    /// A string begins: how much of it was read.
    fn open(&mut self, rest: &[u8]) -> usize {
        if self.nest.begins_name() {
            match stop(self.grammar, rest) {
                Some(end) if rest[end] == b'"' => {
                    self.nest.name().push(&rest[..end]);
                    return end + 1;
                }
                _ => self.place = Place::Plain { name: true, escaped: false },
            }
        } else if self.nest.holds_values() {
            self.place = Place::Start;
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
        match stop(self.grammar, start) {
            // What is this short stays, whatever it is.
            Some(end) if start[end] == b'"' => {
                self.nest.next();
                self.place = Place::Between;
                return end + 1;
            }
            _ if may_begin(start[0]) || self.nest.may_be_base64() => {
                let class = self.nest.class();
                if may_be_image(start, class, self.grammar) {
                    self.held.clear();
                    self.place = Place::Held { class, escaped: false, broke: None };
                    return 0;
                }
            }
            _ => {}
        }
        self.place = PLAIN;
        0
    }

    fn ends_line(&self, byte: u8) -> bool {
        self.grammar == Grammar::Events && matches!(byte, b'\n' | b'\r')
    }

    fn end_line(&mut self, byte: u8) {
        self.line = Line::Head(0);
        self.after_cr = byte == b'\r';
    }

    /// Reads on in the head of a line, or in one without data, and says how much was read.
    fn outside_data(&mut self, input: &[u8]) -> usize {
        let byte = input[0];
        match self.line {
            Line::Head(0) if matches!(byte, b'\n' | b'\r') => {
                // An empty line ends the event.
                self.place = Place::Between;
                self.nest.clear();
                self.end_line(byte);
                1
            }
            Line::Head(matched) if byte == FIELD[matched] => {
                let matched = matched + 1;
                self.line = if matched == FIELD.len() { Line::Data } else { Line::Head(matched) };
                1
            }
            // JSON that was printed over several lines of which only the first has `data:`.
            Line::Head(0) if !byte.is_ascii_alphabetic() && byte != b':' => {
                self.line = Line::Data;
                0
            }
            Line::Head(_) => {
                self.line = Line::Other;
                0
            }
            Line::Other | Line::Data => match memchr2(b'\n', b'\r', input) {
                Some(end) => {
                    self.end_line(input[end]);
                    end + 1
                }
                None => input.len(),
            },
        }
    }

    fn image(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> Piece<'static> {
        let Place::Picture(run) = &mut self.place else { return Piece::More };
        let fed = run.feed(input, decoded);
        let taken = match fed {
            Fed::All => input.len(),
            Fed::Quote(at) | Fed::Not(at) => at,
        };
        *input = &input[taken..];
        match fed {
            Fed::All => Piece::More,
            Fed::Quote(_) if run.finish(decoded) => {
                self.place = PLAIN;
                Piece::End
            }
            Fed::Quote(_) | Fed::Not(_) => {
                let Place::Picture(run) = std::mem::replace(&mut self.place, PLAIN) else { return Piece::More };
                let (restorer, broke) = run.into_restorer();
                self.text(&broke);
                Piece::Restore(Box::new(restorer))
            }
        }
    }
}

/// In a string that stays.
const PLAIN: Place = Place::Plain { name: false, escaped: false };

/// Where a string may end, or its line where lines end strings.
fn stop(grammar: Grammar, rest: &[u8]) -> Option<usize> {
    if grammar == Grammar::Json {
        return memchr2(b'"', b'\\', rest);
    }
    // Three at a time is what SIMD does; the fourth is looked for only before the first of them.
    let stop = memchr3(b'"', b'\\', b'\n', rest);
    memchr::memchr(b'\r', &rest[..stop.unwrap_or(rest.len())]).or(stop)
}

#[cfg(test)]
mod tests;
