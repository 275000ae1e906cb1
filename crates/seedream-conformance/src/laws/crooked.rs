//! Images are delivered in whatever shape a response brings them, nothing that was paid for is lost, and what was not read whole is
//! never called free or complete. The shapes are made from the provider's own documented responses, drawn anew from a seed that is
//! the same in every run.
//!
//! A kind that the operation or the transport sees to holds for every adapter. A kind that only a reader can see to holds for an
//! adapter that promises it ([`Dialect::is_lenient`](seedream_core::Dialect::is_lenient)): a document that shows one shape asks for
//! no more.

mod charge;
mod cuts;
mod downloads;
mod errors;
mod ground;
mod images;
mod inline;
mod source;
mod streams;
mod tasks;
mod texts;

use seedream_fixtures::{FieldRole, ResponseMode};

use crate::{Case, Failure, Law, Subject};
use ground::Ground;

type Check = fn(&Ground) -> Result<(), Failure>;

/// Who sees to a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The operation or the transport, whatever the adapter reads.
    Machine,
    /// The adapter's reader.
    Reader,
}

/// Where a kind can occur.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    All,
    /// Providers whose responses have the images.
    Sync,
    /// Providers that accept tasks.
    Tasks,
    /// Providers that stream.
    Streams,
}

const KINDS: [(&str, By, At, Check); 40] = [
    ("almost-json", By::Machine, At::All, texts::almost_json),
    ("billed-more", By::Machine, At::All, images::billed_more),
    ("billed-fewer", By::Machine, At::All, images::billed_fewer),
    ("charge-of-damage", By::Machine, At::All, charge::of_damage),
    ("quoted-request", By::Machine, At::All, errors::quoted_request),
    ("download-not-there-yet", By::Machine, At::All, downloads::not_there_yet),
    ("download-asks-for-patience", By::Machine, At::All, downloads::patient),
    ("download-lost", By::Machine, At::All, downloads::lost),
    ("download-in-parts", By::Machine, At::All, downloads::in_parts),
    ("download-compressed", By::Machine, At::All, downloads::compressed),
    ("download-cut", By::Machine, At::All, downloads::cut),
    ("download-gone", By::Machine, At::All, downloads::gone),
    ("images-elsewhere", By::Reader, At::All, images::elsewhere),
    ("enveloped", By::Reader, At::All, images::enveloped),
    ("repeated-images", By::Reader, At::All, images::repeated),
    ("bad-candidates", By::Reader, At::All, images::bad_candidates),
    ("no-candidates", By::Reader, At::All, images::no_candidates),
    ("data-uris", By::Reader, At::All, inline::data_uris),
    ("base64", By::Reader, At::All, inline::base64),
    ("links-for-base64", By::Reader, At::All, inline::links),
    ("error-forms", By::Reader, At::All, errors::forms),
    ("nested-errors", By::Reader, At::All, errors::nested),
    ("errors-of-another-status", By::Reader, At::All, errors::another_status),
    ("charge-of-unread-images", By::Reader, At::All, charge::of_unread_images),
    ("unexpected-task", By::Reader, At::Sync, tasks::unexpected),
    ("events-as-json", By::Reader, At::Sync, streams::as_json),
    ("accepted-otherwise", By::Reader, At::Tasks, tasks::accepted_otherwise),
    ("second-id", By::Reader, At::Tasks, tasks::second_id),
    ("words-for-the-end", By::Reader, At::Tasks, tasks::words),
    ("early-results", By::Reader, At::Tasks, tasks::early),
    ("failed-with-results", By::Reader, At::Tasks, tasks::failed_with_results),
    ("completed-with-error", By::Reader, At::Tasks, tasks::completed_with_error),
    ("framed-badly", By::Reader, At::Streams, streams::framed_badly),
    ("chunks", By::Reader, At::Streams, streams::chunks),
    ("never-ends", By::Reader, At::Streams, streams::never_ends),
    ("repeated-events", By::Reader, At::Streams, streams::repeated),
    ("words-of-an-error", By::Reader, At::Streams, streams::words),
    ("list-in-an-event", By::Reader, At::Streams, streams::list),
    ("charge-of-unread-events", By::Reader, At::Streams, charge::of_unread_events),
    ("charge-of-a-cut-stream", By::Reader, At::Streams, charge::of_a_cut_stream),
];

/// How often each kind is drawn.
const ROUNDS: u64 = 4;

const NO_IMAGE: &str = "no fixture of the provider shows a success whose images have URLs";
/// Why an adapter is not held to what only a reader can see to.
pub(crate) const NO_PROMISE: &str =
    "the adapter does not promise to read shapes that its document does not show (`Dialect::is_lenient`)";

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let shows = Ground::of(subject, 0).is_ok_and(|ground| ground.is_some());
    if !shows {
        let skipped = Case::skipped(Law::Crooked, subject, NO_IMAGE);
        return std::iter::once(skipped).chain(cuts::cases(subject)).collect();
    }
    let has_tasks = subject.provider().is_some_and(|provider| provider.mode == ResponseMode::Task);
    let streams = subject.provider().is_some_and(|provider| provider.field(FieldRole::Stream).is_some());
    let occurs = |at| match at {
        At::All => true,
        At::Sync => !has_tasks,
        At::Tasks => has_tasks,
        At::Streams => streams && streams::are_shown(subject),
    };
    let kind = |&(name, by, at, check): &(&'static str, By, At, Check)| {
        if !occurs(at) {
            return None;
        }
        let id = format!("{}/{name}", subject.id());
        if by == By::Reader && !subject.dialect().is_lenient() {
            return Some(Case::not_promised(Law::Crooked, id, NO_PROMISE));
        }
        let judged = subject.clone();
        Some(Case::new(Law::Crooked, id, None, move || drawn(&judged, check)))
    };
    KINDS.iter().filter_map(kind).chain(cuts::cases(subject)).collect()
}

/// A kind in each of its rounds.
fn drawn(subject: &Subject, check: Check) -> Result<(), Failure> {
    (0..ROUNDS).try_for_each(|round| {
        let ground = Ground::of(subject, round)?.ok_or_else(|| Failure::harness(NO_IMAGE))?;
        check(&ground)
    })
}
