//! Jobs: one request of a user, from the record before its POST until its images are saved.
//!
//! [`configuration`] is the job before it runs, [`run`] its entry, [`running`] what happens until its end, and [`resume`] what is left
//! of a job that did not end. [`context`] is what the operations of one purchase share. Records and images are kept elsewhere.

mod configuration;
mod context;
mod control;
#[cfg(test)]
mod crash_tests;
mod event;
mod exactly;
mod handle;
mod outcome;
mod resume;
mod run;
mod running;

pub use self::{
    configuration::Job,
    context::JobContext,
    control::Control,
    event::JobEvent,
    exactly::{Exactly, ExactlyOutcome},
    handle::{JobHandle, JobStream},
    outcome::{JobError, Outcome},
};
