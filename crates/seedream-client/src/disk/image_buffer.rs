//! Where images go while they arrive: to a file beside their final place, or to memory.

use std::{path::Path, sync::Arc};

use seedream_core::ImageData;

use super::{growing_file::GrowingFile, image_file::PARTIAL, numbered_name::UNSAVED};
use crate::body::image_format::{Completeness, ImageEndCheck};

/// How much of an image is gathered before it is written: going to another thread costs little then, and it is still in the
/// cache of the processor.
const WRITE_SIZE: usize = 512 << 10;

/// A directory for images, or none.
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

/// An image that is arriving.
///
/// Once it is complete it is in a visible file that is never removed by itself: it was paid for. Dropped half-way it
/// leaves nothing.
#[derive(Debug, Default)]
pub(crate) struct ImageBuffer {
    spool: Spool,
    /// Its file, where some of it was written.
    part: Option<GrowingFile>,
    /// What was not written yet; in memory, all of it.
    gathered: Vec<u8>,
    /// Whether it is complete, as far as it was looked at.
    end: ImageEndCheck,
    /// How much of what is gathered was looked at.
    seen: usize,
}

impl ImageBuffer {
    pub(crate) fn new(spool: Spool) -> Self {
        Self { spool, ..Self::default() }
    }

    /// Where the next bytes are put, before [`ImageBuffer::flow`].
    pub(crate) fn gathered(&mut self) -> &mut Vec<u8> {
        &mut self.gathered
    }

    /// Makes room for an image that stays in memory.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        if self.spool.0.is_none() {
            self.gathered.reserve(bytes);
        }
    }

    /// Whether there is an image whose format marks its end, and all of it is here.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.look();
        self.end.has_ended()
    }

    /// What is to be said of the image if nothing follows.
    pub(crate) fn completeness(&mut self) -> Completeness {
        self.look();
        self.end.completeness()
    }

    fn look(&mut self) {
        self.end.feed(&self.gathered[self.seen..]);
        self.seen = self.gathered.len();
    }

    /// Looks at what was gathered, and writes it once there is enough of it.
    pub(crate) async fn flow(&mut self) {
        self.look();
        if self.gathered.len() >= WRITE_SIZE {
            self.write().await;
        }
    }

    /// Writes what was gathered. Where that fails the image goes on in memory: a full disk is no reason to lose it.
    async fn write(&mut self) {
        let Some(directory) = self.spool.0.clone() else { return };
        let (part, gathered) = (self.part.take(), std::mem::take(&mut self.gathered));
        self.seen = 0;
        match apart(move || GrowingFile::append(part, &directory, gathered)).await {
            Ok((part, mut gathered)) => {
                gathered.clear();
                (self.part, self.gathered) = (Some(part), gathered);
            }
            Err(all) => {
                self.spool = Spool::default();
                self.seen = all.len();
                self.gathered = all;
            }
        }
    }

    /// The image, of which nothing follows, under a name with this token.
    pub(crate) async fn complete(&mut self, token: &str) -> ImageData {
        let completeness = self.completeness();
        self.write().await;
        let partial = if matches!(completeness, Completeness::Incomplete(_)) { PARTIAL } else { "" };
        let (part, gathered) = self.take();
        let kept = match part {
            Some(part) => {
                let name = format!("{UNSAVED}{token}{partial}");
                apart(move || part.keep(&name)).await
            }
            None => Err(gathered),
        };
        let data = match kept {
            Ok(path) => ImageData::File(path),
            Err(mut bytes) => {
                // A vector that grew has up to twice the room it needs.
                bytes.shrink_to_fit();
                ImageData::Bytes(bytes.into())
            }
        };
        match completeness {
            Completeness::Incomplete(reason) => ImageData::Incomplete { data: Box::new(data), reason },
            Completeness::Complete | Completeness::NotChecked => data,
        }
    }

    /// What there is of it: its file, and what was not written yet. Nothing is left.
    pub(crate) fn take(&mut self) -> (Option<GrowingFile>, Vec<u8>) {
        (self.end, self.seen) = (ImageEndCheck::default(), 0);
        (self.part.take(), std::mem::take(&mut self.gathered))
    }
}

/// Where an image is, whether it is complete or not.
pub(crate) fn innermost(data: &ImageData) -> &ImageData {
    match data {
        ImageData::Incomplete { data, .. } => innermost(data),
        data => data,
    }
}

/// A name that no response can know beforehand, and that can stand in a file's.
pub(crate) fn random_token() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Does what may block. A task that was lost, at shutdown, has lost its image too.
async fn apart<T, E>(job: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: Default + Send + 'static,
{
    tokio::task::spawn_blocking(job).await.unwrap_or_else(|_| Err(E::default()))
}
