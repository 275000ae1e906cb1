//! The libraries that unpack, behind one interface: bytes in at one side, bytes out at the other.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use zstd_safe::{DCtx, InBuffer, OutBuffer};

use super::{
    gzip::Gzip,
    sniff::{Coding, SKIPPABLE, ZSTD, is_frame},
};

pub(super) enum Unpacker {
    Gzip(Box<Gzip>),
    Deflate { inflate: Box<Decompress>, over: bool },
    Brotli { state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>, over: bool },
    Zstd(Zstd),
}

/// What became of some input.
pub(super) struct Step {
    /// How many bytes were written.
    pub(super) written: usize,
    /// Whether what follows them cannot be unpacked.
    pub(super) damaged: bool,
}

impl Step {
    pub(super) const NOTHING: Self = Self { written: 0, damaged: false };
    pub(super) const DAMAGED: Self = Self { written: 0, damaged: true };
}

impl Unpacker {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(Box::new(Gzip::new())),
            Coding::Zlib => Self::Deflate { inflate: Box::new(Decompress::new(true)), over: false },
            Coding::Deflate => Self::Deflate { inflate: Box::new(Decompress::new(false)), over: false },
            Coding::Brotli => {
                let allocate = StandardAlloc::default;
                // Windows of at most 16 MiB, as HTTP has them.
                let state = BrotliState::new_strict(allocate(), allocate(), allocate());
                Self::Brotli { state: Box::new(state), over: false }
            }
            Coding::Zstd => {
                Self::Zstd(Zstd { context: DCtx::create(), mark: Vec::new(), place: Place::Mark, frames: 0, wanted: 0 })
            }
        }
    }

    /// Takes bytes from the front of `input` and writes to `output`. All that the input can give is written before more of it is
    /// needed.
    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Gzip(gzip) => gzip.step(input, output),
            Self::Deflate { inflate: state, over } => inflate(state, input, output, over),
            Self::Brotli { state, over } => {
                let (mut left, mut taken, mut room, mut written) = (input.len(), 0, output.len(), 0);
                let result = BrotliDecompressStream(
                    &mut left,
                    &mut taken,
                    input,
                    &mut room,
                    &mut written,
                    output,
                    &mut 0,
                    state,
                );
                *input = &input[taken..];
                *over = matches!(result, BrotliResult::ResultSuccess);
                Step { written, damaged: matches!(result, BrotliResult::ResultFailure) }
            }
            Self::Zstd(zstd) => zstd.step(input, output),
        }
    }

    /// Whether nothing can follow.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.is_over(),
            Self::Deflate { over, .. } | Self::Brotli { over, .. } => *over,
            Self::Zstd(zstd) => matches!(zstd.place, Place::Over),
        }
    }

    /// Whether the data may end here.
    pub(super) fn may_end(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.may_end(),
            Self::Zstd(zstd) => zstd.frames > 0 && !matches!(zstd.place, Place::Frame),
            Self::Deflate { .. } | Self::Brotli { .. } => self.is_over(),
        }
    }
}

/// Inflates, and notes where the data has ended.
pub(super) fn inflate(state: &mut Decompress, input: &mut &[u8], output: &mut [u8], over: &mut bool) -> Step {
    let (taken, written) = (state.total_in(), state.total_out());
    let status = state.decompress(input, output, FlushDecompress::None);
    let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    *input = &input[since(state.total_in(), taken)..];
    *over = matches!(status, Ok(Status::StreamEnd));
    Step { written: since(state.total_out(), written), damaged: status.is_err() }
}

/// How many bytes state what a block of zstd is, and its length.
const BLOCK_HEAD: usize = 3;

/// zstd (RFC 8878): any number of frames.
pub(super) struct Zstd {
    context: DCtx<'static>,
    /// The bytes between two frames that may begin another.
    mark: Vec<u8>,
    place: Place,
    frames: u64,
    /// How many bytes the library asks for: those that end the part that is being read, and the head of a block behind it.
    wanted: usize,
}

#[derive(Clone, Copy)]
enum Place {
    Mark,
    Frame,
    Over,
}

impl Zstd {
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Step {
        if matches!(self.place, Place::Mark) {
            while let Some((&byte, rest)) = input.split_first()
                && self.mark.len() < ZSTD.len()
            {
                self.mark.push(byte);
                *input = rest;
            }
            if self.mark.len() <= SKIPPABLE.len() {
                return Step::NOTHING;
            }
            if !is_frame(&self.mark) {
                self.place = Place::Over;
                return Step { written: 0, damaged: self.frames == 0 };
            }
            (self.place, self.wanted) = (Place::Frame, ZSTD.len() + BLOCK_HEAD);
            let mark = std::mem::take(&mut self.mark);
            self.frame(&mut &mark[..], &mut []);
        }
        if matches!(self.place, Place::Frame) { self.frame(input, output) } else { Step::NOTHING }
    }

    /// One part of a frame at a time: where one is damaged, the library forgets what it has written in the same call.
    fn frame(&mut self, input: &mut &[u8], output: &mut [u8]) -> Step {
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
                self.place = Place::Mark;
            }
            Ok(wanted) => self.wanted = wanted,
            Err(_) => return Step { written, damaged: true },
        }
        Step { written, damaged: false }
    }
}
