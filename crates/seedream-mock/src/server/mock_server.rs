//! The handle of a running mock.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use seedream_fixtures::ProviderFacts;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::endpoints::admin::providers::openai_bases;
use crate::endpoints::admin::tasks::{TaskTransition, move_tasks};
use crate::endpoints::recording_index::ReplayReport;
use crate::engine::Engine;
#[cfg(feature = "record")]
use crate::record::recorder::RecordingSummary;
use crate::request::address::DEFAULT_SESSION;
use crate::server::callbacks::deliver;
use crate::server::mock_session::MockSession;
use crate::server::serve;
use crate::server::shared::Shared;
use crate::state::clock::Clock;
use crate::state::journal_entry::JournalEntry;
use crate::state::ledger::LedgerEntry;

/// How long a stop waits for responses in progress.
const PATIENCE: Duration = Duration::from_millis(800);

/// A running mock. Dropping it stops it.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    /// Sends callbacks until it is dropped.
    _callbacks: JoinSet<()>,
}

impl MockServer {
    pub(crate) async fn start_with(address: SocketAddr, shared: Shared) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mut callbacks = JoinSet::new();
        callbacks.spawn(deliver(shared.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve::serve(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop: Some(stop), serving, _callbacks: callbacks })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root URL, without a slash at its end: `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        // No client can connect to the unspecified address; a server that is bound to it answers on loopback too.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        format!("{}://{address}", if self.shared.has_tls() { "https" } else { "http" })
    }

    /// The certificate of the authority that a client has to trust, as PEM; `None` without [TLS](crate::MockServerBuilder::tls).
    #[cfg(feature = "tls")]
    pub fn ca_pem(&self) -> Option<String> {
        self.shared.tls.as_ref().map(|identity| identity.ca_pem())
    }

    /// The base URL that a client of this provider configures; `None` for an unknown provider.
    pub fn base_url(&self, provider: &str) -> Option<String> {
        self.shared.services().library.provider(provider).map(|provider| self.base_url_of(provider))
    }

    /// The id and the base URL of every provider; a mock that only records has one.
    pub fn providers(&self) -> Vec<(String, String)> {
        self.served().map(|provider| (provider.id.clone(), self.base_url_of(provider))).collect()
    }

    fn served(&self) -> impl Iterator<Item = &ProviderFacts> {
        let providers = self.shared.services().library.providers().iter();
        #[cfg(feature = "record")]
        let providers = providers.filter(|provider| !self.records_another(&provider.id));
        providers
    }

    /// The base URL of the OpenAI SDK for each provider that responds to its `images.generate` with images, which excludes
    /// providers with tasks.
    pub fn openai_base_urls(&self) -> Vec<(String, String)> {
        let base = |provider: &ProviderFacts| {
            let base = openai_bases(provider).next().filter(|_| provider.task.is_none())?;
            Some((provider.id.clone(), format!("{}{base}", self.url())))
        };
        self.served().filter_map(base).collect()
    }

    fn base_url_of(&self, provider: &ProviderFacts) -> String {
        format!("{}/{}{}", self.url(), provider.id, provider.base_path())
    }

    /// One session: the requests whose path begins with `/s/<name>/`. It is opened on its first use.
    pub fn session(&self, name: impl Into<String>) -> MockSession {
        MockSession { shared: self.shared.clone(), name: name.into() }
    }

    /// The session of paths that name none.
    pub fn default_session(&self) -> MockSession {
        self.session(DEFAULT_SESSION)
    }

    /// The journal of all sessions, in the order of the requests.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.engine.journal(None)
    }

    /// The ledger of all sessions, in the order of the requests.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let names = self.shared.services().sessions.names();
        let mut entries: Vec<LedgerEntry> = names.into_iter().flat_map(|name| self.session(name).ledger()).collect();
        entries.sort_by_key(|entry| entry.ordinal);
        entries
    }

    /// Ends a task with the images that it has. Returns `false` where there is no such task, or where it has ended.
    pub fn complete_task(&self, id: &str) -> bool {
        self.move_task(id, &TaskTransition::Completed)
    }

    /// Ends a task without images, with a code such as `content_policy_violation`. Returns `false` as
    /// [`MockServer::complete_task`] does.
    pub fn fail_task(&self, id: &str, code: &str) -> bool {
        self.move_task(id, &TaskTransition::Failed { code: Some(code.to_owned()), message: None })
    }

    /// Ends a task as cancelled, which its provider reports as a failure. Returns `false` as
    /// [`MockServer::complete_task`] does.
    pub fn cancel_task(&self, id: &str) -> bool {
        self.move_task(id, &TaskTransition::Cancelled)
    }

    fn move_task(&self, id: &str, wanted: &TaskTransition) -> bool {
        let services = self.shared.services();
        let session = services.task_session(id).unwrap_or(DEFAULT_SESSION);
        let moved = move_tasks(services, self.shared.now(session), session, Some(id), wanted).is_ok();
        self.shared.notify(true);
        moved
    }

    /// Which recorded exchanges were not played, and which requests none answered, in all sessions.
    pub fn replay_report(&self) -> ReplayReport {
        self.shared.services().recordings.report()
    }

    /// What was recorded by now; `None` where the mock does not record.
    #[cfg(feature = "record")]
    pub fn recording(&self) -> Option<RecordingSummary> {
        self.shared.recorder.as_ref().map(|recorder| recorder.summary())
    }

    /// Waits until every exchange that was begun is on disk, with its images.
    #[cfg(feature = "record")]
    pub async fn recorded(&self) {
        if let Some(recorder) = &self.shared.recorder {
            recorder.idle().await;
        }
    }

    /// Sends nothing more to the upstream, and waits as [`MockServer::recorded`] does.
    #[cfg(feature = "record")]
    pub async fn end_recording(&self) {
        if let Some(recorder) = &self.shared.recorder {
            recorder.close();
        }
        self.recorded().await;
    }

    /// Whether it only records, and another provider than this.
    #[cfg(feature = "record")]
    fn records_another(&self, id: &str) -> bool {
        let other = self.shared.recorder.as_ref().is_some_and(|recorder| recorder.provider != id);
        other && self.shared.services().recordings.is_empty()
    }

    /// The clock of the mock, which the clock of every session follows.
    pub fn clock(&self) -> &Clock {
        self.shared.clocks.mock()
    }

    /// The engine that answers.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// One line of JSON for programs that start a mock and read its first line: `event`, `url`, `providers` (id and base
    /// URL), `admin`, `pid`, `version`, and with TLS `ca`, the certificate that clients have to trust, as PEM.
    pub fn ready_line(&self) -> String {
        #[derive(Serialize)]
        struct Ready {
            event: &'static str,
            url: String,
            providers: BTreeMap<String, String>,
            openai: BTreeMap<String, String>,
            session: String,
            admin: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            ca: Option<String>,
            pid: u32,
            version: &'static str,
        }
        let ready = Ready {
            event: "ready",
            url: self.url(),
            providers: self.providers().into_iter().collect(),
            openai: self.openai_base_urls().into_iter().collect(),
            session: format!("{}/s/{{name}}", self.url()),
            admin: format!("{}/__mock/v1", self.url()),
            #[cfg(feature = "tls")]
            ca: self.ca_pem(),
            #[cfg(not(feature = "tls"))]
            ca: None,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
        };
        // Texts and numbers always serialise.
        serde_json::to_string(&ready).unwrap_or_default()
    }

    /// Waits until the server ends by itself, which it does only after a failure of its listener.
    ///
    /// # Errors
    /// The failure.
    pub async fn wait(&mut self) -> io::Result<()> {
        (&mut self.serving).await.map_err(io::Error::other)
    }

    /// Stops the server. Responses in progress have 800 ms to finish.
    pub async fn stop(mut self) {
        self.stop.take();
        // A client that is still being answered after that loses its connection, as with any server that stops.
        drop(tokio::time::timeout(PATIENCE, &mut self.serving).await);
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.stop.take();
    }
}
