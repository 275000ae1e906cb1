//! Durations as text (`500ms`, `7s`, `2m`, `25h`, `1h30m`), and times that saturate.

use std::time::{Duration, SystemTime};

use jiff::tz::Offset;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::Serializer;

/// The units, the largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a length of time: with units, or a number of seconds.
pub(crate) fn read(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let with_units = || {
        let span: Span = text.parse().ok()?;
        Duration::try_from(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()
    };
    seconds.or_else(with_units)
}

/// Writes it in the largest unit that divides it.
pub(crate) fn write(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let fitting = UNITS.iter().find(|(_, each)| millis != 0 && millis % each == 0);
    fitting.map_or_else(|| String::from("0s"), |(name, each)| format!("{}{name}", millis / each))
}

/// A later time, at most the last one that a timestamp can hold.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A time in UTC as `20260101T120000Z`: its first eight characters are the day.
pub(crate) fn compact(at: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(at);
    let year = time.year().unsigned_abs();
    let pairs = [(0, (year / 100) as i8), (2, (year % 100) as i8), (4, time.month()), (6, time.day())];
    let mut text = *b"00000000T000000Z";
    for (place, number) in pairs.into_iter().chain([(9, time.hour()), (11, time.minute()), (13, time.second())]) {
        text[place] += number.unsigned_abs() / 10;
        text[place + 1] += number.unsigned_abs() % 10;
    }
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

/// A time of the machine as a timestamp; beyond the years 1 to 9999, the nearest one.
pub(crate) fn timestamp(at: SystemTime) -> Timestamp {
    let end = if at < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(at).unwrap_or(end)
}

/// Serialises a time as RFC 3339, as in `2026-11-20T10:00:00Z`.
pub(crate) fn rfc3339<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&timestamp(*at))
}

/// The serde form of a duration: its text.
pub(crate) mod text {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::write(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom(format!("`{text}` is not a duration such as 500ms, 5s or 1h30m"));
        super::read(&text).ok_or_else(wrong)
    }
}

/// The serde form of a duration that may be absent.
pub(crate) mod optional_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(super::write).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super::text")] Duration);
        Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(time)| time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_and_written() {
        for (text, millis) in [
            ("25h", 90_000_000),
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("1d12h", 129_600_000),
            ("7", 7000),
            ("0.5", 500),
            ("500ms", 500),
            ("0s", 0),
        ] {
            assert_eq!(read(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "h", "1x", "-1s", "-1", "inf", "1mo", "99999999999999999999d", "99999999999999d"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in ["25h", "90m", "7s", "500ms", "0s", "2d"] {
            assert_eq!(write(read(text).unwrap()), text);
        }
    }
}
