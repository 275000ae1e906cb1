//! One string of base64: decodes it while it arrives, and remembers what it takes to write it again.

use memchr::memchr2;

use super::{
    base64_alphabet::{self, Alphabet, NONE, NextLine, ODDITIES, OTHER_ALPHABET, blank, continued, quantum},
    body_syntax::BodySyntax,
    reencode::{OddityLog, Restorer},
};

/// How far a string was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecodeStop {
    /// To the end of the input.
    All,
    /// To the quote that ends it.
    Quote(usize),
    /// To a byte that cannot stand in base64.
    Not(usize),
}

/// A string of base64 that is being decoded.
#[derive(Debug)]
pub(super) struct Base64Decoder {
    /// What stands in front of it, such as the head of a data URI.
    prefix: Vec<u8>,
    syntax: BodySyntax,
    /// In which letters are written here.
    alphabet: Alphabet,
    /// The values of letters that are not yet four.
    carry: [u8; 4],
    carried: usize,
    /// How many `=` came.
    padding: usize,
    /// An escape that has not ended, or a line break that may be one in the string.
    escape: Vec<u8>,
    log: OddityLog,
    /// Whether more than letters and escapes is in it, so that long stretches of letters are not to be expected.
    broken: bool,
    /// Whether an end that is not quite right is taken.
    forgiving: bool,
}

impl Base64Decoder {
    pub(super) fn new(prefix: &[u8], syntax: BodySyntax) -> Self {
        Self {
            prefix: prefix.to_vec(),
            syntax,
            alphabet: Alphabet::Standard,
            carry: [0; 4],
            carried: 0,
            padding: 0,
            escape: Vec::new(),
            log: OddityLog::default(),
            broken: false,
            forgiving: false,
        }
    }

    /// Says whether it is known to be an image, which is not lost over a letter or two at its end.
    pub(super) fn forgive(&mut self, forgiving: bool) {
        self.forgiving = forgiving;
    }

    /// Decodes what it can and appends it to `decoded`.
    pub(super) fn feed(&mut self, input: &[u8], decoded: &mut Vec<u8>) -> DecodeStop {
        let mut at = 0;
        // Where the letters that are being read end at the latest; looked for once a stretch.
        let mut stop = 0;
        while let Some(&byte) = input.get(at) {
            if !self.escape.is_empty() {
                match self.escaped(byte, decoded) {
                    EscapeStep::Taken => at += 1,
                    EscapeStep::Over => {}
                    EscapeStep::Not { taken } => return DecodeStop::Not(at + usize::from(taken)),
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
                    self.broken |= self.alphabet == Alphabet::UrlSafe;
                    self.alphabet = self.alphabet.other();
                    self.log.odd(OTHER_ALPHABET);
                    continue;
                }
            }
            match byte {
                b'"' => return DecodeStop::Quote(at),
                b'\\' => match input.get(at + 1).and_then(|byte| base64_alphabet::escaped(*byte)) {
                    Some(kind) if self.odd(kind, decoded) => at += 1,
                    _ => self.escape.push(byte),
                },
                b'\n' | b'\r' if self.syntax == BodySyntax::Events => {
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
                _ => {
                    let Some(kind) = blank(byte) else { return DecodeStop::Not(at) };
                    self.broken = true;
                    self.log.odd(kind);
                }
            }
            at += 1;
        }
        DecodeStop::All
    }

    /// Takes one byte of an escape.
    fn escaped(&mut self, byte: u8, decoded: &mut Vec<u8>) -> EscapeStep {
        self.escape.push(byte);
        if matches!(self.escape[0], b'\n' | b'\r') {
            return self.continued();
        }
        let Some(kind) = ODDITIES.iter().position(|(text, _)| text.starts_with(&self.escape)) else {
            // After a backslash any byte belongs to the escape; in the middle of digits it does not.
            let taken = self.escape.len() == 2 && self.escape[0] == b'\\';
            if !taken {
                self.escape.pop();
            }
            return EscapeStep::Not { taken };
        };
        if ODDITIES[kind].0.len() > self.escape.len() {
            return EscapeStep::Taken;
        }
        if !self.odd(kind, decoded) {
            return EscapeStep::Not { taken: true };
        }
        self.escape.clear();
        EscapeStep::Taken
    }

    /// Takes an oddity; `false` where it cannot stand here.
    fn odd(&mut self, kind: usize, decoded: &mut Vec<u8>) -> bool {
        match ODDITIES[kind].1 {
            Some(b'=') => self.padding += 1,
            Some(letter) if self.padding == 0 => {
                self.carry[self.carried] = Alphabet::Standard.values()[usize::from(letter)];
                self.carried += 1;
                if self.carried == 4 {
                    decoded.extend_from_slice(&quantum(self.carry));
                    self.carried = 0;
                }
            }
            Some(_) => return false,
            None => {}
        }
        self.log.odd(kind);
        true
    }

    /// Takes one byte after a line break of an event.
    fn continued(&mut self) -> EscapeStep {
        match continued(&self.escape) {
            NextLine::Open => EscapeStep::Taken,
            NextLine::No => {
                self.escape.pop();
                EscapeStep::Not { taken: false }
            }
            NextLine::Yes(length) => {
                let kind = ODDITIES.iter().position(|(text, _)| *text == &self.escape[..length]).unwrap_or(0);
                self.escape.clear();
                self.log.odd(kind);
                EscapeStep::Over
            }
        }
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
        let (lead, rest) = input.split_at(lead);
        let (whole, tail) = rest.split_at(rest.len() / 4 * 4);
        let values = self.alphabet.values();
        let (mut carry, mut last) = (self.carry, [0; 4]);
        let carried = self.carried + lead.len();
        let ends = carry[self.carried..].iter_mut().zip(lead).chain(last.iter_mut().zip(tail));
        ends.for_each(|(value, letter)| *value = values[usize::from(*letter)]);
        if carry[self.carried..carried].contains(&NONE) || last.contains(&NONE) {
            return false;
        }
        let before = decoded.len();
        // The library grows a vector by just what it needs, which would copy it again with every chunk.
        decoded.reserve(whole.len() / 4 * 3 + 3);
        if carried == 4 {
            decoded.extend_from_slice(&quantum(carry));
        }
        if self.alphabet.decoder().decode_append(whole, decoded).is_err() {
            decoded.truncate(before);
            return false;
        }
        (self.carry, self.carried) = if tail.is_empty() { (carry, carried % 4) } else { (last, tail.len()) };
        true
    }

    /// The string is over: whether it was base64, the rest of which is then appended. Padding may be missing, and bits beyond
    /// the last byte may be set.
    pub(super) fn finish(&mut self, decoded: &mut Vec<u8>) -> bool {
        let fits = match self.carried {
            0 => self.padding == 0,
            1 => false,
            carried => self.padding <= 4 - carried,
        };
        if !fits && !self.forgiving {
            return false;
        }
        self.carry[self.carried..].fill(0);
        decoded.extend_from_slice(&quantum(self.carry)[..self.carried * 3 / 4]);
        true
    }

    /// What writes the string again, from its decoded bytes, and what of it ended no line but may have begun to.
    pub(super) fn into_restorer(self) -> (Restorer, Vec<u8>) {
        let mut rest: Vec<_> = self.carry[..self.carried].iter().map(|value| base64_alphabet::letter(*value)).collect();
        rest.extend(std::iter::repeat_n(b'=', self.padding));
        let broke = if matches!(self.escape.first(), Some(b'\n' | b'\r')) { self.escape.clone() } else { Vec::new() };
        (Restorer::new(self.prefix, rest, self.escape, self.log), broke)
    }
}

enum EscapeStep {
    Taken,
    /// It ended before this byte.
    Over,
    /// It means nothing in base64, and its last byte belongs to it or not.
    Not {
        taken: bool,
    },
}
