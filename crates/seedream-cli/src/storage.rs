//! `seedream storage`: what a store does.

use std::sync::Arc;

use seedream::seedream_client::storage::{BucketSettings, StorageCheck, check};

use crate::{
    args::StorageCommand,
    config::Settings,
    console::Console,
    exit::Exit,
    failure::Failure,
    provider_selection::environment,
    table::{Table, cell},
};

/// Runs a command about a store.
///
/// # Errors
/// The URL is not valid, or keys are missing.
pub(crate) async fn storage(command: StorageCommand, console: &Console) -> Result<Exit, Failure> {
    let StorageCommand::Check { url, connection, json } = command;
    let transport = Settings::load(&connection)?.transport()?;
    let settings =
        BucketSettings::from_lookup(&url, environment).map_err(|error| Failure::usage(error.message().to_owned()))?;
    let checked = check(&settings, Arc::new(transport)).await;
    if json {
        console.json(&checked)?;
    } else {
        console.data(&table(&checked))?;
    }
    if checked.is_usable() {
        return Ok(Exit::Ok);
    }
    console.note(&format!("error: {url} cannot take images"));
    Ok(Exit::Other)
}

fn table(checked: &StorageCheck) -> String {
    let mut table = Table::new(&["STEP", "RESULT", "NEEDED", "DETAIL"]);
    for step in &checked.steps {
        let (result, needed) = (if step.ok { "ok" } else { "refused" }, if step.needed { "yes" } else { "no" });
        table.row(vec![step.step.to_owned(), result.to_owned(), needed.to_owned(), cell(&step.detail)]);
    }
    table.to_string()
}
