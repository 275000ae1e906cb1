//! Laws that every Seedream adapter must obey, run against what the documents say.
//!
//! Laws say what must hold for any adapter, fixtures say what the documents state, and an adapter's
//! [`Capabilities`](seedream_core::Capabilities) say what it claims. The three are written independently of each other, and
//! [`cases`] holds them side by side: one [`Case`] a law and a fact. A fixture file that is added is a case that is added.
//!
//! ```
//! use std::sync::Arc;
//!
//! use seedream_core::Dialect;
//!
//! fn check(dialect: &Arc<dyn Dialect>) {
//!     for case in seedream_conformance::cases(dialect) {
//!         if let Err(failure) = case.run() {
//!             println!("{}: {failure}", case.name());
//!         }
//!     }
//! }
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod case;
mod difference;
mod exchange;
mod in_process;
mod laws;
mod seen;
mod trials;

pub use case::{Case, Failure, Law};
pub use trials::{run, trials};

use std::sync::Arc;

use seedream_core::Dialect;

/// Every case of a dialect whose provider has fixtures.
pub fn cases(dialect: &Arc<dyn Dialect>) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(laws::encode::cases(dialect));
    cases.extend(laws::decode::cases(dialect));
    cases.extend(laws::dropped::cases(dialect));
    cases.extend(laws::preflight::cases(dialect));
    cases.extend(laws::claims::cases(dialect));
    cases
}
