//! Tests of the built binary: output, files and exit codes.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod add_provider;
mod canary;
mod conformance;
mod disks;
mod fails;
mod generate;
mod guide;
mod help;
mod kills;
mod limits;
mod mock;
mod pasted;
mod plan;
mod prompts;
mod proxies;
mod readme;
mod resume;
mod scripted;
mod serve;
mod several;
mod sidecar;
mod stops;
mod support;
mod together;
