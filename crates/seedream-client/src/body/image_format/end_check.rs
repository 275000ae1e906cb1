//! Whether an image is complete, told while its bytes pass.

use super::{
    avif_heif::{self, Boxes},
    gif::Gif,
    jpeg::Jpeg,
    png::{self, Png},
};

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Completeness {
    /// It has its end.
    Complete,
    /// Its format says nothing that is checked here.
    NotChecked,
    /// It is cut off or damaged, for this reason.
    Incomplete(String),
}

/// Reads an image as it passes, in constant memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImageEndCheck {
    /// The first bytes, until they say what it is.
    head: Vec<u8>,
    format: FormatReader,
}

#[derive(Clone, Debug, Default)]
enum FormatReader {
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

impl ImageEndCheck {
    /// Takes the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.format, FormatReader::Open) {
            return self.format.feed(bytes);
        }
        let (head, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(head);
        if self.head.len() == HEAD {
            self.format = FormatReader::of(&self.head);
            self.format.feed(&self.head);
            self.format.feed(rest);
        }
    }

    /// Whether it has reached its end, after which no byte belongs to it.
    pub(crate) fn has_ended(&self) -> bool {
        match &self.format {
            FormatReader::Png(png) => png.ended(),
            FormatReader::Jpeg(jpeg) => jpeg.ended(),
            FormatReader::Gif(gif) => gif.ended(),
            FormatReader::Sized { length, seen, .. } => seen >= length,
            // Another box may follow.
            FormatReader::Boxes(_) | FormatReader::Open | FormatReader::Unknown => false,
        }
    }

    /// What is to be said if nothing follows.
    pub(crate) fn completeness(&self) -> Completeness {
        let incomplete = match &self.format {
            FormatReader::Open if is_cut_signature(&self.head) => {
                Some("the image ends within its first bytes".to_owned())
            }
            FormatReader::Open | FormatReader::Unknown => return Completeness::NotChecked,
            FormatReader::Png(png) => png.missing(),
            FormatReader::Jpeg(jpeg) => jpeg.missing(),
            FormatReader::Gif(gif) => gif.missing(),
            FormatReader::Boxes(boxes) => boxes.missing(),
            FormatReader::Sized { name, length, seen } => {
                (seen < length).then(|| format!("the {name} ends after {seen} of {length} bytes"))
            }
        };
        incomplete.map_or(Completeness::Complete, Completeness::Incomplete)
    }
}

impl FormatReader {
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
        if head[4..].starts_with(b"ftyp") && avif_heif::is_image(&head[8..12]) {
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
