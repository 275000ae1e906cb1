//! Images are delivered in whatever shape a response brings them, nothing that was paid for is lost, and what was not read whole is
//! never called free or complete. The shapes are made from the provider's own documented responses, drawn anew from a seed that is
//! the same in every run.
//!
//! A kind that the operation or the transport handles holds for every adapter. A kind that only a reader can handle holds for an
//! adapter that promises it ([`Dialect::is_lenient`](seedream_core::Dialect::is_lenient)): a document that shows one shape asks for
//! no more.

mod almost_json;
mod charge;
mod cuts;
mod downloads;
mod errors;
mod image_host;
mod image_places;
mod inline_images;
mod shape_fixture;
mod streams;
mod tasks;

use seedream_fixtures::{FieldRole, ResponseMode};

use crate::{Case, CaseFailure, Law, Subject};
use shape_fixture::{ROUNDS, ShapeFixture};

type ShapeCheck = fn(&ShapeFixture) -> Result<(), CaseFailure>;

/// Which part is responsible for a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CheckedBy {
    /// The operation or the transport, whatever the adapter reads.
    Operation,
    /// The adapter's reader.
    Reader,
}

/// Where a kind can occur.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AppliesTo {
    All,
    /// Providers whose responses have the images.
    Sync,
    /// Providers that accept tasks.
    Tasks,
    /// Providers that stream.
    Streams,
}

const KINDS: [(&str, CheckedBy, AppliesTo, ShapeCheck); 40] = [
    ("almost-json", CheckedBy::Operation, AppliesTo::All, almost_json::almost_json),
    ("billed-more", CheckedBy::Operation, AppliesTo::All, image_places::billed_more),
    ("billed-fewer", CheckedBy::Operation, AppliesTo::All, image_places::billed_fewer),
    ("charge-of-damage", CheckedBy::Operation, AppliesTo::All, charge::of_damage),
    ("quoted-request", CheckedBy::Operation, AppliesTo::All, errors::quoted_request),
    ("download-not-there-yet", CheckedBy::Operation, AppliesTo::All, downloads::not_there_yet),
    ("download-asks-for-patience", CheckedBy::Operation, AppliesTo::All, downloads::patient),
    ("download-lost", CheckedBy::Operation, AppliesTo::All, downloads::lost),
    ("download-in-parts", CheckedBy::Operation, AppliesTo::All, downloads::in_parts),
    ("download-compressed", CheckedBy::Operation, AppliesTo::All, downloads::compressed),
    ("download-cut", CheckedBy::Operation, AppliesTo::All, downloads::cut),
    ("download-gone", CheckedBy::Operation, AppliesTo::All, downloads::gone),
    ("images-elsewhere", CheckedBy::Reader, AppliesTo::All, image_places::elsewhere),
    ("enveloped", CheckedBy::Reader, AppliesTo::All, image_places::enveloped),
    ("repeated-images", CheckedBy::Reader, AppliesTo::All, image_places::repeated),
    ("bad-candidates", CheckedBy::Reader, AppliesTo::All, image_places::bad_candidates),
    ("no-candidates", CheckedBy::Reader, AppliesTo::All, image_places::no_candidates),
    ("data-uris", CheckedBy::Reader, AppliesTo::All, inline_images::data_uris),
    ("base64", CheckedBy::Reader, AppliesTo::All, inline_images::base64),
    ("links-for-base64", CheckedBy::Reader, AppliesTo::All, inline_images::links),
    ("error-forms", CheckedBy::Reader, AppliesTo::All, errors::forms),
    ("nested-errors", CheckedBy::Reader, AppliesTo::All, errors::nested),
    ("errors-of-another-status", CheckedBy::Reader, AppliesTo::All, errors::another_status),
    ("charge-of-unread-images", CheckedBy::Reader, AppliesTo::All, charge::of_unread_images),
    ("unexpected-task", CheckedBy::Reader, AppliesTo::Sync, tasks::unexpected),
    ("events-as-json", CheckedBy::Reader, AppliesTo::Sync, streams::as_json),
    ("accepted-otherwise", CheckedBy::Reader, AppliesTo::Tasks, tasks::accepted_otherwise),
    ("second-id", CheckedBy::Reader, AppliesTo::Tasks, tasks::second_id),
    ("words-for-the-end", CheckedBy::Reader, AppliesTo::Tasks, tasks::words),
    ("early-results", CheckedBy::Reader, AppliesTo::Tasks, tasks::early),
    ("failed-with-results", CheckedBy::Reader, AppliesTo::Tasks, tasks::failed_with_results),
    ("completed-with-error", CheckedBy::Reader, AppliesTo::Tasks, tasks::completed_with_error),
    ("framed-badly", CheckedBy::Reader, AppliesTo::Streams, streams::framed_badly),
    ("chunks", CheckedBy::Reader, AppliesTo::Streams, streams::chunks),
    ("never-ends", CheckedBy::Reader, AppliesTo::Streams, streams::never_ends),
    ("repeated-events", CheckedBy::Reader, AppliesTo::Streams, streams::repeated),
    ("words-of-an-error", CheckedBy::Reader, AppliesTo::Streams, streams::words),
    ("list-in-an-event", CheckedBy::Reader, AppliesTo::Streams, streams::list),
    ("charge-of-unread-events", CheckedBy::Reader, AppliesTo::Streams, charge::of_unread_events),
    ("charge-of-a-cut-stream", CheckedBy::Reader, AppliesTo::Streams, charge::of_a_cut_stream),
];

const NO_IMAGE: &str = "no fixture of the provider shows a success whose images have URLs";
/// Why an adapter is not held to what only a reader can handle.
pub(crate) const NO_PROMISE: &str =
    "the adapter does not promise to read shapes that its document does not show (`Dialect::is_lenient`)";

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let shows = ShapeFixture::of(subject, 0).is_ok_and(|fixture| fixture.is_some());
    if !shows {
        let skipped = Case::skipped(Law::Crooked, subject, NO_IMAGE);
        return std::iter::once(skipped).chain(cuts::cases(subject)).collect();
    }
    let has_tasks = subject.provider().is_some_and(|provider| provider.mode == ResponseMode::Task);
    let streams = subject.provider().is_some_and(|provider| provider.field(FieldRole::Stream).is_some());
    let occurs = |at| match at {
        AppliesTo::All => true,
        AppliesTo::Sync => !has_tasks,
        AppliesTo::Tasks => has_tasks,
        AppliesTo::Streams => streams && streams::are_shown(subject),
    };
    let kind = |&(name, by, at, check): &(&'static str, CheckedBy, AppliesTo, ShapeCheck)| {
        if !occurs(at) {
            return None;
        }
        let id = format!("{}/{name}", subject.id());
        if by == CheckedBy::Reader && !subject.dialect().is_lenient() {
            return Some(Case::passed_over(Law::Crooked, id, NO_PROMISE));
        }
        let judged = subject.clone();
        Some(Case::new(Law::Crooked, id, None, move || drawn(&judged, check)))
    };
    KINDS.iter().filter_map(kind).chain(cuts::cases(subject)).collect()
}

/// A kind in each of its rounds.
fn drawn(subject: &Subject, check: ShapeCheck) -> Result<(), CaseFailure> {
    (0..ROUNDS).try_for_each(|round| {
        let fixture = ShapeFixture::of(subject, round)?.ok_or_else(|| CaseFailure::harness(NO_IMAGE))?;
        check(&fixture)
    })
}
