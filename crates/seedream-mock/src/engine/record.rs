//! What is remembered of a request: its entry in the journal, its bill in the ledger.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::Role;
use serde_json::Value;

use super::answer::Answer;
use super::journal::Entry;
use super::ledger::Bill;
use super::{Engine, Handled, auth, digest, journal, ledger, members};
use crate::clock::later;
use crate::fault::{Fault, Place};

/// How much of a model's name is kept, in characters.
const LONGEST_MODEL: usize = 200;

impl Engine {
    /// What an answer costs, if it costs something.
    fn bill(&self, request: &Request<Bytes>, entry: &Entry, answer: &Answer) -> Option<Bill> {
        let reserved = answer.reserved.as_ref();
        if answer.billed == 0 && reserved.is_none() {
            return None;
        }
        let provider = self.library.provider(entry.provider.as_deref()?)?;
        let model = entry.model.as_deref().unwrap_or_default();
        let each = provider.model(model).and_then(|model| model.credits);
        let images = reserved.map_or(answer.billed, |(_, images)| *images);
        Some(Bill {
            provider: provider.id.clone(),
            model: model.to_owned(),
            key: auth::bearer(request.headers()).map(digest::short),
            images,
            credits: each.map(|each| ledger::credits(each, images)),
            request: entry.request_id.clone(),
            at: entry.at,
            task: reserved.map(|(id, _)| id.clone()),
            settled: reserved.is_none(),
            answered: true,
            ordinal: entry.ordinal,
            each,
        })
    }

    /// When an answer will be complete by the clock, if ever. How long its bytes take on the way is not known here.
    fn complete(&self, now: Timestamp, handled: &Handled) -> Option<Timestamp> {
        let fault = &handled.fault;
        let waits: Duration = handled.answer.chunks.iter().map(|chunk| chunk.after).sum();
        let stall = match fault.stall {
            None => Duration::ZERO,
            Some(_) => fault.stall_for?,
        };
        Some(later(now, waits.saturating_add(stall).saturating_add(fault.delay.unwrap_or_default())))
    }

    /// The model a request names.
    fn model(&self, handled: &Handled, json: Option<&Value>) -> Option<String> {
        let provider = self.library.provider(handled.provider.as_deref()?)?;
        let field = provider.field(Role::Model)?;
        members::text(json?.as_object()?, &field.name).map(|model| model.chars().take(LONGEST_MODEL).collect())
    }

    /// Writes a request into the journal and, if it costs something, into the ledger. What only the journal shows goes there.
    pub(super) fn record(
        &self,
        now: Timestamp,
        request: &Request<Bytes>,
        json: Option<Value>,
        ordinal: u64,
        handled: &mut Handled,
    ) {
        let (effective, notes) = (handled.answer.effective.take(), std::mem::take(&mut handled.answer.notes));
        let answer = &handled.answer;
        let entry = Entry {
            ordinal,
            kind: "request",
            at: now,
            session: handled.session.clone(),
            provider: handled.provider.clone(),
            model: self.model(handled, json.as_ref()),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: if is_seen(&handled.fault) { answer.status } else { 0 },
            fixture: answer.fixture.clone(),
            evidence: answer.evidence.as_str(),
            profile: handled.profile.clone(),
            fault: (!handled.fault.is_empty()).then(|| handled.fault.to_string()),
            billed: answer.billed,
            request_id: handled.request_id.clone(),
            headers: journal::headers(request.headers()),
            body: journal::body(request.body(), json),
            effective: effective.map(journal::shortened),
            violation: (!answer.violations.is_empty()).then(|| answer.violations.join("; ")),
            notes,
        };
        let bill = self.bill(request, &entry, answer);
        let lost = handled.fault.end.is_some() || handled.fault.wrong_length;
        let end = self.complete(now, handled);
        let forgotten = self.sessions.with(&handled.session, now, |session| {
            if let Some(caller) = &handled.counted {
                session.traffic.answered(caller, now, ordinal, answer.billed, end);
            }
            if let Some(bill) = bill {
                session.ledger.push(Bill { answered: !lost, ..bill });
            }
            session.journal.push(entry)
        });
        drop(forgotten);
    }
}

/// Whether the caller gets to see a status: its digits stand in the first twelve bytes.
fn is_seen(fault: &Fault) -> bool {
    !matches!(fault.end, Some((_, Place::Before | Place::Head(..12))))
}
