//! What an input means: its first byte chooses, the rest is what is read.

/// The byte that chooses, and the rest.
pub(crate) fn split(input: &[u8]) -> (u8, &[u8]) {
    input.split_first().map_or((0, input), |(choice, rest)| (*choice, rest))
}

/// How bytes may be cut into chunks: as a whole, one by one, and by a number of bytes that the choice gives.
pub(crate) fn chunkings(choice: u8, length: usize) -> impl Iterator<Item = usize> {
    // Long inputs byte by byte tell nothing that short ones do not.
    [1, usize::from(choice) % 61 + 2].into_iter().filter(move |&size| size > 1 || length <= 4096)
}
