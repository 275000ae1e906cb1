//! Reads for people.

use std::path::Path;

use rusqlite::{Connection, Result, Row, Rows, params};
use seedream_client::Refusal;
use seedream_core::Charge;

use super::{
    connection,
    failure::storage,
    rows::{StoredPurchase, read_entry, record_id},
    sql,
};
use crate::{
    protocol::{LineState, Verdict},
    report::{AttemptReport, Comparison, JobDetail, JobFilter, JobRow, PurchaseRow, Salvage, SpendRow, amount},
};

pub(super) fn jobs(connection: &Connection, filter: &JobFilter) -> Result<Vec<JobRow>> {
    let mut statement = connection.prepare_cached(sql::JOBS)?;
    let JobFilter { batch, state, after, limit } = filter;
    read_jobs(connection, statement.query(params![after, batch, state.map(LineState::as_str), limit])?)
}

pub(super) fn job(connection: &Connection, job: &str) -> Result<Option<JobRow>> {
    let mut statement = connection.prepare_cached(sql::JOB)?;
    Ok(read_jobs(connection, statement.query([job])?)?.pop())
}

fn read_jobs(connection: &Connection, mut rows: Rows<'_>) -> Result<Vec<JobRow>> {
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, job): (i64, String) = (row.get(0)?, row.get(1)?);
        jobs.push(JobRow {
            purchases: purchases(connection, id, &job)?,
            id,
            job,
            batch: row.get(2)?,
            key: row.get(3)?,
            position: row.get(4)?,
            row: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
            is_listed: row.get(6)?,
        });
    }
    Ok(jobs)
}

fn purchases(connection: &Connection, line: i64, job: &str) -> Result<Vec<PurchaseRow>> {
    let mut statement = connection.prepare_cached(sql::PURCHASES_OF)?;
    let mut rows = statement.query([line])?;
    let mut purchases = Vec::new();
    while let Some(row) = rows.next()? {
        let number = row.get(1)?;
        let state = state(row, 2)?;
        purchases.push(PurchaseRow {
            number,
            record: record_id(job, number),
            state,
            is_held: row.get::<_, Option<i64>>(3)?.is_some(),
            expires_at: if state.is_collectable() { row.get(5)? } else { None },
            attempts: attempts(connection, row.get(0)?)?,
        });
    }
    Ok(purchases)
}

fn attempts(connection: &Connection, purchase: i64) -> Result<Vec<AttemptReport>> {
    let mut statement = connection.prepare_cached(sql::ATTEMPTS_OF)?;
    let rows = statement.query_map([purchase], |row| {
        let unit: String = row.get(6)?;
        let of = |column| Ok::<_, rusqlite::Error>(amount(row.get(column)?, &unit));
        let charge: String = row.get(2)?;
        Ok(AttemptReport {
            number: row.get(0)?,
            state: state(row, 1)?,
            charge: [Charge::No, Charge::Yes].into_iter().find(|one| one.as_str() == charge).unwrap_or(Charge::Unknown),
            hold: of(3)?,
            held: of(4)?,
            billed: of(5)?,
            verdict: row.get::<_, Option<String>>(7)?.as_deref().and_then(Verdict::parse),
            is_conflict: row.get(8)?,
            provider: row.get(9)?,
            model: row.get(10)?,
            endpoint: row.get(11)?,
            begun_at: row.get(12)?,
            most_images: row.get(13)?,
            billed_images: row.get(14)?,
            delivered: row.get(15)?,
        })
    })?;
    rows.collect()
}

fn state(row: &Row<'_>, column: usize) -> Result<LineState> {
    // A word of a newer version cannot be here: such a file is refused.
    Ok(LineState::parse(&row.get::<_, String>(column)?).unwrap_or(LineState::Unknown))
}

pub(super) fn detail(connection: &Connection, job: JobRow) -> Result<JobDetail> {
    let mut entries = Vec::with_capacity(job.purchases.len());
    for purchase in &job.purchases {
        entries.push(match StoredPurchase::find(connection, &job.job, purchase.number)? {
            Some(purchase) => purchase.entries(connection)?.1,
            None => Vec::new(),
        });
    }
    Ok(JobDetail { job, entries })
}

pub(super) fn spend(connection: &Connection, batch: Option<&str>, since: Option<&str>) -> Result<Vec<SpendRow>> {
    let mut statement = connection.prepare_cached(sql::SPEND)?;
    let rows = statement.query_map(params![batch, since], |row| {
        let unit: String = row.get(4)?;
        let (delivered, billed_images) = (row.get(8)?, row.get(9)?);
        let state = state(row, 3)?;
        let is_known = row.get::<_, u64>(10)? == 0;
        Ok(SpendRow {
            day: row.get(0)?,
            provider: row.get(1)?,
            model: row.get(2)?,
            state,
            attempts: row.get(5)?,
            held: amount(row.get(6)?, &unit),
            billed: amount(row.get(7)?, &unit),
            delivered,
            billed_images,
            comparison: Comparison::of(billed_images, delivered, is_known),
            conflicts: row.get(11)?,
        })
    })?;
    rows.collect()
}

/// Reads entry by entry, so that a page that is damaged takes no other with it.
pub(super) fn salvage(path: &Path) -> std::result::Result<Salvage, Refusal> {
    let connection = connection::open_to_read(path)?;
    let failed = |error| storage(path, error);
    let last: i64 = connection.query_row(sql::LAST_ENTRY, [], |row| row.get(0)).map_err(failed)?;
    let mut statement = connection.prepare(sql::READ_ENTRY).map_err(failed)?;
    let mut salvage = Salvage::default();
    for id in 1..=last {
        let read = statement.query_row([id], |row| {
            let job: Option<String> = row.get(3)?;
            let number: Option<u32> = row.get(4)?;
            let record = job.zip(number).map(|(job, number)| record_id(&job, number));
            Ok((record, read_entry(&row.get::<_, String>(2)?)))
        });
        match read {
            Ok(entry) => salvage.entries.push(entry),
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => salvage.problems.push(format!("entry {id} cannot be read: {error}")),
        }
    }
    Ok(salvage)
}
