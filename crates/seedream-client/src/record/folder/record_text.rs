//! The form of a record: JSON, one entry a line, in padding of spaces.
//!
//! Each entry stands between two line ends of its own, so that a line that was torn by a crash does not take the next one with it. An
//! entry that is synced says up to which byte the record was synced before it: what is broken before there was damaged, and what is
//! broken after it was not yet written to the disk when the system stopped.

use std::ops::Range;

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};

use crate::record::{Intent, RecordEntry};

/// The format that this version writes and reads.
const FORMAT: &str = "seedream-job/1";

/// How long a new record is, in bytes: its intent, and room for what follows.
pub(super) const ROOM: usize = 64 << 10;

/// The longest record that is read.
pub(super) const LONGEST: u64 = 512 << 20;

/// A line.
#[derive(Serialize)]
struct RecordLine<'a> {
    /// The format of the record, in its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'static str>,
    #[serde(flatten)]
    entry: &'a RecordEntry,
    /// How much of the record was synced before this entry, which is synced itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    synced: Option<u64>,
}

/// A new record, and where its first line ends.
pub(super) fn head(intent: &Intent) -> serde_json::Result<(Vec<u8>, usize)> {
    let entry = RecordEntry::Intent(intent.clone());
    let mut text = serde_json::to_vec(&RecordLine { record: Some(FORMAT), entry: &entry, synced: None })?;
    text.push(b'\n');
    let end = text.len();
    text.resize(ROOM.max(end + 1) - 1, b' ');
    text.push(b'\n');
    Ok((text, end))
}

/// An entry as it is written; one that is synced says how much was before it.
pub(super) fn line(entry: &RecordEntry, synced: Option<u64>) -> serde_json::Result<Vec<u8>> {
    let mut text = vec![b'\n'];
    serde_json::to_writer(&mut text, &RecordLine { record: None, entry, synced })?;
    text.push(b'\n');
    Ok(text)
}

/// What a record says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct RecordText {
    /// Its entries.
    pub(super) entries: Vec<RecordEntry>,
    /// Where the next is written.
    pub(super) end: u64,
    /// Up to where it was synced for certain.
    pub(super) synced: u64,
    /// What a crash left of lines that were not synced.
    pub(super) torn: Vec<Range<u64>>,
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnreadableRecord {
    /// It has this format.
    Format(String),
    /// This line is not what a crash leaves; lines are counted from 1.
    Damaged { line: usize, reason: String },
}

/// Reads a record.
pub(super) fn read(bytes: &[u8]) -> Result<RecordText, UnreadableRecord> {
    let mut text = RecordText::default();
    let mut torn: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let start = at;
        at += line.len();
        let is_text = |byte: &u8| !is_blank(*byte);
        let (Some(first), Some(last)) = (line.iter().position(is_text), line.iter().rposition(is_text)) else {
            continue;
        };
        let (line, range) = (&line[first..=last], (start + first) as u64..(start + last + 1) as u64);
        let damaged = |reason: String| UnreadableRecord::Damaged { line: number, reason };
        let members: Map<String, Value> = match serde_json::from_slice(line) {
            Ok(members) => members,
            Err(error) if text.entries.is_empty() => return Err(damaged(error.to_string())),
            Err(error) => {
                text.torn.push(range);
                torn.push((number, error.to_string()));
                continue;
            }
        };
        if text.entries.is_empty() {
            match members.get("record").and_then(Value::as_str) {
                Some(FORMAT) => {}
                Some(other) => return Err(UnreadableRecord::Format(other.to_owned())),
                None => return Err(damaged("it does not name its format".to_owned())),
            }
        }
        let synced = members.get("synced").and_then(Value::as_u64).unwrap_or_default();
        let entry = RecordEntry::deserialize(Value::Object(members)).map_err(|error| damaged(error.to_string()))?;
        text.entries.push(entry);
        text.synced = text.synced.max(synced);
        text.end = at as u64;
    }
    if text.entries.is_empty() {
        return Err(UnreadableRecord::Damaged { line: 1, reason: "it is empty".to_owned() });
    }
    // A line that was torn on its way to the disk was never synced.
    match text.torn.iter().position(|range| range.start < text.synced) {
        Some(first) => {
            let (line, reason) = torn.swap_remove(first);
            Err(UnreadableRecord::Damaged { line, reason })
        }
        None => Ok(text),
    }
}

/// What stands between entries: padding, and what a disk gives back for bytes that it never wrote.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0)
}
