//! The machine that owns the money: the life of one paid request, without any I/O.
//!
//! A driver sends what [`Then::Send`] holds, waits as long as [`Then::WaitUntil`] says, and reports what happened as an [`Input`].
//! The operation decides what that means. A paid request is sent again only when it provably did no work: the connection was
//! never made, or the provider refused with a code that passes by itself.
//!
//! Each state is a value that holds what it needs; each input is taken in one turn (`operation/machine.rs`). What each state waits for and does
//! is in the docs of [`Operation`], which are in `operation/states.md`.

mod count;
mod end;
mod endpoints;
mod input;
mod machine;
mod policy;
mod poll;
mod record;
mod response;
mod step;
mod stream;
mod submit;
mod task;
#[cfg(test)]
mod tests;

pub use input::Input;
pub use machine::Operation;
pub use policy::{Backoff, Pace, Policy};
pub use record::Record;
pub use step::{Exchange, Purpose, Step, Then};
#[cfg(test)]
pub(crate) use tests::Words;
