//! Callbacks: what a provider tells a caller by itself when a task ends (document 002, `callback_url`).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::Kind;

use super::journal::{self, Entry};
use super::{Engine, task};

/// How long a receiver may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// How long after each failure the next attempt follows; after the last there is none.
pub(crate) const RETRIES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// One callback that is due.
#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) url: String,
    /// The task as a poll would tell it.
    pub(crate) body: Vec<u8>,
    session: String,
    provider: String,
    task: String,
}

/// How an attempt went: the receiver's status, or why there is none.
pub(crate) type Outcome = Result<u16, String>;

/// Whether no further attempt follows.
pub(crate) fn is_delivered(outcome: &Outcome) -> bool {
    matches!(outcome, Ok(200..300))
}

impl Engine {
    /// Whether any task still has to call back.
    pub(crate) fn awaits_callbacks(&self) -> bool {
        self.sessions().awaits()
    }

    /// When the next task ends that calls back by itself; polls may end it before.
    pub(crate) fn next_callback(&self) -> Option<Timestamp> {
        self.sessions().each(|_, session| session.awaiting().filter_map(|task| task.ends_at()).min()).min()
    }

    /// The callbacks of all tasks that have ended. Each is given out once.
    pub(crate) fn take_callbacks(&self, now: Timestamp) -> Vec<Callback> {
        let taken = self.sessions().each(|name, session| {
            let ended = session.take_ended(now);
            let callback = |(task, at): (task::Task, Timestamp)| {
                let (url, origin) = task.callback.clone()?;
                let body = task::detail(self, &origin, name, &task, task::Progress::Ended(at));
                Some(Callback { url, body, session: name.to_owned(), provider: task.provider.clone(), task: task.id })
            };
            Some(ended.into_iter().filter_map(callback).collect::<Vec<_>>())
        });
        taken.flatten().collect()
    }

    /// Writes an attempt into the journal.
    pub(crate) fn record_callback(&self, now: Timestamp, callback: &Callback, attempt: usize, outcome: &Outcome) {
        let whole = RETRIES.len() + 1;
        let how = match outcome {
            Ok(status) => format!("answered {status}"),
            Err(reason) => reason.clone(),
        };
        let entry = Entry {
            // Callbacks are no requests: they stand before the next one and do not count.
            ordinal: self.ordinal.load(Ordering::Relaxed),
            kind: "callback",
            at: now,
            session: callback.session.clone(),
            provider: Some(callback.provider.clone()),
            method: String::from("POST"),
            path: callback.url.clone(),
            status: *outcome.as_ref().unwrap_or(&0),
            fixture: None,
            evidence: Kind::Documented.as_str(),
            profile: None,
            fault: None,
            billed: 0,
            request_id: callback.task.clone(),
            headers: BTreeMap::new(),
            body: serde_json::from_slice(&callback.body).map(journal::shortened).unwrap_or_default(),
            effective: None,
            violation: None,
            notes: vec![format!("attempt {attempt} of {whole}: {how}")],
        };
        drop(self.sessions().with(&callback.session, now, |session| session.journal.push(entry)));
    }
}
