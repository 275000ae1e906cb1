//! Workers that are killed at every point of a purchase, and at random: nothing is lost, and nothing is bought twice.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

#[path = "kill/audit.rs"]
mod audit;
#[path = "kill/interposed.rs"]
mod interposed;
#[path = "support/ledgers.rs"]
mod ledgers;
#[path = "kill/matrix.rs"]
mod matrix;
#[path = "kill/point.rs"]
mod point;
#[path = "kill/process.rs"]
mod process;
#[path = "kill/soak.rs"]
mod soak;
#[path = "kill/stop.rs"]
mod stop;

/// A process that another test starts.
#[tokio::test]
async fn a_worker() {
    if let Some((number, assignment)) = process::assigned() {
        process::work(number, &assignment).await;
    }
}
