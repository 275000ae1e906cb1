//! The engine without a socket and without a clock: a request and a time in, a [`Script`] out.
//!
//! `services` is what the endpoints share, `pipeline` the way from a request to its response, `record` the entries in journal and
//! ledger. Nothing below this file imports it.

pub(crate) mod pipeline;
pub(crate) mod record;
pub(crate) mod services;

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::FixtureLibrary;
use serde_json::Value;

use crate::endpoints::admin;
use crate::engine::pipeline::Processed;
use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::request::address;
use crate::request::address::{ADMIN, Address, DEFAULT_SESSION, RouteQuestion};
use crate::request::context::RequestContext;
use crate::response::script::Script;
#[cfg(feature = "record")]
use crate::response::{endpoint_response::EndpointResponse, error, error::mock_error};
use crate::settings::Settings;
use crate::state::journal_entry::JournalEntry;
use crate::state::ledger::{LedgerEntry, PaidTotal, sum_of};
use crate::time::timestamp;

/// A mock without a socket. It answers for every provider of its fixtures; engines with equal settings give equal scripts for
/// equal requests at equal times in equal order.
pub struct Engine {
    services: Services,
}

impl Engine {
    /// An engine with the embedded fixtures.
    pub fn new(settings: Settings) -> Self {
        Self::with(Arc::clone(seedream_fixtures::library()), settings)
    }

    /// An engine with a library: the embedded one, or one with exchanges of your own [over](FixtureLibrary::over) it.
    pub fn with(library: Arc<FixtureLibrary>, settings: Settings) -> Self {
        Self { services: Services::new(library, settings) }
    }

    /// Processes a request that arrives at a time.
    pub fn handle(&self, now: impl Into<SystemTime>, request: &Request<Bytes>) -> Script {
        let now = timestamp(now.into());
        if let Some(session) = self.session_of(request) {
            self.services.sessions.enter(&session, now);
        }
        self.respond(now, request)
    }

    /// The session that a request uses; `None` for a request to the admin API.
    pub(crate) fn session_of<'r>(&self, request: &'r Request<Bytes>) -> Option<Cow<'r, str>> {
        let address = Address::read(request.uri().path());
        if address.prefix == ADMIN {
            return None;
        }
        let named = address.session.map(Cow::Borrowed).or_else(|| self.session_of_task(&address, request));
        Some(named.unwrap_or(Cow::Borrowed(DEFAULT_SESSION)))
    }

    /// The session that the id of a polled task carries.
    fn session_of_task<'r>(&self, address: &Address<'r>, request: &'r Request<Bytes>) -> Option<Cow<'r, str>> {
        let provider = self.services.library.provider(address.prefix).filter(|provider| provider.task.is_some())?;
        let (method, query) = (request.method().as_str(), request.uri().query());
        let question = RouteQuestion { method, path: address.below, query, json: None };
        let (route, id) = address::find(provider, &question)?;
        let Some(at) = &route.id_at else { return self.services.task_session(id).map(Cow::Borrowed) };
        let body: Value = serde_json::from_slice(request.body()).ok()?;
        let session = self.services.task_session(body.pointer(at)?.as_str()?)?;
        Some(Cow::Owned(session.to_owned()))
    }

    /// Processes a request at a time of its session's clock: parses it, chooses its fault, asks its endpoint, applies the
    /// fault, and records the result.
    pub(crate) fn respond(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        let services = &self.services;
        let address = Address::read(request.uri().path());
        if address.prefix == ADMIN {
            return Script::plain(admin::respond(services, now, request, address.below));
        }
        // A look at the admin API must not change later responses, so only other requests have an ordinal.
        let at = (now, services.sessions.next_ordinal());
        let json: Option<Value> = serde_json::from_slice(request.body()).ok();
        let processed = match services.library.provider(address.prefix) {
            Some(provider) if !address.is_nested() => {
                pipeline::provider(RequestContext::read(services, at, request, &address, provider, json.as_ref()))
            }
            _ => pipeline::other(services, at, request, &address),
        };
        let awaits = record::record(services, at, request, json.as_ref(), &processed);
        let Processed { response, fault, request_id, request_id_headers, .. } = processed;
        Script { ordinal: Some(at.1), awaits, ..Script::of(response, &fault, request_id_headers, request_id) }
    }

    /// A refusal in the provider's form, with a message of the mock. It is in no journal.
    #[cfg(feature = "record")]
    pub(crate) fn refusal(&self, now: Timestamp, request: &Request<Bytes>, status: u16, message: &str) -> Script {
        let services = &self.services;
        let address = Address::read(request.uri().path());
        let fault = Fault { status: Some(status), message: Some(message.to_owned()), ..Fault::default() };
        let json: Option<Value> = serde_json::from_slice(request.body()).ok();
        let refused = services.library.provider(address.prefix).and_then(|provider| {
            let at = (now, services.sessions.next_ordinal());
            let context = RequestContext::read(services, at, request, &address, provider, json.as_ref());
            error::of_fault(&context, &fault)
        });
        let own = || EndpointResponse::value(status, &mock_error("mock_refused", message));
        Script::plain(refused.map_or_else(own, EndpointResponse::from))
    }

    /// The journal, in the order of the requests: of one session, or of all.
    pub fn journal(&self, session: Option<&str>) -> Vec<JournalEntry> {
        self.services.sessions.journal(session)
    }

    /// The ledger at a time, of one session or of all: a task that has ended by then is settled.
    pub fn ledger(&self, now: impl Into<SystemTime>, session: Option<&str>) -> Vec<LedgerEntry> {
        let now = timestamp(now.into());
        let entries = self.services.sessions.each(|name, open| {
            let wanted = session.is_none_or(|session| session == name);
            wanted.then(|| open.settled(now).entries().collect::<Vec<_>>())
        });
        let mut entries: Vec<LedgerEntry> = entries.flatten().collect();
        entries.sort_by_key(|entry| entry.ordinal);
        entries
    }

    /// The images and credits that one session has paid for at a time. Entries that the ledger no longer holds one by one
    /// count too.
    pub fn paid(&self, now: impl Into<SystemTime>, session: &str) -> PaidTotal {
        let (now, sessions) = (timestamp(now.into()), &self.services.sessions);
        let sum = sessions.look(session, |open| open.settled(now).sum());
        sum.unwrap_or_else(|| sum_of(&sessions.totals(session).unwrap_or_default().keys))
    }

    /// Adds faults to a session, after those that it has.
    pub fn add_faults(&self, now: impl Into<SystemTime>, session: &str, faults: impl IntoIterator<Item = Fault>) {
        self.services.sessions.add_faults(session, timestamp(now.into()), faults.into_iter().collect());
    }

    /// Removes the faults of a session.
    pub fn clear_faults(&self, now: impl Into<SystemTime>, session: &str) {
        self.services.sessions.with(session, timestamp(now.into()), |session| session.rules.clear());
    }

    /// The settings with which the engine started.
    pub fn settings(&self) -> &Settings {
        self.services.settings.initial()
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }

    /// An engine whose sessions hold at most this many bytes.
    #[cfg(test)]
    pub(crate) fn with_budget(settings: Settings, budget: usize) -> Self {
        let mut engine = Self::new(settings);
        engine.services.sessions = Arc::new(crate::state::sessions::Sessions::with_budget(engine.settings(), budget));
        engine
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", self.settings()).finish_non_exhaustive()
    }
}
