//! Tests of the built binary: output, files and exit codes.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod add_provider;
mod batch;
mod batch_tutorial;
mod cancellation;
mod completions;
mod config;
mod conformance;
mod console_blocks;
#[cfg(feature = "postgres")]
mod database;
mod disks;
mod doctor;
mod exactly_and_fallback;
mod fails;
mod generate;
mod help;
mod kills;
mod limits_file;
mod mock;
mod mock_record;
mod mock_serve;
mod names;
mod pasted_url_and_key;
mod plan_and_models;
#[cfg(feature = "postgres")]
#[path = "../../../seedream-ledger/tests/support/postgres.rs"]
mod postgres;
mod prompts;
mod proxies;
mod python_guide;
mod readme;
mod resume;
mod scripted_server;
mod secrets;
mod shared_folder;
mod sidecar;
#[cfg(feature = "storage")]
mod storage;
mod support;
mod tls;
#[path = "../../../seedream-client/tests/support/tls_server.rs"]
mod tls_server;
mod viewer;
