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
//! An adapter tests itself with [`suite!`]; [`guide`] leads from a document to a report. The features add more: `report` runs many
//! adapters side by side (`ConformanceRun`), `exec` judges a program in another language, `drift` compares a provider with its fixtures,
//! `live` asks a provider what cannot be billed.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod case;
#[cfg(feature = "drift")]
pub mod drift;
#[cfg(feature = "exec")]
pub mod external_program;
mod fixture;
#[doc = include_str!("../ADD-YOUR-PROVIDER.md")]
pub mod guide {}
mod harness;
mod laws;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "report")]
mod mutants;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "report")]
mod rule_trace;
#[cfg(feature = "report")]
mod run;
mod subject;
mod trials;

pub use case::{Case, CaseFailure, Law, RequirementLevel};
pub use harness::running_mock::MockTarget;
pub use laws::{cases, cases_at};
#[cfg(feature = "report")]
pub use mutants::MutantMatrix;
#[cfg(feature = "report")]
pub use report::Report;
#[cfg(feature = "report")]
pub use rule_trace::RuleTrace;
#[cfg(feature = "report")]
pub use run::{CaseFilter, ConformanceRun, KnownFailures, Requirements};
pub use subject::Subject;
#[cfg(feature = "report")]
pub use trials::mutants;
pub use trials::{suite, trials};
