//! One mutant: an adapter or a client with one mistake.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use seedream_core::{Error, ErrorKind};

use super::broken_dialect::{AdapterHooks, BrokenDialect};
use crate::subject::{OperationHooks, Subject};

/// Something broken.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// What it does wrong.
    pub(super) says: &'static str,
    /// Whether the client is broken, and not the adapter.
    pub(super) of_client: bool,
    hooks: AdapterHooks,
    driver: OperationHooks,
}

impl Mutant {
    pub(super) fn of(&self, subject: &Subject) -> Subject {
        self.with(subject, BrokenDialect::new(subject.dialect().clone(), self.hooks))
    }

    /// Whether the mistake changes anything of an adapter in some cases: `run` runs them on the broken adapter.
    pub(super) fn changes(&self, subject: &Subject, run: impl FnOnce(&Subject)) -> bool {
        let changed = Arc::new(AtomicBool::new(false));
        let dialect = BrokenDialect::new(subject.dialect().clone(), self.hooks).watched(changed.clone());
        run(&self.with(subject, dialect));
        changed.load(Ordering::Relaxed)
    }

    fn with(&self, subject: &Subject, dialect: BrokenDialect) -> Subject {
        // What breaks at one byte breaks at many.
        subject.broken(Arc::new(dialect), self.driver.clone()).with_cuts(CUTS)
    }
}

/// At how many places a response is cut for a mutant.
const CUTS: usize = 48;

/// A dialect that is broken.
pub(super) fn adapter(name: &'static str, says: &'static str, hooks: AdapterHooks) -> Mutant {
    Mutant { name, says, of_client: false, hooks, driver: OperationHooks::default() }
}

/// A client that is broken.
pub(super) fn client(name: &'static str, says: &'static str, change: impl FnOnce(&mut OperationHooks)) -> Mutant {
    let mut driver = OperationHooks::default();
    change(&mut driver);
    Mutant { name, says, of_client: true, hooks: AdapterHooks::NONE, driver }
}

/// A connection that was lost, or was never made.
pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Transport, "the connection was lost")
}
