//! The state of a mock: clocks, sessions, and of each session its tasks, journal and ledger.
//!
//! Nothing here reads a request or writes a response.

pub(crate) mod clock;
pub(crate) mod evicted_entries;
pub(crate) mod journal;
pub(crate) mod journal_entry;
pub(crate) mod kept_response;
pub(crate) mod ledger;
pub(crate) mod metrics;
pub(crate) mod repeat_counts;
pub(crate) mod reset_part;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod task;
pub(crate) mod task_id;
pub(crate) mod text_arena;
