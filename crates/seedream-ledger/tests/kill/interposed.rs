//! A store and a transport that pass everything on, and reach the points on the way.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::Body as _;
use seedream_client::{
    History, Intent, JobRecord, JobStore, RecordEntry, Refusal, ReqwestTransport, ResponseBody, SendBefore, Transport,
    TransportError,
};
use seedream_ledger::kill_points::{Commit, on_commit};

use super::point::{Point, reach};

/// What the next COMMIT is about.
static COMMITS: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const INTENT: u8 = 1;
const TASK: u8 = 2;
const RESPONSE: u8 = 3;

pub(crate) fn watch_commits() {
    on_commit(|moment| {
        let [begins, succeeded] = match COMMITS.load(Ordering::SeqCst) {
            INTENT => [Point::IntentCommits, Point::IntentCommitted],
            TASK => [Point::TaskCommits, Point::TaskCommitted],
            RESPONSE => [Point::ResponseCommits, Point::ResponseCommitted],
            _ => return,
        };
        reach(if moment == Commit::Begins { begins } else { succeeded });
    });
}

/// What a process writes down before and after it hands something to the store; it outlives the process.
#[derive(Clone, Debug)]
pub(crate) struct EventLog(Arc<Mutex<File>>);

impl EventLog {
    pub(crate) fn new(path: &Path) -> Self {
        Self(Arc::new(Mutex::new(File::options().create(true).append(true).open(path).unwrap())))
    }

    fn write(&self, what: &str, record: &str) {
        self.0.lock().unwrap().write_all(format!("{what} {record}\n").as_bytes()).unwrap();
    }
}

/// The store of a worker.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) inner: Arc<dyn JobStore>,
    pub(crate) event_log: EventLog,
}

#[async_trait]
impl JobStore for Store {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        self.event_log.write("begins", &intent.job);
        COMMITS.store(INTENT, Ordering::SeqCst);
        let inner = self.inner.begin(intent).await;
        COMMITS.store(NOTHING, Ordering::SeqCst);
        let inner = inner?;
        self.event_log.write("begun", &intent.job);
        reach(Point::IntentRecorded);
        Ok(Box::new(Record { job: intent.job.clone(), inner, event_log: self.event_log.clone() }))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        self.inner.unfinished().await
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        let (history, inner) = self.inner.open(id).await?;
        Ok((history, Box::new(Record { job: id.to_owned(), inner, event_log: self.event_log.clone() })))
    }
}

#[derive(Debug)]
struct Record {
    job: String,
    inner: Box<dyn JobRecord>,
    event_log: EventLog,
}

#[async_trait]
impl JobRecord for Record {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn send_before(&self) -> Option<SendBefore> {
        self.inner.send_before()
    }

    fn stays(&self) -> bool {
        self.inner.stays()
    }

    fn has_synced(&self, file: &Path) -> bool {
        self.inner.has_synced(file)
    }

    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal> {
        self.event_log.write("begins", &self.job);
        self.inner.attempt(intent).await?;
        self.event_log.write("begun", &self.job);
        Ok(())
    }

    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        let (before, commits, after) = match &entry {
            RecordEntry::Accepted { .. } => (Some(Point::TaskArrived), TASK, Some(Point::TaskRecorded)),
            RecordEntry::Answered { whole: false, .. } => {
                (Some(Point::FirstImageArrived), NOTHING, Some(Point::FirstImageRecorded))
            }
            RecordEntry::Answered { .. } => (Some(Point::ResponseArrived), RESPONSE, Some(Point::ResponseRecorded)),
            RecordEntry::Image { .. } => (Some(Point::ImageSaved), NOTHING, Some(Point::ImageRecorded)),
            RecordEntry::Ended { .. } => (Some(Point::EndReached), NOTHING, Some(Point::EndRecorded)),
            _ => (None, NOTHING, None),
        };
        reach(before);
        self.event_log.write("evidence", &self.job);
        COMMITS.store(commits, Ordering::SeqCst);
        let appended = self.inner.append(entry).await;
        COMMITS.store(NOTHING, Ordering::SeqCst);
        appended?;
        self.event_log.write("recorded", &self.job);
        reach(after);
        Ok(())
    }
}

/// The transport of requests, or of downloads.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) inner: ReqwestTransport,
    pub(crate) is_download: bool,
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let (begins, answered, body) = match (self.is_download, request.method() == http::Method::POST) {
            (true, _) => (Point::DownloadBegins, None, [None, Some(Point::DownloadArrives)]),
            (false, true) => {
                (Point::PostBegins, Some(Point::PostAnswered), [Some(Point::BodyBegins), Some(Point::BodyArrives)])
            }
            (false, false) => (Point::PollBegins, Some(Point::PollAnswered), [None, None]),
        };
        reach(begins);
        let response = self.inner.send(request).await?;
        reach(answered);
        let [mut begins, mut arrives] = body;
        Ok(response.map(|body| {
            let mut body = Box::pin(body);
            ResponseBody::from_poll_fn(move |context| {
                reach(begins.take());
                let frame = std::task::ready!(body.as_mut().poll_frame(context));
                reach(arrives.take());
                std::task::Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
            })
        }))
    }
}
