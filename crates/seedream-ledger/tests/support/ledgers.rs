//! Ledgers in every database that is on this machine.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::Path;

use seedream_ledger::{Ledger, ServerOptions};

#[path = "postgres.rs"]
pub(crate) mod postgres;

use postgres::Postgres;

/// Where a ledger can be made, with a folder for other files of a test.
pub(crate) struct Place {
    pub(crate) database: &'static str,
    /// A path or a URL.
    pub(crate) ledger: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    /// One in each database, which no other test has.
    pub(crate) fn each() -> Vec<Self> {
        let folder = || tempfile::tempdir().unwrap();
        let file = folder();
        let path = file.path().join("b.ledger").to_str().unwrap().to_owned();
        let mut all = vec![Self { database: "sqlite", ledger: path, folder: file }];
        all.extend(Postgres::shared().map(|server| Self {
            database: "postgres",
            ledger: server.url_of_new_database(),
            folder: folder(),
        }));
        all.iter().for_each(|place| println!("{}", place.database));
        all
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn open(&self) -> Ledger {
        open(&self.ledger, self.path())
    }

    /// Processes ended without a word: no worker of the ledger lives. A server notes that after a minute, for which a test does not
    /// wait.
    pub(crate) fn all_workers_ended(&self) {
        if self.database == "postgres" {
            Postgres::shared().unwrap().forget_workers(&self.ledger);
        }
    }
}

/// Opens a ledger by its path or URL. What cannot be written into a server is kept in the folder.
pub(crate) fn open(ledger: &str, folder: &Path) -> Ledger {
    if ledger.starts_with("postgres://") {
        Ledger::connect(ledger, ServerOptions::default().spool(folder)).unwrap()
    } else {
        Ledger::open(ledger).unwrap()
    }
}
