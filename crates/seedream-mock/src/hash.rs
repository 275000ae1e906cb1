//! Hashes for ids, keys and signatures: equal inputs give equal outputs on every machine.

use std::hash::Hasher;

use ring::digest::SHA256;
use siphasher::sip128::{Hash128, SipHasher13};

use crate::digits::{hex, push_hex};

/// The hash of several parts, each with its length, so that no two lists of parts collide by concatenation. It holds 128 bits, in the
/// 32 bytes that the providers' signatures have.
///
/// SipHash: SHA-256 of the same few hundred bytes took a third of what one response costs, and a mock has no secret to keep.
pub(crate) fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let first = sip(parts).as_bytes();
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&first);
    hash[16..].copy_from_slice(&sip([&first[..]]).as_bytes());
    hash
}

/// The same, as a number.
pub(crate) fn number(parts: &[&[u8]]) -> u64 {
    sip(parts.iter().copied()).h1
}

fn sip<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Hash128 {
    // In one piece, which costs less than taking a few hundred bytes in parts.
    let mut message = Vec::with_capacity(512);
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_le_bytes());
        message.extend_from_slice(part);
    }
    SipHasher13::new().hash(&message)
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
