//! A durable store of jobs.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod protocol;
