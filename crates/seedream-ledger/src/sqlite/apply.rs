//! What entries do to a purchase.

use std::path::Path;

use rusqlite::{Connection, params};
use seedream_client::{RecordEntry, Refusal};
use seedream_core::Timestamp;

use super::{
    failure::{refused, storage},
    rows::{Failed, StoredPurchase, signed},
    spool::Spooled,
    sql,
};
use crate::{evidence, protocol::LineState};

/// Adds an entry, once, and takes the steps that it means. An entry that the protocol does not expect is kept all the same. Says
/// whether something of the purchase is left.
pub(super) fn record(connection: &Connection, path: &Path, spooled: &Spooled) -> Result<bool, Refusal> {
    let failed = |error| storage(path, error);
    let found = match StoredPurchase::load(connection, spooled.purchase) {
        Err(rusqlite::Error::QueryReturnedNoRows) => None,
        found => Some(found.map_err(failed)?).filter(|purchase| purchase.job == spooled.job),
    };
    let Some(mut purchase) = found else {
        // The attempt was not committed, so there is nothing that was not sent.
        if let RecordEntry::NotSent { error: None } = spooled.entry {
            return Ok(false);
        }
        return Err(refused(format!("{} is of another ledger than {}", spooled.job, path.display())));
    };
    write(connection, &mut purchase, spooled).map_err(failed)?;
    Ok(is_left(&purchase))
}

/// Whether something is to be collected or looked into.
pub(super) fn is_left(purchase: &StoredPurchase) -> bool {
    let state = purchase.state.state();
    state.is_collectable() || matches!(state, LineState::Sent | LineState::Unknown)
}

fn write(connection: &Connection, purchase: &mut StoredPurchase, spooled: &Spooled) -> rusqlite::Result<()> {
    let Spooled { token, attempt, epoch, entry, .. } = spooled;
    let text = serde_json::to_string(entry).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let now = Timestamp::now();
    let added = connection.prepare_cached(sql::ADD_ENTRY)?.execute(params![
        token,
        purchase.id,
        attempt,
        signed(*epoch),
        evidence::kind(entry),
        now.to_string(),
        text
    ])?;
    if added == 0 {
        return Ok(());
    }
    let is_whole = is_whole(connection, purchase.id, *attempt)?;
    let is_saved = is_whole && matches!(entry, RecordEntry::Image { .. }) && {
        let mut statement = connection.prepare_cached(sql::SAVED_IMAGES)?;
        let (came, saved): (Option<u32>, u32) =
            statement.query_row(params![purchase.id, attempt], |row| Ok((row.get(0)?, row.get(1)?)))?;
        came.is_some_and(|came| came > 0 && saved >= came)
    };
    let bound = purchase.bound(*attempt);
    let context = evidence::Context { attempt: *attempt, epoch: *epoch, bound: &bound, is_whole, is_saved, now };
    let (actions, notes) = evidence::meaning(entry, &context);
    purchase.note(connection, *attempt, &notes)?;
    for action in actions {
        match purchase.step(connection, action) {
            // Where the protocol does not expect it, it is on record, and nothing else follows.
            Ok(()) | Err(Failed::Illegal(_)) => {}
            Err(Failed::Sql(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the response was read to its end: a stream names its images one by one before.
fn is_whole(connection: &Connection, purchase: i64, attempt: u32) -> rusqlite::Result<bool> {
    connection.prepare_cached(sql::IS_WHOLE)?.query_row(params![purchase, attempt], |row| row.get(0))
}
