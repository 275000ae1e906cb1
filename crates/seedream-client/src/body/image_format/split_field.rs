//! What readers of formats share: fields that are split between chunks, and bytes that are skipped.

/// Why an image is damaged.
pub(super) type Damage = String;

/// Bytes that are gathered over the borders of chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitField<const N: usize> {
    bytes: [u8; N],
    pub(super) filled: usize,
}

impl<const N: usize> Default for SplitField<N> {
    fn default() -> Self {
        Self { bytes: [0; N], filled: 0 }
    }
}

impl<const N: usize> SplitField<N> {
    /// Takes from the front of `input`; all of them once they are there, for the next to be gathered.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<[u8; N]> {
        let (taken, rest) = input.split_at((N - self.filled).min(input.len()));
        self.bytes[self.filled..self.filled + taken.len()].copy_from_slice(taken);
        self.filled += taken.len();
        *input = rest;
        if self.filled < N {
            return None;
        }
        self.filled = 0;
        Some(self.bytes)
    }
}

/// Skips as much of `left` as `input` has, and says whether that was all.
pub(super) fn skip(left: &mut u64, input: &mut &[u8]) -> bool {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *input = &input[count..];
    *left -= count as u64;
    *left == 0
}
