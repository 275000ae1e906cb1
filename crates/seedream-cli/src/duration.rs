//! Durations in flags: `90s`, `10m`, `1h30m`; a number alone is seconds.

use std::time::Duration;

use jiff::SignedDuration;

/// Parses a positive duration: with units, or a number of seconds.
///
/// # Errors
/// A message with examples of valid durations.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let with_units = || Duration::try_from(text.parse::<SignedDuration>().ok()?).ok();
    let duration = seconds.or_else(with_units).filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| format!("`{text}` is not a duration: write 90s, 10m, 1h30m, or a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_positive() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("10m", 600.0),
            ("1h30m", 5400.0),
            ("1m5s", 65.0),
            ("250ms", 0.25),
            ("90", 90.0),
            ("0.5", 0.5),
        ] {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in [
            "",
            "0s",
            "0",
            "-5",
            "inf",
            "NaN",
            "1e99",
            "s",
            "-5s",
            "5m1h",
            "5s5s",
            "5d",
            "99999999999999999999s",
            "soon",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
