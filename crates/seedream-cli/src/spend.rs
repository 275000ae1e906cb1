//! `seedream spend`: what a ledger says was spent.

use seedream::seedream_core::Amount;
use seedream_ledger::SpendRow;

use crate::{args::SpendArgs, batch::spend_table, console::Console, exit::Exit, failure::Failure};

const HEADER: [&str; 12] = [
    "day",
    "provider",
    "model",
    "state",
    "attempts",
    "held",
    "held_unit",
    "billed",
    "billed_unit",
    "images",
    "billed_images",
    "comparison",
];

/// Prints what was spent, by day, provider, model and state.
///
/// # Errors
/// The ledger cannot be read.
pub(crate) async fn spend(args: &SpendArgs, console: &Console) -> Result<Exit, Failure> {
    let ledger = args.ledger.ledger.open()?;
    let rows = ledger.spend(args.batch.as_deref(), args.since.as_deref()).await?;
    if args.ledger.json {
        console.json(&rows)?;
    } else if args.csv {
        console.data(&csv(&rows).map_err(|error| Failure::other(error.to_string()))?)?;
    } else {
        console.data(&spend_table(&rows))?;
    }
    Ok(Exit::Ok)
}

fn csv(rows: &[SpendRow]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for row in rows {
        let comparison = serde_json::to_value(row.comparison).unwrap_or_default();
        let [held, billed] = [&row.held, &row.billed].map(|amount| Amount::micros(amount.micros, "").to_string());
        writer.write_record([
            &row.day,
            &row.provider,
            &row.model,
            row.state.as_str(),
            &row.attempts.to_string(),
            held.trim_end(),
            &row.held.unit,
            billed.trim_end(),
            &row.billed.unit,
            &row.delivered.to_string(),
            &row.billed_images.to_string(),
            comparison.as_str().unwrap_or_default(),
        ])?;
    }
    writer.flush()?;
    Ok(String::from_utf8_lossy(writer.get_ref()).into_owned())
}
