//! One string of base64: decodes it while it arrives, and remembers what it takes to write it again.

use base64_simd::STANDARD_NO_PAD;
use memchr::memchr2;

use super::restore::{Log, Restorer};

/// What may stand in base64 beside its letters, as it stands in JSON, and the letter that it means.
///
/// PHP writes `\/`, .NET `\u002B`; line breaks come from encoders for e-mail.
pub(super) const ODDITIES: [(&[u8], Option<u8>); 15] = [
    (b"\\/", Some(b'/')),
    (b"\\n", None),
    (b"\\r", None),
    (b"\\t", None),
    (b"\n", None),
    (b"\r", None),
    (b"\t", None),
    (b" ", None),
    (b"\\u002f", Some(b'/')),
    (b"\\u002F", Some(b'/')),
    (b"\\u002b", Some(b'+')),
    (b"\\u002B", Some(b'+')),
    (b"\\u003d", Some(b'=')),
    (b"\\u003D", Some(b'=')),
    (b"\\u000a", None),
];

/// How far a string was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// To the end of the input.
    All,
    /// To the quote that ends it.
    Quote(usize),
    /// To a byte that cannot stand in base64.
    Not(usize),
}

/// A string of base64 that is being decoded.
#[derive(Debug)]
pub(super) struct Run {
    /// The data URI before it.
    prefix: Vec<u8>,
    /// Letters that are not yet four.
    carry: [u8; 4],
    carried: usize,
    /// How many `=` came.
    padding: usize,
    /// An escape that has not ended.
    escape: Vec<u8>,
    log: Log,
    /// Whether there is white space in it, so that long stretches of letters are not to be expected.
    broken: bool,
}

impl Run {
    pub(super) fn new(prefix: &[u8]) -> Self {
        Self {
            prefix: prefix.to_vec(),
            carry: [0; 4],
            carried: 0,
            padding: 0,
            escape: Vec::new(),
            log: Log::default(),
            broken: false,
        }
    }

    /// Decodes what it can and appends it to `decoded`. Raw line breaks are taken where `breaks` says so.
    pub(super) fn feed(&mut self, input: &[u8], breaks: bool, decoded: &mut Vec<u8>) -> Fed {
        let mut at = 0;
        // Where the letters that are being read end at the latest; looked for once a stretch.
        let mut stop = 0;
        while let Some(&byte) = input.get(at) {
            if !self.escape.is_empty() {
                match self.escaped(byte, decoded) {
                    Escape::Taken => at += 1,
                    Escape::Not { taken } => return Fed::Not(at + usize::from(taken)),
                }
                continue;
            }
            if self.padding == 0 {
                if at >= stop {
                    stop = at + memchr2(b'"', b'\\', &input[at..]).unwrap_or(input.len() - at);
                }
                let taken = self.letters(&input[at..stop], decoded);
                if taken > 0 {
                    at += taken;
                    continue;
                }
            }
            match byte {
                b'"' => return Fed::Quote(at),
                b'\\' => self.escape.push(byte),
                b'=' if self.padding < 2 => {
                    self.padding += 1;
                    self.log.letters(1);
                }
                b'\n' | b'\r' | b'\t' | b' ' if breaks || !matches!(byte, b'\n' | b'\r') => {
                    self.broken = true;
                    let kind = ODDITIES.iter().position(|(text, _)| *text == [byte]).unwrap_or(0);
                    self.log.odd(kind);
                }
                _ => return Fed::Not(at),
            }
            at += 1;
        }
        Fed::All
    }

    /// Takes one byte of an escape.
    fn escaped(&mut self, byte: u8, decoded: &mut Vec<u8>) -> Escape {
        self.escape.push(byte);
        let Some(kind) = ODDITIES.iter().position(|(text, _)| text.starts_with(&self.escape)) else {
            // Behind a backslash anything belongs to the escape; in the middle of digits it does not.
            let taken = self.escape.len() == 2;
            if !taken {
                self.escape.pop();
            }
            return Escape::Not { taken };
        };
        let (text, letter) = ODDITIES[kind];
        if text.len() > self.escape.len() {
            return Escape::Taken;
        }
        match letter {
            Some(b'=') if self.padding < 2 => self.padding += 1,
            Some(letter) if letter != b'=' && self.padding == 0 => drop(self.quanta(&[letter], decoded)),
            Some(_) => return Escape::Not { taken: true },
            None => {}
        }
        self.escape.clear();
        self.log.odd(kind);
        Escape::Taken
    }

    /// Takes the letters at the front, and says how many there are.
    fn letters(&mut self, input: &[u8], decoded: &mut Vec<u8>) -> usize {
        if !self.broken && self.quanta(input, decoded) {
            self.log.letters(input.len());
            return input.len();
        }
        let count = input.iter().take_while(|byte| is_letter(**byte)).count();
        if self.quanta(&input[..count], decoded) {
            self.log.letters(count);
            return count;
        }
        0
    }

    /// Decodes letters; `false`, and nothing happened, where there is another byte among them.
    fn quanta(&mut self, input: &[u8], decoded: &mut Vec<u8>) -> bool {
        let lead = ((4 - self.carried) % 4).min(input.len());
        let whole = (input.len() - lead) / 4 * 4;
        let (lead, rest) = input.split_at(lead);
        let (whole, tail) = rest.split_at(whole);
        if !lead.iter().chain(tail).all(|byte| is_letter(*byte)) {
            return false;
        }
        let mut first = self.carry;
        first[self.carried..self.carried + lead.len()].copy_from_slice(lead);
        let carried = self.carried + lead.len();
        let before = decoded.len();
        // The library grows a vector by just what it needs, which would copy it again with every chunk.
        decoded.reserve(whole.len() / 4 * 3 + 3);
        let first_done = carried < 4 || STANDARD_NO_PAD.decode_append(first, decoded).is_ok();
        if !first_done || STANDARD_NO_PAD.decode_append(whole, decoded).is_err() {
            decoded.truncate(before);
            return false;
        }
        self.carry = first;
        self.carried = carried % 4;
        if !tail.is_empty() {
            self.carry[..tail.len()].copy_from_slice(tail);
            self.carried = tail.len();
        }
        true
    }

    /// The string is over: whether it was base64, the rest of which is then appended. Padding may be missing.
    pub(super) fn finish(&mut self, decoded: &mut Vec<u8>) -> bool {
        let fits = match self.carried {
            0 => self.padding == 0,
            2 => self.padding != 1,
            3 => self.padding != 2,
            _ => false,
        };
        // Bits beyond the last byte must be 0, as everywhere else.
        fits && STANDARD_NO_PAD.decode_append(&self.carry[..self.carried], decoded).is_ok()
    }

    /// What writes the string again, from its decoded bytes.
    pub(super) fn into_restorer(self) -> Restorer {
        let mut rest = self.carry[..self.carried].to_vec();
        rest.extend(std::iter::repeat_n(b'=', self.padding));
        Restorer::new(self.prefix, rest, self.escape, self.log)
    }
}

enum Escape {
    Taken,
    /// It means nothing in base64, and its last byte belongs to it or not.
    Not {
        taken: bool,
    },
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
