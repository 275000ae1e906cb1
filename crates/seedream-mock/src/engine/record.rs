//! The entries of a request in the journal and in the ledger.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::Value;

use crate::engine::pipeline::Processed;
use crate::engine::services::Services;
use crate::faults::grammar::{Fault, TABLE};
use crate::faults::shape_words::LengthFault;
use crate::faults::word_values::BytePosition;
use crate::state::journal_entry;
use crate::state::journal_entry::{EntryKind, NewEntry};
use crate::state::kept_response::KeptResponse;
use crate::state::ledger::{NewLedgerEntry, StoredLedgerEntry};
use crate::time::later;

/// How much of a model's name is kept, in characters.
const LONGEST_MODEL: usize = 200;

/// Writes a request into the journal and, if it costs something, into the ledger. Says whether a task of its session has a
/// callback that is still to be sent.
pub(crate) fn record(
    services: &Services,
    (now, ordinal): (Timestamp, u64),
    request: &Request<Bytes>,
    json: Option<&Value>,
    processed: &Processed<'_>,
) -> bool {
    let Processed { response, fault, .. } = processed;
    let fault_text = (!fault.is_empty()).then(|| fault.to_string());
    let body = journal_entry::body(request.body(), json);
    let entry = NewEntry {
        ordinal,
        kind: EntryKind::Request,
        at: now,
        provider: processed.provider_id,
        model: processed.model.map(shortened),
        method: request.method().as_str(),
        path: request.uri().path(),
        status: if is_seen(fault) { response.status } else { 0 },
        fixture: response.fixture.as_deref(),
        evidence: response.evidence.as_str(),
        profile: processed.profile.as_deref(),
        fault: fault_text.as_deref(),
        billed: response.billed,
        request_id: &processed.request_id,
        headers: Some(request.headers()),
        body: &body,
        effective: &response.effective,
        violations: &response.violations,
        notes: &response.notes,
    };
    let bill = bill(&entry, processed);
    let images = response.reserved.as_ref().map_or(response.billed, |(_, images)| *images);
    services.metrics.requested(processed.provider_id, processed.kind, entry.status, images);
    if fault_text.is_some() {
        let words = (0..).zip(TABLE.iter()).filter(|(_, word)| (word.write)(fault).is_some());
        words.for_each(|(place, _)| services.metrics.faulted(place));
    }
    let mut entry = entry.pack();
    entry.response = services.settings.initial().page.then(|| KeptResponse::of(request.uri().query(), response).into());
    let end = complete_at(now, processed);
    let (awaits, evicted) = services.sessions.with(processed.session, now, |session| {
        if let Some(caller) = &processed.counted {
            session.rates.answered(caller, now, ordinal, response.billed, end);
        }
        let bill = bill.and_then(|bill| session.bill(bill));
        (session.awaits(), (bill, session.journal.push(entry)))
    });
    drop(evicted);
    awaits
}

/// The ledger entry of a response, if it costs something.
fn bill(entry: &NewEntry<'_>, processed: &Processed<'_>) -> Option<StoredLedgerEntry> {
    let Processed { response, fault, provider, .. } = processed;
    let (reserved, provider) = (response.reserved.as_ref(), (*provider)?);
    if response.billed == 0 && reserved.is_none() {
        return None;
    }
    let model = entry.model.unwrap_or_default();
    let bill = NewLedgerEntry {
        provider: &provider.id,
        model,
        key: processed.key,
        images: reserved.map_or(response.billed, |(_, images)| *images),
        each: provider.model(model).and_then(|model| model.credits),
        request: entry.request_id,
        at: entry.at,
        task: reserved.map(|(id, _)| id.as_str()),
        answered: fault.end.is_none() && fault.length != Some(LengthFault::Wrong),
        ordinal: entry.ordinal,
    };
    Some(bill.pack())
}

/// When a response is complete by the clock; `None` where it never is. The time that its bytes take on the wire is unknown.
fn complete_at(now: Timestamp, processed: &Processed<'_>) -> Option<Timestamp> {
    let fault = &processed.fault;
    let waits: Duration = processed.response.chunks.iter().map(|chunk| chunk.after).sum();
    let stall = match fault.stall {
        None => Duration::ZERO,
        Some(_) => fault.stall_for?,
    };
    Some(later(now, waits.saturating_add(stall).saturating_add(fault.delay.unwrap_or_default())))
}

/// Whether the caller gets to see a status: its digits stand in the first twelve bytes.
fn is_seen(fault: &Fault) -> bool {
    !matches!(fault.end, Some((_, BytePosition::Before | BytePosition::Head(..12) | BytePosition::Request(_))))
}

fn shortened(model: &str) -> &str {
    model.char_indices().nth(LONGEST_MODEL).map_or(model, |(end, _)| &model[..end])
}
