//! The requests to a bucket.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, GetOptions, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
    multipart::{MultipartStore as _, PartId},
    path::Path as Key,
};

use super::{
    bucket_settings::BucketSettings,
    bucket_url::BucketUrl,
    connector::{Connector, StatedSha256},
    fingerprint::StatedObject,
    storage_error::{Fault, StorageError},
};
use crate::transport::Transport;

/// The size of a part; an object that is larger is sent in parts. Stores take parts from 5 MiB, and some want them of one size.
pub(super) const PART: usize = 8 << 20;

/// The numbers of parts that stores take.
const PARTS: RangeInclusive<u64> = 1..=10_000;

type Result<T> = std::result::Result<T, StorageError>;

/// A bucket that is reached with certain settings.
pub(super) struct Bucket {
    url: BucketUrl,
    endpoint: String,
    store: AmazonS3,
    /// The same for HEAD, which asks for checksums.
    heads: AmazonS3,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url.to_string()).finish()
    }
}

impl Bucket {
    /// # Errors
    /// The settings contradict each other.
    pub(super) fn new(settings: &BucketSettings, transport: Arc<dyn Transport>, checksum: bool) -> Result<Self> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(settings.url().bucket())
            // A single DELETE is what every store knows.
            .with_disable_bulk_delete(true)
            .with_http_connector(Connector(transport))
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(5),
                    base: 3.0,
                },
                max_retries: 4,
                retry_timeout: Duration::from_secs(180),
            });
        for (key, value) in settings.values() {
            builder = builder.with_config(key, value);
        }
        if checksum {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        let mut asks = http::HeaderMap::new();
        asks.insert("x-amz-checksum-mode", http::HeaderValue::from_static("ENABLED"));
        let heads = builder.clone().with_client_options(ClientOptions::new().with_default_headers(asks));
        let built = |builder: AmazonS3Builder| {
            builder.build().map_err(|error| StorageError::of("reaching", settings.url().to_string(), &error))
        };
        let endpoint = settings.endpoint().unwrap_or_default().to_owned();
        Ok(Self { url: settings.url().clone(), endpoint, store: built(builder)?, heads: built(heads)? })
    }

    pub(super) fn url(&self) -> &BucketUrl {
        &self.url
    }

    /// The endpoint of the store; empty for that of Amazon.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn key(&self, request: &'static str, key: &str) -> Result<Key> {
        Key::parse(key).map_err(|error| {
            StorageError::new(request, self.url.of_key(key), Fault::Local(format!("this is no key: {error}")))
        })
    }

    fn failed(&self, request: &'static str, key: &str) -> impl Fn(object_store::Error) -> StorageError {
        let place = self.url.of_key(key);
        move |error| StorageError::of(request, place.clone(), &error)
    }

    /// Writes an object. It may replace one of this key, which is of the same attempt.
    pub(super) async fn put(&self, key: &str, bytes: Bytes, media_type: &str) -> Result<()> {
        let options = PutOptions { attributes: attributes(media_type), ..PutOptions::default() };
        let put = self.store.put_opts(&self.key("PUT", key)?, bytes.into(), options).await;
        put.map(drop).map_err(self.failed("PUT", key))
    }

    /// What the store states of an object.
    pub(super) async fn head(&self, key: &str) -> Result<StatedObject> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let got = self.heads.get_opts(&self.key("HEAD", key)?, options).await.map_err(self.failed("HEAD", key))?;
        let sha256 = got.extensions.get::<StatedSha256>().map(|stated| stated.0.clone());
        Ok(StatedObject { bytes: got.meta.size, etag: got.meta.e_tag, sha256 })
    }

    /// Reads an object; `None` if it is missing.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let got = async { self.store.get(&self.key("GET", key)?).await.map_err(self.failed("GET", key)) };
        match got.await {
            Ok(got) => got.bytes().await.map(Some).map_err(self.failed("GET", key)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn delete(&self, key: &str) -> Result<()> {
        let key_of = self.key("DELETE", key)?;
        let one = futures_util::stream::once(std::future::ready(Ok(key_of)));
        let deleted = self.store.delete_stream(Box::pin(one)).try_collect::<Vec<_>>().await;
        deleted.map(drop).map_err(self.failed("DELETE", key))
    }

    /// Begins an upload in parts and gives back its id.
    pub(super) async fn begin_upload(&self, key: &str, media_type: &str) -> Result<String> {
        let options = PutMultipartOptions { attributes: attributes(media_type), ..PutMultipartOptions::default() };
        let begun = self.store.create_multipart_opts(&self.key("POST uploads", key)?, options).await;
        begun.map_err(self.failed("POST uploads", key))
    }

    pub(super) async fn put_part(&self, key: &str, upload: &str, number: usize, bytes: Bytes) -> Result<PartId> {
        let put = self.store.put_part(&self.key("PUT part", key)?, &upload.to_owned(), number, bytes.into()).await;
        put.map_err(self.failed("PUT part", key))
    }

    pub(super) async fn complete(&self, key: &str, upload: &str, parts: Vec<PartId>) -> Result<()> {
        let completed = self.store.complete_multipart(&self.key("POST upload", key)?, &upload.to_owned(), parts).await;
        completed.map(drop).map_err(self.failed("POST upload", key))
    }

    /// Ends an upload, whose parts are gone then.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<()> {
        let aborted = self.store.abort_multipart(&self.key("DELETE upload", key)?, &upload.to_owned()).await;
        aborted.map_err(self.failed("DELETE upload", key))
    }
}

/// How many parts so many bytes have.
///
/// # Errors
/// More than a store takes.
pub(super) fn parts(bytes: u64) -> std::result::Result<u64, String> {
    let parts = bytes.div_ceil(PART as u64);
    if PARTS.contains(&parts) { Ok(parts) } else { Err(format!("{bytes} bytes are too many for a store")) }
}

fn attributes(media_type: &str) -> Attributes {
    Attributes::from_iter([(Attribute::ContentType, media_type.to_owned())])
}
