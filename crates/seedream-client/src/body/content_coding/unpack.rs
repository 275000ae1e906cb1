//! One interface for the libraries that decompress: bytes in, bytes out.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::Decompress;

use super::{
    detect::ContentCoding,
    gzip::Gzip,
    inflate::{Unpacked, inflate},
    zstd::Zstd,
};

pub(super) enum Unpacker {
    Gzip(Box<Gzip>),
    Deflate { inflate: Box<Decompress>, over: bool },
    Brotli { state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>, over: bool },
    Zstd(Zstd),
}

impl Unpacker {
    pub(super) fn new(coding: ContentCoding) -> Self {
        match coding {
            ContentCoding::Gzip => Self::Gzip(Box::new(Gzip::new())),
            ContentCoding::Zlib => Self::Deflate { inflate: Box::new(Decompress::new(true)), over: false },
            ContentCoding::Deflate => Self::Deflate { inflate: Box::new(Decompress::new(false)), over: false },
            ContentCoding::Brotli => {
                let allocate = StandardAlloc::default;
                // Windows of at most 16 MiB, as HTTP has them.
                let state = BrotliState::new_strict(allocate(), allocate(), allocate());
                Self::Brotli { state: Box::new(state), over: false }
            }
            ContentCoding::Zstd => Self::Zstd(Zstd::new()),
        }
    }

    /// Takes bytes from the front of `input` and writes to `output`. All that the input can give is written before more of it is
    /// needed.
    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Unpacked {
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
                Unpacked { written, damaged: matches!(result, BrotliResult::ResultFailure) }
            }
            Self::Zstd(zstd) => zstd.step(input, output),
        }
    }

    /// Whether nothing can follow.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.is_over(),
            Self::Deflate { over, .. } | Self::Brotli { over, .. } => *over,
            Self::Zstd(zstd) => zstd.is_over(),
        }
    }

    /// Whether the data may end here.
    pub(super) fn may_end(&self) -> bool {
        match self {
            Self::Gzip(gzip) => gzip.may_end(),
            Self::Zstd(zstd) => zstd.may_end(),
            Self::Deflate { .. } | Self::Brotli { .. } => self.is_over(),
        }
    }
}
