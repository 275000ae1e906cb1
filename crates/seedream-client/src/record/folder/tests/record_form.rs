//! The form of a record: what is read of it, whatever a crash or a hand did to it.

use std::ops::Range;

use proptest::prelude::*;
use seedream_core::{Charge, ErrorKind};

use super::{
    super::record_text::{self, RecordText, UnreadableRecord},
    support::*,
};
use crate::{Intent, Location, RecordEntry};

/// A record with these entries, of which the durable ones are synced, and where each ends.
fn record(entries: &[RecordEntry]) -> (Vec<u8>, Vec<usize>) {
    let RecordEntry::Intent(first) = &entries[0] else { panic!("{:?}", entries[0]) };
    let (head, end) = record_text::head(first).unwrap();
    let (mut bytes, mut ends, mut synced) = (head[..end].to_vec(), vec![end], end);
    for entry in &entries[1..] {
        let durable = !matches!(
            entry,
            RecordEntry::NotSent { .. }
                | RecordEntry::Refused { .. }
                | RecordEntry::Image { .. }
                | RecordEntry::Unknown(_)
        );
        bytes.extend(record_text::line(entry, durable.then_some(synced as u64)).unwrap());
        ends.push(bytes.len());
        synced = if durable { bytes.len() } else { synced };
    }
    (bytes, ends)
}

fn damaged_line(read: &Result<RecordText, UnreadableRecord>) -> Option<usize> {
    if let Err(UnreadableRecord::Damaged { line, .. }) = read { Some(*line) } else { None }
}

#[test]
fn a_new_record_is_64_kib_of_its_intent_and_spaces() {
    let (text, end) = record_text::head(&intent()).unwrap();
    assert_eq!((text.len(), text[end - 1], *text.last().unwrap()), (64 << 10, b'\n', b'\n'));
    assert!(text[end..text.len() - 1].iter().all(|byte| *byte == b' '));
    let read = record_text::read(&text).unwrap();
    assert_eq!(
        read,
        RecordText { entries: vec![RecordEntry::Intent(intent())], end: end as u64, ..RecordText::default() }
    );
    // A request may be longer than that.
    let long = Intent { request: "x".repeat(70_000).into(), ..intent() };
    let (text, end) = record_text::head(&long).unwrap();
    assert_eq!((text.len(), &text[end - 1..]), (end + 1, &b"\n\n"[..]));
}

#[test]
fn every_kind_of_entry_is_read_as_it_was_written() {
    let entries = every_kind();
    let (bytes, ends) = record(&entries);
    let read = record_text::read(&bytes).unwrap();
    assert_eq!((&read.entries, read.end, &read.torn), (&entries, bytes.len() as u64, &vec![]));
    assert_eq!(read.synced, ends[9] as u64, "the last one says what was synced before it");
}

#[test]
fn a_record_of_this_version_is_read_by_every_later_one() {
    let read = record_text::read(include_bytes!("../../../../tests/records/version-1.job.jsonl")).unwrap();
    assert_eq!(read.entries, every_kind());
}

#[test]
fn a_line_that_is_torn_at_any_byte_loses_no_line_before_it() {
    let all = every_kind();
    for pair in all[1..].windows(2) {
        let entries = [&all[..1], pair].concat();
        let (bytes, ends) = record(&entries);
        for cut in ends[0]..bytes.len() {
            // The end of a line is not needed to read it.
            let whole = ends.iter().filter(|end| **end - 1 <= cut).count();
            // Padding, nothing, or what a disk gives back for bytes that it never wrote.
            let fillers = [&b""[..], b"   \n", b"\0\0\0", b"\0\0\0\n    \n"];
            let read = record_text::read(&[&bytes[..cut], fillers[cut % fillers.len()]].concat()).unwrap();
            assert_eq!(read.entries, entries[..whole], "{cut}");
            let is_blank = |range: &Range<u64>| bytes[range.end as usize..cut].iter().all(|byte| *byte == b' ');
            assert!(read.torn.iter().all(is_blank), "{cut}: {:?}", read.torn);
        }
    }
    let (bytes, ends) = record(&all);
    for cut in 0..ends[0] - 1 {
        assert_eq!(damaged_line(&record_text::read(&bytes[..cut])), Some(1), "{cut}");
    }
}

#[test]
fn a_line_that_was_not_synced_and_is_torn_takes_nothing_with_it() {
    let entries = [RecordEntry::Intent(intent()), NOT_SENT, RecordEntry::Intent(attempt(2))];
    let (bytes, ends) = record(&entries);
    for torn in ends[0]..ends[1] {
        let mut bytes = bytes.clone();
        bytes[torn..ends[1]].fill(b' ');
        let read = record_text::read(&bytes).unwrap();
        // The system stopped while the last one was synced.
        let expected: &[_] = if torn >= ends[1] - 1 { &[0, 1, 2] } else { &[0, 2] };
        assert_eq!(read.entries, expected.iter().map(|at| entries[*at].clone()).collect::<Vec<_>>(), "{torn}");
    }
    let mut bytes = bytes;
    bytes[ends[0]] = b'#';
    let read = record_text::read(&bytes).unwrap();
    assert_eq!((read.entries.len(), read.synced), (2, ends[0] as u64), "it begins where the record was synced up to");
    bytes[ends[0]..ends[0] + 4].copy_from_slice(b"\n  #");
    let range = ends[0] as u64 + 3..ends[1] as u64 - 1;
    assert_eq!(record_text::read(&bytes).unwrap().torn, [range]);
}

#[test]
fn a_line_that_was_synced_and_is_broken_is_damage() {
    let entries =
        [RecordEntry::Intent(intent()), RecordEntry::Accepted { task: task() }, answered(&["https://a.example/0.png"])];
    let (bytes, ends) = record(&entries);
    for at in [ends[0] + 1, ends[0] + 9, ends[1] - 2] {
        let mut bytes = bytes.clone();
        bytes[at] = b'#';
        // Each entry has a line end of its own before it.
        assert_eq!(damaged_line(&record_text::read(&bytes)), Some(3), "{at}");
    }
    // Of a first line, whatever follows.
    let broken = [b"#", &bytes[1..]].concat();
    assert_eq!(damaged_line(&record_text::read(&broken)), Some(1));
    // So is one that is whole and says what this version cannot read, wherever it stands.
    for line in [r#"{"entry":"accepted","task":7}"#, r#"{"kind":"accepted"}"#, r#"{"entry":"image"}"#] {
        let bytes = [&bytes[..ends[0]], line.as_bytes()].concat();
        assert_eq!(damaged_line(&record_text::read(&bytes)), Some(2), "{line}");
    }
    for bytes in [&b""[..], b" \n \0", b"{}", b"[]\n", b"{\"record\":7}", b"\xff"] {
        assert_eq!(damaged_line(&record_text::read(bytes)), Some(1), "{bytes:?}");
    }
    let other = br#"{"record":"seedream-job/2","anything":"else"}"#;
    assert_eq!(record_text::read(other), Err(UnreadableRecord::Format("seedream-job/2".to_owned())));
}

fn charges() -> impl Strategy<Value = Charge> {
    prop_oneof![Just(Charge::No), Just(Charge::Unknown), Just(Charge::Yes)]
}

fn entries() -> impl Strategy<Value = RecordEntry> {
    let text = || any::<String>();
    let locations = prop_oneof![text().prop_map(|path| Location::File(path.into())), text().prop_map(Location::Url)];
    prop_oneof![
        (text(), text(), any::<u32>(), text()).prop_map(|(job, endpoint, attempt, request)| {
            RecordEntry::Intent(Intent { job, endpoint, attempt, request: request.into(), ..intent() })
        }),
        proptest::option::of(charges()).prop_map(|charge| RecordEntry::NotSent {
            error: charge.map(|charge| report(ErrorKind::Transport, charge))
        }),
        (text(), charges()).prop_map(|(message, charge)| {
            let mut error = report(ErrorKind::Balance, charge);
            error.message = message;
            RecordEntry::Refused { error, charge }
        }),
        text().prop_map(|endpoint| {
            let mut task = task();
            task.endpoint = endpoint;
            RecordEntry::Accepted { task }
        }),
        (proptest::collection::vec((any::<u32>(), text()), 0..4), any::<bool>(), proptest::option::of(text()))
            .prop_map(|(images, whole, raw)| {
                let generation = generation(images.iter().map(|(index, at)| url(*index, at)));
                RecordEntry::Answered { generation, whole, raw }
            }),
        (any::<u32>(), locations, text()).prop_map(|(index, location, sha256)| RecordEntry::Image {
            index,
            location,
            sha256
        }),
        (text(), charges(), any::<u64>()).prop_map(|(job, charge, elapsed_ms)| {
            let mut outcome = outcome();
            (outcome.job, outcome.charge, outcome.elapsed_ms) = (job, charge, elapsed_ms);
            ended(outcome)
        }),
        text().prop_map(|text| {
            let mut members = serde_json::Map::new();
            members.insert("entry".to_owned(), "later".into());
            members.insert(format!("x{text}"), text.into());
            RecordEntry::Unknown(members)
        }),
    ]
}

proptest! {
    #[test]
    fn an_entry_of_any_content_is_one_line_and_comes_back(entry in entries(), synced in proptest::option::of(any::<u64>())) {
        // What a newer version wrote is not taken apart.
        let synced = synced.filter(|_| !matches!(entry, RecordEntry::Unknown(_)));
        let line = record_text::line(&entry, synced).unwrap();
        let line = line.strip_prefix(b"\n").and_then(|line| line.strip_suffix(b"\n")).unwrap();
        prop_assert!(!line.contains(&b'\n'));
        prop_assert_eq!(serde_json::from_slice::<RecordEntry>(line).unwrap(), entry);
    }

    #[test]
    fn no_bytes_make_reading_fail_otherwise_than_with_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (head, end) = record_text::head(&intent()).unwrap();
        if let Ok(read) = record_text::read(&[&head[..end], &bytes].concat()) {
            prop_assert_eq!(&read.entries[0], &RecordEntry::Intent(intent()));
        }
    }
}
