//! Takes pictures out of JSON, or out of a stream of events, while it arrives.
//!
//! What is lifted is decided by the name of the member: `b64_json`, and `url` where it holds a data URI. Those are the places
//! where a decoder looks tokens up in [`Blobs`](seedream_core::Blobs); a token anywhere else would be a value lost. A prompt
//! that is echoed, however much it looks like base64, is never touched, and what only looked like base64 is put back as it was.

mod intake;
mod restore;
mod run;

use memchr::{memchr2, memchr3};

pub(crate) use self::intake::{Intake, Text, keep_body, put_back};
use self::{
    restore::Restorer,
    run::{Fed, Run},
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
    /// A picture begins; the first of it has been appended to what is decoded.
    Begin,
    /// More of it has been appended.
    More,
    /// It is complete. The token is to be written here; the quote that ends the string follows as text.
    End,
    /// It was no base64 after all. What was decoded of it is to be written here through this.
    Restore(Box<Restorer>),
}

/// A member whose value may be a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    /// `b64_json`: base64, or a data URI (some relays put one there).
    Base64,
    /// `url`: a data URI, or something to be left alone.
    Url,
}

#[derive(Debug)]
enum Place {
    /// Between strings. What the last string and a colon behind it say of the next.
    Between(Next),
    /// In a string that stays where it is.
    Plain { escaped: bool },
    /// In a string that may become a picture; it is held.
    Held { member: Member, escaped: bool },
    /// In a picture.
    Picture(Box<Run>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Any,
    /// A string ended that could be the name of such a member.
    Named(Member),
    /// It was the name, since a colon followed.
    Value(Member),
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

/// Finds pictures in the bytes of an answer. Linear in them and indifferent to their chunking; holds no more than the beginning
/// of one string.
#[derive(Debug)]
pub(crate) struct Lifter {
    grammar: Grammar,
    line: Line,
    /// Whether the last byte was a CR, so that a LF behind it ends no line of its own.
    after_cr: bool,
    place: Place,
    /// The beginning of the string that is being read, long enough to know the names.
    name: Name,
    /// The string that may become a picture.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Name {
    bytes: [u8; 9],
    len: usize,
}

impl Name {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().take(self.bytes.len() - self.len) {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
    }

    /// No name at all.
    fn none() -> Self {
        Self { bytes: [0; 9], len: 9 }
    }

    fn next(self) -> Next {
        match &self.bytes[..self.len] {
            b"b64_json" => Next::Named(Member::Base64),
            b"url" => Next::Named(Member::Url),
            _ => Next::Any,
        }
    }
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
            place: Place::Between(Next::Any),
            name: Name::default(),
            held: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` and says what becomes of them; `None` where none are left. What is decoded is
    /// appended to `decoded`, which belongs to one picture: it is empty when one begins, and taken when it ends.
    pub(crate) fn step<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8], decoded: &mut Vec<u8>) -> Option<Piece<'s>> {
        while !input.is_empty() {
            if matches!(self.place, Place::Picture(_)) {
                return Some(self.picture(input, decoded));
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

    /// The end: what is still held passes on. A picture that was cut is none.
    pub(crate) fn finish(&mut self) -> &[u8] {
        match std::mem::replace(&mut self.place, Place::Between(Next::Any)) {
            Place::Held { .. } => &self.held,
            _ => &[],
        }
    }

    /// How many bytes stay where they are: up to a string that may become a picture, or to the end of the input.
    fn text(&mut self, input: &[u8]) -> usize {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            let lf_of_crlf = std::mem::take(&mut self.after_cr) && byte == b'\n';
            if self.grammar == Grammar::Events && !lf_of_crlf && self.line != Line::Data {
                at += self.outside_data(&input[at..]);
                continue;
            }
            match &mut self.place {
                Place::Plain { escaped } => {
                    if std::mem::take(escaped) {
                        // Whatever it is, unless it ends the line.
                        self.name.push(&[byte]);
                        at += usize::from(!self.ends_line(byte));
                        continue;
                    }
                    let rest = &input[at..];
                    let plain = stop(self.grammar, rest).unwrap_or(rest.len());
                    self.name.push(&rest[..plain]);
                    at += plain;
                    match input.get(at) {
                        Some(b'"') => {
                            self.place = Place::Between(self.name.next());
                            at += 1;
                        }
                        Some(b'\\') => {
                            self.name.push(b"\\");
                            self.place = Place::Plain { escaped: true };
                            at += 1;
                        }
                        // A line ends in the middle of a string, which JSON does not allow: so it was none.
                        Some(_) => self.place = Place::Between(Next::Any),
                        None => {}
                    }
                }
                Place::Between(next) => {
                    at += 1;
                    match (byte, *next) {
                        (b'"', Next::Value(member)) => {
                            self.held.clear();
                            self.place = Place::Held { member, escaped: false };
                            return at;
                        }
                        (b'"', _) => {
                            self.name = Name::default();
                            self.place = Place::Plain { escaped: false };
                        }
                        (b':', Next::Named(member)) => *next = Next::Value(member),
                        (b' ' | b'\t' | b'\r' | b'\n', _) => {
                            if !lf_of_crlf && self.ends_line(byte) {
                                self.end_line(byte);
                            }
                        }
                        _ => *next = Next::Any,
                    }
                }
                Place::Held { .. } | Place::Picture(_) => return at,
            }
        }
        at
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
                self.place = Place::Between(Next::Any);
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

    /// Takes bytes of a string until it is long enough to be judged, or over.
    fn hold(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> Hold {
        let Place::Held { member, escaped } = &mut self.place else { return Hold::On };
        let mut taken = 0;
        let mut over = false;
        let room = &input[..input.len().min(THRESHOLD - self.held.len())];
        while let Some(&byte) = room.get(taken) {
            match (*escaped, byte) {
                (_, b'\n' | b'\r') if self.grammar == Grammar::Events => over = true,
                (false, b'"') => over = true,
                (false, b'\\') => *escaped = true,
                (true, _) => *escaped = false,
                (false, _) => {
                    taken += stop(self.grammar, &room[taken..]).unwrap_or(room.len() - taken);
                    continue;
                }
            }
            if over {
                break;
            }
            taken += 1;
        }
        let (held, rest) = input.split_at(taken);
        self.held.extend_from_slice(held);
        *input = rest;
        let (member, escaped) = (*member, *escaped);
        if !over && self.held.len() < THRESHOLD {
            return Hold::On;
        }
        if !over && let Some(run) = begin(&self.held, member, decoded) {
            self.place = Place::Picture(Box::new(run));
            return Hold::Begin;
        }
        decoded.clear();
        self.name = Name::none();
        self.place = Place::Plain { escaped };
        Hold::Release
    }

    fn picture(&mut self, input: &mut &[u8], decoded: &mut Vec<u8>) -> Piece<'static> {
        let Place::Picture(run) = &mut self.place else { return Piece::More };
        let fed = run.feed(input, self.grammar == Grammar::Json, decoded);
        let taken = match fed {
            Fed::All => input.len(),
            Fed::Quote(at) | Fed::Not(at) => at,
        };
        *input = &input[taken..];
        let piece = match fed {
            Fed::All => return Piece::More,
            Fed::Quote(_) if run.finish(decoded) => Piece::End,
            Fed::Quote(_) | Fed::Not(_) => {
                let run = std::mem::replace(&mut self.place, Place::Between(Next::Any));
                let Place::Picture(run) = run else { return Piece::More };
                Piece::Restore(Box::new(run.into_restorer()))
            }
        };
        self.name = Name::none();
        self.place = Place::Plain { escaped: false };
        piece
    }
}

enum Hold {
    /// It goes on.
    On,
    /// It is a picture.
    Begin,
    /// It is none, and passes on.
    Release,
}

/// Judges the beginning of a string, and decodes it if it can be a picture.
fn begin(held: &[u8], member: Member, decoded: &mut Vec<u8>) -> Option<Run> {
    let is_uri = held.starts_with(b"data:");
    if member == Member::Url && !is_uri {
        return None;
    }
    let prefix = if is_uri { memchr::memchr(b',', held)? + 1 } else { 0 };
    if is_uri && !held[..prefix].ends_with(b";base64,") {
        return None;
    }
    let mut run = Run::new(&held[..prefix]);
    matches!(run.feed(&held[prefix..], true, decoded), Fed::All).then_some(run)
}

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
