//! gzip (RFC 1952): any number of members, each with a head, deflated data and a checksum.

use crc32fast::Hasher;
use flate2::Decompress;

use super::inflate::{Unpacked, inflate};

pub(super) struct Gzip {
    part: GzipPart,
    inflate: Decompress,
    checksum: Hasher,
    length: u32,
    members: u64,
}

/// What the next byte belongs to. Numbers count the bytes that were read of it, or that are left of it.
enum GzipPart {
    /// The two bytes that every member begins with.
    Mark(usize),
    /// The rest of the part of the head that every member has; the flags are its second byte.
    Head {
        read: usize,
        flags: u8,
    },
    ExtraLength {
        read: usize,
        length: usize,
        flags: u8,
    },
    Extra {
        left: usize,
        flags: u8,
    },
    /// A name or a comment, which a zero ends.
    Text {
        left: u8,
        flags: u8,
    },
    HeadChecksum {
        left: usize,
    },
    Data,
    Trailer {
        read: usize,
        bytes: [u8; 8],
    },
    Over,
}

const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const CHECKSUM: u8 = 2;

impl Gzip {
    pub(super) fn new() -> Self {
        let inflate = Decompress::new(false);
        Self { part: GzipPart::Mark(0), inflate, checksum: Hasher::new(), length: 0, members: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.part, GzipPart::Over)
    }

    /// Whether a member may follow, or not.
    pub(super) fn may_end(&self) -> bool {
        self.members > 0 && matches!(self.part, GzipPart::Mark(_) | GzipPart::Over)
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Unpacked {
        loop {
            if matches!(self.part, GzipPart::Data) {
                let mut ended = false;
                let step = inflate(&mut self.inflate, input, output, &mut ended);
                self.checksum.update(&output[..step.written]);
                self.length = self.length.wrapping_add(step.written as u32);
                if ended {
                    self.part = GzipPart::Trailer { read: 0, bytes: [0; 8] };
                }
                if step.written > 0 || step.damaged || !ended {
                    return step;
                }
            }
            let Some((&byte, rest)) = input.split_first().filter(|_| !self.is_over()) else { return Unpacked::NOTHING };
            *input = rest;
            if self.byte(byte).is_err() {
                return Unpacked::DAMAGED;
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), ()> {
        self.part = match self.part {
            GzipPart::Mark(0) if byte == 0x1f => GzipPart::Mark(1),
            GzipPart::Mark(1) if byte == 0x8b => GzipPart::Head { read: 0, flags: 0 },
            // What follows a whole member and is not a member is ignored.
            GzipPart::Mark(_) if self.members > 0 => GzipPart::Over,
            GzipPart::Mark(_) => return Err(()),
            GzipPart::Head { read: 0, .. } if byte != 8 => return Err(()),
            GzipPart::Head { read: 1, .. } => GzipPart::Head { read: 2, flags: byte },
            GzipPart::Head { read: 7, flags } => after_head(flags, EXTRA),
            GzipPart::Head { read, flags } => GzipPart::Head { read: read + 1, flags },
            GzipPart::ExtraLength { read: 0, flags, .. } => {
                GzipPart::ExtraLength { read: 1, length: usize::from(byte), flags }
            }
            GzipPart::ExtraLength { length, flags, .. } => match length | usize::from(byte) << 8 {
                0 => after_head(flags, NAME),
                left => GzipPart::Extra { left, flags },
            },
            GzipPart::Extra { left: 1, flags } => after_head(flags, NAME),
            GzipPart::Extra { left, flags } => GzipPart::Extra { left: left - 1, flags },
            GzipPart::Text { left, flags } if byte == 0 => {
                after_head(flags, if left == NAME { COMMENT } else { CHECKSUM })
            }
            GzipPart::Text { left, flags } => GzipPart::Text { left, flags },
            GzipPart::HeadChecksum { left: 1 } => GzipPart::Data,
            GzipPart::HeadChecksum { left } => GzipPart::HeadChecksum { left: left - 1 },
            GzipPart::Trailer { read, mut bytes } => {
                bytes[read] = byte;
                match read {
                    7 => return self.end(bytes),
                    _ => GzipPart::Trailer { read: read + 1, bytes },
                }
            }
            GzipPart::Data => GzipPart::Data,
            GzipPart::Over => GzipPart::Over,
        };
        Ok(())
    }

    /// The end of a member.
    fn end(&mut self, trailer: [u8; 8]) -> Result<(), ()> {
        let (checksum, length) = (std::mem::take(&mut self.checksum).finalize(), std::mem::take(&mut self.length));
        self.inflate.reset(false);
        self.members += 1;
        self.part = GzipPart::Mark(0);
        if trailer[..4] == checksum.to_le_bytes() && trailer[4..] == length.to_le_bytes() { Ok(()) } else { Err(()) }
    }
}

/// The first part of a head, from this one on, that its flags say is there.
fn after_head(flags: u8, from: u8) -> GzipPart {
    let is_there = |flag: u8| flags & flag != 0;
    match from {
        EXTRA if is_there(EXTRA) => GzipPart::ExtraLength { read: 0, length: 0, flags },
        EXTRA | NAME if is_there(NAME) => GzipPart::Text { left: NAME, flags },
        EXTRA | NAME | COMMENT if is_there(COMMENT) => GzipPart::Text { left: COMMENT, flags },
        _ if is_there(CHECKSUM) => GzipPart::HeadChecksum { left: 2 },
        _ => GzipPart::Data,
    }
}
