//! Images in a bucket.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    bucket::{self, Bucket, PART},
    bucket_settings::BucketSettings,
    bucket_url::BucketUrl,
    fingerprint::{Fingerprint, Proof},
    object_key,
    pending_upload::{self, PendingUpload, UploadNote},
    spool::{Spool, SpooledImage},
    storage_check::{self, Probed},
    storage_error::{Fault, StorageError},
};
use crate::{
    disk::on_disk,
    output::{FinishedPurchase, Location, NewImage, Output},
    transport::Transport,
};

/// Saves images in a bucket, as `<prefix>/<job>-<attempt>-<index>.<extension>`, and the metadata as `<prefix>/<job>-<attempt>.json`.
///
/// An image is in a synced file of the spool folder before it is sent, and is saved once a HEAD states its size, and its checksum where the
/// store knows one ([`Proof`]). It leaves the folder when the metadata is in the bucket too. An image that cannot be sent stays in the
/// folder, and a job that is resumed with the same folder takes it from there. An image of more than 8 MiB is sent in parts, of which a
/// note is in the folder: an upload whose process died is ended by the next [`BucketOutput::open`] with the folder.
///
/// A [`FolderStore`](crate::FolderStore) knows the ids of finished jobs by their metadata, which is not in a folder here: a program that
/// names its jobs and must not buy one twice keeps them in a ledger.
#[derive(Clone, Debug)]
pub struct BucketOutput(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    bucket: Bucket,
    spool: Spool,
    probed: Probed,
    warnings: Vec<String>,
}

/// Where images are gathered, as the folder is given.
fn local(folder: &Path, error: &io::Error) -> StorageError {
    StorageError::new("spooling to", folder.display().to_string(), Fault::Local(error.to_string()))
}

impl BucketOutput {
    /// Opens a bucket: writes, looks at and deletes a small object, since no cheaper request says whether objects may be written. Ends
    /// uploads of earlier processes that died. `spool` is a folder on a local disk, which is made if it is missing.
    ///
    /// # Errors
    /// What saving needs and the store refuses, or the folder cannot be written.
    pub async fn open(
        settings: BucketSettings,
        spool: impl Into<PathBuf>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, StorageError> {
        let spool = Spool::new(spool.into());
        spool.prepare().await.map_err(|error| local(spool.folder(), &error))?;
        let (bucket, probed) = storage_check::probe(&settings, transport).await?;
        let left = pending_upload::end_abandoned(&bucket, spool.folder()).await;
        let mut warnings = left.map_err(|error| local(spool.folder(), &error))?;
        warnings.extend(probed.warning.clone());
        Ok(Self(Arc::new(Opened { bucket, spool, probed, warnings })))
    }

    /// The place of the objects.
    pub fn url(&self) -> &BucketUrl {
        self.0.bucket.url()
    }

    /// What a HEAD of an image will prove.
    pub fn proof(&self) -> Proof {
        self.0.probed.proof
    }

    /// What a person should know, in sentences: an object or an upload that could not be removed.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }
}

impl Opened {
    /// Sends an image and looks at what the store has then.
    async fn send(&self, key: &str, image: &NewImage, from: &SpooledImage) -> Result<Proof, StorageError> {
        let in_parts = image.bytes > PART as u64;
        let mut sent = Fingerprint::new(in_parts);
        if in_parts {
            self.send_parts(key, image, from, &mut sent).await?;
        } else {
            let bytes = self.part(from, 0).await?;
            sent.add(&bytes);
            self.bucket.put(key, bytes, &image.media_type).await?;
        }
        let differs = |why: String| StorageError::new("HEAD", self.bucket.url().of_key(key), Fault::Differs(why));
        if sent.sha256() != image.sha256 {
            return Err(differs("the file changed while it was sent".to_owned()));
        }
        self.prove(key, &sent).await
    }

    async fn prove(&self, key: &str, sent: &Fingerprint) -> Result<Proof, StorageError> {
        let stated = self.bucket.head(key).await?;
        let proof = sent.proof(&stated, self.probed.proof == Proof::Md5);
        proof.map_err(|why| StorageError::new("HEAD", self.bucket.url().of_key(key), Fault::Differs(why)))
    }

    async fn send_parts(
        &self,
        key: &str,
        image: &NewImage,
        from: &SpooledImage,
        sent: &mut Fingerprint,
    ) -> Result<(), StorageError> {
        let count = bucket::parts(image.bytes)
            .map_err(|why| StorageError::new("PUT", self.bucket.url().of_key(key), Fault::Local(why)))?;
        let upload = self.bucket.begin_upload(key, &image.media_type).await?;
        // A disk that is full is no reason not to send: without a note, a crash would leave parts that cost storage.
        let note = PendingUpload::of(&self.bucket, key, &upload).note(self.spool.folder()).await;
        let note = note.inspect_err(|error| tracing::warn!(%error, key, "an upload in parts has no note")).ok();
        let sending = async {
            let mut parts = Vec::new();
            for number in 0..count {
                let bytes = self.part(from, number).await?;
                sent.add(&bytes);
                parts.push(self.bucket.put_part(key, &upload, parts.len(), bytes).await?);
            }
            self.bucket.complete(key, &upload, parts).await
        };
        let mut sending = sending.await;
        if sending.as_ref().is_err_and(StorageError::is_missing) && self.prove(key, sent).await.is_ok() {
            // The upload was completed, and the response was lost.
            sending = Ok(());
        }
        self.end(key, &upload, note, sending.is_ok()).await;
        sending
    }

    /// Ends an upload, and forgets it where it is over.
    async fn end(&self, key: &str, upload: &str, note: Option<UploadNote>, is_complete: bool) {
        let is_over = is_complete
            || match self.bucket.abort(key, upload).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "an upload in parts cannot be ended");
                    error.is_missing()
                }
            };
        if let (true, Some(note)) = (is_over, note) {
            note.remove().await;
        }
    }

    /// A part of an image, from 0.
    async fn part(&self, from: &SpooledImage, number: u64) -> Result<Bytes, StorageError> {
        match from {
            SpooledImage::Bytes(bytes) => {
                let begin = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(PART).min(bytes.len());
                Ok(bytes.slice(begin..bytes.len().min(begin.saturating_add(PART))))
            }
            SpooledImage::File { path, .. } => {
                let from = path.clone();
                let read = move || {
                    let mut file = File::open(from)?;
                    file.seek(SeekFrom::Start(number * PART as u64))?;
                    let mut part = Vec::new();
                    file.take(PART as u64).read_to_end(&mut part)?;
                    Ok(part.into())
                };
                on_disk(read).await.map_err(|error| local(path, &error))
            }
        }
    }
}

#[async_trait]
impl Output for BucketOutput {
    fn spool(&self) -> Option<&Path> {
        Some(self.0.spool.folder())
    }

    fn place(&self) -> Option<String> {
        Some(self.url().to_string())
    }

    async fn save(&self, image: NewImage) -> io::Result<Location> {
        let Opened { bucket, spool, .. } = &*self.0;
        let key = object_key::of_image(bucket.url(), &image);
        let from = spool.take(&image).await?;
        let saved = self.0.send(&key, &image, &from).await;
        let proof = saved.map_err(|error| {
            let remedy = error.remedy();
            io::Error::other(match &from {
                SpooledImage::File { path, .. } => format!("{error}; {remedy}; it waits in {}", path.display()),
                SpooledImage::Bytes(_) => format!("{error}; {remedy}"),
            })
        })?;
        tracing::debug!(key, proof = proof.as_str(), "saved in the bucket");
        if let SpooledImage::File { path, goes: true } = from {
            // What stays is no harm.
            let _ = on_disk(move || std::fs::remove_file(path)).await;
        }
        Ok(Location::Url(bucket.url().of_key(&key)))
    }

    async fn finish(&self, purchase: FinishedPurchase<'_>) -> io::Result<Option<Location>> {
        let Opened { bucket, spool, .. } = &*self.0;
        let key = object_key::of_metadata(bucket.url(), &purchase);
        let mut place = None;
        if let Some(text) = purchase.metadata {
            let mut sent = Fingerprint::new(false);
            sent.add(text.as_bytes());
            let put = bucket.put(&key, text.into(), "application/json").await;
            let written = async { self.0.prove(&key, &sent).await.map(drop) };
            let written = if put.is_ok() { written.await } else { put };
            written.map_err(|error| io::Error::other(format!("{error}; {}", error.remedy())))?;
            place = Some(Location::Url(bucket.url().of_key(&key)));
        }
        for image in purchase.images {
            spool.remove(purchase.attempt, image.index).await;
        }
        Ok(place)
    }

    async fn unsaved(&self, attempt: &str, index: u32) -> Option<PathBuf> {
        self.0.spool.find(attempt, index).await
    }

    async fn read(&self, url: &str) -> io::Result<Option<Bytes>> {
        let bucket = &self.0.bucket;
        match url.strip_prefix(&bucket.url().of_key("")) {
            Some(key) => bucket.get(key).await.map_err(io::Error::other),
            None => Ok(None),
        }
    }
}
