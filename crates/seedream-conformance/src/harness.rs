//! What a law runs an adapter in: a simulated clock and wire, transports that record, random numbers, and the list of differences.
//!
//! Nothing here knows a law or decides whether a case passes.

pub(crate) mod difference;
pub(crate) mod in_process_mock;
pub(crate) mod random;
pub(crate) mod recording_transport;
pub(crate) mod running_mock;
pub(crate) mod simulation;
pub(crate) mod task_fixtures;
