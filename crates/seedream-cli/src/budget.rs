//! Reads an amount of money, credits or images.

use std::borrow::Cow;

use seedream::seedream_core::Amount;
use seedream_ledger::IMAGES;

/// The units, as they are written and as prices have them.
const UNITS: [(&str, &str); 5] =
    [("usd", "USD"), ("cny", "CNY"), ("credits", "credits"), ("images", IMAGES), ("image", IMAGES)];

/// Reads an amount such as `5usd`, `2.50 usd`, `200credits` or `200images`.
///
/// # Errors
/// The number or the unit is not valid, or it is zero or too large.
pub(crate) fn parse(text: &str) -> Result<Amount, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim().to_ascii_lowercase());
    let unit = UNITS.iter().find(|(written, _)| *written == unit).map(|(_, unit)| *unit);
    let unit = unit.ok_or("write a number and a unit: usd, cny, credits or images, such as 5usd or 200images")?;
    let micros = micros(number).ok_or("the number needs digits and at most six decimals, such as 5 or 2.50")?;
    if micros == 0 {
        return Err("a budget of zero allows nothing; write a larger one".to_owned());
    }
    if unit == IMAGES && micros % 1_000_000 != 0 {
        return Err("a budget of images is a whole number".to_owned());
    }
    Ok(Amount { micros, unit: Cow::Borrowed(unit) })
}

/// Millionths of a decimal number, exactly.
fn micros(number: &str) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 6 || fraction.contains('.') {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, shown) in [
            ("5usd", "5 USD"),
            ("2.50 USD", "2.5 USD"),
            ("0.000001usd", "0.000001 USD"),
            ("200credits", "200 credits"),
            ("1image", "1 images"),
            (" 200images ", "200 images"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in
            ["", "5", "usd", "5eur", "-5usd", "0usd", "1.2.3usd", "0.0000001usd", "1.5images", "9999999999999usd"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
