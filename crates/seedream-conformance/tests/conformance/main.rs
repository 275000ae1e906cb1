//! The suite itself: what it wants, how cases end, and that it can fail.

#![allow(clippy::unwrap_used, reason = "tests")]

mod mutants;
mod requirements;
mod statuses;
mod stranger;
