//! Callbacks: the end of a task is heard of at once, instead of being asked for (docs.evolink.ai, seedream-4.5-image-generate, callback_url).
//!
//! Nobody signs a callback, so nothing in it is believed. Its path holds a token that nobody can guess; of its body only the id
//! of the task is read, as a hint that it is worth asking now; and only a task that was [submitted](Webhooks::submit) or
//! [expected](Webhooks::expect) here is then asked for, with this program's own key. A callback that never comes loses nothing:
//! meanwhile the task is asked for gently, as it is without callbacks.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use seedream_evolink::{
//!     Evolink,
//!     seedream_client::Client,
//!     seedream_core::{ImageRequest, Result},
//!     webhook::{Webhooks, axum},
//! };
//!
//! # async fn run(listener: tokio::net::TcpListener, key: String) -> Result<()> {
//! let client = Client::builder(Arc::new(Evolink)).key(key).build()?;
//! let webhooks = Webhooks::new(client)?;
//! // The server is the program's own; what stands before it speaks https to the world.
//! let server = axum::Router::new().merge(webhooks.router());
//! tokio::spawn(async move { axum::serve(listener, server).await });
//!
//! let callback = webhooks.url("https://images.example.com");
//! let request = ImageRequest::new("seedream-4.5", "a lighthouse in fog").callback_url(callback);
//! let expected = webhooks.submit(request).await?;
//! // From here on it is paid for: a stored task can be expected by another process, or resumed by it without callbacks.
//! println!("{}", expected.task().id);
//! let generation = expected.wait().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The same against the mock runs as `cargo run -p seedream-tests --example webhooks`.

mod expected;
mod receive;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use axum;
use axum::Router;
use futures_util::StreamExt as _;
use seedream_client::{Client, ImageProvider as _, JobContext};
use seedream_core::{Charge, Error, ErrorKind, Event, ImageRequest, Result, Task};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Notify, Semaphore};

pub use self::expected::Expected;
use crate::DESCRIPTOR;

/// Where callbacks arrive, below the base that [`Webhooks::url`] is given; the token follows.
const PATH: &str = "/seedream/callbacks/evolink/";

/// How many callbacks are read at a time.
const AT_A_TIME: usize = 32;

/// Receives the callbacks of one client's tasks. Cheap to clone; clones share tasks and token.
///
/// The token is made when this is: after a restart the provider calls a path that is not served any more, and the tasks of
/// before are collected by asking. Whatever logs the paths of requests logs the token: its holder can make this program ask for
/// tasks that it waits for, and nothing else.
#[derive(Clone)]
pub struct Webhooks(Arc<Inner>);

struct Inner {
    client: Client,
    token: Token,
    /// The tasks that are expected, each with what wakes whoever waits for it.
    expected: Mutex<HashMap<String, Arc<Notify>>>,
    reading: Semaphore,
}

impl Webhooks {
    /// Callbacks for the tasks of a client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the client is of another provider, or the system gives no random numbers.
    pub fn new(client: Client) -> Result<Self> {
        let provider = &client.descriptor().id;
        if *provider != DESCRIPTOR.id {
            let message = format!("callbacks are those of {}, and the client is of {provider}", DESCRIPTOR.id);
            return Err(Error::new(ErrorKind::Config, message));
        }
        let token = Token::random()?;
        let (expected, reading) = (Mutex::default(), Semaphore::new(AT_A_TIME));
        Ok(Self(Arc::new(Inner { client, token, expected, reading })))
    }

    /// What receives the callbacks, to be merged into a server, or nested below a path.
    ///
    /// Every callback of up to 64 KiB is answered with an empty 200, whatever it says; a path without the token does not exist.
    pub fn router(&self) -> Router {
        Router::new().route(&format!("{PATH}{{token}}"), axum::routing::any(receive::receive)).with_state(self.clone())
    }

    /// What to set as [`ImageRequest::callback_url`]: where the router is, as the internet sees it, and the secret path.
    ///
    /// The base holds the path below which the router is nested, if it is. Document 002 takes `https`, public hosts and 2048
    /// characters only, which the check of the request sees to.
    pub fn url(&self, base: &str) -> String {
        format!("{}{PATH}{}", base.trim_end_matches('/'), self.0.token.0)
    }

    /// Sends a request and returns as soon as its task is accepted: the task is expected from then on.
    ///
    /// # Errors
    /// As [`ImageProvider::generate`](seedream_client::ImageProvider::generate).
    pub async fn submit(&self, request: ImageRequest) -> Result<Expected> {
        let mut events = self.0.client.events(request.clone()).await?;
        while let Some(event) = events.next().await {
            match event? {
                Event::Submitted(task) => {
                    let warnings = self.0.client.plan(&request).map(|plan| plan.warnings).unwrap_or_default();
                    return Ok(self.register(task)?.submitted(events, warnings));
                }
                Event::Finished(generation) => {
                    let error = Error::new(ErrorKind::MalformedResponse, "the answer holds pictures and no task");
                    return Err(paid(error.with_generation(generation)));
                }
                _ => {}
            }
        }
        Err(paid(Error::new(ErrorKind::MalformedResponse, "the request ended without a task")))
    }

    /// Expects a task that was submitted elsewhere, such as by this program before a restart. Sends nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the task is of another provider or place, or is expected already. The error holds the task.
    pub fn expect(&self, task: Task) -> Result<Expected> {
        let events = self.0.client.open_task(task.clone(), JobContext::default())?;
        Ok(self.register(task)?.resumed(events))
    }

    fn register(&self, task: Task) -> Result<expected::Place> {
        match self.expected().entry(task.id.as_str().to_owned()) {
            Entry::Occupied(_) => {
                let error = Error::new(ErrorKind::Config, format!("task {} is expected already", task.id));
                Err(paid(error.with_task(task)))
            }
            Entry::Vacant(place) => {
                let hint = Arc::new(Notify::new());
                place.insert(hint.clone());
                Ok(expected::Place { webhooks: self.clone(), task, hint })
            }
        }
    }

    fn expected(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        // A map of ids is not harmed by a panic elsewhere.
        self.0.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.expected().len();
        f.debug_struct("Webhooks").field("client", &self.0.client).field("expected", &expected).finish_non_exhaustive()
    }
}

/// An error of something that was accepted, or may have been.
fn paid(error: Error) -> Error {
    error.with_charge(Charge::Unknown).with_provider(&DESCRIPTOR.id)
}

/// 256 bits that nobody can guess, as text.
struct Token(String);

impl Token {
    fn random() -> Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Config, "the system gives no random numbers for the path of callbacks")
                .with_provider(&DESCRIPTOR.id)
                .with_source(error)
        })?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// Compares in a time that does not depend on where the two differ.
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}
