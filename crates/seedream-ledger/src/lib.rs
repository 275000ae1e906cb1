#![cfg_attr(feature = "sqlite", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "sqlite"), doc = "The protocol of a durable store of jobs, without a store.")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

#[cfg(feature = "sqlite")]
mod budget;
#[cfg(feature = "sqlite")]
mod evidence;
#[cfg(feature = "sqlite")]
mod identity;
#[cfg(feature = "kill-points")]
#[doc(hidden)]
pub mod kill_points;
pub mod protocol;
#[cfg(feature = "sqlite")]
mod report;
#[cfg(feature = "sqlite")]
mod store;

#[cfg(feature = "postgres")]
pub use self::store::ServerOptions;
#[cfg(feature = "sqlite")]
pub use self::{
    budget::{Budget, BudgetPeriod, IMAGES},
    report::{AttemptReport, Comparison, JobDetail, JobFilter, JobRow, PurchaseRow, Salvage, SpendRow},
    store::{Ledger, LedgerError, LineWork, PlanReport, PlannedLine, Resolution, Taken, Worker, WorkerOptions},
};
