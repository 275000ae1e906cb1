//! What is remembered of a request: its entry in the journal, its bill in the ledger.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::FieldRole;
use serde_json::Value;

use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::faults::shapes::LengthFault;
use crate::faults::words::BytePosition;
use crate::hash;
use crate::json::path;
use crate::pipeline::Processed;
use crate::request::auth;
use crate::state::clock::later;
use crate::state::journal::NewEntry;
use crate::state::{journal, ledger};

/// How much of a model's name is kept, in characters.
const LONGEST_MODEL: usize = 200;

impl Engine {
    /// Writes a request into the journal and, if it costs something, into the ledger. Says whether a task of its session
    /// still has to call back.
    pub(crate) fn record(
        &self,
        now: Timestamp,
        request: &Request<Bytes>,
        json: Option<&Value>,
        ordinal: u64,
        handled: &Processed<'_>,
    ) -> bool {
        let response = &handled.response;
        let fault = (!handled.fault.is_empty()).then(|| handled.fault.to_string());
        let body = journal::body(request.body(), json);
        let entry = NewEntry {
            ordinal,
            kind: journal::EntryKind::Request,
            at: now,
            provider: handled.provider,
            model: self.model(handled, json),
            method: request.method().as_str(),
            path: request.uri().path(),
            status: if is_seen(&handled.fault) { response.status } else { 0 },
            fixture: response.fixture.as_deref(),
            evidence: response.evidence.as_str(),
            profile: handled.profile.as_deref(),
            fault: fault.as_deref(),
            billed: response.billed,
            request_id: &handled.request_id,
            headers: Some(request.headers()),
            body: &body,
            effective: &response.effective,
            violations: &response.violations,
            notes: &response.notes,
        };
        let bill = self.bill(request, &entry, handled);
        let entry = entry.pack();
        let end = self.complete(now, handled);
        let (awaits, forgotten) = self.sessions.with(handled.session, now, |session| {
            if let Some(caller) = &handled.counted {
                session.traffic.answered(caller, now, ordinal, response.billed, end);
            }
            let bill = bill.and_then(|bill| session.bill(bill));
            (session.awaits(), (bill, session.journal.push(entry)))
        });
        drop(forgotten);
        awaits
    }

    /// What an answer costs, if it costs something.
    fn bill(
        &self,
        request: &Request<Bytes>,
        entry: &NewEntry<'_>,
        handled: &Processed<'_>,
    ) -> Option<ledger::StoredLedgerEntry> {
        let Processed { response, fault, .. } = handled;
        let reserved = response.reserved.as_ref();
        if response.billed == 0 && reserved.is_none() {
            return None;
        }
        let provider = self.library.provider(entry.provider?)?;
        let model = entry.model.unwrap_or_default();
        let key = auth::bearer(request.headers()).map(hash::short);
        let bill = ledger::NewLedgerEntry {
            provider: &provider.id,
            model,
            key: key.as_deref(),
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

    /// When an answer will be complete by the clock, if ever. How long its bytes take on the way is not known here.
    fn complete(&self, now: Timestamp, handled: &Processed<'_>) -> Option<Timestamp> {
        let fault = &handled.fault;
        let waits: Duration = handled.response.chunks.iter().map(|chunk| chunk.after).sum();
        let stall = match fault.stall {
            None => Duration::ZERO,
            Some(_) => fault.stall_for?,
        };
        Some(later(now, waits.saturating_add(stall).saturating_add(fault.delay.unwrap_or_default())))
    }

    /// The model a request names.
    fn model<'j>(&self, handled: &Processed<'_>, json: Option<&'j Value>) -> Option<&'j str> {
        let provider = self.library.provider(handled.provider?)?;
        let model = path::text(json?.as_object()?, &provider.field(FieldRole::Model)?.name)?;
        Some(model.char_indices().nth(LONGEST_MODEL).map_or(model, |(end, _)| &model[..end]))
    }
}

/// Whether the caller gets to see a status: its digits stand in the first twelve bytes.
fn is_seen(fault: &Fault) -> bool {
    !matches!(fault.end, Some((_, BytePosition::Before | BytePosition::Head(..12) | BytePosition::Request(_))))
}
