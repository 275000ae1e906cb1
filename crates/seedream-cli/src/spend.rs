//! `seedream spend`: what a ledger says was spent.

use crate::{args::SpendArgs, batch::spend_table, console::Console, exit::Exit, failure::Failure, ledger_file};

/// Prints what was spent, by day, provider, model and state.
///
/// # Errors
/// The ledger cannot be read.
pub(crate) async fn spend(args: &SpendArgs, console: &Console) -> Result<Exit, Failure> {
    let ledger = ledger_file::open(&args.ledger.ledger)?;
    let rows = ledger.spend(args.batch.as_deref(), args.since.as_deref()).await?;
    if args.ledger.json {
        console.json(&rows)?;
    } else if args.csv {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record([
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
            ])
            .map_err(not_written)?;
        for row in &rows {
            let (held, billed) = (row.held.to_string(), row.billed.to_string());
            let (held, held_unit) = held.split_once(' ').unwrap_or((&held, ""));
            let (billed, billed_unit) = billed.split_once(' ').unwrap_or((&billed, ""));
            let comparison = serde_json::to_value(row.comparison).unwrap_or_default();
            writer
                .write_record([
                    &row.day,
                    &row.provider,
                    &row.model,
                    row.state.as_str(),
                    &row.attempts.to_string(),
                    held,
                    held_unit,
                    billed,
                    billed_unit,
                    &row.delivered.to_string(),
                    &row.billed_images.to_string(),
                    comparison.as_str().unwrap_or_default(),
                ])
                .map_err(not_written)?;
        }
        let text = writer.into_inner().map_err(|error| not_written(error.to_string()))?;
        console.data(&String::from_utf8_lossy(&text))?;
    } else {
        console.data(&spend_table(&rows))?;
    }
    Ok(Exit::Ok)
}

fn not_written(error: impl ToString) -> Failure {
    Failure::other(error.to_string())
}
