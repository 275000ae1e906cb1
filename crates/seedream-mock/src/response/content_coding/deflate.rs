//! Deflate in pieces, and the checksums of what stands around it (RFC 1950, 1951, 1952).

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

pub(crate) const GZIP_HEAD: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff";

pub(crate) const ZLIB_HEAD: &[u8] = b"\x78\x9c";

/// The last block, without content.
pub(crate) const END: &[u8] = &[0x03, 0x00];

/// Some bytes as blocks that end at a byte.
pub(crate) fn piece(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // A vector takes everything.
    let _ = encoder.write_all(bytes).and_then(|()| encoder.flush());
    std::mem::take(encoder.get_mut())
}

/// What was packed so far.
#[derive(Debug, Default)]
pub(crate) struct Checksums {
    crc: Crc,
    adler: Adler,
}

impl Checksums {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.adler.add(bytes);
    }

    /// Adds what another sum is of.
    pub(crate) fn follow(&mut self, other: &Self) {
        self.crc.combine(&other.crc);
        self.adler.follow(&other.adler);
    }

    /// What follows a gzip stream: the checksum and the length.
    pub(crate) fn gzip(&self) -> Vec<u8> {
        [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()].concat()
    }

    /// What follows a zlib stream.
    pub(crate) fn zlib(&self) -> [u8; 4] {
        self.adler.sum().to_be_bytes()
    }
}

/// Adler-32.
#[derive(Debug)]
struct Adler {
    low: u32,
    high: u32,
    length: u64,
}

impl Default for Adler {
    fn default() -> Self {
        Self { low: 1, high: 0, length: 0 }
    }
}

impl Adler {
    const MODULUS: u32 = 65_521;

    fn add(&mut self, bytes: &[u8]) {
        // This many sums of bytes fit before they must be reduced.
        for part in bytes.chunks(5552) {
            for byte in part {
                self.low += u32::from(*byte);
                self.high += self.low;
            }
            self.low %= Self::MODULUS;
            self.high %= Self::MODULUS;
        }
        self.length += bytes.len() as u64;
    }

    fn follow(&mut self, other: &Self) {
        let modulus = u64::from(Self::MODULUS);
        let low = u64::from(self.low);
        let high = u64::from(self.high) + u64::from(other.high) + (other.length % modulus) * (low + modulus - 1);
        let low = low + u64::from(other.low) + modulus - 1;
        // Both are below the modulus.
        (self.low, self.high) = ((low % modulus) as u32, (high % modulus) as u32);
        self.length += other.length;
    }

    fn sum(&self) -> u32 {
        self.high << 16 | self.low
    }
}
