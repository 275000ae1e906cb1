//! Whether a record stays, case by case.

use std::path::Path;

use seedream_core::{Charge, ErrorKind, ImageFailure};

use super::{super::record_need::RecordNeed, support::*};
use crate::{Location, Outcome, RecordEntry};

fn is_needed(entries: &[RecordEntry], outcome: &Outcome) -> bool {
    let mut known = RecordNeed::default();
    entries.iter().for_each(|entry| known.note(entry));
    known.is_needed(outcome)
}

fn begun(entries: impl IntoIterator<Item = RecordEntry>) -> Vec<RecordEntry> {
    [RecordEntry::Intent(intent())].into_iter().chain(entries).collect()
}

/// An outcome with an error of this charge.
fn failed(kind: ErrorKind, charge: Charge) -> Outcome {
    Outcome { charge, error: Some(report(kind, charge)), ..outcome() }
}

/// One with the task that it leaves.
fn with_task(kind: ErrorKind, charge: Charge, status: Option<u16>) -> Outcome {
    let mut error = report(kind, charge);
    (error.task, error.status) = (Some(task()), status);
    Outcome { charge, error: Some(error), ..outcome() }
}

fn bought(saved_images: &[u32]) -> Outcome {
    let images = saved_images.iter().map(|index| saved(*index, Path::new("/out/ark.png"))).collect();
    Outcome { charge: Charge::Yes, images, ..outcome() }
}

fn told(mut outcome: Outcome) -> Outcome {
    outcome.sidecar = Some(Location::File("/out/ark-0.json".into()));
    outcome
}

fn lacking(mut outcome: Outcome, url: Option<&str>) -> Outcome {
    let failure = ImageFailure::new(1, ErrorKind::Transport, "it broke off");
    outcome.failures.push(match url {
        Some(url) => failure.with_url(url, None),
        None => failure,
    });
    outcome
}

#[test]
fn a_record_stays_where_only_it_tells_of_something() {
    use Charge::{No, Unknown, Yes};
    use ErrorKind::{Cancelled, NoImages, RateLimited, TaskFailed, Timeout, Transport};

    let accepted = || RecordEntry::Accepted { task: task() };
    let two = || answered(&["https://a/0", "https://a/1"]);
    let second = |first: RecordEntry, then: RecordEntry| begun([first, RecordEntry::Intent(attempt(2)), then]);
    let cases = [
        ("nothing was sent", begun([NOT_SENT]), failed(Transport, No), false),
        ("it was refused for nothing", begun([refused(No)]), failed(RateLimited, No), false),
        ("each attempt cost nothing", second(refused(No), NOT_SENT), failed(Transport, No), false),
        ("the store was not told of the end, which cost nothing", begun([]), failed(Transport, No), false),
        ("nothing is known of what was sent", begun([]), failed(Transport, Unknown), true),
        ("it may have been billed", begun([refused(Unknown)]), failed(Transport, Unknown), true),
        ("the record says that it may have been billed", begun([refused(Unknown)]), failed(Transport, No), true),
        ("no sidecar tells whether it was", begun([refused(Unknown)]), told(failed(Transport, Unknown)), true),
        (
            "the first attempt may have been billed",
            second(refused(Unknown), NOT_SENT),
            told(failed(Transport, No)),
            true,
        ),
        ("so may one without an end", begun([RecordEntry::Intent(attempt(2)), two()]), told(bought(&[0, 1])), true),
        ("so may a task before another attempt", second(accepted(), two()), told(bought(&[0, 1])), true),
        ("so may a response before another attempt", second(two(), two()), told(bought(&[0, 1])), true),
        ("a refusal that was billed is an error to look into", begun([refused(Yes)]), failed(Transport, Yes), true),
        ("which a sidecar tells of", begun([refused(Yes)]), told(failed(Transport, Yes)), false),
        ("a task is to be collected", begun([accepted()]), with_task(Timeout, Unknown, None), true),
        ("whatever a sidecar says", begun([accepted()]), told(with_task(Timeout, Unknown, None)), true),
        ("even one that is billed already", begun([accepted()]), told(with_task(Timeout, Yes, None)), true),
        ("one that the error does not name", begun([accepted()]), told(failed(Timeout, Yes)), true),
        ("one of which the record does not know", begun([]), told(with_task(Timeout, Yes, None)), true),
        ("the caller cancelled: the task goes on", begun([accepted()]), told(with_task(Cancelled, Yes, None)), true),
        ("the provider cancelled", begun([accepted()]), with_task(Cancelled, No, Some(200)), false),
        ("the task failed for nothing", begun([accepted()]), with_task(TaskFailed, No, None), false),
        ("the task failed and was billed", begun([accepted()]), with_task(TaskFailed, Yes, None), true),
        ("which a sidecar tells of", begun([accepted()]), told(with_task(TaskFailed, Yes, None)), false),
        ("it may have been billed", begun([accepted()]), told(with_task(TaskFailed, Unknown, None)), true),
        ("the task brought its images", begun([accepted(), two()]), bought(&[0, 1]), false),
        ("the record missed that they came", begun([accepted()]), bought(&[0, 1]), false),
        ("every image was saved", begun([two()]), bought(&[1, 0]), false),
        ("one was not", begun([two()]), bought(&[0]), true),
        ("which a sidecar tells of", begun([two()]), told(bought(&[0])), false),
        ("one has a URL", begun([answered(&["https://a/0"])]), lacking(bought(&[0]), Some("https://a/1")), true),
        ("one was never made", begun([answered(&["https://a/0"])]), lacking(bought(&[0]), None), false),
        ("a sidecar has the URL", begun([two()]), told(lacking(bought(&[0]), Some("https://a/1"))), false),
        ("a response without images is to be looked into", begun([answered(&[])]), failed(NoImages, Unknown), true),
        ("which a sidecar tells of", begun([answered(&[])]), told(failed(NoImages, Unknown)), false),
        ("it cost nothing", begun([answered(&[])]), failed(NoImages, No), false),
        (
            "what else is on record does not matter",
            begun([two(), image(0, "/out/0"), unknown()]),
            bought(&[0, 1]),
            false,
        ),
        ("nor that it ended before", begun([two(), ended(unclear())]), bought(&[0, 1]), false),
    ];
    for (case, entries, outcome, expected) in cases {
        assert_eq!(is_needed(&entries, &outcome), expected, "{case}: {outcome:?}");
    }
}
