//! The recorder: its upstream, its folder, its budget, and what it has recorded.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seedream_fixtures::RecordedImage;
use serde::Serialize;
use tokio::sync::watch;

use crate::hash;
use crate::record::budget::ImageBudget;
use crate::record::exchange_file::FoundUrl;
use crate::record::folder::RecordingFolder;
use crate::record::http_client;
use crate::record::images::ImageFetcher;
use crate::record::upstream::Upstream;

/// What is recorded, where, and how many images it may buy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordOptions {
    /// The id of the provider whose dialect the upstream has.
    pub provider: String,
    /// The base URL of the upstream, which stands for the provider's base URL.
    pub upstream: String,
    /// The most images that the recorded requests may buy. A request reserves the most that it may give before it is sent.
    pub budget: u32,
    /// The folder of the recording: a new or empty one, or a recording to go on with.
    pub folder: PathBuf,
    /// CA certificates to trust besides the platform's, as PEM; empty for none.
    pub ca_certificates: Vec<u8>,
}

/// What was recorded by now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordingSummary {
    /// The exchanges on disk.
    pub exchanges: u32,
    /// The images on disk, those that were there before aside.
    pub images: u32,
    /// The images that could not be fetched, and responses that could not be kept, each with the reason; no URL is in it.
    pub failures: Vec<String>,
    /// The images that were bought, or perhaps bought. The reservation of a response that states what it bills is that number.
    pub reserved: u32,
    /// The budget.
    pub budget: u32,
    /// The requests that were refused because of the budget.
    pub refused: u32,
    /// The exchanges that are still under way.
    pub under_way: usize,
}

/// A recorder. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Recorder(Arc<RecorderState>);

#[derive(Debug)]
pub(crate) struct RecorderState {
    pub(crate) provider: String,
    pub(crate) upstream: Upstream,
    pub(crate) budget: ImageBudget,
    pub(crate) folder: RecordingFolder,
    images: ImageFetcher,
    /// The images that are on disk, by the hash of their URL: a task names them with each poll.
    known: Mutex<HashMap<String, RecordedImage>>,
    kept: Mutex<Kept>,
    under_way: watch::Sender<usize>,
    /// Whether nothing more is sent.
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Kept {
    exchanges: u32,
    refused: u32,
    images: BTreeSet<String>,
    failures: Vec<String>,
}

impl std::ops::Deref for Recorder {
    type Target = RecorderState;

    fn deref(&self) -> &RecorderState {
        &self.0
    }
}

/// An exchange that is under way until this is dropped.
pub(crate) struct UnderWay(Recorder);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count -= 1);
    }
}

impl Recorder {
    /// # Errors
    /// The upstream is no base URL, or the folder cannot be used.
    pub(crate) fn open(options: RecordOptions) -> io::Result<Self> {
        let RecordOptions { provider, upstream, budget, folder, ca_certificates } = options;
        let unusable = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
        let roots = http_client::roots(&ca_certificates).map_err(unusable)?;
        let upstream = Upstream::new(&upstream, &roots).map_err(unusable)?;
        let opened = RecordingFolder::open(&folder)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
        Ok(Self(Arc::new(RecorderState {
            provider,
            upstream,
            budget: ImageBudget::new(budget),
            folder: opened,
            images: ImageFetcher::new(roots),
            known: Mutex::default(),
            kept: Mutex::default(),
            under_way: watch::Sender::default(),
            closed: AtomicBool::default(),
        })))
    }

    /// Counts an exchange as under way; `None` once nothing more is sent.
    pub(crate) fn begin(&self) -> Option<UnderWay> {
        self.under_way.send_modify(|count| *count += 1);
        let begun = UnderWay(self.clone());
        (!self.closed.load(Ordering::SeqCst)).then_some(begun)
    }
}

impl RecorderState {
    /// Fetches an image and keeps it.
    pub(crate) async fn keep(&self, exchange: &str, found: FoundUrl) -> RecordedImage {
        let key = hash::full(found.url.as_bytes());
        if let Some(known) = lock(&self.known).get(&key) {
            return RecordedImage { url: found.kept, ..known.clone() };
        }
        let fetched = self.images.fetch(&self.upstream, &found.url).await;
        let mut image = RecordedImage {
            url: found.kept,
            status: fetched.status,
            media_type: fetched.media_type,
            failure: fetched.failure,
            ..RecordedImage::default()
        };
        if let Some(bytes) = fetched.bytes {
            match self.folder.keep_image(&bytes) {
                Ok(name) => {
                    lock(&self.kept).images.insert(name.clone());
                    image.file = Some(name);
                    lock(&self.known).insert(key, image.clone());
                }
                Err(error) => image.failure = Some(format!("it cannot be written: {error}")),
            }
        }
        if let Some(why) = &image.failure {
            self.failed(format!("{exchange}: an image was not fetched: {why}"));
        }
        image
    }

    pub(crate) fn recorded(&self) {
        lock(&self.kept).exchanges += 1;
    }

    pub(crate) fn refused(&self) {
        lock(&self.kept).refused += 1;
    }

    pub(crate) fn failed(&self, why: String) {
        lock(&self.kept).failures.push(why);
    }

    /// What was recorded by now.
    pub(crate) fn summary(&self) -> RecordingSummary {
        let kept = lock(&self.kept);
        RecordingSummary {
            exchanges: kept.exchanges,
            images: u32::try_from(kept.images.len()).unwrap_or(u32::MAX),
            failures: kept.failures.clone(),
            reserved: self.budget.reserved(),
            budget: self.budget.limit(),
            refused: kept.refused,
            under_way: *self.under_way.borrow(),
        }
    }

    /// Sends nothing more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Waits until nothing is under way.
    pub(crate) async fn idle(&self) {
        let mut under_way = self.under_way.subscribe();
        // The sender lives as long as this value.
        drop(under_way.wait_for(|count| *count == 0).await);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
