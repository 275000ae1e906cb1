//! zstd (RFC 8878): any number of frames.

use zstd_safe::{DCtx, InBuffer, OutBuffer};

use super::{
    detect::{SKIPPABLE, ZSTD, is_frame},
    inflate::Unpacked,
};

/// How many bytes state what a block of zstd is, and its length.
const BLOCK_HEAD: usize = 3;

/// Unpacks frames.
pub(super) struct Zstd {
    context: DCtx<'static>,
    /// The bytes between two frames that may begin another.
    mark: Vec<u8>,
    place: ZstdPlace,
    frames: u64,
    /// How many bytes the library asks for: those that end the part that is being read, and the head of the next block.
    wanted: usize,
}

#[derive(Clone, Copy)]
enum ZstdPlace {
    Mark,
    Frame,
    Over,
}

impl Zstd {
    pub(super) fn new() -> Self {
        Self { context: DCtx::create(), mark: Vec::new(), place: ZstdPlace::Mark, frames: 0, wanted: 0 }
    }

    /// Whether nothing can follow.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.place, ZstdPlace::Over)
    }

    /// Whether the data may end here.
    pub(super) fn may_end(&self) -> bool {
        self.frames > 0 && !matches!(self.place, ZstdPlace::Frame)
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Unpacked {
        if matches!(self.place, ZstdPlace::Mark) {
            while let Some((&byte, rest)) = input.split_first()
                && self.mark.len() < ZSTD.len()
            {
                self.mark.push(byte);
                *input = rest;
            }
            if self.mark.len() <= SKIPPABLE.len() {
                return Unpacked::NOTHING;
            }
            if !is_frame(&self.mark) {
                self.place = ZstdPlace::Over;
                return Unpacked { written: 0, damaged: self.frames == 0 };
            }
            (self.place, self.wanted) = (ZstdPlace::Frame, ZSTD.len() + BLOCK_HEAD);
            let mark = std::mem::take(&mut self.mark);
            self.frame(&mut &mark[..], &mut []);
        }
        if matches!(self.place, ZstdPlace::Frame) { self.frame(input, output) } else { Unpacked::NOTHING }
    }

    /// One part of a frame at a time: where one is damaged, the library forgets what it has written in the same call.
    fn frame(&mut self, input: &mut &[u8], output: &mut [u8]) -> Unpacked {
        // The library asks for the head of the next block too, and that may be what is damaged.
        let length = if self.wanted > BLOCK_HEAD { self.wanted - BLOCK_HEAD } else { self.wanted };
        let part = &input[..length.min(input.len())];
        let (mut from, mut to) = (InBuffer::around(part), OutBuffer::around(output));
        let hint = self.context.decompress_stream(&mut to, &mut from);
        let (taken, written) = (from.pos(), to.pos());
        *input = &input[taken..];
        match hint {
            Ok(0) => {
                self.frames += 1;
                self.place = ZstdPlace::Mark;
            }
            Ok(wanted) => self.wanted = wanted,
            Err(_) => return Unpacked { written, damaged: true },
        }
        Unpacked { written, damaged: false }
    }
}
