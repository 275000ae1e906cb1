//! The handle of one session of a running mock.

use crate::endpoints::admin::query::SessionScope;
use crate::endpoints::admin::verify::{Expectation, Verification};
use crate::endpoints::admin::{reset, verify};
use crate::faults::grammar::Fault;
use crate::server::shared::Shared;
use crate::state::clock::Clock;
use crate::state::journal_entry::JournalEntry;
use crate::state::ledger::{LedgerEntry, PaidTotal};
use crate::state::reset_part::ResetPart;

/// One session of a running mock: its own tasks, journal, ledger, faults, settings and clock. Clones are the same session.
#[derive(Debug, Clone)]
pub struct MockSession {
    pub(crate) shared: Shared,
    pub(crate) name: String,
}

impl MockSession {
    /// The name of the session.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The journal of the session, in the order of the requests.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.engine.journal(Some(&self.name))
    }

    /// The ledger of the session, in the order of the requests.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.shared.engine.ledger(self.shared.now(&self.name), Some(&self.name))
    }

    /// The images and credits that the session has paid for. Entries that the ledger no longer holds one by one count too.
    pub fn paid(&self) -> PaidTotal {
        self.shared.engine.paid(self.shared.now(&self.name), &self.name)
    }

    /// Compares the journal with an expectation. Where too few entries match, the result names the nearest entries and every
    /// field in which they differ.
    ///
    /// ```
    /// # async fn example(mock: &seedream_mock::MockServer) -> Result<(), Box<dyn std::error::Error>> {
    /// use seedream_mock::Expectation;
    ///
    /// let pattern = serde_json::json!({ "provider": "ark", "body": { "prompt": "*kite*", "n": null } });
    /// let result = mock.default_session().verify(&Expectation::matching(&pattern)?.count(1..=1));
    /// assert!(result.satisfied, "{result:#?}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn verify(&self, expected: &Expectation) -> Verification {
        verify::verify(self.shared.services(), SessionScope::One(&self.name), expected)
    }

    /// Waits until the journal has at least as many matching entries as are expected. It has no timeout of its own.
    pub async fn wait_for(&self, expected: &Expectation) -> Verification {
        self.shared.until(SessionScope::One(&self.name), expected).await
    }

    /// Adds faults, after those that the session has.
    ///
    /// ```
    /// # async fn example(mock: &seedream_mock::MockServer) {
    /// use seedream_mock::Fault;
    ///
    /// mock.default_session().add_faults([Fault::status(429).times(1)]);
    /// # }
    /// ```
    pub fn add_faults(&self, faults: impl IntoIterator<Item = Fault>) {
        let now = self.shared.enter(&self.name).timestamp();
        self.shared.engine.add_faults(now, &self.name, faults);
    }

    /// Removes the faults.
    pub fn clear_faults(&self) {
        self.shared.engine.clear_faults(self.shared.now(&self.name), &self.name);
    }

    /// Clears parts of the session.
    pub fn reset(&self, parts: &[ResetPart]) {
        reset::reset(self.shared.services(), SessionScope::One(&self.name), parts);
        if parts.contains(&ResetPart::Session) {
            self.shared.clocks.keep(&self.shared.services().sessions.names());
        }
        if parts.contains(&ResetPart::Clock) {
            self.shared.clocks.reset(Some(&self.name));
        }
    }

    /// The clock of the session, which is opened if need be. It follows the mock's clock until it is moved, and exists as
    /// long as the session.
    pub fn clock(&self) -> Clock {
        self.shared.enter(&self.name)
    }
}
