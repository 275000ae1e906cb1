//! Reads for people.

use std::path::Path;

use seedream_client::Refusal;
use seedream_core::Charge;

use super::{
    database::{Connection, Result, Row, sqlite::SqliteFile, values},
    failure::storage,
    rows::{StoredPurchase, read_entry, record_id},
    sql,
};
use crate::{
    protocol::{LineState, Verdict},
    report::{AttemptReport, Comparison, JobDetail, JobFilter, JobRow, PurchaseRow, Salvage, SpendRow, amount},
};

pub(super) fn jobs(connection: &dyn Connection, filter: &JobFilter) -> Result<Vec<JobRow>> {
    let JobFilter { batch, state, after, limit } = filter;
    read_jobs(connection, &connection.query(sql::JOBS, values![after, batch, state.map(LineState::as_str), limit])?)
}

pub(super) fn job(connection: &dyn Connection, job: &str) -> Result<Option<JobRow>> {
    Ok(read_jobs(connection, &connection.query(sql::JOB, values![job])?)?.pop())
}

fn read_jobs(connection: &dyn Connection, rows: &[Row]) -> Result<Vec<JobRow>> {
    let mut jobs = Vec::new();
    for row in rows {
        let (id, job): (i64, String) = (row.get(0)?, row.get(1)?);
        jobs.push(JobRow {
            purchases: purchases(connection, id, &job)?,
            id,
            job,
            batch: row.get(2)?,
            key: row.get(3)?,
            position: row.get(4)?,
            row: serde_json::from_str(row.get(5)?).unwrap_or_default(),
            is_listed: row.get(6)?,
        });
    }
    Ok(jobs)
}

fn purchases(connection: &dyn Connection, line: i64, job: &str) -> Result<Vec<PurchaseRow>> {
    let mut purchases = Vec::new();
    for row in &connection.query(sql::PURCHASES_OF, values![line])? {
        let number = row.get(1)?;
        let state = state(row, 2)?;
        purchases.push(PurchaseRow {
            number,
            record: record_id(job, number),
            state,
            is_held: row.get::<Option<i64>>(3)?.is_some(),
            expires_at: if state.is_collectable() { row.get(5)? } else { None },
            attempts: attempts(connection, row.get(0)?)?,
        });
    }
    Ok(purchases)
}

fn attempts(connection: &dyn Connection, purchase: i64) -> Result<Vec<AttemptReport>> {
    let rows = connection.query(sql::ATTEMPTS_OF, values![purchase])?;
    let report = |row: &Row| {
        let unit: &str = row.get(6)?;
        let of = |column| row.get(column).map(|micros| amount(micros, unit));
        let charge: &str = row.get(2)?;
        Ok(AttemptReport {
            number: row.get(0)?,
            state: state(row, 1)?,
            charge: [Charge::No, Charge::Yes].into_iter().find(|one| one.as_str() == charge).unwrap_or(Charge::Unknown),
            hold: of(3)?,
            held: of(4)?,
            billed: of(5)?,
            verdict: row.get::<Option<&str>>(7)?.and_then(Verdict::parse),
            is_conflict: row.get(8)?,
            provider: row.get(9)?,
            model: row.get(10)?,
            endpoint: row.get(11)?,
            begun_at: row.get(12)?,
            most_images: row.get(13)?,
            billed_images: row.get(14)?,
            delivered: row.get(15)?,
        })
    };
    rows.iter().map(report).collect()
}

fn state(row: &Row, column: usize) -> Result<LineState> {
    // A word of a newer version cannot be here: such a file is refused.
    Ok(LineState::parse(row.get(column)?).unwrap_or(LineState::Unknown))
}

pub(super) fn detail(connection: &dyn Connection, job: JobRow) -> Result<JobDetail> {
    let mut entries = Vec::with_capacity(job.purchases.len());
    for purchase in &job.purchases {
        entries.push(match StoredPurchase::find(connection, &job.job, purchase.number)? {
            Some(purchase) => purchase.entries(connection)?.1,
            None => Vec::new(),
        });
    }
    Ok(JobDetail { job, entries })
}

pub(super) fn spend(connection: &dyn Connection, batch: Option<&str>, since: Option<&str>) -> Result<Vec<SpendRow>> {
    let rows = connection.query(sql::SPEND, values![batch, since])?;
    let spent = |row: &Row| {
        let unit: &str = row.get(4)?;
        let (delivered, billed_images) = (row.get(8)?, row.get(9)?);
        let state = state(row, 3)?;
        let is_known = row.get::<u64>(10)? == 0;
        Ok(SpendRow {
            day: row.get(0)?,
            provider: row.get(1)?,
            model: row.get(2)?,
            state,
            attempts: row.get(5)?,
            held: amount(row.get(6)?, unit),
            billed: amount(row.get(7)?, unit),
            delivered,
            billed_images,
            comparison: Comparison::of(billed_images, delivered, is_known),
            conflicts: row.get(11)?,
        })
    };
    rows.iter().map(spent).collect()
}

/// Reads entry by entry, so that a page that is damaged takes no other with it.
pub(super) fn salvage(path: &Path) -> Result<Salvage, Refusal> {
    let connection = SqliteFile::open_to_read(path)?;
    let last = connection.row(sql::LAST_ENTRY, &[]).and_then(|row| row.get::<i64>(0));
    let last = last.map_err(|error| storage(&path.display().to_string(), error))?;
    let mut salvage = Salvage::default();
    for id in 1..=last {
        let read = || -> Result<_> {
            let Some(row) = connection.find(sql::READ_ENTRY, values![id])? else { return Ok(None) };
            let job: Option<&str> = row.get(3)?;
            let number: Option<u32> = row.get(4)?;
            let record = job.zip(number).map(|(job, number)| record_id(job, number));
            Ok(Some((record, read_entry(row.get(2)?))))
        };
        match read() {
            Ok(entry) => salvage.entries.extend(entry),
            Err(error) => salvage.problems.push(format!("entry {id} cannot be read: {error}")),
        }
    }
    Ok(salvage)
}
