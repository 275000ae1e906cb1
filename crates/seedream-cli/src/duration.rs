//! Durations as people write them: `10m`, `90s`, `1h30m`.

use std::time::Duration;

/// Reads numbers with the units `h`, `m`, `s` and `ms`, largest first, each at most once.
///
/// # Errors
/// A sentence that says how to write one.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let wrong = || format!("`{text}` is not a duration: write 90s, 10m or 1h30m");
    let (mut rest, mut units, mut total) = (text.trim(), &UNITS[..], 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, behind) = rest.split_at(digits);
        let length = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(length);
        let place = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let millis = number.checked_mul(units[place].1).ok_or_else(wrong)?;
        total = total.checked_add(millis).ok_or_else(wrong)?;
        (rest, units) = (next, &units[place + 1..]);
    }
    if total == 0 { Err(wrong()) } else { Ok(Duration::from_millis(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1m5s", 65.0), ("250ms", 0.25)] {
            assert_eq!(parse(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "0s", "90", "s", "1.5h", "-5s", "5m1h", "5s5s", "5d", "99999999999999999999s", "5 m"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
