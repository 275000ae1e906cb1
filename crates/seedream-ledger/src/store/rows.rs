//! Purchases in the database: read, changed by the protocol, and written in the same transaction.

use seedream_client::{RecordEntry, Refusal};
use seedream_core::{Amount, Charge};

use super::{
    database::{Connection, DatabaseError, Result, Row, values},
    sql,
};
use crate::{
    budget::{self, Bound, Budget, BudgetPeriod, IMAGES},
    evidence::Notes,
    protocol::{Action, AttemptRow, Illegal, Line, LineEvent, LineState, Purchase, Verdict, step},
};

/// A purchase as it is stored.
#[derive(Debug)]
pub(super) struct StoredPurchase {
    pub(super) id: i64,
    pub(super) line: i64,
    pub(super) number: u32,
    pub(super) job: String,
    pub(super) batch: String,
    /// The bound of the line, as it was planned.
    pub(super) most_images: u32,
    pub(super) most_cost: Option<Amount>,
    /// What the protocol knows.
    pub(super) state: Purchase,
    /// What is known of each attempt beside.
    known: Vec<Known>,
}

/// What the protocol does not ask for.
#[derive(Clone, Debug)]
struct Known {
    bound: Bound,
    /// How many images it was billed.
    billed: Option<u64>,
    /// The day on which it was reserved.
    day: String,
}

/// Why a step was not made.
#[derive(Debug)]
pub(super) enum Failed {
    Illegal(Illegal),
    Database(DatabaseError),
}

impl From<DatabaseError> for Failed {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

pub(super) fn signed(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

impl StoredPurchase {
    pub(super) fn find(connection: &dyn Connection, job: &str, number: u32) -> Result<Option<Self>> {
        let found = connection.find(sql::PURCHASE_ID, values![job, number])?;
        found.map(|row| Self::load(connection, row.get(0)?)).transpose()
    }

    pub(super) fn load(connection: &dyn Connection, id: i64) -> Result<Self> {
        let row = connection.row(sql::PURCHASE, values![id])?;
        let cost: Option<&str> = row.get(9)?;
        let mut purchase = Self {
            id,
            line: row.get(1)?,
            number: row.get(2)?,
            job: row.get(6)?,
            batch: row.get(7)?,
            most_images: row.get(8)?,
            most_cost: cost.and_then(|cost| serde_json::from_str(cost).ok()),
            state: Purchase {
                holder: row.get::<Option<i64>>(3)?.map(unsigned),
                epoch: unsigned(row.get(4)?),
                is_over: row.get(5)?,
                attempts: Vec::new(),
            },
            known: Vec::new(),
        };
        for row in &connection.query(sql::ATTEMPTS, values![id, connection.boot()])? {
            let hold: i64 = row.get(2)?;
            purchase.state.attempts.push(AttemptRow {
                state: word(row, 0, LineState::parse)?,
                charge: word(row, 1, charge)?,
                hold,
                billed: row.get(3)?,
                epoch: unsigned(row.get(4)?),
                sent_at: row.get(5)?,
                deadline: row.get(6)?,
                is_lost: row.get(7)?,
                verdict: row.get::<Option<&str>>(8)?.and_then(Verdict::parse),
                is_conflict: row.get(9)?,
            });
            let amount = Amount { micros: hold, unit: row.get::<String>(12)?.into() };
            let bound = Bound { amount, images: row.get(10)? };
            purchase.known.push(Known { bound, billed: row.get(11)?, day: row.get(13)? });
        }
        Ok(purchase)
    }

    /// The bound of an attempt.
    pub(super) fn bound(&self, attempt: u32) -> Bound {
        let known = (attempt as usize).checked_sub(1).and_then(|index| self.known.get(index));
        known.map_or(Bound { amount: budget::in_images(1), images: 1 }, |known| known.bound.clone())
    }

    /// The number of the last attempt.
    pub(super) fn attempts(&self) -> u32 {
        number(self.state.attempts.len())
    }

    /// Takes a step of the protocol, and writes what it changes.
    pub(super) fn step(&mut self, connection: &dyn Connection, action: Action) -> Result<(), Failed> {
        let line = Line { purchases: vec![self.state.clone()] };
        let (mut line, _) = step(&line, &LineEvent { purchase: 1, action }).map_err(Failed::Illegal)?;
        let Some(next) = line.purchases.pop() else { return Err(Failed::Illegal(Illegal::NoSuch)) };
        let before = std::mem::replace(&mut self.state, next);
        if self.state == before {
            return Ok(());
        }
        for (index, attempt) in self.state.attempts.iter().enumerate() {
            match before.attempts.get(index) {
                Some(before) if before == attempt => {}
                Some(_) => self.save_attempt(connection, index, attempt)?,
                None => {
                    if self.known.len() == index {
                        // A person wants it again: it costs what the one before it may.
                        let bound = self.bound(number(index));
                        self.known.push(Known { bound, billed: None, day: connection.day() });
                    }
                    let Known { bound, day, .. } = &self.known[index];
                    let Self { id, batch, .. } = &*self;
                    let number = number(index + 1);
                    connection.execute(
                        sql::ADD_ATTEMPT,
                        values![id, number, attempt.hold, bound.amount.unit.as_ref(), batch, day, bound.images],
                    )?;
                }
            }
        }
        let Purchase { holder, epoch, is_over, .. } = self.state;
        let state = self.state.state().as_str();
        connection.execute(sql::SAVE_PURCHASE, values![self.id, state, holder.map(signed), signed(epoch), is_over])?;
        Ok(())
    }

    fn save_attempt(&self, connection: &dyn Connection, index: usize, attempt: &AttemptRow) -> Result<()> {
        let (held, paid) = attempt.account();
        let Known { bound, billed, .. } = &self.known[index];
        let images = |amount: i64, images: u64| if amount == 0 { 0 } else { i64::try_from(images).unwrap_or(i64::MAX) };
        let most = u64::from(bound.images);
        connection.execute(
            sql::SAVE_ATTEMPT,
            values![
                self.id,
                number(index + 1),
                attempt.state.as_str(),
                attempt.charge.as_str(),
                attempt.hold,
                attempt.billed,
                signed(attempt.epoch),
                attempt.sent_at,
                attempt.deadline,
                attempt.is_lost,
                attempt.verdict.map(Verdict::as_str),
                attempt.is_conflict,
                held,
                paid,
                images(held, most.max(billed.unwrap_or(0))),
                images(paid, billed.unwrap_or(most)),
                connection.boot(),
            ],
        )?;
        Ok(())
    }

    /// Reserves an attempt, or makes the reservation fit: the budget is looked at and the hold written in the same transaction.
    pub(super) fn reserve(
        &mut self,
        connection: &dyn Connection,
        bound: &Bound,
        budget: Option<&Budget>,
    ) -> Result<(), Failed> {
        let reserved = self.state.attempts.last().is_some_and(|last| last.state == LineState::Reserved);
        let is_other = |known: &Known| known.bound.amount.unit != bound.amount.unit || known.day != connection.day();
        let is_new = !reserved || self.known.last().is_none_or(is_other);
        if let (true, true, Some(worker)) = (reserved, is_new, self.state.holder) {
            // In another unit or of another day it would count towards another budget.
            self.step(connection, Action::Release { epoch: self.state.epoch })?;
            self.step(connection, Action::Take { worker })?;
        }
        let index = self.state.attempts.len();
        let (epoch, hold) = (self.state.epoch, bound.amount.micros);
        let left = budget.map(|budget| left(connection, &self.batch, budget)).transpose()?;
        if is_new {
            self.known.push(Known { bound: bound.clone(), billed: None, day: connection.day() });
        }
        let step = self.step(connection, Action::Reserve { epoch, hold, left });
        if is_new && step.is_err() {
            self.known.truncate(index);
        } else if step.is_ok() && !is_new {
            self.known[index - 1].bound = bound.clone();
            connection.execute(sql::MOST_IMAGES, values![self.id, number(index), bound.images])?;
            self.save_attempt(connection, index - 1, &self.state.attempts[index - 1])?;
        }
        step
    }

    /// Notes what an entry says beside the steps that it means.
    pub(super) fn note(&mut self, connection: &dyn Connection, attempt: u32, notes: &Notes) -> Result<()> {
        if let Some(billed) = notes.billed {
            if let Some(known) = (attempt as usize).checked_sub(1).and_then(|index| self.known.get_mut(index)) {
                known.billed = Some(billed);
            }
            connection.execute(sql::BILLED, values![self.id, attempt, signed(billed)])?;
        }
        if let Some((came, is_all)) = notes.came {
            connection.execute(sql::CAME, values![self.id, attempt, came, is_all])?;
        }
        if let Some(at) = notes.expires_at {
            connection.execute(sql::EXPIRES, values![self.id, at])?;
        }
        Ok(())
    }

    /// What the ledger knows of the purchase: the attempt that is to be collected, or the last one, comes last.
    pub(super) fn entries(&self, connection: &dyn Connection) -> Result<(u32, Vec<RecordEntry>)> {
        let last = self.state.collectable().unwrap_or(self.attempts());
        let (mut before, mut entries) = (Vec::new(), Vec::new());
        for row in &connection.query(sql::ENTRIES, values![self.id])? {
            let entry = read_entry(row.get(1)?);
            if row.get::<u32>(0)? == last { entries.push(entry) } else { before.push(entry) }
        }
        before.append(&mut entries);
        Ok((last, before))
    }
}

/// An entry; one that cannot be read is kept as it is written.
pub(super) fn read_entry(text: &str) -> RecordEntry {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let members = [("entry", "unreadable"), ("text", text)];
        RecordEntry::Unknown(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    })
}

fn charge(word: &str) -> Option<Charge> {
    [Charge::No, Charge::Unknown, Charge::Yes].into_iter().find(|charge| charge.as_str() == word)
}

fn word<T>(row: &Row, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text: &str = row.get(column)?;
    parse(text).ok_or_else(|| DatabaseError::other(format!("`{text}` is not a word of this version")))
}

/// What is left of a budget; attempts that cannot be expressed in its unit leave nothing.
pub(super) fn left(connection: &dyn Connection, batch: &str, budget: &Budget) -> Result<i64> {
    let (period, name) = match budget.period {
        BudgetPeriod::Batch => ("batch", batch.to_owned()),
        BudgetPeriod::Day => ("day", connection.day()),
    };
    let unit = budget.limit.unit.as_ref();
    let mut left = budget.limit.micros;
    for row in &connection.query(sql::SPENT, values![period, name])? {
        let spent = if row.get::<&str>(0)? == unit {
            row.get::<i64>(1)?.saturating_add(row.get(2)?)
        } else if unit == IMAGES {
            row.get::<i64>(3)?.saturating_add(row.get(4)?).saturating_mul(1_000_000)
        } else {
            i64::MAX
        };
        left = left.saturating_sub(spent);
    }
    Ok(left)
}

/// The refusal of a job whose step is not legal.
pub(super) fn refusal(purchase: &StoredPurchase, why: Illegal, budget: Option<&Budget>) -> Refusal {
    let id = record_id(&purchase.job, purchase.number);
    match why {
        Illegal::Budget { hold, left } => {
            let unit = budget.map_or("", |budget| budget.limit.unit.as_ref());
            let amount = |micros| Amount { micros, unit: unit.to_owned().into() };
            let message = if left < -(i64::MAX / 2) {
                format!("earlier attempts have no price in {unit}: state the budget in images")
            } else {
                format!("{id} may cost {}, and {} are left of the budget", amount(hold), amount(left.max(0)))
            };
            Refusal::Budget { message }
        }
        Illegal::Held => Refusal::Running { id },
        Illegal::Bought => Refusal::AlreadyBought { id },
        Illegal::Fenced | Illegal::NoSuch | Illegal::TooEarly { .. } | Illegal::State => Refusal::Fenced { id },
    }
}

/// The id of a record: the job, and the purchase where it is not the first.
pub(super) fn record_id(job: &str, purchase: u32) -> String {
    if purchase == 1 { job.to_owned() } else { format!("{job}#{purchase}") }
}

/// The purchase that a record's id names.
pub(super) fn find_record(connection: &dyn Connection, id: &str) -> Result<Option<StoredPurchase>> {
    if let Some((job, number)) = id.rsplit_once('#')
        && let Ok(number) = number.parse()
        && let Some(found) = StoredPurchase::find(connection, job, number)?
    {
        return Ok(Some(found));
    }
    StoredPurchase::find(connection, id, 1)
}
