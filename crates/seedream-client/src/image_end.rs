//! Whether an image is complete, as its own format says, told while its bytes pass.
//!
//! The framing of a response says nothing of that: a source that was cut itself is delivered with a right length. Bytes behind
//! the end are allowed, and a format that is not known here is not checked.

mod boxes;
mod gif;
mod jpeg;
mod png;

use self::{boxes::Boxes, gif::Gif, jpeg::Jpeg, png::Png};

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has its end.
    Complete,
    /// Its format says nothing that is checked here.
    NotChecked,
    /// It is cut off or damaged, for this reason.
    Incomplete(String),
}

/// Reads an image as it passes, in constant memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageEnd {
    /// The first bytes, until they say what it is.
    head: Vec<u8>,
    format: Format,
}

#[derive(Clone, Debug, Default)]
enum Format {
    /// Too few bytes have come.
    #[default]
    Open,
    Unknown,
    Png(Png),
    Jpeg(Jpeg),
    Gif(Gif),
    Boxes(Boxes),
    /// One that states its length, in bytes, at its beginning.
    Sized {
        name: &'static str,
        length: u64,
        seen: u64,
    },
}

/// How many bytes it takes to know every format.
const HEAD: usize = 14;

/// What a reader of one format says.
type Damage = String;

impl ImageEnd {
    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.format, Format::Open) {
            return self.format.feed(bytes);
        }
        let (head, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(head);
        if self.head.len() == HEAD {
            self.format = Format::of(&self.head);
            self.format.feed(&self.head);
            self.format.feed(rest);
        }
    }

    /// Whether it has reached an end behind which nothing belongs to it.
    pub(crate) fn has_ended(&self) -> bool {
        match &self.format {
            Format::Png(png) => png.ended(),
            Format::Jpeg(jpeg) => jpeg.ended(),
            Format::Gif(gif) => gif.ended(),
            Format::Sized { length, seen, .. } => seen >= length,
            // Another box may follow.
            Format::Boxes(_) | Format::Open | Format::Unknown => false,
        }
    }

    /// What is to be said if nothing follows.
    pub(crate) fn verdict(&self) -> Verdict {
        let incomplete = match &self.format {
            Format::Open if is_cut_signature(&self.head) => Some("the image ends within its first bytes".to_owned()),
            Format::Open | Format::Unknown => return Verdict::NotChecked,
            Format::Png(png) => png.missing(),
            Format::Jpeg(jpeg) => jpeg.missing(),
            Format::Gif(gif) => gif.missing(),
            Format::Boxes(boxes) => boxes.missing(),
            Format::Sized { name, length, seen } => {
                (seen < length).then(|| format!("the {name} ends after {seen} of {length} bytes"))
            }
        };
        incomplete.map_or(Verdict::Complete, Verdict::Incomplete)
    }
}

impl Format {
    fn of(head: &[u8]) -> Self {
        let u32_le = |at: usize| head.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        if head.starts_with(png::SIGNATURE) {
            return Self::Png(Png::default());
        }
        if head.starts_with(b"\xff\xd8\xff") {
            return Self::Jpeg(Jpeg::default());
        }
        if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
            return Self::Gif(Gif::default());
        }
        if head.starts_with(b"RIFF") && head[8..].starts_with(b"WEBP") {
            let length = u64::from(u32_le(4));
            // A writer that could not go back leaves nothing or everything there.
            let stated = length >= 12 && length < u64::from(u32::MAX) - 8;
            return if stated { Self::Sized { name: "WebP", length: length + 8, seen: 0 } } else { Self::Unknown };
        }
        if head.starts_with(b"BM") && head[6..10] == [0; 4] {
            let length = u64::from(u32_le(2));
            return if length >= 26 { Self::Sized { name: "BMP", length, seen: 0 } } else { Self::Unknown };
        }
        if head[4..].starts_with(b"ftyp") && boxes::is_image(&head[8..12]) {
            return Self::Boxes(Boxes::default());
        }
        Self::Unknown
    }

    fn feed(&mut self, bytes: &[u8]) {
        match self {
            Self::Open | Self::Unknown => {}
            Self::Png(png) => png.feed(bytes),
            Self::Jpeg(jpeg) => jpeg.feed(bytes),
            Self::Gif(gif) => gif.feed(bytes),
            Self::Boxes(boxes) => boxes.feed(bytes),
            Self::Sized { seen, .. } => *seen += bytes.len() as u64,
        }
    }
}

/// Whether these few bytes are the first of an image of which there must be more.
fn is_cut_signature(head: &[u8]) -> bool {
    // `?` stands for any byte.
    let signatures: [&[u8]; 7] =
        [png::SIGNATURE, b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF????WEBP", b"BM????\0\0\0\0", b"\0\0\0?ftyp"];
    let fits = |signature: &[u8]| signature.iter().zip(head).all(|(sign, byte)| *sign == b'?' || sign == byte);
    !head.is_empty() && signatures.into_iter().any(fits)
}

/// Bytes that are gathered over the borders of chunks.
#[derive(Clone, Copy, Debug)]
struct Gather<const N: usize> {
    bytes: [u8; N],
    filled: usize,
}

impl<const N: usize> Default for Gather<N> {
    fn default() -> Self {
        Self { bytes: [0; N], filled: 0 }
    }
}

impl<const N: usize> Gather<N> {
    /// Takes from the front of `input`; all of them once they are there, for the next to be gathered.
    fn take(&mut self, input: &mut &[u8]) -> Option<[u8; N]> {
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
fn skip(left: &mut u64, input: &mut &[u8]) -> bool {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    *input = &input[count..];
    *left -= count as u64;
    *left == 0
}

#[cfg(test)]
mod tests;
