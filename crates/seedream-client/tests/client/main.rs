//! The client against doubles of the wire: scripted transports, raw sockets and small HTTP servers.
#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

mod base64_images;
mod coded;
mod cuts;
mod deadline;
mod dialect;
mod downloads;
mod environment;
mod exactly;
mod fallback;
mod headers;
mod jobs;
mod mirrors;
mod money;
mod pace;
mod proxies;
mod raw;
mod resumed;
mod saving;
mod script;
mod shapes;
mod source;
mod spawned;
mod streams;
mod tasks;
mod timeouts;
mod wire_faults;
