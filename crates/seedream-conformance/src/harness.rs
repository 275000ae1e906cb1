//! What a law runs an adapter in: a simulated clock and wire, transports that record, random numbers, and the list of differences.
//!
//! Nothing here knows a law or decides whether a case passes.

pub(crate) mod difference;
pub(crate) mod in_process;
pub(crate) mod random;
pub(crate) mod recording;
pub(crate) mod simulation;
pub(crate) mod target;
pub(crate) mod task_fixtures;
