//! The pure engine: a request and a time in, a [`Script`] out. No socket, no clock, no randomness of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::FixtureLibrary;
use serde_json::{Map, Value};

use crate::endpoints::admin::query::SessionScope;
use crate::faults::fault::Fault;
use crate::image::TestImage;
use crate::image::cache::ImageCache;
use crate::pipeline::Processed;
use crate::request::address::Address;
use crate::response::script::Script;
use crate::settings::Settings;
use crate::settings_patch::{Conduct, SettingsPatch};
use crate::signed_url::UrlSigner;
use crate::state::journal::JournalEntry;
use crate::state::ledger::{LedgerEntry, PaidTotal};
use crate::state::sessions::Sessions;

/// How many bytes of rendered images are kept.
const CACHE: usize = 8 * 1024 * 1024;

/// Every provider of the library, answering. Equal requests at equal times in equal order get equal scripts from engines of
/// equal settings.
pub struct Engine {
    pub(crate) library: Arc<FixtureLibrary>,
    pub(crate) settings: Settings,
    /// What differs from the settings, for all sessions.
    pub(crate) change: Mutex<SettingsPatch>,
    pub(crate) index: Arc<crate::endpoints::recorded::ExchangeIndex>,
    pub(crate) signer: UrlSigner,
    /// The images that were fetched last.
    pub(crate) rendered: ImageCache,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) ordinal: AtomicU64,
    /// Whether any fault of a session has ever cut a request off, so that nobody else pays for the question.
    pub(crate) cuts_uploads: AtomicBool,
    /// The headers that carry the id of a request to no provider.
    pub(crate) own_id_headers: [String; 1],
}

impl Engine {
    /// An engine that answers for every embedded provider.
    pub fn new(settings: Settings) -> Self {
        Self::with(Arc::clone(seedream_fixtures::library()), settings)
    }

    /// An engine that answers for every provider of a library: the embedded one, or one with a user's own exchanges
    /// [over](Library::over) it.
    pub fn with(library: Arc<FixtureLibrary>, settings: Settings) -> Self {
        let sessions = Sessions::new(&settings);
        let engine = Self {
            index: Arc::new(crate::endpoints::recorded::ExchangeIndex::new(&library)),
            library,
            signer: UrlSigner::new(settings.seed),
            rendered: ImageCache::new(CACHE),
            sessions: Arc::new(sessions),
            settings,
            change: Mutex::default(),
            ordinal: AtomicU64::new(0),
            cuts_uploads: AtomicBool::new(false),
            own_id_headers: [String::from("x-request-id")],
        };
        engine.expect_uploads(&engine.settings.faults);
        engine
    }

    /// Answers one request at a time.
    pub fn handle(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        if let Some(session) = self.session_of(request) {
            self.enter(now, session);
        }
        self.respond(now, request)
    }

    /// The session that a request uses; none where it is to the mock itself.
    pub(crate) fn session_of<'r>(&self, request: &'r Request<Bytes>) -> Option<&'r str> {
        let address = Address::read(request.uri().path());
        let of_task = || crate::endpoints::tasks::session_of(address.below.rsplit('/').next().unwrap_or_default());
        let named = address.session.or_else(of_task).unwrap_or(crate::request::address::DEFAULT_SESSION);
        (address.prefix != crate::request::address::ADMIN).then_some(named)
    }

    /// Uses a session, which opens it if need be; says whether it is a new one.
    pub(crate) fn enter(&self, now: Timestamp, session: &str) -> bool {
        self.sessions.enter(session, now)
    }

    /// Answers one request at a time of its session's clock.
    pub(crate) fn respond(&self, now: Timestamp, request: &Request<Bytes>) -> Script {
        let address = Address::read(request.uri().path());
        if address.prefix == crate::request::address::ADMIN {
            let response = crate::endpoints::admin::respond(self, now, request, address.below);
            return Script::of(response, &Fault::default(), &[], String::new());
        }
        // Looking at the mock must not change what it answers, so only other requests are counted.
        let ordinal = self.ordinal.fetch_add(1, Ordering::Relaxed);
        let json: Option<Value> = serde_json::from_slice(request.body()).ok();
        let handled = match self.library.provider(address.prefix) {
            Some(provider) if !address.is_nested() => {
                self.process(now, request, &address, provider, ordinal, json.as_ref())
            }
            _ => self.elsewhere(now, request, &address, ordinal),
        };
        let awaits = self.record(now, request, json.as_ref(), ordinal, &handled);
        let Processed { response, fault, request_id, request_id_headers, .. } = handled;
        Script { ordinal: Some(ordinal), awaits, ..Script::of(response, &fault, request_id_headers, request_id) }
    }

    /// What was asked and answered so far: in one session, or in all.
    pub fn journal(&self, session: Option<&str>) -> Vec<JournalEntry> {
        self.sessions.journal(session)
    }

    /// What was paid so far at a time, in one session or in all: tasks that have ended by then are settled.
    pub fn ledger(&self, now: Timestamp, session: Option<&str>) -> Vec<LedgerEntry> {
        let bills = self.sessions.each(|name, open| {
            let wanted = session.is_none_or(|session| session == name);
            wanted.then(|| open.settled(now).bills().collect::<Vec<_>>())
        });
        let mut bills: Vec<LedgerEntry> = bills.flatten().collect();
        bills.sort_by_key(|bill| bill.ordinal);
        bills
    }

    /// What was paid in all so far at a time, in one session: of all bills, also those that are no longer kept one by one.
    pub fn paid(&self, now: Timestamp, session: &str) -> PaidTotal {
        let sum = self.sessions.look(session, |open| open.settled(now).sum());
        sum.unwrap_or_else(|| crate::state::ledger::sum_of(&self.sessions.remains(session).unwrap_or_default().keys))
    }

    /// The caller of a request has gone before he had his answer. What is billed stays billed.
    pub(crate) fn left(&self, ordinal: u64) {
        let gone = self.sessions.each(|_, session| {
            session.left(ordinal);
            None::<()>
        });
        drop(gone);
    }

    /// Adds faults to those of a session.
    pub fn add_faults(&self, now: Timestamp, session: &str, faults: impl IntoIterator<Item = Fault>) {
        let faults: Vec<Fault> = faults.into_iter().collect();
        self.expect_uploads(&faults);
        self.sessions.with(session, now, |session| session.rules.add(faults));
    }

    /// Forgets the faults of a session.
    pub fn clear_faults(&self, now: Timestamp, session: &str) {
        self.sessions.with(session, now, |session| session.rules.clear());
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How a session's requests are answered.
    pub(crate) fn conduct(&self, session: &str) -> Conduct {
        self.conduct_of_all().with(self.sessions.glance(session).change)
    }

    /// How requests are answered in every session that has nothing of its own.
    pub(crate) fn conduct_of_all(&self) -> Conduct {
        Conduct::of(&self.settings).with(*self.change.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes that for one session, or for all.
    pub(crate) fn change(
        &self,
        now: Timestamp,
        scope: SessionScope<'_>,
        members: &Map<String, Value>,
    ) -> Result<(), String> {
        if let SessionScope::One(session) = scope {
            return self.sessions.with(session, now, |session| {
                session.change = session.change.read(members)?;
                Ok(())
            });
        }
        let mut change = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        *change = change.read(members)?;
        Ok(())
    }

    pub(crate) fn set_change(&self, change: SettingsPatch) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = change;
    }

    /// The answer to a caller who may not use the admin routes.
    pub(crate) fn refuses_admin(&self, headers: &http::HeaderMap) -> Option<Script> {
        let refusal = crate::endpoints::admin::refusal(self, headers)?;
        Some(Script::of(refusal, &Fault::default(), &[], String::new()))
    }

    /// The image of which a request asks for a part. Who [renders](Self::render) it elsewhere before he asks for the answer
    /// is answered without any rendering.
    pub(crate) fn parted(&self, now: Timestamp, request: &Request<Bytes>) -> Option<TestImage> {
        crate::endpoints::images::parted(self, now, request)
    }

    /// An image's file, rendered unless it is kept.
    pub(crate) fn render(&self, image: &TestImage) -> Bytes {
        self.rendered.render(image)
    }

    pub(crate) fn library(&self) -> &FixtureLibrary {
        &self.library
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn signer(&self) -> &UrlSigner {
        &self.signer
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}
