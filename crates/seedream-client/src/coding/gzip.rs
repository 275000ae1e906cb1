//! gzip (RFC 1952): any number of members, each with a head, deflated data and a checksum.

use crc32fast::Hasher;
use flate2::Decompress;

use super::unpack::{Step, inflate};

pub(super) struct Gzip {
    part: Part,
    inflate: Decompress,
    checksum: Hasher,
    length: u32,
    members: u64,
}

/// What the next byte belongs to. Numbers count the bytes that were read of it, or that are left of it.
enum Part {
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
        Self { part: Part::Mark(0), inflate, checksum: Hasher::new(), length: 0, members: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.part, Part::Over)
    }

    /// Whether a member may follow, or not.
    pub(super) fn may_end(&self) -> bool {
        self.members > 0 && matches!(self.part, Part::Mark(_) | Part::Over)
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Step {
        loop {
            if matches!(self.part, Part::Data) {
                let mut ended = false;
                let step = inflate(&mut self.inflate, input, output, &mut ended);
                self.checksum.update(&output[..step.written]);
                self.length = self.length.wrapping_add(step.written as u32);
                if ended {
                    self.part = Part::Trailer { read: 0, bytes: [0; 8] };
                }
                if step.written > 0 || step.damaged || !ended {
                    return step;
                }
            }
            let Some((&byte, rest)) = input.split_first().filter(|_| !self.is_over()) else { return Step::NOTHING };
            *input = rest;
            if self.byte(byte).is_err() {
                return Step::DAMAGED;
            }
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), ()> {
        self.part = match self.part {
            Part::Mark(0) if byte == 0x1f => Part::Mark(1),
            Part::Mark(1) if byte == 0x8b => Part::Head { read: 0, flags: 0 },
            // What follows a whole member and is none is nothing.
            Part::Mark(_) if self.members > 0 => Part::Over,
            Part::Mark(_) => return Err(()),
            Part::Head { read: 0, .. } if byte != 8 => return Err(()),
            Part::Head { read: 1, .. } => Part::Head { read: 2, flags: byte },
            Part::Head { read: 7, flags } => after_head(flags, EXTRA),
            Part::Head { read, flags } => Part::Head { read: read + 1, flags },
            Part::ExtraLength { read: 0, flags, .. } => Part::ExtraLength { read: 1, length: usize::from(byte), flags },
            Part::ExtraLength { length, flags, .. } => match length | usize::from(byte) << 8 {
                0 => after_head(flags, NAME),
                left => Part::Extra { left, flags },
            },
            Part::Extra { left: 1, flags } => after_head(flags, NAME),
            Part::Extra { left, flags } => Part::Extra { left: left - 1, flags },
            Part::Text { left, flags } if byte == 0 => after_head(flags, if left == NAME { COMMENT } else { CHECKSUM }),
            Part::Text { left, flags } => Part::Text { left, flags },
            Part::HeadChecksum { left: 1 } => Part::Data,
            Part::HeadChecksum { left } => Part::HeadChecksum { left: left - 1 },
            Part::Trailer { read, mut bytes } => {
                bytes[read] = byte;
                match read {
                    7 => return self.end(bytes),
                    _ => Part::Trailer { read: read + 1, bytes },
                }
            }
            Part::Data => Part::Data,
            Part::Over => Part::Over,
        };
        Ok(())
    }

    /// The end of a member.
    fn end(&mut self, trailer: [u8; 8]) -> Result<(), ()> {
        let (checksum, length) = (std::mem::take(&mut self.checksum).finalize(), std::mem::take(&mut self.length));
        self.inflate.reset(false);
        self.members += 1;
        self.part = Part::Mark(0);
        if trailer[..4] == checksum.to_le_bytes() && trailer[4..] == length.to_le_bytes() { Ok(()) } else { Err(()) }
    }
}

/// The first part of a head, from this one on, that its flags say is there.
fn after_head(flags: u8, from: u8) -> Part {
    let is_there = |flag: u8| flags & flag != 0;
    match from {
        EXTRA if is_there(EXTRA) => Part::ExtraLength { read: 0, length: 0, flags },
        EXTRA | NAME if is_there(NAME) => Part::Text { left: NAME, flags },
        EXTRA | NAME | COMMENT if is_there(COMMENT) => Part::Text { left: COMMENT, flags },
        _ if is_there(CHECKSUM) => Part::HeadChecksum { left: 2 },
        _ => Part::Data,
    }
}
