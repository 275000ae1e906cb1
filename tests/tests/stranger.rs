//! The crate outside the workspace, with its one macro: here, so that `cargo test` keeps it true without running cargo.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "elsewhere it is a crate of its own, with another provider beside this one"
)]
#[path = "../stranger/src/lib.rs"]
mod seedream_harbour;

seedream_conformance::suite!(seedream_harbour::Harbour, "stranger/fixtures");
