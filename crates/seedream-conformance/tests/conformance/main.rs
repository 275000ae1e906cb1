//! The suite itself: what it wants, how cases end, and that it can fail.

#![allow(clippy::unwrap_used, reason = "tests")]

mod case_statuses;
mod mutants;
mod requirements;
mod stranger;
