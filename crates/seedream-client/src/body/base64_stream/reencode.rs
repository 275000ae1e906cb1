//! Writes a string again that only looked like base64, to the byte.

use base64_simd::STANDARD_NO_PAD;

use super::base64_alphabet::{Alphabet, ODDITIES, OTHER_ALPHABET};

/// Where in a string something else than a plain letter stood. Repeated patterns, such as lines of 76 letters, are kept once;
/// anything else takes about two bytes an escape.
#[derive(Debug, Default)]
pub(super) struct OddityLog {
    packed: Vec<u8>,
    /// The last entry, which may still repeat.
    last: Option<OddityRun>,
    /// Plain letters since then.
    plain: u64,
}

/// So many plain letters and an oddity, so many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OddityRun {
    plain: u64,
    kind: usize,
    times: u64,
}

impl OddityLog {
    pub(super) fn letters(&mut self, count: usize) {
        self.plain += count as u64;
    }

    pub(super) fn odd(&mut self, kind: usize) {
        let plain = std::mem::take(&mut self.plain);
        match &mut self.last {
            Some(last) if last.plain == plain && last.kind == kind => last.times += 1,
            last => {
                if let Some(entry) = last.replace(OddityRun { plain, kind, times: 1 }) {
                    pack(&mut self.packed, entry);
                }
            }
        }
    }
}

/// The kind and whether it is repeated in one byte, then the numbers in groups of seven bits.
fn pack(packed: &mut Vec<u8>, entry: OddityRun) {
    let kind = u8::try_from(entry.kind).unwrap_or(0) << 1;
    packed.push(kind | u8::from(entry.times > 1));
    number(packed, entry.plain);
    if entry.times > 1 {
        number(packed, entry.times);
    }
}

fn number(packed: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        packed.push(value as u8 | 0x80);
        value >>= 7;
    }
    packed.push(value as u8);
}

fn read_number(packed: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0, 0);
    while let Some(&byte) = packed.get(*at) {
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    value
}

/// Writes a string again from its decoded bytes.
#[derive(Debug)]
pub(crate) struct Restorer {
    prefix: Vec<u8>,
    /// The letters and the padding that were not decoded.
    rest: Vec<u8>,
    /// The escape at which it ended.
    escape: Vec<u8>,
    log: OddityLog,
    /// In which the next letters were written.
    alphabet: Alphabet,
    /// How much of the log was read.
    at: usize,
    /// Its entry that comes next, with how often it still comes.
    entry: Option<OddityRun>,
    /// Letters before it that were written already.
    written: u64,
    /// Decoded bytes that are not yet three.
    carry: Vec<u8>,
    /// Room for letters, kept for the next.
    room: Vec<u8>,
}

impl Restorer {
    pub(super) fn new(prefix: Vec<u8>, rest: Vec<u8>, escape: Vec<u8>, mut log: OddityLog) -> Self {
        if let Some(entry) = log.last.take() {
            pack(&mut log.packed, entry);
        }
        let mut new = Self {
            prefix,
            rest,
            escape,
            log,
            alphabet: Alphabet::Standard,
            at: 0,
            entry: None,
            written: 0,
            carry: Vec::new(),
            room: Vec::new(),
        };
        new.entry = new.next();
        new
    }

    fn next(&mut self) -> Option<OddityRun> {
        let head = *self.log.packed.get(self.at)?;
        self.at += 1;
        let plain = read_number(&self.log.packed, &mut self.at);
        let times = if head & 1 == 1 { read_number(&self.log.packed, &mut self.at) } else { 1 };
        Some(OddityRun { plain, kind: usize::from(head >> 1), times })
    }

    /// Takes the next decoded bytes, and appends what they were to `text`.
    pub(crate) fn push(&mut self, decoded: &[u8], text: &mut Vec<u8>) {
        text.append(&mut self.prefix);
        self.carry.extend_from_slice(decoded);
        let whole = self.carry.len() / 3 * 3;
        let mut letters = std::mem::take(&mut self.room);
        letters.clear();
        STANDARD_NO_PAD.encode_append(&self.carry[..whole], &mut letters);
        self.carry.drain(..whole);
        self.write(&letters, text);
        self.room = letters;
    }

    /// Appends the end of the string.
    pub(crate) fn finish(mut self, text: &mut Vec<u8>) {
        self.push(&[], text);
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest, text);
        text.append(&mut self.escape);
    }

    fn write(&mut self, mut letters: &[u8], text: &mut Vec<u8>) {
        while let Some(entry) = self.entry {
            let missing = usize::try_from(entry.plain - self.written).unwrap_or(usize::MAX);
            let (plain, rest) = letters.split_at(missing.min(letters.len()));
            self.letters(plain, text);
            letters = rest;
            self.written += plain.len() as u64;
            let (oddity, letter) = ODDITIES[entry.kind];
            if self.written < entry.plain || (letter.is_some() && letters.is_empty()) {
                return;
            }
            text.extend_from_slice(oddity);
            if entry.kind == OTHER_ALPHABET {
                self.alphabet = self.alphabet.other();
            }
            letters = &letters[usize::from(letter.is_some())..];
            self.written = 0;
            self.entry = match entry.times {
                1 => self.next(),
                times => Some(OddityRun { times: times - 1, ..entry }),
            };
        }
        self.letters(letters, text);
    }

    fn letters(&self, letters: &[u8], text: &mut Vec<u8>) {
        match self.alphabet {
            Alphabet::Standard => text.extend_from_slice(letters),
            Alphabet::UrlSafe => text.extend(letters.iter().map(|letter| self.alphabet.written(*letter))),
        }
    }
}
