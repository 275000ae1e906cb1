//! What may happen to a line of a batch: a pure function, [`step`], of a line and an event.
//!
//! A *line* is a job. It holds *purchases*, of which each is tried by *attempts*: one POST each. The function does no I/O and reads no
//! clock; a store executes it inside a transaction, writes the line that comes out, and does what the effects say once the
//! transaction is on disk. Every store uses this function, and the test `model` explores it.
//!
//! # Laws
//!
//! - An attempt is `sent` on disk before the first byte of its POST. The next attempt of a purchase begins only after every earlier
//!   one ended and cost nothing. So attempts that may have been billed never outnumber purchases, unless a person allows it.
//! - Only the holder of the last epoch reserves and sends. Evidence, which is what a provider responded, is never refused: it is
//!   recorded at its attempt, even if another worker holds the purchase.
//! - A holder that is gone while an attempt was `sent` leaves it `unknown`. Nothing but evidence or a person ends that.
//! - What an attempt may cost is held from `reserved` on. It is released when the attempt cost nothing, and replaced by the bill at
//!   the end. It stays held while the attempt is `unknown`.
//!
//! # Steps of an attempt
//!
//! | From | To | Event | Who |
//! |---|---|---|---|
//! | (nothing) | `reserved` | [`Action::Reserve`] | the holder, if the budget has room |
//! | (nothing) | `reserved` | [`Action::Resolve`] with [`Verdict::Again`] | a person, if the budget has room |
//! | `reserved` | `sent` | [`Action::Send`] | the holder, while every earlier attempt ended and cost nothing |
//! | `reserved` | `cancelled` | [`Action::Release`], [`Action::Cancel`], [`Action::Ended`] | the holder, a person |
//! | `reserved` | `cancelled` | evidence that an earlier attempt is a task or has images | the worker that made the earlier attempt |
//! | `sent`, `unknown` | `failed`, no charge | [`Action::NotSent`] | the worker that sent the attempt, in the same epoch |
//! | `sent`, `unknown`, `accepted` | `failed` or `unknown` | [`Action::Refused`], by its charge | the worker that made the attempt |
//! | `sent`, `unknown` | `accepted` | [`Action::Accepted`] | the worker that made the attempt |
//! | `sent`, `unknown`, `accepted` | `answered` | [`Action::Answered`] | the worker that made or collects the attempt |
//! | `answered` | `saved` | [`Action::Saved`] | the worker that saved the images |
//! | `answered`, `saved` | `settled` | [`Action::Ended`] with nothing left to collect | the holder |
//! | `answered` | `failed`, by its charge | [`Action::Ended`] without an image and with nothing left to collect | the holder |
//! | `sent`, `accepted` | `unknown` or `failed` | [`Action::Ended`] with nothing left to collect | the holder |
//! | `sent` | `unknown` | [`Action::Lost`] | the store, once the holder has ended or was not seen for too long |
//! | `sent`, `unknown` | `failed`, with charge | [`Action::Resolve`] with [`Verdict::Paid`] | a person |
//! | `sent`, `unknown` | `failed`, no charge | [`Action::Resolve`] with [`Verdict::NotPaid`] | a person, after the wait |
//! | `failed` | `accepted`, `answered` | evidence that contradicts: kept, charged, and a conflict | the worker that made the attempt |
//!
//! [`LineState::may_become`] is this table; a database enforces it with a table that is generated from it.
//!
//! [`Action::Ended`] of a worker that was fenced changes nothing: what it knows of a response is evidence, which it recorded before.
//! Evidence that arrives after a decision opens the purchase again, so that what was paid for is collected.
//!
//! A purchase without an attempt is `planned`, and so is one whose attempts all ended and cost nothing, until [`Action::Ended`] closes it:
//! it is `failed` then. [`Action::Retry`] opens it again. [`Action::Cancel`] closes a purchase that was not sent: `cancelled`.

mod event;
mod line;
mod state;
mod step;
#[cfg(test)]
pub(crate) mod tests;

pub use self::{
    event::{Action, Illegal, LineEffect, LineEvent, Verdict},
    line::{AttemptRow, Line, Purchase},
    state::LineState,
    step::{WAIT_BEYOND_DEADLINE, step},
};
