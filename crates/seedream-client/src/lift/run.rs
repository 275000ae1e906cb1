//! One string of base64: decodes it while it arrives, and remembers what it takes to write it again.

use base64_simd::{Base64, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memchr2;

use super::{
    Grammar,
    restore::{Log, Restorer},
};

/// What may stand in base64 beside its letters, as it stands in JSON, and the letter that it means.
///
/// PHP writes `\/`, .NET `\u002B`; line breaks come from encoders for e-mail; in a URI some letters have three bytes.
pub(super) const ODDITIES: [(&[u8], Option<u8>); 38] = [
    // Nothing: from here on letters are written in the other alphabet.
    (b"", None),
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
    (b"\\u000A", None),
    (b"\\u000d", None),
    (b"\\u000D", None),
    (b"\\u0009", None),
    (b"\\u0020", None),
    (b"\\u002d", Some(b'+')),
    (b"\\u002D", Some(b'+')),
    (b"\\u005f", Some(b'/')),
    (b"\\u005F", Some(b'/')),
    (b"%2f", Some(b'/')),
    (b"%2F", Some(b'/')),
    (b"%2b", Some(b'+')),
    (b"%2B", Some(b'+')),
    (b"%3d", Some(b'=')),
    (b"%3D", Some(b'=')),
    (b"%20", None),
    // A string that goes on in the next line of data of an event.
    (b"\ndata:", None),
    (b"\ndata: ", None),
    (b"\rdata:", None),
    (b"\rdata: ", None),
    (b"\r\ndata:", None),
    (b"\r\ndata: ", None),
];

/// The oddity that changes the alphabet.
pub(super) const OTHER_ALPHABET: usize = 0;

/// The two alphabets of base64. Letters are kept in the standard one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Alphabet {
    #[default]
    Standard,
    UrlSafe,
}

impl Alphabet {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Standard => Self::UrlSafe,
            Self::UrlSafe => Self::Standard,
        }
    }

    fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || self.special(byte).is_some()
    }

    /// What a letter of the standard alphabet is here.
    pub(super) fn written(self, letter: u8) -> u8 {
        match (self, letter) {
            (Self::UrlSafe, b'+') => b'-',
            (Self::UrlSafe, b'/') => b'_',
            _ => letter,
        }
    }

    /// The letter of the standard alphabet for one of the two that the alphabets do not share.
    fn special(self, byte: u8) -> Option<u8> {
        match (self, byte) {
            (Self::Standard, b'+') | (Self::UrlSafe, b'-') => Some(b'+'),
            (Self::Standard, b'/') | (Self::UrlSafe, b'_') => Some(b'/'),
            _ => None,
        }
    }

    fn standard(self, byte: u8) -> u8 {
        self.special(byte).unwrap_or(byte)
    }

    fn decoder(self) -> &'static Base64 {
        match self {
            Self::Standard => &STANDARD_NO_PAD,
            Self::UrlSafe => &URL_SAFE_NO_PAD,
        }
    }
}

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
    /// What stands in front of it, such as the head of a data URI.
    prefix: Vec<u8>,
    grammar: Grammar,
    /// In which letters are written here.
    alphabet: Alphabet,
    /// Letters that are not yet four.
    carry: [u8; 4],
    carried: usize,
    /// How many `=` came.
    padding: usize,
    /// An escape that has not ended, or a line break that may be one in the string.
    escape: Vec<u8>,
    log: Log,
    /// Whether more than letters and escapes is in it, so that long stretches of letters are not to be expected.
    broken: bool,
    /// Whether an end that is not quite right is taken.
    forgiving: bool,
}

impl Run {
    pub(super) fn new(prefix: &[u8], grammar: Grammar) -> Self {
        Self {
            prefix: prefix.to_vec(),
            grammar,
            alphabet: Alphabet::Standard,
            carry: [0; 4],
            carried: 0,
            padding: 0,
            escape: Vec::new(),
            log: Log::default(),
            broken: false,
            forgiving: false,
        }
    }

    /// Says whether it is known to be an image, which is not lost over a letter or two at its end.
    pub(super) fn forgive(&mut self, forgiving: bool) {
        self.forgiving = forgiving;
    }

    /// Decodes what it can and appends it to `decoded`.
    pub(super) fn feed(&mut self, input: &[u8], decoded: &mut Vec<u8>) -> Fed {
        let mut at = 0;
        // Where the letters that are being read end at the latest; looked for once a stretch.
        let mut stop = 0;
        while let Some(&byte) = input.get(at) {
            if !self.escape.is_empty() {
                match self.escaped(byte, decoded) {
                    Escape::Taken => at += 1,
                    Escape::Over => {}
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
                if self.alphabet.other().has(byte) {
                    self.broken = self.alphabet == Alphabet::UrlSafe;
                    self.alphabet = self.alphabet.other();
                    self.log.odd(OTHER_ALPHABET);
                    continue;
                }
            }
            match byte {
                b'"' => return Fed::Quote(at),
                b'\\' => self.escape.push(byte),
                b'\n' | b'\r' if self.grammar == Grammar::Events => {
                    self.broken = true;
                    self.escape.push(byte);
                }
                b'%' => {
                    self.broken = true;
                    self.escape.push(byte);
                }
                b'=' => {
                    self.padding += 1;
                    self.log.letters(1);
                }
                b'\n' | b'\r' | b'\t' | b' ' => {
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
        if matches!(self.escape[0], b'\n' | b'\r') {
            return self.continued();
        }
        let Some(kind) = ODDITIES.iter().position(|(text, _)| text.starts_with(&self.escape)) else {
            // Behind a backslash anything belongs to the escape; in the middle of digits it does not.
            let taken = self.escape.len() == 2 && self.escape[0] == b'\\';
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
            Some(b'=') => self.padding += 1,
            Some(letter) if self.padding == 0 => self.letter(letter, decoded),
            Some(_) => return Escape::Not { taken: true },
            None => {}
        }
        self.escape.clear();
        self.log.odd(kind);
        Escape::Taken
    }

    /// Takes one byte behind a line break of an event.
    fn continued(&mut self) -> Escape {
        match continued(&self.escape) {
            Continued::Open => Escape::Taken,
            Continued::No => {
                self.escape.pop();
                Escape::Not { taken: false }
            }
            Continued::Yes(length) => {
                let kind = ODDITIES.iter().position(|(text, _)| *text == &self.escape[..length]).unwrap_or(0);
                self.escape.clear();
                self.log.odd(kind);
                Escape::Over
            }
        }
    }

    /// Takes one letter of the standard alphabet.
    fn letter(&mut self, letter: u8, decoded: &mut Vec<u8>) {
        let alphabet = std::mem::replace(&mut self.alphabet, Alphabet::Standard);
        self.quanta(&[letter], decoded);
        self.alphabet = alphabet;
    }

    /// Takes the letters at the front, and says how many there are.
    fn letters(&mut self, input: &[u8], decoded: &mut Vec<u8>) -> usize {
        if !self.broken && self.quanta(input, decoded) {
            self.log.letters(input.len());
            return input.len();
        }
        let count = input.iter().take_while(|byte| self.alphabet.has(**byte)).count();
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
        if !lead.iter().chain(tail).all(|byte| self.alphabet.has(*byte)) {
            return false;
        }
        let standard = |to: &mut [u8], from: &[u8]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = self.alphabet.standard(*from));
        };
        let mut first = self.carry;
        standard(&mut first[self.carried..], lead);
        let carried = self.carried + lead.len();
        let before = decoded.len();
        // The library grows a vector by just what it needs, which would copy it again with every chunk.
        decoded.reserve(whole.len() / 4 * 3 + 3);
        let first_done = carried < 4 || STANDARD_NO_PAD.decode_append(first, decoded).is_ok();
        if !first_done || self.alphabet.decoder().decode_append(whole, decoded).is_err() {
            decoded.truncate(before);
            return false;
        }
        standard(&mut first[if tail.is_empty() { 4 } else { 0 }..], tail);
        self.carry = first;
        self.carried = if tail.is_empty() { carried % 4 } else { tail.len() };
        true
    }

    /// The string is over: whether it was base64, the rest of which is then appended. Padding may be missing, and bits beyond
    /// the last byte may be set.
    pub(super) fn finish(&mut self, decoded: &mut Vec<u8>) -> bool {
        let fits = match self.carried {
            0 => self.padding == 0,
            2 => matches!(self.padding, 0 | 2),
            3 => matches!(self.padding, 0 | 1),
            _ => false,
        };
        if !fits && !self.forgiving {
            return false;
        }
        // Letters of the value 0 fill it up.
        let mut last = [b'A'; 4];
        last[..self.carried].copy_from_slice(&self.carry[..self.carried]);
        let whole = decoded.len() + (self.carried * 3) / 4;
        let done = STANDARD_NO_PAD.decode_append(last, decoded).is_ok();
        decoded.truncate(whole);
        done
    }

    /// What writes the string again, from its decoded bytes, and what of it ended no line but may have begun to.
    pub(super) fn into_restorer(self) -> (Restorer, Vec<u8>) {
        let mut rest = self.carry[..self.carried].to_vec();
        rest.extend(std::iter::repeat_n(b'=', self.padding));
        let broke = if matches!(self.escape.first(), Some(b'\n' | b'\r')) { self.escape.clone() } else { Vec::new() };
        (Restorer::new(self.prefix, rest, self.escape, self.log), broke)
    }
}

enum Escape {
    Taken,
    /// It ended before this byte.
    Over,
    /// It means nothing in base64, and its last byte belongs to it or not.
    Not {
        taken: bool,
    },
}

/// Whether a string goes on behind a line break in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continued {
    /// More has to arrive.
    Open,
    /// The next line is one of data that goes on with it: so many bytes are the break, `data:` and a blank.
    Yes(usize),
    /// It does not.
    No,
}

/// Judges what begins with a line break in a string. The parser of events joins lines of data, so that a string may go on in the
/// next one; a bracket there begins another document, since an event may be cut off without an empty line behind it.
pub(super) fn continued(text: &[u8]) -> Continued {
    const FIELD: &[u8] = super::FIELD;
    let breaks = if text.starts_with(b"\r\n") { 2 } else { 1 };
    let line = &text[breaks..];
    if line.is_empty() || (line.len() < FIELD.len() && FIELD.starts_with(line)) {
        return Continued::Open;
    }
    let Some(value) = line.strip_prefix(FIELD) else { return Continued::No };
    let blank = usize::from(value.first() == Some(&b' '));
    match value.get(blank) {
        None => Continued::Open,
        Some(b'{' | b'[') => Continued::No,
        Some(_) => Continued::Yes(breaks + FIELD.len() + blank),
    }
}
