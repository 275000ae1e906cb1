//! The client against doubles of the wire: scripted transports, raw sockets and small HTTP servers.
#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

mod base64_images;
mod compressed_responses;
mod cut_connections;
mod deadline;
mod download_timeouts;
mod download_transport;
mod downloads;
mod exactly;
mod fallback;
mod headers;
mod jobs;
mod mirrors;
mod poll_pace;
mod process_environment;
mod proxies;
mod raw_server;
mod resumed_downloads;
mod retries_and_charges;
mod saving;
mod scripted_transport;
mod spawnable_futures;
#[cfg(feature = "storage")]
mod storage;
mod streams;
mod tasks;
mod tiny_dialects;
mod tls;
#[path = "../support/tls_server.rs"]
mod tls_server;
mod undocumented_shapes;
mod wire_faults;
