//! Hashes: ids, keys, signatures, all from SHA-256, so that equal inputs give equal outputs on every machine.

use std::hash::Hasher;

use ring::digest::SHA256;

use crate::digits::{hex, push_hex};

/// The hash of several parts, each with its length, so that no two lists of parts collide by concatenation.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    digest_of(parts.iter().copied())
}

/// The same of parts that come one by one.
pub(crate) fn digest_of<'p>(parts: impl Iterator<Item = &'p [u8]>) -> [u8; 32] {
    // In one piece: a hash of a few hundred bytes costs less than taking it in parts.
    let mut message = Vec::with_capacity(512);
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    sha256(&message)
}

fn sha256(message: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&SHA256, message).as_ref());
    hash
}

/// A hash for tables of this process: a word at a time is multiplied, and its halves are mixed. It keeps no secret and resists
/// no attack, which a mock need not.
#[derive(Debug, Default)]
pub(crate) struct MixHasher(u64);

/// Half of its bits are ones, without a pattern.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for MixHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0.rotate_left(23) ^ word ^ ODD) * u128::from(ODD);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The first eight bytes of a hash, as a number.
pub(crate) fn number(parts: &[&[u8]]) -> u64 {
    let hash = digest(parts);
    hash[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// A short name for something that must not be shown, such as a key.
pub(crate) fn short(secret: &str) -> String {
    let mut text = String::from("sha256:");
    push_hex(&mut text, &sha256(secret.as_bytes())[..6]);
    text
}

/// The whole hash.
pub(crate) fn full(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}
