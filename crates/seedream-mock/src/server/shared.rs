//! What every connection of a server shares.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use crate::endpoints::admin::query::SessionScope;
use crate::endpoints::admin::verify::{Expectation, Verification};
use crate::endpoints::{admin, images};
use crate::engine::Engine;
use crate::engine::services::Services;
use crate::faults::cut_upload;
use crate::image::test_image::TestImage;
#[cfg(feature = "record")]
use crate::record::recorder::Recorder;
use crate::response::chunk::ChunkContent;
use crate::server::clocks::{SessionClocks, SessionEntry};
#[cfg(feature = "tls")]
use crate::server::tls::TlsIdentity;
use crate::state::clock::Clock;

/// What every connection of a server shares. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clocks: SessionClocks,
    /// Bounds how many images are rendered at a time: more threads than processors would only take memory.
    renderers: Arc<Semaphore>,
    pub(crate) notifiers: Arc<Notifiers>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<TlsIdentity>>,
    /// What sends requests to an upstream and records them.
    #[cfg(feature = "record")]
    pub(crate) recorder: Option<Recorder>,
}

/// Wakes the tasks that wait for a change.
#[derive(Debug, Default)]
pub(crate) struct Notifiers {
    /// A task may have been accepted or ended.
    pub(crate) tasks: Notify,
    /// A journal may have another entry.
    journal: watch::Sender<()>,
    /// The server stops.
    stopping: watch::Sender<bool>,
}

impl Notifiers {
    /// Wakes the tasks that wait for an entry of a journal. A task subscribes before it looks at the journal, so that one which
    /// is not counted here sees the entry.
    pub(crate) fn journal_grew(&self) {
        if self.journal.receiver_count() > 0 {
            self.journal.send_replace(());
        }
    }

    /// Learns of entries of a journal.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.journal.subscribe()
    }

    /// Ends the responses that have no end of their own.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        // The sender lives as long as this value.
        drop(self.stopping.subscribe().wait_for(|stopping| *stopping).await);
    }
}

impl Shared {
    pub(crate) fn new(engine: Engine, clock: Clock) -> Self {
        Self {
            engine: Arc::new(engine),
            clocks: SessionClocks::new(clock),
            renderers: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
            notifiers: Arc::default(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "record")]
            recorder: None,
        }
    }

    /// Whether bytes of HTTP/1 matter: those of a fault, and those that an upstream sends.
    #[cfg(feature = "tls")]
    pub(crate) fn needs_http1(&self) -> bool {
        #[cfg(feature = "record")]
        if self.recorder.is_some() {
            return true;
        }
        self.services().sessions.shapes_bytes()
    }

    /// Whether it serves TLS.
    pub(crate) fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    pub(crate) fn services(&self) -> &Services {
        self.engine.services()
    }

    /// The time in a session.
    pub(crate) fn now(&self, session: &str) -> Timestamp {
        self.clocks.of(session).timestamp()
    }

    /// Uses a session, which is opened if need be, and returns its clock.
    pub(crate) fn enter(&self, session: &str) -> Clock {
        self.clocks.enter(session, || {
            // By the machine's time: a test that moves a clock by a day makes no session old.
            let sessions = &self.services().sessions;
            if sessions.enter(session, Timestamp::now()) {
                SessionEntry::New { open: sessions.names() }
            } else {
                SessionEntry::Known
            }
        })
    }

    /// After how many bytes of its body a request is cut off, if it is.
    pub(crate) fn cut_after(&self, head: &mut http::request::Parts) -> Option<u64> {
        cut_upload::cut_after(self.services(), |session| self.now(session), head)
    }

    /// The image of which a request asks for a part. It is rendered before the engine responds, so that the engine finds it
    /// in its cache.
    pub(crate) fn partial_image(&self, now: Timestamp, request: &http::Request<Bytes>) -> Option<TestImage> {
        images::partial(self.services(), now, request)
    }

    /// The bytes of a content. Rendering runs on other threads than those that serve connections.
    pub(crate) async fn render(&self, content: ChunkContent) -> Bytes {
        if !content.is_costly() {
            return content.bytes(|image| image.render());
        }
        // The semaphore is never closed. The permit is held until rendering ends, also where the connection has ended.
        let permit = self.renderers.clone().acquire_owned().await;
        let engine = self.engine.clone();
        let rendering = tokio::task::spawn_blocking(move || {
            let bytes = content.bytes(|image| engine.services().images.render(image));
            drop(permit);
            bytes
        });
        rendering.await.unwrap_or_default()
    }

    /// Waits until the journal has as many entries as are expected.
    pub(crate) async fn until(&self, scope: SessionScope<'_>, wanted: &Expectation) -> Verification {
        let mut changes = self.notifiers.journal.subscribe();
        loop {
            changes.mark_unchanged();
            let verdict = admin::verify::verify(self.services(), scope, wanted);
            if wanted.is_reached(&verdict) {
                return verdict;
            }
            // The sender lives as long as this value.
            drop(changes.changed().await);
        }
    }

    /// Wakes the tasks that wait for a response, and the sender of callbacks if a callback is still to be sent.
    pub(crate) fn notify(&self, awaits: bool) {
        if awaits {
            self.notifiers.tasks.notify_one();
        }
        self.notifiers.journal_grew();
    }
}
