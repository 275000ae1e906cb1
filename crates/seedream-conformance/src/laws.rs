//! The laws, one file each: which cases a law has for an adapter, and when a case fails.
//!
//! What a law needs of fixtures stands in `fixture`, what stands in for the wire in `harness`.

pub(crate) mod claims;
pub(crate) mod crooked;
pub(crate) mod decode;
pub(crate) mod dropped;
pub(crate) mod encode;
pub(crate) mod money;
pub(crate) mod parity;
pub(crate) mod preflight;
pub(crate) mod secrecy;
pub(crate) mod stream;
pub(crate) mod tasks;
pub(crate) mod unread;
pub(crate) mod weather;

pub use preflight::cases_at;

use crate::{Case, Subject};

/// Every case of an adapter whose provider has facts.
pub fn cases(subject: &Subject) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(encode::cases(subject));
    cases.extend(decode::cases(subject));
    cases.extend(dropped::cases(subject));
    cases.extend(unread::cases(subject));
    cases.extend(money::cases(subject));
    cases.extend(preflight::cases(subject));
    cases.extend(tasks::cases(subject));
    cases.extend(stream::cases(subject));
    cases.extend(weather::cases(subject));
    cases.extend(secrecy::cases(subject));
    cases.extend(parity::cases(subject));
    cases.extend(claims::cases(subject));
    cases.extend(crooked::cases(subject));
    cases.iter_mut().for_each(|case| case.named_by(subject.rules()));
    cases
}
