//! The server: plays the engine's scripts over sockets, moves the clocks, and sends callbacks.
//!
//! Everything that needs a socket or a task of the runtime is here; what a response says is decided by the engine.

pub(crate) mod admin;
pub(crate) mod byte_schedule;
pub(crate) mod callbacks;
pub(crate) mod clocks;
pub(crate) mod connection_watch;
pub(crate) mod cors;
pub(crate) mod events;
pub(crate) mod faulty_socket;
pub(crate) mod mock_server;
pub(crate) mod mock_session;
pub(crate) mod page;
pub(crate) mod respond;
pub(crate) mod serve;
pub(crate) mod shared;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod transport;
