//! The handle of a running mock.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use seedream_fixtures::ProviderFacts;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::endpoints::admin::query::SessionScope;
use crate::endpoints::admin::tasks::{TaskTransition, move_tasks};
use crate::endpoints::admin::verify::{Expectation, Verification};
use crate::endpoints::admin::{reset, verify};
use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::request::address::DEFAULT_SESSION;
use crate::server::callbacks::deliver;
use crate::server::serve;
use crate::server::shared::Shared;
use crate::state::clock::Clock;
use crate::state::entry::JournalEntry;
use crate::state::ledger::{LedgerEntry, PaidTotal};
use crate::state::reset_part::ResetPart;

/// How long a stop waits for answers that are under way.
const PATIENCE: Duration = Duration::from_millis(800);

/// A running mock. Dropping it stops it.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    /// Delivers callbacks; dropping it ends that.
    _callbacks: JoinSet<()>,
}

impl MockServer {
    pub(crate) async fn start_with(address: SocketAddr, engine: Engine, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(engine, clock);
        let mut callbacks = JoinSet::new();
        callbacks.spawn(deliver(shared.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve::serve(listener, shared.clone(), stopped));
        Ok(Self { address, shared, stop: Some(stop), serving, _callbacks: callbacks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root of everything, without a slash at the end: `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        // Nobody can call the unspecified address; what is bound to it answers on loopback too.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        format!("http://{address}")
    }

    /// What a client of this provider configures as its base URL.
    pub fn base_url(&self, provider: &str) -> Option<String> {
        self.shared.services().library.provider(provider).map(|provider| self.base_url_of(provider))
    }

    /// Every provider's id and base URL.
    pub fn providers(&self) -> Vec<(String, String)> {
        let providers = self.shared.services().library.providers().iter();
        providers.map(|provider| (provider.id.clone(), self.base_url_of(provider))).collect()
    }

    fn base_url_of(&self, provider: &ProviderFacts) -> String {
        format!("{}/{}{}", self.url(), provider.id, provider.base_path())
    }

    /// What was asked and answered so far, in every session, in the order of the requests.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.engine.journal(None)
    }

    /// What was asked and answered so far in one session; `default` is the one of paths that name none.
    pub fn journal_of(&self, session: &str) -> Vec<JournalEntry> {
        self.shared.engine.journal(Some(session))
    }

    /// Holds one session's journal against what is wanted of it; where too few entries fit, the answer says which came
    /// nearest, and every field in which they differ.
    ///
    /// ```
    /// # async fn example(mock: &seedream_mock::MockServer) -> Result<(), Box<dyn std::error::Error>> {
    /// let pattern = serde_json::json!({ "provider": "ark", "body": { "prompt": "*kite*", "n": null } });
    /// let verdict = mock.verify("default", &seedream_mock::Wanted::matching(&pattern)?.count(1..=1));
    /// assert!(verdict.satisfied, "{verdict:#?}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify(&self, session: &str, wanted: &Expectation) -> Verification {
        verify::verify(self.shared.services(), SessionScope::One(session), wanted)
    }

    /// Waits until as many entries of one session's journal fit as are wanted at least. It waits for ever: put a timeout
    /// around it.
    pub async fn wait_for(&self, session: &str, wanted: &Expectation) -> Verification {
        self.shared.until(SessionScope::One(session), wanted).await
    }

    /// Adds faults to those of a session; `default` is the one of paths that name none.
    pub fn add_faults(&self, session: &str, faults: impl IntoIterator<Item = Fault>) {
        let now = self.shared.enter(session).now();
        self.shared.engine.add_faults(now, session, faults);
    }

    /// Forgets the faults of a session.
    pub fn clear_faults(&self, session: &str) {
        self.shared.engine.clear_faults(self.shared.now(session), session);
    }

    /// Forgets parts of a session.
    pub fn reset(&self, session: &str, parts: &[ResetPart]) {
        reset::reset(self.shared.services(), SessionScope::One(session), parts);
        if parts.contains(&ResetPart::Session) {
            self.shared.clocks.keep(&self.shared.services().sessions.names());
        }
        if parts.contains(&ResetPart::Clock) {
            self.shared.clocks.reset(Some(session));
        }
    }

    /// Ends a task with the pictures it has; false where there is no such task, or where it has ended already.
    pub fn complete_task(&self, id: &str) -> bool {
        self.move_task(id, &TaskTransition::Completed)
    }

    /// Ends a task without pictures, with a code such as `content_policy_violation`; false as with
    /// [`MockServer::complete_task`].
    pub fn fail_task(&self, id: &str, code: &str) -> bool {
        self.move_task(id, &TaskTransition::Failed { code: Some(code.to_owned()), message: None })
    }

    /// Ends a task as cancelled, which its provider tells as a failure; false as with [`MockServer::complete_task`].
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

    /// What was paid so far, in every session, in the order of the requests.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let names = self.shared.services().sessions.names();
        let mut bills: Vec<LedgerEntry> = names.iter().flat_map(|name| self.ledger_of(name)).collect();
        bills.sort_by_key(|bill| bill.ordinal);
        bills
    }

    /// What was paid so far in one session.
    pub fn ledger_of(&self, session: &str) -> Vec<LedgerEntry> {
        self.shared.engine.ledger(self.shared.now(session), Some(session))
    }

    /// What was paid in all so far in one session: of all bills, also those that are no longer kept one by one.
    pub fn paid(&self, session: &str) -> PaidTotal {
        self.shared.engine.paid(self.shared.now(session), session)
    }

    /// The clock it goes by, which every session's goes with.
    pub fn clock(&self) -> &Clock {
        self.shared.clocks.mock()
    }

    /// The clock of one session: moving it moves nobody else's. It goes with the mock's until it is moved, and as long as
    /// the session is there.
    pub fn clock_of(&self, session: &str) -> Clock {
        self.shared.enter(session)
    }

    /// The engine that answers.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// One line of JSON that says where everything is, for programs that start a mock and read its first line.
    pub fn ready_line(&self) -> String {
        #[derive(Serialize)]
        struct Ready {
            event: &'static str,
            url: String,
            providers: std::collections::BTreeMap<String, String>,
            admin: String,
            pid: u32,
            version: &'static str,
        }
        let ready = Ready {
            event: "ready",
            url: self.url(),
            providers: self.providers().into_iter().collect(),
            admin: format!("{}/__mock/v1", self.url()),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
        };
        // Texts and numbers always serialise.
        serde_json::to_string(&ready).unwrap_or_default()
    }

    /// Waits until it ends, which it does only by itself: after a failure of the listener.
    ///
    /// # Errors
    /// What made it end.
    pub async fn wait(&mut self) -> io::Result<()> {
        (&mut self.serving).await.map_err(io::Error::other)
    }

    /// Stops it, letting answers that are under way finish for a moment.
    pub async fn stop(mut self) {
        self.stop.take();
        // Who is still being answered after that loses the connection, as with any server that goes away.
        drop(tokio::time::timeout(PATIENCE, &mut self.serving).await);
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.stop.take();
    }
}
