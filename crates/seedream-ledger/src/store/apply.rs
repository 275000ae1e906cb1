//! What entries do to a purchase.

use seedream_client::{RecordEntry, Refusal};
use seedream_core::Timestamp;

use super::{
    database::{Connection, DatabaseError, FailureKind, Result, values},
    failure::{refused, storage},
    rows::{Failed, StoredPurchase, signed},
    spool::Spooled,
    sql,
};
use crate::{evidence, protocol::LineState};

/// Adds an entry, once, and takes the steps that it means. An entry that the protocol does not expect is kept all the same. Says
/// whether something of the purchase is left.
pub(super) fn record(connection: &dyn Connection, ledger: &str, spooled: &Spooled) -> Result<bool, Refusal> {
    let failed = |error| storage(ledger, error);
    let found = match StoredPurchase::load(connection, spooled.purchase) {
        Err(error) if error.kind == FailureKind::NoRow => None,
        found => Some(found.map_err(failed)?).filter(|purchase| purchase.job == spooled.job),
    };
    let Some(mut purchase) = found else {
        // The attempt was not committed, so there is nothing that was not sent.
        if let RecordEntry::NotSent { error: None } = spooled.entry {
            return Ok(false);
        }
        return Err(refused(format!("{} is of another ledger than {ledger}", spooled.job)));
    };
    write(connection, &mut purchase, spooled).map_err(failed)?;
    Ok(is_left(&purchase))
}

/// Whether something is to be collected or looked into.
pub(super) fn is_left(purchase: &StoredPurchase) -> bool {
    let state = purchase.state.state();
    state.is_collectable() || matches!(state, LineState::Sent | LineState::Unknown)
}

fn write(connection: &dyn Connection, purchase: &mut StoredPurchase, spooled: &Spooled) -> Result<()> {
    let Spooled { attempt, epoch, entry, .. } = spooled;
    let now = Timestamp::now();
    if !add(connection, spooled, now)? {
        return Ok(());
    }
    let asks = matches!(entry, RecordEntry::Image { .. } | RecordEntry::Ended { .. });
    let is_whole = asks && is_whole(connection, purchase.id, *attempt)?;
    let is_saved = is_whole && matches!(entry, RecordEntry::Image { .. }) && {
        let row = connection.row(sql::SAVED_IMAGES, values![purchase.id, attempt])?;
        let (came, saved): (Option<u32>, u32) = (row.get(0)?, row.get(1)?);
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
            Err(Failed::Database(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the response was read to its end: a stream names its images one by one before.
fn is_whole(connection: &dyn Connection, purchase: i64, attempt: u32) -> Result<bool> {
    connection.row(sql::IS_WHOLE, values![purchase, attempt])?.get(0)
}

/// Adds an entry, once. Says whether it is new.
pub(super) fn add(connection: &dyn Connection, spooled: &Spooled, now: Timestamp) -> Result<bool> {
    let Spooled { token, purchase, attempt, epoch, entry, .. } = spooled;
    let text = serde_json::to_string(entry).map_err(|error| DatabaseError::other(error.to_string()))?;
    let (kind, image, is_whole) = (evidence::kind(entry), evidence::image(entry), evidence::is_whole(entry));
    let values = values![token, purchase, attempt, signed(*epoch), kind, now.to_string(), text, image, is_whole];
    Ok(connection.execute(sql::ADD_ENTRY, values)? > 0)
}
