//! Planning: the lines of a file, from one run to the next.

use seedream_core::Amount;
use serde_json::Value;
use sha2::Sha256;

use super::{
    database::{Connection, DatabaseError, values},
    sql,
};
use crate::identity::{self, Keys};

/// A line of a batch, as it is planned.
#[derive(Clone, Debug)]
pub struct PlannedLine {
    /// Its own id, where the row has one.
    pub id: Option<String>,
    /// The row as it is written, as JSON: a hundred thousand trees would take much memory.
    row: String,
    /// What was fed with the row.
    hasher: Sha256,
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
    pub fn new(row: &Value) -> Self {
        Self {
            id: None,
            row: row.to_string(),
            hasher: identity::hasher(row),
            references: Vec::new(),
            purchases: 1,
            most_images: 1,
            most_cost: None,
        }
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
    Database(DatabaseError),
}

impl From<DatabaseError> for Refused {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

/// Adds a line, or takes it over. Says whether it is new.
pub(super) fn add(
    connection: &dyn Connection,
    batch: &str,
    plan: i64,
    position: i64,
    keys: &mut Keys,
    line: &PlannedLine,
) -> Result<bool, Refused> {
    let (key, hash) = keys.next(line.id.as_deref(), line.hasher.clone(), &line.references);
    let cost = line.most_cost.as_ref().and_then(|cost| serde_json::to_string(cost).ok());
    let known = connection.find(sql::LINE_OF_KEY, values![batch, key])?;
    let id = match &known {
        Some(known) => {
            let id: i64 = known.get(0)?;
            if known.get::<&str>(1)? != hash {
                if connection.row(sql::LINE_WAS_SENT, values![id])?.get(0)? {
                    return Err(Refused::Changed(key));
                }
                let most = line.most_images;
                connection.execute(sql::CHANGE_LINE, values![id, hash, line.row, most, cost])?;
            }
            connection.execute(sql::LIST_LINE, values![id, position, plan])?;
            connection.execute(sql::LIST_PURCHASES, values![id, position])?;
            id
        }
        None => {
            let (job, most) = (format!("{batch}/{key}"), line.most_images);
            connection
                .row(sql::ADD_LINE, values![job, batch, key, hash, position, plan, line.row, most, cost])?
                .get(0)?
        }
    };
    for number in 1..=line.purchases.max(1) {
        connection.execute(sql::ADD_PURCHASE, values![id, number])?;
    }
    Ok(known.is_none())
}
