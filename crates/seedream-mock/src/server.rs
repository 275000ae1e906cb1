//! The server: plays the engine's scripts over sockets.

mod admin;
mod door;
mod play;
mod postman;
mod wire;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::handler::Handler as _;
use axum::http;
use axum::response::{IntoResponse, Response};
use seedream_fixtures::Provider;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::builder::MockServerBuilder;
use crate::clock::Clock;
use crate::engine::{Bill, Engine, Entry};
use crate::fault::Fault;
use crate::picture::Cache;
use door::{Caller, Door};

/// The largest request body: fourteen references of ten megabytes, in base64.
const LARGEST_BODY: usize = 200 * 1024 * 1024;

/// How many bytes of rendered pictures are kept.
const CACHE: usize = 32 * 1024 * 1024;

/// How long a stop waits for answers that are under way.
const PATIENCE: Duration = Duration::from_millis(800);

/// A running mock. Dropping it stops it.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    engine: Arc<Engine>,
    clock: Clock,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
    /// Delivers callbacks; dropping it ends that.
    _postman: JoinSet<()>,
}

/// What every connection shares.
struct House {
    engine: Arc<Engine>,
    clock: Clock,
    cache: Arc<Cache>,
    /// Rings when a task may have been made or ended.
    bell: Arc<Notify>,
}

impl MockServer {
    /// Sets a mock up.
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    /// Starts a mock as it comes: a free port on loopback, the machine's clock, strict validation.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    pub(crate) async fn start_with(address: SocketAddr, engine: Engine, clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let engine = Arc::new(engine);
        let bell = Arc::new(Notify::new());
        let mut postman = JoinSet::new();
        postman.spawn(postman::deliver(engine.clone(), clock.clone(), bell.clone()));
        let cache = Arc::new(Cache::new(CACHE));
        let house = Arc::new(House { engine: engine.clone(), clock: clock.clone(), cache, bell });
        // One handler for everything needs no router.
        let service = answer.with_state(house).into_make_service_with_connect_info::<Caller>();
        let door = Door::new(listener, clock.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            // A dropped sender is a stop as well.
            let stopped = async move { drop(stopped.await) };
            axum::serve(door, service).with_graceful_shutdown(stopped).await
        });
        Ok(Self { address, engine, clock, stop: Some(stop), serving, _postman: postman })
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
        self.engine.library().provider(provider).map(|provider| self.base_url_of(provider))
    }

    /// Every provider's id and base URL.
    pub fn providers(&self) -> Vec<(String, String)> {
        let providers = self.engine.library().providers().iter();
        providers.map(|provider| (provider.id.clone(), self.base_url_of(provider))).collect()
    }

    fn base_url_of(&self, provider: &Provider) -> String {
        format!("{}/{}{}", self.url(), provider.id, provider.base_path())
    }

    /// What was asked and answered so far, in every session, in the order of the requests.
    pub fn journal(&self) -> Vec<Entry> {
        self.engine.journal(None)
    }

    /// What was asked and answered so far in one session; `default` is the one of paths that name none.
    pub fn journal_of(&self, session: &str) -> Vec<Entry> {
        self.engine.journal(Some(session))
    }

    /// Adds faults to those of a session; `default` is the one of paths that name none.
    pub fn add_faults(&self, session: &str, faults: impl IntoIterator<Item = Fault>) {
        self.engine.add_faults(self.clock.now(), session, faults);
    }

    /// Forgets the faults of a session.
    pub fn clear_faults(&self, session: &str) {
        self.engine.clear_faults(self.clock.now(), session);
    }

    /// What was paid so far, in every session, in the order of the requests.
    pub fn ledger(&self) -> Vec<Bill> {
        self.engine.ledger(self.clock.now(), None)
    }

    /// What was paid so far in one session.
    pub fn ledger_of(&self, session: &str) -> Vec<Bill> {
        self.engine.ledger(self.clock.now(), Some(session))
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The engine that answers.
    pub fn engine(&self) -> &Engine {
        &self.engine
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
        (&mut self.serving).await.unwrap_or_else(|error| Err(io::Error::other(error)))
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

/// The one handler: reads the body, asks the engine, plays what it says.
async fn answer(
    State(house): State<Arc<House>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return (http::StatusCode::PAYLOAD_TOO_LARGE, Body::empty()).into_response();
    };
    let request = Request::from_parts(head, body);
    let script = match admin::answer(&house.engine, &house.clock, &request) {
        Some(script) => script,
        None => house.engine.handle(house.clock.now(), &request),
    };
    if house.engine.awaits_callbacks() {
        house.bell.notify_one();
    }
    play::play(script, &house, &caller).await
}
