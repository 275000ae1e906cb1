//! The behaviour of the mock: over real sockets where the socket matters, on the engine elsewhere.

#![allow(clippy::unwrap_used)]

mod admin;
mod agreement;
mod auth;
mod callbacks;
mod calls;
mod clock;
mod crooked;
mod errors;
mod faults;
mod fixtures;
mod forms;
mod grammar;
mod http1;
mod images;
mod journal;
mod labels;
mod ledger;
mod limits;
mod network;
mod own;
mod partial;
mod printed;
mod profiles;
mod readme;
mod server;
mod sessions;
mod shapes;
mod special;
mod streams;
mod tasks;
mod validation;
mod verify;
mod wiremock;
