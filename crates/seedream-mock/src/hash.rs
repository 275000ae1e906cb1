//! Hashes: ids, keys, signatures, all from SHA-256, so that equal inputs give equal outputs on every machine.

use sha2::{Digest as _, Sha256};

/// The hash of several parts, each with its length, so that no two lists of parts collide by concatenation.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    digest_of(parts.iter().copied())
}

/// The same of parts that come one by one.
pub(crate) fn digest_of<'p>(parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The first eight bytes of a hash, as a number.
pub(crate) fn number(parts: &[&[u8]]) -> u64 {
    let hash = digest(parts);
    hash[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// How long a short name is.
pub(crate) const SHORT: usize = "sha256:0123456789ab".len();

/// A short name for something that must not be shown, such as a key.
pub(crate) fn short(secret: &str) -> String {
    let mut text = String::with_capacity(SHORT);
    text.push_str("sha256:");
    push_hex(&mut text, &Sha256::digest(secret.as_bytes())[..6]);
    text
}

/// The whole hash.
pub(crate) fn full(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
