//! Laws that every Seedream adapter must obey, run against what the documents say.
//!
//! Laws say what must hold for any adapter, fixtures say what the documents state, and an adapter's
//! [`Capabilities`](seedream_core::Capabilities) say what it claims. The three are written independently of each other, and
//! [`cases`] holds them side by side: one [`Case`] a law and a fact. A fixture file that is added is a case that is added.
//!
//! ```
//! use std::sync::Arc;
//!
//! use seedream_conformance::{Subject, cases};
//! use seedream_core::Dialect;
//!
//! fn check(dialect: Arc<dyn Dialect>) {
//!     for case in cases(&Subject::new(dialect)) {
//!         if let Err(failure) = case.run() {
//!             println!("{}: {failure}", case.name());
//!         }
//!     }
//! }
//! ```
//!
//! [`Run`] runs them side by side and makes a [`Report`] of it. An adapter of one's own is judged by [`suite!`], a program in another
//! language by [`exec`]; [`guide`] leads from a document to a report.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod case;
mod dice;
mod difference;
pub mod drift;
mod driver;
mod example;
mod exchange;
pub mod exec;
mod filter;
#[doc = include_str!("../ADD-YOUR-PROVIDER.md")]
pub mod guide {}
mod in_process;
mod known;
mod laws;
mod leaves;
pub mod live;
mod mutants;
mod place;
mod play;
pub mod report;
mod requirements;
mod run;
mod seen;
mod subject;
pub mod trace;
mod trials;

pub use case::{Case, Failure, Law, Level};
use driver::Driver;
pub use filter::Filter;
pub use known::Known;
pub use mutants::Matrix;
pub use place::Place;
pub use report::Report;
pub use requirements::Requirements;
pub use run::Run;
pub use subject::Subject;
pub use trace::Trace;
pub use trials::{run, suite, trials};

/// The cases of an adapter that can be held against a mock elsewhere: those of [`Law::Preflight`].
pub fn cases_at(subject: &Subject, place: &Place) -> Vec<Case> {
    laws::preflight::cases_at(subject, place)
}

/// Every case of an adapter whose provider has facts.
pub fn cases(subject: &Subject) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(laws::encode::cases(subject));
    cases.extend(laws::decode::cases(subject));
    cases.extend(laws::dropped::cases(subject));
    cases.extend(laws::unread::cases(subject));
    cases.extend(laws::money::cases(subject));
    cases.extend(laws::preflight::cases(subject));
    cases.extend(laws::tasks::cases(subject));
    cases.extend(laws::stream::cases(subject));
    cases.extend(laws::weather::cases(subject));
    cases.extend(laws::secrecy::cases(subject));
    cases.extend(laws::parity::cases(subject));
    cases.extend(laws::claims::cases(subject));
    cases.extend(laws::crooked::cases(subject));
    cases.iter_mut().for_each(|case| case.named_by(subject.rules()));
    cases
}
