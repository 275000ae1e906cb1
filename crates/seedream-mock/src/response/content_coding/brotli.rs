//! Brotli without compression, except of one byte again and again (RFC 7932): it is to be read, not to be small.

/// A window of 64 KiB, and an empty block that ends at a byte.
pub(crate) const HEAD: &[u8] = &[0x0c];

/// The last block, without content.
pub(crate) const END: &[u8] = &[0x03];

/// The longest block that is stored.
const STORED: usize = 1 << 16;

/// The lengths of a run that one block says with one command.
const RUN: std::ops::RangeInclusive<usize> = 4096..=1 << 23;

/// Some bytes as blocks that end at a byte.
pub(crate) fn piece(bytes: &[u8]) -> Vec<u8> {
    if let [first, rest @ ..] = bytes
        && RUN.contains(&bytes.len())
        && rest.iter().all(|byte| byte == first)
    {
        return run(*first, bytes.len());
    }
    let mut blocks = Vec::with_capacity(bytes.len() + 3 * bytes.len().div_ceil(STORED));
    for part in bytes.chunks(STORED) {
        // Not the last, a length in four nibbles, not compressed; then the next byte.
        let head = ((part.len() - 1) as u32) << 3 | 1 << 19;
        blocks.extend_from_slice(&head.to_le_bytes()[..3]);
        blocks.extend_from_slice(part);
    }
    blocks
}

/// One byte, repeated: a literal, and a copy from one byte before.
fn run(byte: u8, length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // Not the last, six nibbles of length, compressed.
    bits.put(0, 1);
    bits.put(2, 2);
    bits.put(length as u32 - 1, 24);
    bits.put(0, 1);
    // One type of block each; no postfix, no direct distances; one context; one tree each.
    bits.put(0, 3 + 2 + 4 + 2 + 2);
    // Simple prefix codes of one symbol: the byte; insert 1 and copy 2118 or more; distance 1 or 2.
    for (symbol, width) in [(u32::from(byte), 8), (399, 10), (16, 6)] {
        bits.put(1, 2);
        bits.put(0, 2);
        bits.put(symbol, width);
    }
    bits.put(length as u32 - 1 - 2118, 24);
    bits.put(0, 1);
    // An empty block that ends at a byte.
    bits.put(0b00_0110, 6);
    bits.bytes
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, width: u32) {
        for bit in 0..width {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }
}
