//! Timestamps.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// A moment in time, in nanoseconds. The text and JSON forms are RFC 3339: `2026-11-20T20:00:00Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The current time of the system clock.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// The moment this many seconds after 1970-01-01T00:00:00Z; `None` beyond the year 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// The whole seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// The moment this much later; `None` beyond the year 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).ok().map(Self)
    }

    /// The duration since an earlier moment; zero if that moment is later.
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }

    /// An HTTP date: `Fri, 20 Nov 2026 20:00:00 GMT`.
    pub(crate) fn from_http_date(text: &str) -> Option<Self> {
        jiff::fmt::rfc2822::parse(text).ok().map(|zoned| Self(zoned.timestamp()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not an RFC 3339 timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimestampError(String);

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        text.parse().map(Self).map_err(|error: jiff::Error| ParseTimestampError(error.to_string()))
    }
}

impl From<SystemTime> for Timestamp {
    /// Moments beyond the years -9999 to 9999 are read as 1970-01-01T00:00:00Z.
    fn from(time: SystemTime) -> Self {
        jiff::Timestamp::try_from(time).map(Self).unwrap_or_default()
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_json_and_seconds_are_the_same_moment() {
        let at: Timestamp = "2026-11-20T20:00:00Z".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-20T20:00:00Z");
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"2026-11-20T20:00:00Z\"");
        assert_eq!(Timestamp::from_unix_seconds(at.unix_seconds()), Some(at));
        assert_eq!(Timestamp::from(SystemTime::from(at)), at);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn durations_do_not_go_below_zero_or_beyond_the_calendar() {
        let at = Timestamp::from_unix_seconds(60).unwrap();
        assert_eq!(at.duration_since(Timestamp::UNIX_EPOCH), Duration::from_secs(60));
        assert_eq!(Timestamp::UNIX_EPOCH.duration_since(at), Duration::ZERO);
        assert_eq!(Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(60)), Some(at));
        assert_eq!(at.checked_add(Duration::MAX), None);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
    }
}
