//! One mutant: an adapter or a client with one mistake.

use std::sync::Arc;

use seedream_core::{Error, ErrorKind};

use super::dialect::{AdapterHooks, BrokenDialect};
use crate::subject::{OperationHooks, Subject};

/// Something broken.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// What it does wrong.
    pub(super) says: &'static str,
    hooks: AdapterHooks,
    driver: OperationHooks,
}

impl Mutant {
    pub(super) fn of(&self, subject: &Subject) -> Subject {
        let dialect = Arc::new(BrokenDialect::new(subject.dialect().clone(), self.hooks));
        // What breaks at one byte breaks at many.
        subject.broken(dialect, self.driver.clone()).with_cuts(CUTS)
    }
}

/// At how many places a response is cut for a mutant.
const CUTS: usize = 48;

/// A dialect that is broken.
pub(super) fn adapter(name: &'static str, says: &'static str, hooks: AdapterHooks) -> Mutant {
    Mutant { name, says, hooks, driver: OperationHooks::default() }
}

/// A client that is broken.
pub(super) fn client(name: &'static str, says: &'static str, change: impl FnOnce(&mut OperationHooks)) -> Mutant {
    let mut driver = OperationHooks::default();
    change(&mut driver);
    Mutant { name, says, hooks: AdapterHooks::NONE, driver }
}

/// A connection that was lost, or was never made.
pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Transport, "the connection was lost")
}
