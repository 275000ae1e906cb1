//! Deflated data, as gzip and zlib hold it, and what a step of unpacking gives.

use flate2::{Decompress, FlushDecompress, Status};

/// What became of some input.
pub(super) struct Unpacked {
    /// How many bytes were written.
    pub(super) written: usize,
    /// Whether what follows them cannot be unpacked.
    pub(super) damaged: bool,
}

impl Unpacked {
    pub(super) const NOTHING: Self = Self { written: 0, damaged: false };
    pub(super) const DAMAGED: Self = Self { written: 0, damaged: true };
}

/// Inflates, and notes where the data has ended.
pub(super) fn inflate(state: &mut Decompress, input: &mut &[u8], output: &mut [u8], over: &mut bool) -> Unpacked {
    let (taken, written) = (state.total_in(), state.total_out());
    let status = state.decompress(input, output, FlushDecompress::None);
    let since = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    *input = &input[since(state.total_in(), taken)..];
    *over = matches!(status, Ok(Status::StreamEnd));
    Unpacked { written: since(state.total_out(), written), damaged: status.is_err() }
}
