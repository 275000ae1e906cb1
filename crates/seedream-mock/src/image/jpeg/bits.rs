//! Bits in a file: bytes from the highest bit on, and a zero byte behind every byte of ones, which would begin a marker.

/// Some bits, the last of which is the lowest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits {
    pub(crate) bits: u64,
    pub(crate) count: u32,
}

impl Bits {
    /// The most that a value has.
    pub(crate) const MOST: u32 = u64::BITS;

    /// These bits, followed by others; both together are at most [`Self::MOST`].
    pub(crate) fn then(self, next: Self) -> Self {
        Self { bits: self.bits << next.count | next.bits, count: self.count + next.count }
    }
}

/// Writes bits behind the head of a file.
pub(crate) struct BitWriter {
    file: Vec<u8>,
    /// What is not written yet: fewer than 64 bits.
    pending: u128,
    count: u32,
}

impl BitWriter {
    pub(crate) fn after(head: Vec<u8>) -> Self {
        Self { file: head, pending: 0, count: 0 }
    }

    pub(crate) fn put(&mut self, Bits { bits, count }: Bits) {
        self.pending = self.pending << count | u128::from(bits);
        self.count += count;
        if self.count >= u64::BITS {
            self.count -= u64::BITS;
            self.bytes(((self.pending >> self.count) as u64).to_be_bytes());
        }
    }

    fn bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        if !bytes.contains(&0xff) {
            return self.file.extend_from_slice(&bytes);
        }
        for byte in bytes {
            self.file.push(byte);
            if byte == 0xff {
                self.file.push(0);
            }
        }
    }

    /// The file: its last byte is filled with ones, and the marker of the end follows.
    pub(crate) fn done(mut self) -> Vec<u8> {
        self.put(Bits { bits: 0x7f, count: 7 });
        while self.count >= u8::BITS {
            self.count -= u8::BITS;
            self.bytes([(self.pending >> self.count) as u8]);
        }
        self.file.extend([0xff, 0xd9]);
        self.file
    }
}
