//! Durations in flags: `90s`, `10m`, `1h30m`.

use std::time::Duration;

use jiff::SignedDuration;

/// Parses a positive duration with units.
///
/// # Errors
/// A message with examples of valid durations.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let duration = parsed.and_then(|signed| Duration::try_from(signed).ok()).filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| format!("`{text}` is not a duration: write 90s, 10m or 1h30m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_are_positive() {
        for (text, seconds) in [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1m5s", 65.0), ("250ms", 0.25)] {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "0s", "90", "s", "-5s", "5m1h", "5s5s", "5d", "99999999999999999999s", "soon"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
