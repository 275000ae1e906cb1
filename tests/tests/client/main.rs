//! The client's behaviors by the names of their rows (K1 to K15), over a real socket against the mock.
#![allow(clippy::unwrap_used, reason = "tests")]

mod mock_and_clients;
mod refusals;
mod request;
mod result;
mod streams;
mod validation;
