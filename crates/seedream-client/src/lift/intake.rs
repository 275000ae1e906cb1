//! Carries the bytes of an answer to where they belong: text to its reader, pictures to memory or to files.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use seedream_core::{Blobs, ImageData};

use super::{Grammar, Lifter, Piece, Restorer};
use crate::save::file::{Part, UNSAVED};

/// How much of a picture is gathered before it is written: going to another thread costs little then, and it is still in the
/// cache of the processor.
const AT_ONCE: usize = 512 << 10;

/// Where lifted pictures go: to files in a directory, or to memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spool(Option<Arc<Path>>);

impl Spool {
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        Self(directory.map(Into::into))
    }

    pub(crate) fn directory(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

/// Reads what is left of an answer once the pictures are out.
pub(crate) trait Text {
    /// The next bytes.
    fn text(&mut self, bytes: &[u8]);

    /// A picture, whose token is the next text.
    fn picture(&mut self, token: &str, data: ImageData);
}

/// Takes the pictures out of one answer.
///
/// A picture that is complete is in a visible file that nobody removes behind the user's back: it was paid for. One that is
/// dropped half-way leaves nothing.
#[derive(Debug)]
pub(crate) struct Intake {
    lifter: Lifter,
    spool: Spool,
    /// The file of the picture that is arriving, where some of it was written.
    part: Option<Part>,
    /// What was decoded and not yet written; in memory, all of it.
    decoded: Vec<u8>,
}

impl Intake {
    pub(crate) fn new(grammar: Grammar, spool: Spool) -> Self {
        Self { lifter: Lifter::new(grammar), spool, part: None, decoded: Vec::new() }
    }

    /// Takes the next bytes.
    pub(crate) async fn feed(&mut self, mut input: &[u8], reader: &mut impl Text) {
        while let Some(piece) = self.lifter.step(&mut input, &mut self.decoded) {
            match piece {
                Piece::Text(text) => reader.text(text),
                Piece::Begin | Piece::More => {
                    if self.decoded.len() >= AT_ONCE {
                        self.write().await;
                    }
                }
                Piece::End => {
                    let token = token();
                    let data = self.complete(&token).await;
                    reader.picture(&token, data);
                    reader.text(token.as_bytes());
                }
                Piece::Restore(restorer) => self.restore(*restorer, reader).await,
            }
        }
    }

    /// The end of the answer. A picture that was cut is gone, and its string stays open.
    pub(crate) fn finish(&mut self, reader: &mut impl Text) {
        reader.text(self.lifter.finish());
        self.part = None;
        self.decoded = Vec::new();
    }

    /// Writes what was gathered. Where that fails the picture goes on in memory: a full disk is no reason to lose it.
    async fn write(&mut self) {
        let Some(directory) = self.spool.0.clone() else { return };
        let (part, decoded) = (self.part.take(), std::mem::take(&mut self.decoded));
        let written = on_disk(move || Part::append(part, &directory, decoded)).await;
        match written {
            Ok((part, mut decoded)) => {
                decoded.clear();
                (self.part, self.decoded) = (Some(part), decoded);
            }
            Err(all) => {
                self.spool = Spool::default();
                self.decoded = all;
            }
        }
    }

    /// The picture that is complete.
    async fn complete(&mut self, token: &str) -> ImageData {
        self.write().await;
        let kept = match self.part.take() {
            Some(part) => {
                let name = format!("{UNSAVED}{token}");
                on_disk(move || part.keep(&name)).await
            }
            None => Err(std::mem::take(&mut self.decoded)),
        };
        match kept {
            Ok(path) => ImageData::File(path),
            Err(mut bytes) => {
                // A vector that grew has up to twice the room it needs.
                bytes.shrink_to_fit();
                ImageData::Bytes(bytes.into())
            }
        }
    }

    /// Gives a string back that was no picture.
    async fn restore(&mut self, mut restorer: Restorer, reader: &mut impl Text) {
        let (part, decoded) = (self.part.take(), std::mem::take(&mut self.decoded));
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

/// A name that no answer can know beforehand, and that can stand in a file's.
fn token() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Does what may block. A task that was lost, at shutdown, has lost its picture too.
async fn on_disk<T, E>(job: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Default + Send + 'static,
{
    tokio::task::spawn_blocking(job).await.unwrap_or_else(|_| Err(E::default()))
}

async fn on_disk_or_not(part: Option<Part>, job: impl FnOnce(Option<Part>) -> Vec<u8> + Send + 'static) -> Vec<u8> {
    match part {
        None => job(None),
        part => tokio::task::spawn_blocking(move || job(part)).await.unwrap_or_default(),
    }
}

/// The body with the pictures that are in memory back in it, for whoever could not read it.
pub(crate) fn put_back(body: &Bytes, blobs: &Blobs) -> Bytes {
    let mut whole = body.to_vec();
    for (token, data) in blobs.iter() {
        let ImageData::Bytes(bytes) = data else { continue };
        if let Some(at) = memchr::memmem::find(&whole, token.as_bytes()) {
            let base64 = base64_simd::STANDARD.encode_to_string(bytes);
            whole.splice(at..at + token.len(), base64.into_bytes());
        }
    }
    whole.into()
}

/// Writes an answer that could not be read beside the pictures.
pub(crate) fn keep_body(directory: &Path, body: &[u8]) -> io::Result<PathBuf> {
    let part = Part::append(None, directory, body.to_vec()).map_err(|_| io::Error::other("it cannot be written"))?.0;
    part.keep(&format!("unreadable-{}", token())).map_err(|_| io::Error::other("it cannot be renamed"))
}
