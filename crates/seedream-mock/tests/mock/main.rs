//! The behaviour of the mock: over real sockets where the socket matters, on the engine elsewhere.

#![allow(clippy::unwrap_used)]

mod admin;
mod auth;
mod callbacks;
mod clock;
mod connections;
mod content_types;
mod cors;
mod crooked;
mod engine_calls;
mod errors;
mod fault_grammar;
mod faults;
mod fixtures;
mod http1_client;
mod images;
mod journal;
mod layers_and_search;
mod ledger;
mod metrics;
mod network_faults;
mod own_fixtures;
mod page;
mod partial_groups;
mod printed_exchanges;
mod rate_limits;
mod readme;
mod recording;
mod relay_profiles;
mod rules_agree_with_exchanges;
mod server;
mod sessions;
mod streams;
mod task_and_error_forms;
mod tasks;
mod tls;
mod valid_responses;
mod validation;
mod verify;
mod wiremock;
