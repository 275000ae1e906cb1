//! All sessions of one engine: they appear on first use, are capped, and expire.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::faults::grammar::Fault;
use crate::request::address::DEFAULT_SESSION;
use crate::settings::Settings;
use crate::settings_patch::SettingsPatch;
use crate::state::evicted_entries::EvictedEntries;
use crate::state::journal_entry::{EntryKind, JournalEntry, StoredEntry};
use crate::state::ledger::PaidByKey;
use crate::state::reset_part::ResetPart;
use crate::state::session::{DroppedState, Session};
use crate::time::later;

/// About how many bytes all sessions may hold together. A single session is bounded by its own limits, which are far lower.
const BUDGET: usize = 256 * 1024 * 1024;

/// What of a session decides how a request to it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SessionView {
    /// What differs for it from the settings.
    pub(crate) patch: SettingsPatch,
    /// Whether it has faults.
    pub(crate) has_rules: bool,
}

/// The sessions of one engine. The default session stays. Where there are too many others, the one that was unused for
/// longest is evicted. Where all of them hold too many bytes, those that were unused for longest drop their entries, bills
/// and tasks. The totals (what was paid, how many requests there were) survive both; only a reset removes them, or the use
/// of a name that was unused for too long.
#[derive(Debug)]
pub(crate) struct Sessions {
    capacity: usize,
    budget: usize,
    idle: Duration,
    journal_capacity: usize,
    /// The faults of every session from its start.
    faults: Vec<Fault>,
    /// Whether a fault of any session has ever cut a request off; otherwise no request is checked for that.
    cuts_requests: AtomicBool,
    /// Whether a fault of any session has ever been about the bytes of HTTP/1, which HTTP/2 does not have.
    shapes_bytes: AtomicBool,
    /// How many requests there were.
    ordinals: AtomicU64,
    open: Mutex<OpenSessions>,
}

/// Those that are there.
#[derive(Debug, Default)]
struct OpenSessions {
    sessions: BTreeMap<String, Session>,
    /// The totals of evicted sessions.
    totals: BTreeMap<String, SessionTotals>,
    /// About how many bytes they hold: never too few, and exact where the budget is exceeded.
    bytes: usize,
}

/// The totals of an evicted session: what was paid and how many requests there were, in a few bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionTotals {
    /// When it was last used.
    used: Timestamp,
    /// What its keys paid, and by how many bills.
    pub(crate) keys: Box<[PaidByKey]>,
    pub(crate) bills: u64,
    requests: u64,
    callbacks: u64,
}

impl SessionTotals {
    fn of(mut session: Session) -> Self {
        // What its tasks deliver is settled first.
        drop(session.fold());
        let evicted = session.journal.evicted();
        Self {
            used: session.used,
            keys: session.ledger.keys().into(),
            bills: session.ledger.folded(),
            requests: evicted.count(EntryKind::Request),
            callbacks: evicted.count(EntryKind::Callback),
        }
    }

    fn counts(&self) -> [(EntryKind, u64); 2] {
        [(EntryKind::Request, self.requests), (EntryKind::Callback, self.callbacks)]
    }

    fn is_nothing(&self) -> bool {
        self.bills == 0 && self.counts().iter().all(|(_, count)| *count == 0)
    }

    fn clear(&mut self, part: ResetPart) {
        match part {
            ResetPart::Ledger => (self.keys, self.bills) = (Box::default(), 0),
            ResetPart::Journal => (self.requests, self.callbacks) = (0, 0),
            ResetPart::Callbacks => self.callbacks = 0,
            _ => {}
        }
    }
}

impl OpenSessions {
    /// Folds sessions until all hold at most this many bytes: those that were unused for longest, and not this one. Returns
    /// what is to be dropped.
    fn shrink(&mut self, budget: usize, but: &str) -> Vec<DroppedState> {
        let mut folded = Vec::new();
        self.bytes = self.sessions.values().map(Session::bytes).sum();
        while self.bytes > budget {
            let named = self.sessions.iter_mut().filter(|(name, _)| *name != DEFAULT_SESSION && *name != but);
            let large = named.filter(|(_, session)| session.foldable() > 0);
            let Some((_, session)) = large.min_by_key(|(_, session)| session.used) else { break };
            folded.push(counted(session, &mut self.bytes, Session::fold));
        }
        folded
    }

    /// Evicts a session: its totals stay.
    fn retire(&mut self, name: &str) {
        let Some(session) = self.sessions.remove(name) else { return };
        let totals = SessionTotals::of(session);
        if !totals.is_nothing() {
            self.totals.insert(name.to_owned(), totals);
        }
    }
}

/// Works with a session, and updates the size of all.
fn counted<T>(session: &mut Session, bytes: &mut usize, work: impl FnOnce(&mut Session) -> T) -> T {
    let before = session.bytes();
    let done = work(session);
    *bytes = (*bytes + session.bytes()).saturating_sub(before);
    done
}

impl Sessions {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            capacity: settings.session_capacity.max(1),
            budget: BUDGET,
            idle: settings.session_idle,
            journal_capacity: settings.journal_capacity,
            cuts_requests: AtomicBool::new(settings.faults.iter().any(Fault::cuts_request)),
            shapes_bytes: AtomicBool::new(settings.faults.iter().any(Fault::shapes_bytes)),
            faults: settings.faults.clone(),
            ordinals: AtomicU64::new(0),
            open: Mutex::default(),
        }
    }

    /// The same with another budget, in bytes.
    #[cfg(test)]
    pub(crate) fn with_budget(settings: &Settings, budget: usize) -> Self {
        Self { budget, ..Self::new(settings) }
    }

    /// The place of the next request among all requests of the mock, which is taken.
    pub(crate) fn next_ordinal(&self) -> u64 {
        self.ordinals.fetch_add(1, Ordering::Relaxed)
    }

    /// The place of the next request.
    pub(crate) fn ordinal(&self) -> u64 {
        self.ordinals.load(Ordering::Relaxed)
    }

    /// Adds faults to a session, which is opened if need be.
    pub(crate) fn add_faults(&self, name: &str, now: Timestamp, faults: Vec<Fault>) {
        self.note_cuts(&faults);
        self.with(name, now, |session| session.rules.add(faults));
    }

    /// Remembers whether a fault cuts a request off, or is about bytes.
    pub(crate) fn note_cuts(&self, faults: &[Fault]) {
        if faults.iter().any(Fault::cuts_request) {
            self.cuts_requests.store(true, Ordering::Relaxed);
        }
        if faults.iter().any(Fault::shapes_bytes) {
            self.shapes_bytes.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a fault of any session has ever been about the bytes of HTTP/1.
    #[cfg(feature = "tls")]
    pub(crate) fn shapes_bytes(&self) -> bool {
        self.shapes_bytes.load(Ordering::Relaxed)
    }

    /// Whether a fault of any session has ever cut a request off.
    pub(crate) fn cuts_requests(&self) -> bool {
        self.cuts_requests.load(Ordering::Relaxed)
    }

    /// The client of a request has disconnected before the response was complete. The request stays billed.
    pub(crate) fn disconnected(&self, ordinal: u64) {
        self.lock().sessions.values_mut().for_each(|session| session.disconnected(ordinal));
    }

    fn lock(&self) -> MutexGuard<'_, OpenSessions> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses a session; says whether it is a new one. A session that was unused for too long is replaced by a new one.
    pub(crate) fn enter(&self, name: &str, now: Timestamp) -> bool {
        let mut open = self.lock();
        if let Some(session) = open.sessions.get_mut(name).filter(|session| !self.is_over(name, session, now)) {
            session.used = now;
            return false;
        }
        // It was unused for too long.
        open.sessions.remove(name);
        self.open(&mut open, name, now);
        true
    }

    /// Works with a session, which is opened if need be.
    pub(crate) fn with<T>(&self, name: &str, now: Timestamp, work: impl FnOnce(&mut Session) -> T) -> T {
        let mut open = self.lock();
        let all = &mut *open;
        let done = match all.sessions.get_mut(name) {
            Some(session) => counted(session, &mut all.bytes, work),
            None => {
                let (session, bytes) = self.open(all, name, now);
                counted(session, bytes, work)
            }
        };
        let folded = if open.bytes > self.budget { open.shrink(self.budget, name) } else { Vec::new() };
        drop(open);
        // Dropping takes time, so it happens outside of the lock.
        drop(folded);
        done
    }

    /// Works with a session, if it is there.
    pub(crate) fn look<T>(&self, name: &str, work: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let mut open = self.lock();
        let OpenSessions { sessions, bytes, .. } = &mut *open;
        sessions.get_mut(name).map(|session| counted(session, bytes, work))
    }

    /// Looks at a session, whether or not it is there yet.
    pub(crate) fn view(&self, name: &str) -> SessionView {
        let of =
            |session: &mut Session| SessionView { patch: session.patch, has_rules: !session.rules.list().is_empty() };
        self.look(name, of).unwrap_or(SessionView { has_rules: !self.faults.is_empty(), ..SessionView::default() })
    }

    /// Removes a session and its totals.
    pub(crate) fn forget(&self, name: &str) {
        let mut open = self.lock();
        open.sessions.remove(name);
        open.totals.remove(name);
    }

    /// The totals of an evicted session.
    pub(crate) fn totals(&self, name: &str) -> Option<SessionTotals> {
        self.lock().totals.get(name).cloned()
    }

    /// Clears parts of the totals of an evicted session, or of all.
    pub(crate) fn clear_totals(&self, name: Option<&str>, parts: &[ResetPart]) {
        let mut open = self.lock();
        let wanted = |known: &str| name.is_none_or(|name| name == known);
        if parts.contains(&ResetPart::Session) {
            open.totals.retain(|known, _| !wanted(known));
        }
        for (_, totals) in open.totals.iter_mut().filter(|(known, _)| wanted(known)) {
            parts.iter().for_each(|part| totals.clear(*part));
        }
    }

    /// Opens a session; an evicted one continues with its totals.
    fn open<'o>(&self, open: &'o mut OpenSessions, name: &str, now: Timestamp) -> (&'o mut Session, &'o mut usize) {
        if name != DEFAULT_SESSION {
            self.make_room(open, now);
        }
        let mut session = Session::new(now, self.journal_capacity, self.faults.clone());
        let totals = open.totals.remove(name).filter(|totals| later(totals.used, self.idle) >= now);
        if let Some(totals) = totals {
            session.ledger.add_totals(&totals.keys, totals.bills);
            session.journal.add_totals(&totals.counts());
        }
        open.bytes += session.bytes();
        (open.sessions.entry(name.to_owned()).or_insert(session), &mut open.bytes)
    }

    /// Whether it was unused for too long. The default session never expires.
    fn is_over(&self, name: &str, session: &Session, now: Timestamp) -> bool {
        name != DEFAULT_SESSION && later(session.used, self.idle) < now
    }

    /// Makes room for one more that is named.
    fn make_room(&self, open: &mut OpenSessions, now: Timestamp) {
        let over = open.sessions.iter().filter(|(name, session)| self.is_over(name, session, now));
        let over: Vec<String> = over.map(|(name, _)| name.clone()).collect();
        over.iter().for_each(|name| open.retire(name));
        let named = || open.sessions.iter().filter(|(name, _)| *name != DEFAULT_SESSION);
        if named().count() >= self.capacity {
            let oldest = named().min_by_key(|(_, session)| session.used).map(|(name, _)| name.clone());
            oldest.into_iter().for_each(|name| open.retire(&name));
        }
    }

    /// Works with every open session.
    pub(crate) fn each<T>(&self, work: impl Fn(&str, &mut Session) -> Option<T>) -> std::vec::IntoIter<T> {
        let mut open = self.lock();
        let results: Vec<T> = open.sessions.iter_mut().filter_map(|(name, session)| work(name, session)).collect();
        results.into_iter()
    }

    /// The names of the open sessions.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().sessions.keys().cloned().collect()
    }

    /// The journal of a session, and the counts of its evicted entries, under one lock.
    pub(crate) fn journal_and_evicted(&self, name: &str) -> (Vec<JournalEntry>, Vec<EvictedEntries>) {
        let both = |session: &mut Session| {
            let kept: Vec<StoredEntry> = session.journal.kept().cloned().collect();
            (kept, session.journal.evicted().counted(name).collect())
        };
        let gone = || {
            let counts = self.totals(name).unwrap_or_default().counts();
            (
                Vec::new(),
                counts.into_iter().filter_map(|(kind, count)| EvictedEntries::unknown(name, kind, count)).collect(),
            )
        };
        let (kept, counted) = self.look(name, both).unwrap_or_else(gone);
        // What takes time is done when others may go on.
        (kept.iter().map(|entry| entry.entry(name)).collect(), counted)
    }

    /// The names of the sessions that are meant: one, or all that are open or of which something is left.
    pub(crate) fn wanted(&self, name: Option<&str>) -> Vec<String> {
        if let Some(name) = name {
            return vec![name.to_owned()];
        }
        let open = self.lock();
        open.sessions.keys().chain(open.totals.keys()).cloned().collect()
    }

    /// The journal of one session, or of all in the order of the requests.
    pub(crate) fn journal(&self, name: Option<&str>) -> Vec<JournalEntry> {
        let names = self.wanted(name);
        let mut entries: Vec<JournalEntry> = names.iter().flat_map(|name| self.journal_and_evicted(name).0).collect();
        entries.sort_by_key(|entry| entry.ordinal);
        entries
    }

    /// The ordinals of a session's entries with their numbers, and how many entries were evicted.
    pub(crate) fn places(&self, name: &str) -> (Vec<(u64, u64)>, u64) {
        let both = |session: &mut Session| {
            let evicted = session.journal.evicted();
            let count = evicted.count(EntryKind::Request) + evicted.count(EntryKind::Callback);
            (session.journal.places().collect(), count)
        };
        let gone = || (Vec::new(), self.totals(name).unwrap_or_default().counts().map(|(_, count)| count).iter().sum());
        self.look(name, both).unwrap_or_else(gone)
    }

    /// The numbers of the entries that each session's journal gets next.
    pub(crate) fn ends(&self) -> HashMap<String, u64> {
        self.each(|name, session| Some((name.to_owned(), session.journal.end()))).collect()
    }

    /// The entries that a journal got from a number on, at most so many: the number of the first, and the entries.
    pub(crate) fn since(&self, name: &str, number: u64, most: usize) -> (u64, Vec<StoredEntry>) {
        let found = |session: &mut Session| {
            let (first, entries) = session.journal.since(number, most);
            (first, entries.cloned().collect())
        };
        self.look(name, found).unwrap_or((number, Vec::new()))
    }

    /// The entries of these numbers that are still there, as they are kept.
    pub(crate) fn kept(&self, name: &str, numbers: impl Iterator<Item = u64>) -> Vec<StoredEntry> {
        let found = |session: &mut Session| numbers.filter_map(|number| session.journal.at(number).cloned()).collect();
        self.look(name, found).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::engine::Engine;
    use crate::settings::TaskEnd;

    #[test]
    fn sessions_are_capped_and_expire() {
        let settings = Settings { session_capacity: 2, session_idle: Duration::from_secs(60), ..Settings::default() };
        let sessions = Sessions::new(&settings);
        let at = |second| Timestamp::from_second(second).unwrap();
        for (name, second, new) in [("a", 0, true), ("b", 1, true), ("a", 2, false), ("c", 3, true)] {
            assert_eq!(sessions.enter(name, at(second)), new, "{name}");
        }
        assert_eq!(sessions.names(), ["a", "c"], "the one that was not used for longest gave way");
        sessions.enter("d", at(1000));
        assert_eq!(sessions.names(), ["d"]);
        assert!(!sessions.enter("d", at(1060)) && sessions.enter("d", at(1121)), "it is over without others as well");
    }

    #[test]
    fn the_default_session_stays() {
        let settings = Settings { session_capacity: 1, session_idle: Duration::from_secs(60), ..Settings::default() };
        let sessions = Sessions::new(&settings);
        let at = |second| Timestamp::from_second(second).unwrap();
        sessions.enter(DEFAULT_SESSION, at(0));
        sessions.enter("a", at(5000));
        sessions.enter("b", at(5001));
        assert_eq!(sessions.names(), ["b", DEFAULT_SESSION]);
        assert!(!sessions.enter(DEFAULT_SESSION, at(9000)));
    }

    #[test]
    fn sessions_over_the_budget_shrink_those_that_were_unused_for_longest() {
        let sessions = Sessions { budget: 3 * 4096, ..Sessions::new(&Settings::default()) };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (second, name) in [DEFAULT_SESSION, "a", "b", "c", "a", "d"].into_iter().enumerate() {
            let second = i64::try_from(second).unwrap();
            sessions.enter(name, at(second));
            sessions
                .with(name, at(second), |session| session.journal.push(crate::state::journal_entry::entry_of(4000)));
        }
        assert_eq!(sessions.names(), ["a", "b", "c", "d", DEFAULT_SESSION], "all are still there");
        let kept = |name: &str| sessions.places(name);
        assert_eq!(["a", "b", "c"].map(|name| kept(name).0.len()), [0; 3]);
        assert_eq!(["a", "b", "c", "d"].map(|name| kept(name).1), [2, 1, 1, 0], "and what they folded is counted");
        assert_eq!([DEFAULT_SESSION, "d"].map(|name| kept(name).0.len()), [1; 2]);
    }

    /// An engine whose sessions may hold this many bytes together.
    fn engine(budget: usize, settings: Settings) -> Engine {
        Engine::with_budget(settings, budget)
    }

    fn ask(engine: &Engine, second: i64, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = http::Request::builder().method(method).uri(path).header("authorization", "Bearer sk-test");
        let request = request.header("content-type", "application/json");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let script = engine.handle(Timestamp::from_second(second).unwrap(), &request.body(body.into()).unwrap());
        (script.status, serde_json::from_slice(&script.body()).unwrap_or_default())
    }

    #[test]
    fn totals_survive_any_budget() {
        const SESSIONS: usize = 10;
        const TASKS: usize = 60;
        const SMALL: usize = 256 * 1024;
        let settings = Settings { task: TaskEnd::Polls(1), ..Settings::default() };
        let engine = engine(SMALL, settings);
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 4 });
        for round in 0..TASKS {
            for session in 0..SESSIONS {
                let second = i64::try_from(round * SESSIONS + session).unwrap();
                let (_, task) =
                    ask(&engine, second, "POST", &format!("/s/s{session}/evolink/v1/images/generations"), &body);
                let path = format!("/evolink/v1/tasks/{}", task["id"].as_str().unwrap());
                assert_eq!(ask(&engine, second, "GET", &path, &Value::Null).1["status"], "completed");
            }
        }
        let look = |route: &str| ask(&engine, 1000, "GET", &format!("/__mock/v1/{route}"), &Value::Null).1;
        for session in 0..SESSIONS {
            let ledger = look(&format!("ledger?session=s{session}"));
            let (images, credits) = (2 * TASKS, 3.6 * TASKS as f64);
            assert_eq!((&ledger["images"], &ledger["credits"]), (&json!(images), &json!(credits)), "{session}");
            assert_eq!(ledger["keys"][0]["images"], images);
            let bills = ledger["entries"].as_array().unwrap().len() as u64 + ledger["forgotten"].as_u64().unwrap();
            assert_eq!(bills, TASKS as u64);
            assert_eq!(engine.paid(Timestamp::UNIX_EPOCH, &format!("s{session}")).images, images as u64);
            let verify = format!("/__mock/v1/verify?session=s{session}");
            let verdict =
                ask(&engine, 1000, "POST", &verify, &json!({ "match": { "method": "POST" }, "count": TASKS })).1;
            assert_eq!((&verdict["satisfied"], &verdict["matched"]), (&json!(true), &json!(TASKS)), "{verdict}");
        }
        assert!(look("sessions")["sessions"].as_array().unwrap().iter().all(|it| it["requests"] == 2 * TASKS));
        let bytes = engine.services().sessions.lock().sessions.values().map(Session::bytes).sum::<usize>();
        assert!(bytes <= SMALL, "{bytes}");
        let used = |session: &str, account: &str| {
            let credits = ask(&engine, 1000, "GET", &format!("/s/{session}/evolink/v1/credits"), &Value::Null).1;
            credits["data"][account]["used_credits"].as_f64().unwrap()
        };
        for account in ["token", "user"] {
            let spent = used("s0", account) - used("other", account);
            assert!((spent - 3.6 * TASKS as f64).abs() < 1e-6, "{account}: {spent}");
        }
    }

    #[test]
    fn a_session_that_gave_way_has_paid_and_goes_on_with_that() {
        let settings = Settings {
            session_capacity: 1,
            session_idle: Duration::from_secs(60),
            task: TaskEnd::Time(Duration::from_secs(5)),
            ..Settings::default()
        };
        let engine = engine(BUDGET, settings);
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 4 });
        let create = |session: &str, second| {
            ask(&engine, second, "POST", &format!("/s/{session}/evolink/v1/images/generations"), &body)
        };
        let paid = |session: &str, second| {
            let ledger = ask(&engine, second, "GET", &format!("/__mock/v1/ledger?session={session}"), &Value::Null).1;
            (ledger["images"].as_u64().unwrap(), ledger["entries"].as_array().unwrap().len())
        };
        create("blue", 0);
        create("red", 1);
        assert_eq!(paid("blue", 2), (2, 0), "its task would have delivered two");
        let verify = |expected| ask(&engine, 2, "POST", "/__mock/v1/verify?session=blue", &expected);
        assert_eq!(verify(json!({ "count": 1 })).1["satisfied"], true);
        assert_eq!(verify(json!({ "match": { "method": "POST" }, "count": 0 })).0, 409);
        create("blue", 3);
        assert_eq!((paid("blue", 10), paid("red", 10)), ((4, 1), (2, 0)));
        assert_eq!(paid("blue", 500), (4, 1), "nobody begins it anew");
        create("blue", 500);
        assert_eq!(paid("blue", 500), (4, 1), "a new session of this name has begun, with four reserved");
        create("red", 501);
        assert_eq!((paid("red", 501), paid("blue", 501)), ((4, 1), (2, 0)), "not used for too long either");
        ask(&engine, 502, "POST", "/__mock/v1/reset?session=blue", &json!({ "clear": ["ledger"] }));
        assert_eq!(paid("blue", 502), (0, 0));
        assert_eq!(verify(json!({ "count": 1 })).1["satisfied"], true, "its requests are not the ledger's");
        ask(&engine, 502, "POST", "/__mock/v1/reset?session=*", &json!({ "clear": ["session"] }));
        assert_eq!((verify(json!({ "count": 0 })).1["satisfied"].clone(), paid("red", 503)), (json!(true), (0, 0)));
    }

    #[test]
    fn a_dropped_task_is_settled_by_what_it_delivers() {
        const MORE: usize = 20;
        let engine = engine(BUDGET, Settings { journal_capacity: 1, ..Settings::default() });
        let create = |body: &Value| ask(&engine, 0, "POST", "/evolink/v1/images/generations", body).0;
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 4 });
        for _ in 0..10_000 + MORE {
            assert_eq!(create(&body), 200);
        }
        // The tasks that are kept have not ended: four are reserved for each.
        assert_eq!(engine.paid(Timestamp::UNIX_EPOCH, DEFAULT_SESSION).images, (4 * 10_000 + 2 * MORE) as u64);
    }
}
