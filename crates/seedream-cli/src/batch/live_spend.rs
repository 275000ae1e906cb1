//! The spend that the progress bar shows while a batch runs.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use seedream::seedream_core::Amount;
use seedream_ledger::{Ledger, SpendRow};

/// What a batch was billed so far.
#[derive(Debug, Default)]
pub(super) struct LiveSpend {
    text: String,
    read_at: Option<Instant>,
}

impl LiveSpend {
    /// As `, billed 0.09 USD, held 0.03 USD`; empty where nothing was bought.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Sums the ledger anew, at most once a second: that takes longer the more attempts it has.
    pub(super) async fn refresh(&mut self, ledger: &Ledger, batch: Option<&str>) {
        if self.read_at.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
            return;
        }
        self.read_at = Some(Instant::now());
        // A ledger that cannot be read ends the run elsewhere.
        if let Ok(rows) = ledger.spend(batch, None).await {
            self.text = totals(&rows);
        }
    }
}

/// What was billed and what is held, in each unit.
fn totals(rows: &[SpendRow]) -> String {
    let mut sums: BTreeMap<&str, [i64; 2]> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(&row.billed.unit).or_default();
        (sum[0], sum[1]) = (sum[0] + row.billed.micros, sum[1] + row.held.micros);
    }
    let mut text = String::new();
    for (unit, amounts) in sums {
        for (what, micros) in ["billed", "held"].iter().zip(amounts).filter(|(_, micros)| *micros != 0) {
            // A string takes every text.
            let _ = write!(text, ", {what} {}", Amount { micros, unit: unit.to_owned().into() });
        }
    }
    text
}
