//! Sans-I/O state machine for one billable request: when to send, retry and poll, and whether a failed request may have been billed.
//!
//! A driver sends the exchange of [`Then::Send`], waits for [`Then::WaitUntil`], and reports the result as an [`Input`]. The operation
//! decides the next step. A billable request is sent again only if it provably did no work: no byte of its body was sent, or the
//! provider refused it with a temporary error.
//!
//! Each state is a value with its data; `operation/machine.rs` handles one input at a time. The docs of [`Operation`] describe all
//! states (`operation/states.md`).

mod attempt_record;
mod end;
mod endpoints;
mod image_counts;
mod input;
mod machine;
mod policy;
mod poll_response;
mod step;
mod stream;
mod submit;
mod submit_response;
mod task_polling;
#[cfg(test)]
mod tests;

pub use attempt_record::Record;
pub use input::Input;
pub use machine::Operation;
pub use policy::{Backoff, Pace, Policy};
pub use step::{Exchange, Purpose, Step, Then};
#[cfg(test)]
pub(crate) use tests::Words;
