//! Where a test ends the process inside the store: a call around every COMMIT. Not part of any release.

use std::sync::OnceLock;

/// A moment of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All its statements ran, and COMMIT was not sent.
    Begins,
    /// COMMIT succeeded, and no caller knows it.
    Succeeded,
}

static HOOK: OnceLock<fn(Commit)> = OnceLock::new();

/// Calls a function, in the thread that writes, at each of these moments. The first that is set stays.
pub fn on_commit(hook: fn(Commit)) {
    let _ = HOOK.set(hook);
}

pub(crate) fn reached(moment: Commit) {
    if let Some(hook) = HOOK.get() {
        hook(moment);
    }
}
