//! The ids of tasks. An id carries its session, because a client that polls sends no header of its own.

use jiff::Timestamp;

use crate::hash;
use crate::request::address::{DEFAULT_SESSION, is_session};

/// How many characters follow the time in an id.
const RANDOM: usize = 8;

/// A new id.
pub(crate) fn new(prefix: &str, now: Timestamp, session: &str, seed: u64, ordinal: u64) -> String {
    let random = hash::number(&[b"task", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    let digit = |n: usize| char::from_digit((random >> (5 * n) & 31) as u32, 32).unwrap_or('0');
    let random: String = (0..RANDOM).map(digit).collect();
    let tail = if session == DEFAULT_SESSION { String::new() } else { format!("-{session}") };
    format!("{prefix}{}-{random}{tail}", now.as_second())
}

/// The session that an id carries; `None` for the default session and for ids of another form.
pub(crate) fn session_of<'i>(prefix: &str, id: &'i str) -> Option<&'i str> {
    let rest = id.strip_prefix(prefix)?;
    let (time, random_and_session) = rest.split_once('-')?;
    // Without a prefix the ids of another provider begin like one.
    if !time.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let session = random_and_session.get(RANDOM..)?.strip_prefix('-')?;
    is_session(session).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "task-unified-";

    #[test]
    fn ids_carry_their_session() {
        let now = Timestamp::from_second(1_757_165_031).unwrap();
        let id = new(PREFIX, now, "blue-2", 0, 7);
        assert!(id.starts_with("task-unified-1757165031-") && id.ends_with("-blue-2"), "{id}");
        assert_eq!(session_of(PREFIX, &id), Some("blue-2"));
        let id = new(PREFIX, now, DEFAULT_SESSION, 0, 7);
        assert_eq!(id.len(), "task-unified-1757165031-".len() + RANDOM);
        assert_eq!(session_of(PREFIX, &id), None);
        assert_eq!(session_of(PREFIX, "task-unified-1757165031-seedream4d"), None);
        let (bare, other) = (new("", now, "blue", 0, 7), new(PREFIX, now, "blue", 0, 7));
        assert_eq!((session_of("", &bare), session_of("", &other)), (Some("blue"), None));
    }
}
