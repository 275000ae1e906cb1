//! What a body is, by its label and its first bytes.

use std::fmt;

/// How many bytes tell text from deflate and brotli, which have no mark of their own.
const TELLING: usize = 16;

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentCoding {
    Gzip,
    /// `deflate` as HTTP means it: with the head and the checksum of zlib.
    Zlib,
    /// `deflate` as several servers send it.
    Deflate,
    Brotli,
    Zstd,
}

/// What a layer of a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedCoding {
    /// What the head says, or not.
    Labeled(ContentCoding),
    /// What has a mark of its own.
    Anything,
}

impl ContentCoding {
    /// The coding of a name, which may have parameters.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.split(';').next().unwrap_or_default().trim().trim_matches('"').to_ascii_lowercase();
        match name.strip_prefix("x-").unwrap_or(&name) {
            "gzip" => Some(Self::Gzip),
            "deflate" | "zlib" => Some(Self::Deflate),
            "br" | "brotli" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zlib | Self::Deflate => "deflate",
            Self::Brotli => "brotli",
            Self::Zstd => "zstd",
        })
    }
}

/// The coding of what begins like this, or that it has none; nothing while more bytes are needed to tell.
pub(super) fn coding_of(expected: ExpectedCoding, head: &[u8], at_end: bool) -> Option<Option<ContentCoding>> {
    if let Some(coding) = marked(head) {
        return Some(match expected {
            ExpectedCoding::Labeled(label) if label == coding => Some(coding),
            // The layer above reads what it is.
            ExpectedCoding::Labeled(_) => None,
            ExpectedCoding::Anything => Some(coding),
        });
    }
    if !at_end && is_short_of_a_mark(head) {
        return None;
    }
    match expected {
        ExpectedCoding::Anything | ExpectedCoding::Labeled(ContentCoding::Gzip | ContentCoding::Zstd) => Some(None),
        ExpectedCoding::Labeled(_) if head.len() < TELLING && !at_end => None,
        ExpectedCoding::Labeled(_) if head.is_empty() || is_plain(head) => Some(None),
        ExpectedCoding::Labeled(ContentCoding::Deflate) if is_zlib(head) => Some(Some(ContentCoding::Zlib)),
        ExpectedCoding::Labeled(label) => Some(Some(label)),
    }
}

const GZIP: &[u8] = b"\x1f\x8b\x08";
pub(super) const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// What follows the first byte, `0x50` to `0x5f`, of a zstd frame without data.
pub(super) const SKIPPABLE: &[u8] = b"\x2a\x4d\x18";

fn marked(head: &[u8]) -> Option<ContentCoding> {
    if head.starts_with(GZIP) {
        return Some(ContentCoding::Gzip);
    }
    is_frame(head).then_some(ContentCoding::Zstd)
}

/// Whether a zstd frame begins here.
pub(super) fn is_frame(head: &[u8]) -> bool {
    head.starts_with(ZSTD) || (head.first().is_some_and(|first| first >> 4 == 5) && head[1..].starts_with(SKIPPABLE))
}

/// Whether more bytes could make a mark of this.
fn is_short_of_a_mark(head: &[u8]) -> bool {
    let skippable = head.first().is_none_or(|first| first >> 4 == 5 && SKIPPABLE.starts_with(&head[1..]));
    GZIP.starts_with(head) || ZSTD.starts_with(head) || skippable
}

fn is_zlib(head: &[u8]) -> bool {
    let &[method, flags, ..] = head else { return false };
    let (method, flags) = (u16::from(method), u16::from(flags));
    method & 0x0f == 8 && method >> 4 <= 7 && flags & 0x20 == 0 && (method << 8 | flags) % 31 == 0
}

/// Whether a body begins like text or like an image, which no compressed one does but by a chance in millions.
fn is_plain(head: &[u8]) -> bool {
    let image = head.starts_with(b"\x89PNG")
        || head.starts_with(b"\xff\xd8\xff")
        || head.starts_with(b"GIF8")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || head.get(4..8) == Some(b"ftyp")
        || (head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4]));
    // No more than decides in small chunks, so that the chunks do not decide.
    image || is_text(&head[..head.len().min(TELLING)])
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that continues after the part that was looked at.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_spelling() {
        for (name, coding) in [
            (" GZip ", Some(ContentCoding::Gzip)),
            ("x-gzip", Some(ContentCoding::Gzip)),
            ("X-GZIP;q=1.0", Some(ContentCoding::Gzip)),
            ("\"br\"", Some(ContentCoding::Brotli)),
            ("DEFLATE", Some(ContentCoding::Deflate)),
            ("zstd", Some(ContentCoding::Zstd)),
            ("identity", None),
            ("utf-8", None),
            ("", None),
        ] {
            assert_eq!(ContentCoding::named(name), coding, "{name}");
        }
    }

    #[test]
    fn the_first_bytes_decide_as_soon_as_they_can() {
        use ExpectedCoding::{Anything, Labeled};
        let json = &br#"{"created":1763668800,"data":[]}"#[..];
        for (expected, head, at_end, judged) in [
            (Anything, &b""[..], false, None),
            (Anything, b"", true, Some(None)),
            (Anything, b"\x1f\x8b", false, None),
            (Anything, b"\x1f\x8b", true, Some(None)),
            (Anything, b"\x1f\x8b\x08", false, Some(Some(ContentCoding::Gzip))),
            (Anything, b"\x28\xb5\x2f\xfd", false, Some(Some(ContentCoding::Zstd))),
            (Anything, b"\x5a\x2a\x4d\x18", false, Some(Some(ContentCoding::Zstd))),
            (Anything, b"{", false, Some(None)),
            (Anything, b"(a", false, Some(None)),
            (Labeled(ContentCoding::Gzip), json, false, Some(None)),
            (Labeled(ContentCoding::Zstd), json, false, Some(None)),
            (Labeled(ContentCoding::Brotli), b"{\"da", false, None),
            (Labeled(ContentCoding::Brotli), b"{\"da", true, Some(None)),
            (Labeled(ContentCoding::Brotli), json, false, Some(None)),
            (Labeled(ContentCoding::Deflate), b"retry after 30 s", false, Some(None)),
            (Labeled(ContentCoding::Deflate), b"retry after 30 s\x01", false, Some(None)),
            (Labeled(ContentCoding::Deflate), "\u{feff}{\"é\":\"日本語日本語\"}".as_bytes(), false, Some(None)),
            (Labeled(ContentCoding::Deflate), b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", false, Some(None)),
            (
                Labeled(ContentCoding::Deflate),
                b"\x78\x9c\xab\xae\x05\x00\x01\x75\x00\xf9",
                true,
                Some(Some(ContentCoding::Zlib)),
            ),
            (Labeled(ContentCoding::Deflate), b"\xab\xae\x05\x00", true, Some(Some(ContentCoding::Deflate))),
            (Labeled(ContentCoding::Brotli), b"\x1f\x8b\x08\x00", false, Some(None)),
        ] {
            assert_eq!(coding_of(expected, head, at_end), judged, "{expected:?} {head:?} {at_end}");
        }
    }
}
