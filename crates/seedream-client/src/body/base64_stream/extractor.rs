//! Carries the bytes of a response to where they belong: text to its reader, images to memory or to files.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use seedream_core::{Blobs, ImageData};

use super::{
    body_syntax::BodySyntax,
    reencode::Restorer,
    scanner::{Base64Scanner, ScannedPiece},
};
use crate::disk::{GrowingFile, ImageBuffer, Spool, innermost, random_token};

/// How long a token is.
const TOKEN: usize = 16;

/// Reads what is left of a response once the images are out.
pub(crate) trait BodySink {
    /// The next bytes.
    fn text(&mut self, bytes: &[u8]);

    /// An image, whose token is the next text.
    fn image(&mut self, token: &str, data: ImageData);
}

/// Takes the images out of one response.
#[derive(Debug)]
pub(crate) struct ImageExtractor {
    scanner: Base64Scanner,
    /// The image that is arriving.
    buffer: ImageBuffer,
}

impl ImageExtractor {
    pub(crate) fn new(syntax: BodySyntax, spool: Spool) -> Self {
        Self { scanner: Base64Scanner::new(syntax), buffer: ImageBuffer::new(spool) }
    }

    /// Takes the next bytes.
    pub(crate) async fn feed(&mut self, mut input: &[u8], reader: &mut impl BodySink) {
        while let Some(piece) = self.scanner.step(&mut input, self.buffer.gathered()) {
            match piece {
                ScannedPiece::Text(text) => reader.text(text),
                ScannedPiece::Begin | ScannedPiece::More => self.buffer.flow().await,
                ScannedPiece::End => {
                    let token = random_token();
                    let data = self.buffer.complete(&token).await;
                    reader.image(&token, data);
                    reader.text(token.as_bytes());
                }
                ScannedPiece::Restore(restorer) => self.restore(*restorer, reader).await,
            }
        }
    }

    /// The end of the response. An image that it cuts is kept as an incomplete one, unless all of it had arrived.
    pub(crate) async fn finish(&mut self, reader: &mut impl BodySink) {
        if !self.scanner.is_in_image() {
            return reader.text(self.scanner.finish());
        }
        let (token, ended) = (random_token(), self.buffer.has_ended());
        let data = match self.buffer.complete(&token).await {
            data @ ImageData::Incomplete { .. } => data,
            data if ended => data,
            data => {
                let reason = "the response ended inside the image".to_owned();
                ImageData::Incomplete { data: Box::new(data), reason }
            }
        };
        reader.image(&token, data);
        // The quote that the end of the response took.
        reader.text(token.as_bytes());
        reader.text(b"\"");
    }

    /// Gives a string back that was no image.
    async fn restore(&mut self, mut restorer: Restorer, reader: &mut impl BodySink) {
        let (part, decoded) = self.buffer.take();
        let text = on_disk_or_not(part, move |part| {
            let mut text = Vec::new();
            if let Some(part) = part {
                part.read(|bytes| restorer.push(bytes, &mut text));
            }
            restorer.push(&decoded, &mut text);
            restorer.finish(&mut text);
            text
        });
        reader.text(&text.await);
    }
}

async fn on_disk_or_not(
    part: Option<GrowingFile>,
    job: impl FnOnce(Option<GrowingFile>) -> Vec<u8> + Send + 'static,
) -> Vec<u8> {
    match part {
        None => job(None),
        part => tokio::task::spawn_blocking(move || job(part)).await.unwrap_or_default(),
    }
}

/// The body with the images that are in memory back in it, for a response that could not be read. One pass over the body.
pub(crate) fn put_back(body: &Bytes, blobs: &Blobs) -> Bytes {
    let in_memory: usize = blobs.iter().filter_map(|(_, data)| bytes(data)).map(|bytes| bytes.len() / 3 * 4 + 4).sum();
    let mut whole = Vec::with_capacity(body.len() + in_memory);
    let mut copied = 0;
    // A token is all of a string.
    for quote in memchr::memchr_iter(b'"', body) {
        let token = quote + 1..quote + 1 + TOKEN;
        let blob = body.get(token.clone()).and_then(|token| blobs.get(str::from_utf8(token).ok()?)).and_then(bytes);
        if let Some(bytes) = blob {
            whole.extend_from_slice(&body[copied..token.start]);
            base64_simd::STANDARD.encode_append(bytes, &mut whole);
            copied = token.end;
        }
    }
    whole.extend_from_slice(&body[copied..]);
    whole.into()
}

/// An image that is in memory.
fn bytes(data: &ImageData) -> Option<&Bytes> {
    if let ImageData::Bytes(bytes) = innermost(data) { Some(bytes) } else { None }
}

/// Writes a response that could not be read beside the images.
pub(crate) fn keep_body(directory: &Path, body: &[u8]) -> io::Result<PathBuf> {
    let part =
        GrowingFile::append(None, directory, body.to_vec()).map_err(|_| io::Error::other("it cannot be written"))?.0;
    part.keep(&format!("unreadable-{}", random_token())).map_err(|_| io::Error::other("it cannot be renamed"))
}
