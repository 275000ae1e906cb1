//! What a store does and refuses, found with objects that are deleted again.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::{
    bucket::{Bucket, PART},
    bucket_settings::BucketSettings,
    fingerprint::{Fingerprint, Proof},
    storage_error::{Fault, StorageError},
};
use crate::{disk::random_token, transport::Transport};

/// What a probe holds.
const PROBE: &[u8] = b"A probe of seedream, which may be deleted.\n";

/// What a probe found.
#[derive(Clone, Debug)]
pub(super) struct Probed {
    pub(super) proof: Proof,
    /// An object that stays.
    pub(super) warning: Option<String>,
}

/// A step of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckedStep {
    /// Its name: `put`, `head`, `checksum`, `get`, `multipart`, `abort` or `delete`.
    pub step: &'static str,
    /// Whether the store does it.
    pub ok: bool,
    /// Whether saving needs it.
    pub needed: bool,
    /// What was found, or why it was refused and what to do.
    pub detail: String,
}

/// What a store does and refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StorageCheck {
    /// The place that was checked.
    pub url: String,
    /// The steps, in their order. What could not be tried is not there.
    pub steps: Vec<CheckedStep>,
}

impl StorageCheck {
    /// Whether images can be saved there.
    pub fn is_usable(&self) -> bool {
        self.steps.iter().all(|step| step.ok || !step.needed)
    }

    fn note(&mut self, step: &'static str, needed: bool, result: Result<String, &StorageError>) -> bool {
        let (ok, detail) = match result {
            Ok(detail) => (true, detail),
            Err(error) => (false, format!("{error}; {}", error.remedy())),
        };
        self.steps.push(CheckedStep { step, ok, needed, detail });
        ok
    }
}

fn probe_key(bucket: &Bucket) -> String {
    let prefix = bucket.url().prefix();
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}seedream-probe-{}", random_token())
}

/// Writes a probe, with a checksum where the store takes one.
async fn put_probe(settings: &BucketSettings, transport: Arc<dyn Transport>) -> Result<(Bucket, String), StorageError> {
    let bucket = Bucket::new(settings, transport.clone(), true)?;
    let key = probe_key(&bucket);
    match bucket.put(&key, Bytes::from_static(PROBE), "text/plain").await {
        Ok(()) => Ok((bucket, key)),
        Err(error) if error.is_unsupported() => {
            let plain = Bucket::new(settings, transport, false)?;
            // Where it is refused too, the first refusal says why.
            plain.put(&key, Bytes::from_static(PROBE), "text/plain").await.map_err(|_| error)?;
            Ok((plain, key))
        }
        Err(error) => Err(error),
    }
}

/// What a HEAD of an object proves.
async fn proven(bucket: &Bucket, key: &str, sent: &Fingerprint) -> Result<Proof, StorageError> {
    let stated = bucket.head(key).await?;
    sent.proof(&stated, false).map_err(|why| StorageError::new("HEAD", bucket.url().of_key(key), Fault::Differs(why)))
}

fn fingerprint(parts: &[Bytes]) -> Fingerprint {
    let mut fingerprint = Fingerprint::new(parts.len() > 1);
    parts.iter().for_each(|part| fingerprint.add(part));
    fingerprint
}

/// The least that says whether saving works: PUT, HEAD and DELETE of a small object.
pub(super) async fn probe(
    settings: &BucketSettings,
    transport: Arc<dyn Transport>,
) -> Result<(Bucket, Probed), StorageError> {
    let (bucket, key) = put_probe(settings, transport).await?;
    let proof = proven(&bucket, &key, &fingerprint(&[Bytes::from_static(PROBE)])).await;
    // Not every key may delete, and saving does not need it.
    let deleted = bucket.delete(&key).await;
    let warning = deleted.err().map(|error| format!("the probe stays in the bucket: {error}"));
    Ok((bucket, Probed { proof: proof?, warning }))
}

/// Tries everything that saving does, with a small object and one in two parts, and deletes both.
pub async fn check(settings: &BucketSettings, transport: Arc<dyn Transport>) -> StorageCheck {
    let mut check = StorageCheck { url: settings.url().to_string(), steps: Vec::new() };
    let (bucket, key) = match put_probe(settings, transport).await {
        Ok(put) => put,
        Err(error) => {
            check.note("put", true, Err(&error));
            return check;
        }
    };
    let small = Bytes::from_static(PROBE);
    check.note("put", true, Ok(format!("an object of {} bytes", small.len())));
    let proof = proven(&bucket, &key, &fingerprint(std::slice::from_ref(&small))).await;
    check.note("head", true, proof.as_ref().map(|_| format!("states {} bytes", small.len())));
    if let Ok(proof) = &proof {
        let is_weak = *proof == Proof::Size;
        let detail = format!("an image counts as saved by its {proof}");
        check.steps.push(CheckedStep { step: "checksum", ok: !is_weak, needed: false, detail });
    }
    let got = bucket.get(&key).await.and_then(|bytes| same(&bucket, &key, bytes.as_ref(), &small));
    check.note("get", false, got.as_ref().map(|()| "returns the same bytes".to_owned()));
    let large = format!("{key}-large");
    let sent = [Bytes::from(vec![b'.'; PART]), small];
    let uploaded = upload(&bucket, &large, &sent).await;
    let is_large = check.note("multipart", true, uploaded.as_ref().map(|proof| format!("2 parts, proven by {proof}")));
    let aborted = abort(&bucket, &large).await;
    check.note("abort", false, aborted.as_ref().map(|()| "an upload that was begun is gone".to_owned()));
    let mut deleted = bucket.delete(&key).await;
    if is_large {
        deleted = deleted.and(bucket.delete(&large).await);
    }
    check.note("delete", false, deleted.as_ref().map(|()| "the probes are gone".to_owned()));
    check
}

fn same(bucket: &Bucket, key: &str, got: Option<&Bytes>, sent: &Bytes) -> Result<(), StorageError> {
    if got == Some(sent) {
        return Ok(());
    }
    let why = "the store returns other bytes".to_owned();
    Err(StorageError::new("GET", bucket.url().of_key(key), Fault::Differs(why)))
}

async fn upload(bucket: &Bucket, key: &str, sent: &[Bytes]) -> Result<Proof, StorageError> {
    let id = bucket.begin_upload(key, "text/plain").await?;
    let sending = async {
        let mut parts = Vec::new();
        for bytes in sent {
            parts.push(bucket.put_part(key, &id, parts.len(), bytes.clone()).await?);
        }
        bucket.complete(key, &id, parts).await
    };
    if let Err(error) = sending.await {
        // The first error says why.
        let _ = bucket.abort(key, &id).await;
        return Err(error);
    }
    proven(bucket, key, &fingerprint(sent)).await
}

async fn abort(bucket: &Bucket, key: &str) -> Result<(), StorageError> {
    let id = bucket.begin_upload(key, "text/plain").await?;
    bucket.abort(key, &id).await
}
