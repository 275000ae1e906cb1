//! Callbacks: what a provider tells a caller by itself when a task ends (the member of a request with the role `callback`).

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::EvidenceKind;

use crate::endpoints::tasks;
use crate::engine::services::Services;
use crate::request::gateway_rewrite::ForwardedRequest;
use crate::state::journal_entry::{EntryKind, NewEntry};
use crate::state::session::Session;
use crate::state::task::MockTask;

/// How many seconds a receiver may take, where the provider does not say.
const TIMEOUT_SECONDS: u64 = 10;

/// One callback that is due.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) url: String,
    /// The task as a poll would tell it.
    pub(crate) body: Vec<u8>,
    pub(crate) session: String,
    /// How long its receiver may take.
    pub(crate) timeout: Duration,
    /// The pause after each failed attempt; after the last attempt there is none.
    pub(crate) pauses: Vec<Duration>,
    provider: String,
    task: Arc<str>,
}

/// The result of an attempt: the receiver's status, or why there is none.
pub(crate) type Delivery = Result<u16, String>;

/// Whether no further attempt follows.
pub(crate) fn is_delivered(outcome: &Delivery) -> bool {
    matches!(outcome, Ok(200..300))
}

/// When the next task of each session ends that calls back by itself; polls may end it before.
pub(crate) fn next(services: &Services) -> Vec<(String, Timestamp)> {
    let next = |name: &str, session: &mut Session| {
        let at = session.awaiting().filter_map(MockTask::ends_at).min();
        at.map(|at| (name.to_owned(), at))
    };
    services.sessions.each(next).collect()
}

/// The callbacks of all tasks that have ended, where `now` tells the time of a session. Each is given out once.
pub(crate) fn take(services: &Services, now: impl Fn(&str) -> Timestamp) -> Vec<Callback> {
    let awaits = |name: &str, session: &mut Session| session.awaiting().next().map(|_| name.to_owned());
    let names: Vec<String> = services.sessions.each(awaits).collect();
    let mut taken = Vec::new();
    for name in names {
        let now = now(&name);
        for (task, at) in services.sessions.look(&name, |session| session.take_ended(now)).unwrap_or_default() {
            let Some((url, origin)) = task.callback.clone() else { continue };
            let body = tasks::callback(services, &origin, &name, &task, at);
            let limits = services.library.provider(&task.provider).map(|provider| &provider.limits);
            let timeout = limits.and_then(|limits| limits.callback_timeout_seconds).unwrap_or(TIMEOUT_SECONDS);
            let retries = limits.map_or(&[][..], |limits| &limits.callback_retry_seconds);
            taken.push(Callback {
                url,
                body,
                session: name.clone(),
                timeout: Duration::from_secs(timeout),
                pauses: retries.iter().copied().map(Duration::from_secs).collect(),
                provider: task.provider,
                task: task.id,
            });
        }
    }
    taken
}

/// Whether a callback is still to be sent: its task may have been dropped since.
pub(crate) fn is_wanted(services: &Services, callback: &Callback) -> bool {
    let wants = |session: &mut Session| session.task(&callback.task).is_some_and(|task| task.callback.is_some());
    services.sessions.look(&callback.session, wants).unwrap_or(false)
}

/// Writes an attempt into the journal of its session, if that is still there.
pub(crate) fn record(services: &Services, now: Timestamp, callback: &Callback, attempt: usize, outcome: &Delivery) {
    let whole = callback.pauses.len() + 1;
    let how = match outcome {
        Ok(status) => format!("status {status}"),
        Err(reason) => reason.clone(),
    };
    let entry = NewEntry {
        // Callbacks are no requests: they stand before the next one and do not count.
        ordinal: services.sessions.ordinal(),
        kind: EntryKind::Callback,
        at: now,
        provider: Some(&callback.provider),
        model: None,
        method: "POST",
        path: &callback.url,
        status: *outcome.as_ref().unwrap_or(&0),
        fixture: None,
        evidence: EvidenceKind::Documented.as_str(),
        profile: None,
        fault: None,
        billed: 0,
        request_id: &callback.task,
        headers: None,
        body: &String::from_utf8_lossy(&callback.body),
        effective: &ForwardedRequest::None,
        violations: &[],
        notes: &[format!("attempt {attempt} of {whole}: {how}")],
    };
    let entry = entry.pack();
    drop(services.sessions.look(&callback.session, |session| session.journal.push(entry)));
}
