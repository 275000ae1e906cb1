//! What the bytes of an image say of it, wherever it is.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
};

use bytes::Bytes;
use seedream_core::ImageData;

use crate::{
    body::image_format::{Completeness, ImageEndCheck},
    disk::Sha256,
};

/// An image that is to be written.
pub(super) enum LocalImage {
    Bytes(Bytes),
    /// A file that is as long as it may be: it is never read as a whole.
    File(PathBuf),
}

impl LocalImage {
    pub(super) fn of(data: ImageData) -> Option<Self> {
        match data {
            ImageData::Bytes(bytes) => Some(Self::Bytes(bytes)),
            ImageData::File(path) => Some(Self::File(path)),
            _ => None,
        }
    }

    /// Its beginning, which says what it is.
    fn head(&self) -> io::Result<Vec<u8>> {
        const HEAD: usize = 8 << 10;
        let mut head = Vec::new();
        match self {
            Self::Bytes(bytes) => head.extend_from_slice(&bytes[..bytes.len().min(HEAD)]),
            Self::File(path) => drop(fs::File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?),
        }
        Ok(head)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(path) => fs::metadata(path)?.len(),
        })
    }

    fn size(&self) -> Option<imagesize::ImageSize> {
        match self {
            Self::Bytes(bytes) => imagesize::blob_size(bytes).ok(),
            Self::File(path) => imagesize::size(path).ok(),
        }
    }

    /// Its SHA-256, and whether it is complete.
    fn read(&self) -> io::Result<(String, Completeness)> {
        let (mut digest, mut end) = (Sha256::new(), ImageEndCheck::default());
        match self {
            Self::Bytes(bytes) => {
                digest.update(bytes);
                end.feed(bytes);
            }
            Self::File(path) => {
                let mut file = fs::File::open(path)?;
                let mut buffer = vec![0; 128 << 10];
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(count) => {
                            digest.update(&buffer[..count]);
                            end.feed(&buffer[..count]);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok((digest.hex(), end.completeness()))
    }
}

/// What the bytes of an image say.
pub(super) struct ImageFacts {
    pub(super) head: Vec<u8>,
    pub(super) length: u64,
    pub(super) kind: Option<infer::Type>,
    pub(super) sha256: String,
    pub(super) completeness: Completeness,
    pub(super) size: Option<(u32, u32)>,
}

impl LocalImage {
    pub(super) fn check(&self) -> io::Result<ImageFacts> {
        let (head, length) = (self.head()?, self.length()?);
        let kind = infer::get(&head).filter(|kind| kind.matcher_type() == infer::MatcherType::Image);
        let (sha256, completeness) = self.read()?;
        let size =
            self.size().and_then(|size| Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?)));
        Ok(ImageFacts { head, length, kind, sha256, completeness, size })
    }
}

/// What a body that is no image seems to be, in a few words.
pub(super) fn describe(bytes: &[u8], length: u64) -> String {
    let what = page(bytes).or_else(|| infer::get(bytes).map(|kind| kind.mime_type())).unwrap_or("unknown data");
    format!("{what} of {length} bytes")
}

/// What kind of page a body is that came in place of an image.
pub(super) fn page(bytes: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start().to_ascii_lowercase();
    match start.as_str() {
        "" => Some("an empty body"),
        s if s.starts_with("<!doctype html") || s.starts_with("<html") => Some("an HTML page"),
        s if s.starts_with('<') => Some("an XML document"),
        s if s.starts_with(['{', '[']) => Some("a JSON document"),
        _ => None,
    }
}
