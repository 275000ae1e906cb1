//! Planning: the lines of a file, from one run to the next.

use rusqlite::{Connection, OptionalExtension as _, params};
use seedream_core::Amount;
use serde_json::Value;

use super::sql;
use crate::identity::Keys;

/// A line of a batch, as it is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedLine {
    /// Its own id, where the row has one.
    pub id: Option<String>,
    /// The row as it is written.
    pub row: Value,
    /// The SHA-256 of each reference image, in their order: another image under the same name is another line.
    pub references: Vec<[u8; 32]>,
    /// How many purchases it is: one, or the images that are wanted exactly.
    pub purchases: u32,
    /// The most images that one purchase can cost.
    pub most_images: u32,
    /// The most that one purchase can cost, where a price is published: the largest among the providers that may serve it.
    pub most_cost: Option<Amount>,
}

impl PlannedLine {
    /// A line of one purchase of one image.
    pub fn new(row: Value) -> Self {
        Self { id: None, row, references: Vec::new(), purchases: 1, most_images: 1, most_cost: None }
    }
}

/// What planning found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanReport {
    /// Lines that are new.
    pub new: u64,
    /// Lines that are known, unchanged or not sent yet.
    pub known: u64,
    /// Lines that are no longer in the file. What of them was not sent is not.
    pub gone: u64,
}

/// A planned line that the ledger does not take.
pub(super) enum Refused {
    /// It was sent, with another request.
    Changed(String),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Adds a line, or takes it over. Says whether it is new.
pub(super) fn add(
    connection: &Connection,
    batch: &str,
    plan: i64,
    position: i64,
    keys: &mut Keys,
    line: &PlannedLine,
) -> Result<bool, Refused> {
    let (key, hash) = keys.next(line.id.as_deref(), &line.row, &line.references);
    let row = line.row.to_string();
    let cost = line.most_cost.as_ref().and_then(|cost| serde_json::to_string(cost).ok());
    let known: Option<(i64, String)> = connection
        .prepare_cached(sql::LINE_OF_KEY)?
        .query_row([batch, &key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let id = match &known {
        Some((id, known)) => {
            if *known != hash {
                if connection.prepare_cached(sql::LINE_WAS_SENT)?.query_row([id], |row| row.get(0))? {
                    return Err(Refused::Changed(key));
                }
                let most = line.most_images;
                connection.prepare_cached(sql::CHANGE_LINE)?.execute(params![id, hash, row, most, cost])?;
            }
            connection.prepare_cached(sql::LIST_LINE)?.execute(params![id, position, plan])?;
            connection.prepare_cached(sql::LIST_PURCHASES)?.execute([*id, position])?;
            *id
        }
        None => {
            let (job, most) = (format!("{batch}/{key}"), line.most_images);
            connection
                .prepare_cached(sql::ADD_LINE)?
                .execute(params![job, batch, key, hash, position, plan, row, most, cost])?;
            connection.last_insert_rowid()
        }
    };
    for number in 1..=line.purchases.max(1) {
        connection.prepare_cached(sql::ADD_PURCHASE)?.execute(params![id, number])?;
    }
    Ok(known.is_none())
}
