//! The builder of a mock.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use seedream_fixtures::FixtureLibrary;

use crate::engine::Engine;
use crate::faults::grammar::Fault;
#[cfg(feature = "record")]
use crate::record::recorder::{RecordOptions, Recorder};
use crate::server::mock_server::MockServer;
use crate::server::shared::Shared;
#[cfg(feature = "tls")]
use crate::server::tls::TlsIdentity;
use crate::settings::cors_origin::CorsOrigin;
use crate::settings::relay_profile::RelayProfiles;
use crate::settings::{AcceptedContentTypes, CallbackReach, OnMiss, Settings, TaskEnd, Validate};
use crate::state::clock::Clock;

/// Builds a mock; [`MockServerBuilder::start`] starts it.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct MockServerBuilder {
    address: SocketAddr,
    settings: Settings,
    library: Arc<FixtureLibrary>,
    clock: Clock,
    #[cfg(feature = "tls")]
    tls: bool,
    #[cfg(feature = "record")]
    recorder: Option<Recorder>,
}

impl Default for MockServerBuilder {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            settings: Settings::default(),
            library: Arc::clone(seedream_fixtures::library()),
            clock: Clock::real(),
            #[cfg(feature = "tls")]
            tls: false,
            #[cfg(feature = "record")]
            recorder: None,
        }
    }
}

impl MockServerBuilder {
    /// The port. Default: 0, with which the system chooses a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// The address to bind. Default: loopback; any other needs [`MockServerBuilder::admin_token`].
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// The bearer token of the admin routes. Default: none, so that they are open, to this machine only.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.settings.admin_token = Some(token.into());
        self
    }

    /// The number from which images, ids and signatures are made. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How strictly requests are checked. Default: [`Validate::Strict`], as the provider does.
    pub fn validate(mut self, validate: Validate) -> Self {
        self.settings.validate = validate;
        self
    }

    /// Whether a request for images may have any content type, or none. Default: `application/json` only.
    pub fn any_content_type(mut self, any: bool) -> Self {
        self.settings.content_type = if any { AcceptedContentTypes::Any } else { AcceptedContentTypes::Json };
        self
    }

    /// When tasks end. Default: with their third poll.
    pub fn task(mut self, end: TaskEnd) -> Self {
        self.settings.task = end;
        self
    }

    /// The `estimated_time` of tasks, in seconds. Default: 1.
    pub fn estimated_seconds(mut self, seconds: u64) -> Self {
        self.settings.estimated_seconds = seconds;
        self
    }

    /// The known keys. Default: every key is known; the test keys always are.
    pub fn keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Whether callbacks must be `https` and public even on this machine. Default: `false`.
    pub fn strict_callbacks(mut self, strict: bool) -> Self {
        self.settings.callbacks = if strict { CallbackReach::Strict } else { CallbackReach::Loopback };
        self
    }

    /// How long the key `sk-mock-slow` waits, on the mock's clock. Default: 5 seconds.
    pub fn slow(mut self, delay: Duration) -> Self {
        self.settings.slow = delay;
        self
    }

    /// The faults of every session from its start. Default: none. [`crate::fault_words`] lists the words of a fault, and
    /// [`crate::parse_faults`] reads several from a text.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.settings.faults = faults.into_iter().collect();
        self
    }

    /// How the relay before each provider behaves, merged over the profiles set before: `"ark=new-api".parse()?`. Default: as
    /// documented.
    pub fn profiles(mut self, profiles: RelayProfiles) -> Self {
        self.settings.profiles = profiles.over(self.settings.profiles);
        self
    }

    /// Adds exchanges of your own to the embedded ones: a folder of `<provider>/<area>/<case>.json`, each with a `request` and
    /// a `response` in the form of `fixtures/`. An equal request finds them before any embedded exchange, `x-mock-fixture`
    /// names them, and an exchange with the id of an embedded one replaces it. A folder with a `provider.json` adds a provider. A
    /// recording is played byte for byte.
    ///
    /// # Errors
    /// Files that cannot be read or are not valid: all of them, a line each, as `file:line: message`
    /// ([`io::ErrorKind::InvalidData`]).
    pub fn fixtures(mut self, folder: impl AsRef<Path>) -> io::Result<Self> {
        let own = seedream_fixtures::load_dir(folder).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            io::Error::new(io::ErrorKind::InvalidData, lines.join("\n"))
        })?;
        self.library = Arc::new(own.over(&self.library));
        Ok(self)
    }

    /// Sends requests to an upstream, and records what comes back. Of a mock that plays a recording (see
    /// [`MockServerBuilder::fixtures`]) only the requests that it does not have are sent; any other mock sends all.
    ///
    /// # Errors
    /// The upstream is no base URL, or the folder is neither new nor empty nor a recording of a known format.
    #[cfg(feature = "record")]
    pub fn record(mut self, options: RecordOptions) -> io::Result<Self> {
        self.recorder = Some(Recorder::open(options)?);
        Ok(self)
    }

    /// What happens to a request that no exchange of the folder answers. Default: [`OnMiss::Error`] for a recording, otherwise
    /// [`OnMiss::Rules`].
    pub fn on_miss(mut self, on_miss: OnMiss) -> Self {
        self.settings.on_miss = Some(on_miss);
        self
    }

    /// Whether recorded responses come at the pace at which they were recorded, by the clock. Default: `false`, at once.
    pub fn recorded_pace(mut self, recorded_pace: bool) -> Self {
        self.settings.recorded_pace = recorded_pace;
        self
    }

    /// The most entries of a session's journal. Default: 1000.
    pub fn journal_capacity(mut self, entries: usize) -> Self {
        self.settings.journal_capacity = entries;
        self
    }

    /// The most sessions beside `default`; the one that was unused for longest is evicted. Default: 1024.
    pub fn sessions(mut self, most: usize) -> Self {
        self.settings.session_capacity = most;
        self
    }

    /// How long a session other than `default` is kept without use, by the machine's time: moving a clock does not age a
    /// session. Default: 1 hour.
    pub fn session_idle(mut self, idle: Duration) -> Self {
        self.settings.session_idle = idle;
        self
    }

    /// How long the head of a request may take from its first byte, by the machine's time; zero is without a limit. Default: 15
    /// seconds.
    pub fn head_timeout(mut self, limit: Duration) -> Self {
        self.settings.head_timeout = limit;
        self
    }

    /// How long a connection may wait for a request, or for the next bytes of a body, by the machine's time; zero is without a
    /// limit. A response that is delayed, stalled or dripping has no limit. Default: 75 seconds.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.settings.idle_timeout = limit;
        self
    }

    /// The most open connections. Further ones wait in the backlog of the system until one ends. Default: 1024.
    pub fn connections(mut self, most: NonZeroUsize) -> Self {
        self.settings.connections = most;
        self
    }

    /// The origins whose pages may use the routes of the providers and the images, beside those of this machine:
    /// `["https://app.example".parse()?]`. Default: none.
    pub fn cors(mut self, origins: impl IntoIterator<Item = CorsOrigin>) -> Self {
        self.settings.cors = origins.into_iter().collect();
        self
    }

    /// Whether a browser gets a page at `/` that shows the requests as they arrive. Default: `true`.
    pub fn page(mut self, page: bool) -> Self {
        self.settings.page = page;
        self
    }

    /// Whether it serves HTTPS, with a certificate authority made at its start ([`MockServer::ca_pem`]) that issues a certificate for
    /// every name under which a client asks. HTTP/2 is offered unless a fault of a session is about the bytes of HTTP/1. A fault
    /// of that kind that comes with a request over HTTP/2 gets the status 501. Default: `false`.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// The clock. Default: the machine's. Keep a clone to move it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A responder for an existing [wiremock](https://docs.rs/wiremock) server.
    #[cfg(feature = "wiremock")]
    pub fn responder(self) -> crate::wiremock::Responder {
        crate::wiremock::Responder::new(Engine::new(self.settings), self.clock)
    }

    /// All settings at once; setters that follow change single ones.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The engine alone, without a socket.
    pub fn engine(self) -> Engine {
        Engine::with(self.library, self.settings)
    }

    /// Binds the port and serves in the background of the current tokio runtime, until the server is dropped.
    ///
    /// # Errors
    /// The port cannot be bound, the address is not loopback and there is no admin token
    /// ([`io::ErrorKind::PermissionDenied`]), or a profile names a provider that is not there
    /// ([`io::ErrorKind::InvalidInput`]).
    pub async fn start(self) -> io::Result<MockServer> {
        if !self.address.ip().is_loopback() && self.settings.admin_token.is_none() {
            let message = format!(
                "{} is not loopback, so other machines can reach the admin routes: set an admin token, or bind 127.0.0.1",
                self.address.ip()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        if let Some(name) = self.settings.profiles.names().find(|name| self.library.provider(name).is_none()) {
            let known: Vec<&str> = self.library.providers().iter().map(|provider| provider.id.as_str()).collect();
            let message = format!("profile: there is no provider {name}; known are {}", known.join(", "));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        #[cfg(feature = "record")]
        let recorder = self.recorder;
        #[cfg(feature = "record")]
        if let Some(recorder) = recorder.as_ref().filter(|recorder| self.library.provider(&recorder.provider).is_none())
        {
            let known: Vec<&str> = self.library.providers().iter().map(|provider| provider.id.as_str()).collect();
            let message = format!("there is no provider {}; known are {}", recorder.provider, known.join(", "));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        #[allow(unused_mut, reason = "only features add to it")]
        let mut shared = Shared::new(Engine::with(self.library, self.settings), self.clock);
        #[cfg(feature = "tls")]
        if self.tls {
            shared.tls = Some(Arc::new(TlsIdentity::new()?));
        }
        #[cfg(feature = "record")]
        {
            shared.recorder = recorder;
        }
        MockServer::start_with(self.address, shared).await
    }
}

impl MockServer {
    /// A builder with the defaults: a free port on loopback, the machine's clock, strict validation.
    pub fn builder() -> MockServerBuilder {
        MockServerBuilder::default()
    }

    /// Starts a mock with the defaults of [`MockServer::builder`].
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }
}
