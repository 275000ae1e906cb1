//! Setting a mock up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::{Engine, Settings, TaskEnd, Validate};
use crate::fault::Fault;
use crate::server::MockServer;

/// Sets a mock up; [`MockServerBuilder::start`] starts it.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct MockServerBuilder {
    address: SocketAddr,
    settings: Settings,
    clock: Clock,
}

impl Default for MockServerBuilder {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            settings: Settings::default(),
            clock: Clock::real(),
        }
    }
}

impl MockServerBuilder {
    /// The port; 0, the default, lets the system choose a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// The address to bind. Loopback unless this is called; any other needs [`MockServerBuilder::admin_token`].
    pub fn bind(mut self, address: IpAddr) -> Self {
        self.address.set_ip(address);
        self
    }

    /// What must be sent as a bearer to the admin routes. Without one they are open, to this machine only.
    pub fn admin_token(mut self, token: impl Into<String>) -> Self {
        self.settings.admin_token = Some(token.into());
        self
    }

    /// What pictures, ids and signatures are made from; 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How strictly requests are checked; as the provider does unless set.
    pub fn validate(mut self, validate: Validate) -> Self {
        self.settings.validate = validate;
        self
    }

    /// When tasks end; with the third poll unless set.
    pub fn task(mut self, end: TaskEnd) -> Self {
        self.settings.task = end;
        self
    }

    /// The `estimated_time` of tasks; one second unless set.
    pub fn estimated_seconds(mut self, seconds: u64) -> Self {
        self.settings.estimated_seconds = seconds;
        self
    }

    /// The keys that are known. Unless set every key is; test keys always are.
    pub fn keys(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Whether callbacks must be `https` and public even where they stay on this machine; they need not unless set.
    pub fn strict_callbacks(mut self, strict: bool) -> Self {
        self.settings.strict_callbacks = strict;
        self
    }

    /// How long the key `sk-mock-slow` waits; five seconds unless set.
    pub fn slow(mut self, delay: Duration) -> Self {
        self.settings.slow = delay;
        self
    }

    /// What goes wrong in every session from its start; nothing unless set. [`crate::faults`] lists the words, and
    /// [`crate::parse_faults`] reads them.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.settings.faults = faults.into_iter().collect();
        self
    }

    /// How many entries a session's journal keeps; 1000 unless set.
    pub fn journal_capacity(mut self, entries: usize) -> Self {
        self.settings.journal_capacity = entries;
        self
    }

    /// The most sessions beside `default`, of which the one that was not used for longest gives way; 1024 unless set.
    pub fn sessions(mut self, most: usize) -> Self {
        self.settings.session_capacity = most;
        self
    }

    /// How long a session other than `default` is kept without use; an hour of the machine's time unless set, so that moving a clock makes
    /// no session old.
    pub fn session_idle(mut self, idle: Duration) -> Self {
        self.settings.session_idle = idle;
        self
    }

    /// The clock; the machine's unless set. Keep a clone to move it.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What answers inside a [wiremock](https://docs.rs/wiremock) server that is there already.
    #[cfg(feature = "wiremock")]
    pub fn responder(self) -> crate::Responder {
        crate::Responder::new(Engine::new(self.settings), self.clock)
    }

    /// The engine alone, without a socket.
    pub fn engine(self) -> Engine {
        Engine::new(self.settings)
    }

    /// Binds the port and serves in the background of the current tokio runtime, until the server is dropped.
    ///
    /// # Errors
    /// The port cannot be bound, or the address is not loopback and there is no admin token
    /// ([`io::ErrorKind::PermissionDenied`]).
    pub async fn start(self) -> io::Result<MockServer> {
        if !self.address.ip().is_loopback() && self.settings.admin_token.is_none() {
            let message = format!("{} can be reached by others: binding it needs an admin token", self.address.ip());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        MockServer::start_with(self.address, Engine::new(self.settings), self.clock).await
    }
}
