//! Judges a string by how it begins.

use memchr::memchr;

use super::{
    base64_alphabet::{Alphabet, NONE, NextLine, continued, quantum},
    body_syntax::BodySyntax,
    decoder::{Base64Decoder, DecodeStop},
    member::MemberKind,
};
use crate::body::image_format::signature::{SignatureMatch, is_image, is_weak, look};

/// How many letters of base64 decide whether it can be an image.
const LETTERS: usize = 24;

/// What may stand at the front instead: a data URI, or one that has lost its first word.
const HEADS: [&[u8]; 3] = [b"data:", b"image/", b"base64,"];

/// What such a head, base64 of a known format, a blank or an escape begins with.
const FIRST: &[u8] = b"ABDIQRSTU_/bdi\\% \t\r\n";

/// Media types of what is no image; any other in a data URI is taken for one, since not every relay writes it well.
const OTHERS: [&str; 8] = ["application/", "audio/", "font/", "message/", "model/", "multipart/", "text/", "video/"];

/// Whether the first byte of a string may be that of an image, unless its member's name says base64. Of most strings this is all
/// that is looked at.
pub(super) fn may_begin(first: u8) -> bool {
    FIRST.contains(&first)
}

/// Whether a string that begins like this may be an image; where it may not, no more of it changes that.
pub(super) fn may_be_image(raw: &[u8], class: MemberKind, syntax: BodySyntax) -> bool {
    match class {
        MemberKind::Echo => return false,
        MemberKind::Base64 => return true,
        MemberKind::Any => {}
    }
    let mut head = [0; LETTERS];
    let mut len = 0;
    for byte in PlainBytes::new(raw, syntax).filter(|byte| !byte.is_ascii_whitespace()) {
        head[len] = byte;
        len += 1;
        // Four letters, which are three bytes, leave little but images.
        if len == 4 && !may_be_letters(&head[..len]) {
            return false;
        }
        if len == LETTERS {
            break;
        }
    }
    may_be_letters(&head[..len])
}

/// The same of its letters without white space.
fn may_be_letters(head: &[u8]) -> bool {
    let is_head = |start: &[u8]| head.iter().zip(start).all(|(byte, expected)| byte.eq_ignore_ascii_case(expected));
    if HEADS.into_iter().any(is_head) {
        return true;
    }
    let mut values = [0; LETTERS];
    for (value, letter) in values.iter_mut().zip(head) {
        let alphabet = if Alphabet::Standard.has(*letter) { Alphabet::Standard } else { Alphabet::UrlSafe };
        *value = alphabet.values()[usize::from(*letter)];
    }
    let mut decoded = [0; LETTERS / 4 * 3];
    for (bytes, values) in decoded.chunks_exact_mut(3).zip(values.as_chunks().0) {
        bytes.copy_from_slice(&quantum(*values));
    }
    !values.contains(&NONE) && look(&decoded[..head.len() / 4 * 3]) != SignatureMatch::Other
}

/// Decodes what a long string begins with, if it is an image.
pub(super) fn begin(raw: &[u8], class: MemberKind, syntax: BodySyntax, decoded: &mut Vec<u8>) -> Option<Base64Decoder> {
    if !may_be_image(raw, class, syntax) {
        return None;
    }
    let mut at = 0;
    let mut said = false;
    if memchr(b',', raw).is_some() {
        // Some put two in front, one after the other.
        while let Some((length, is_image)) = head(&raw[at..], syntax) {
            at += length;
            said |= is_image;
        }
    }
    let mut decoder = Base64Decoder::new(&raw[..at], syntax);
    if decoder.feed(&raw[at..], decoded) != DecodeStop::All {
        return None;
    }
    let known = is_image(decoded);
    decoder.forgive(known || said);
    (said || class == MemberKind::Base64 || known && (!is_weak(decoded) || is_varied(&raw[at..]))).then_some(decoder)
}

/// The length of what stands in front of base64, up to its comma, and whether it says that an image follows.
fn head(raw: &[u8], syntax: BodySyntax) -> Option<(usize, bool)> {
    let mut plain = PlainBytes::new(raw, syntax);
    let mut text = String::new();
    loop {
        match plain.next()? {
            b',' => break,
            byte if byte.is_ascii_whitespace() => {}
            byte => text.push(char::from(byte.to_ascii_lowercase())),
        }
    }
    let parameters = text.strip_suffix("base64")?;
    let (is_uri, media_type) = match parameters.strip_prefix("data:") {
        Some(rest) => (true, rest),
        None => (false, parameters),
    };
    let media_type = media_type.split(';').next().unwrap_or_default();
    let is_image = media_type.starts_with("image/");
    let is_other = OTHERS.iter().any(|other| media_type.starts_with(other)) && media_type != "application/octet-stream";
    (is_uri || is_image || parameters.is_empty()).then_some((plain.at, is_image || is_uri && !is_other))
}

/// Whether there are letters of every kind in it, as in any base64 of this length, and not in words.
fn is_varied(raw: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| raw.iter().filter(|byte| is(byte)).count();
    [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase]
        .into_iter()
        .all(|is| count(is) > raw.len() / 16)
}

/// The bytes that a string in JSON stands for, as far as they are ASCII; anything else is 0xff.
struct PlainBytes<'a> {
    raw: &'a [u8],
    syntax: BodySyntax,
    /// Where the next byte stands.
    at: usize,
}

impl<'a> PlainBytes<'a> {
    fn new(raw: &'a [u8], syntax: BodySyntax) -> Self {
        Self { raw, syntax, at: 0 }
    }
}

impl Iterator for PlainBytes<'_> {
    type Item = u8;

    /// The next byte; `None` where it has not arrived.
    fn next(&mut self) -> Option<u8> {
        let rest = self.raw.get(self.at..)?;
        let hex = |from: usize, digits: usize| {
            let text = str::from_utf8(rest.get(from..from + digits)?).unwrap_or_default();
            Some(u32::from_str_radix(text, 16).ok().and_then(|code| u8::try_from(code).ok()).unwrap_or(0xff))
        };
        let (byte, length) = match *rest.first()? {
            b'\\' => match *rest.get(1)? {
                b'u' => (hex(2, 4)?, 6),
                b'n' | b'r' | b't' => (b' ', 2),
                byte @ (b'/' | b'"' | b'\\') => (byte, 2),
                _ => (0xff, 2),
            },
            b'%' => (hex(1, 2)?, 3),
            b'\n' | b'\r' if self.syntax == BodySyntax::Events => match continued(rest) {
                NextLine::Yes(length) => (b' ', length),
                NextLine::Open => return None,
                NextLine::No => (0xff, 1),
            },
            byte => (byte, 1),
        };
        self.at += length;
        Some(byte)
    }
}
