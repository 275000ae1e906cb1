//! Tells from the first bytes of something whether it is an image.

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureMatch {
    /// An image.
    Image,
    /// Nothing yet: an image may begin like this.
    Undecided,
    /// No image of a format that is known here.
    Other,
}

/// Stands for any byte in a signature.
const ANY: u8 = b'?';

/// PNG, GIF, WebP, TIFF, BigTIFF, JPEG XL in its container and without.
const SIGNATURES: [&[u8]; 10] = [
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"RIFF????WEBP",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"\0\0\0\x0cJXL \r\n\x87\n",
    JXL,
];

/// A bare codestream of JPEG XL: two bytes, which are little to tell an image by.
const JXL: &[u8] = b"\xff\x0a";

/// The brands of AVIF and HEIF among the many formats that have an `ftyp` box.
const BRANDS: [&[u8; 4]; 12] =
    [b"avif", b"avis", b"heic", b"heim", b"heis", b"heix", b"hevc", b"hevm", b"hevs", b"hevx", b"mif1", b"msf1"];

/// Whether these are the first bytes of an image.
pub(crate) fn is_image(head: &[u8]) -> bool {
    look(head) == SignatureMatch::Image
}

/// Whether an image is known by so little that what it was decoded from has to look like base64, too.
pub(crate) fn is_weak(head: &[u8]) -> bool {
    head.starts_with(JXL)
}

/// What the first bytes say; two dozen are enough for all but a long `ftyp` box.
pub(crate) fn look(head: &[u8]) -> SignatureMatch {
    let signatures = SIGNATURES.iter().map(|signature| begins(head, signature));
    signatures.chain([jpeg(head), bmp(head), heif(head)]).fold(SignatureMatch::Other, |all, one| match (all, one) {
        (SignatureMatch::Image, _) | (_, SignatureMatch::Image) => SignatureMatch::Image,
        (SignatureMatch::Undecided, _) | (_, SignatureMatch::Undecided) => SignatureMatch::Undecided,
        _ => SignatureMatch::Other,
    })
}

fn begins(head: &[u8], signature: &[u8]) -> SignatureMatch {
    if !head.iter().zip(signature).all(|(byte, expected)| byte == expected || *expected == ANY) {
        SignatureMatch::Other
    } else if head.len() < signature.len() {
        SignatureMatch::Undecided
    } else {
        SignatureMatch::Image
    }
}

/// The start of an image and the marker after it.
fn jpeg(head: &[u8]) -> SignatureMatch {
    match (begins(head, b"\xff\xd8\xff"), head.get(3)) {
        (SignatureMatch::Image, None) => SignatureMatch::Undecided,
        (SignatureMatch::Image, Some(..0xc0)) => SignatureMatch::Other,
        (look, _) => look,
    }
}

/// `BM` alone begins many words: the reserved bytes, where the pixels begin and the size of the second header count, too.
fn bmp(head: &[u8]) -> SignatureMatch {
    let reserved = begins(head, b"BM????\0\0\0\0");
    let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    match (reserved, number(10), number(14)) {
        (SignatureMatch::Image, Some(26..=0xffff), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)) => {
            SignatureMatch::Image
        }
        (SignatureMatch::Image, Some(26..=0xffff) | None, None) => SignatureMatch::Undecided,
        (SignatureMatch::Image, ..) => SignatureMatch::Other,
        (look, ..) => look,
    }
}

/// An `ftyp` box with one of the brands.
fn heif(head: &[u8]) -> SignatureMatch {
    let look = begins(head, b"\0\0??ftyp");
    let Some(size) = head.first_chunk().filter(|_| look == SignatureMatch::Image) else { return look };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    // The major brand, its version, which is none, and those that it is compatible with.
    let brands = head[8..head.len().min(size.max(8))].chunks_exact(4);
    let is_one = brands.enumerate().any(|(at, brand)| at != 1 && BRANDS.iter().any(|known| *known == brand));
    match is_one {
        true => SignatureMatch::Image,
        false if head.len() < size => SignatureMatch::Undecided,
        false => SignatureMatch::Other,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const HEADS: [&[u8]; 16] = [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"\xff\xd8\xff\xdb",
        b"GIF87a",
        b"GIF89a",
        b"RIFF\x1a\0\0\0WEBPVP8L",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"II+\0\x08\0\0\0",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miafMA1B",
        b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
        b"\0\0\0\x1cftypisom\0\0\0\0miafavif",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\xff\x0a\xfa\x7f",
    ];

    #[test]
    fn images_are_known_by_their_first_bytes_and_by_no_fewer() {
        for head in HEADS {
            let first = (0..=head.len()).find(|length| is_image(&head[..*length])).unwrap();
            for length in 0..=head.len() {
                let expected = if length < first { SignatureMatch::Undecided } else { SignatureMatch::Image };
                assert_eq!(look(&head[..length]), expected, "{length} of {}", head.escape_ascii());
            }
        }
    }

    #[test]
    fn what_only_begins_like_an_image_is_none() {
        for head in [
            &b"BM is a shop of which there are many"[..],
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x29\0\0\0",
            b"BM\x46\0\0\0\0\0\0\0\x01\0\0\0",
            b"RIFF\x1a\0\0\0WAVEfmt ",
            b"\xff\xd8\xff\x3f",
            b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
            b"\0\0\0\0ftypavif",
            b"GIF88a",
            b"%PDF-1.7",
            b"PK\x03\x04",
            b"<svg xmlns",
        ] {
            assert_eq!(look(head), SignatureMatch::Other, "{}", head.escape_ascii());
        }
    }
}
