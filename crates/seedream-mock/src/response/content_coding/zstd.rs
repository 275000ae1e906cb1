//! Zstandard without compression, except of one byte again and again (RFC 8878): it is to be read, not to be small.

/// The magic number, no size, no checksum, a window of 128 KiB.
pub(crate) const HEAD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];

/// The last block, without content.
pub(crate) const END: &[u8] = &[0x01, 0x00, 0x00];

/// The longest block.
const BLOCK: usize = 128 * 1024;

/// Some bytes as blocks.
pub(crate) fn piece(bytes: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    for part in bytes.chunks(BLOCK) {
        let size = (part.len() as u32) << 3;
        match part {
            [first, rest @ ..] if rest.len() > 64 && rest.iter().all(|byte| byte == first) => {
                blocks.extend_from_slice(&(size | 1 << 1).to_le_bytes()[..3]);
                blocks.push(*first);
            }
            part => {
                blocks.extend_from_slice(&size.to_le_bytes()[..3]);
                blocks.extend_from_slice(part);
            }
        }
    }
    blocks
}
