//! Amounts of money and credits, and published prices.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{Source, Tier};

/// An amount of money or credits, in millionths, so that sums are exact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    /// Millionths of the unit.
    pub micros: i64,
    /// `USD`, `credits`, …
    pub unit: Cow<'static, str>,
}

impl Amount {
    /// Creates an amount from millionths of a unit.
    pub const fn micros(micros: i64, unit: &'static str) -> Self {
        Self { micros, unit: Cow::Borrowed(unit) }
    }

    /// Converts a number to the nearest millionth; `None` if it is not finite or out of range.
    pub fn from_number(number: f64, unit: &'static str) -> Option<Self> {
        let micros = (number * 1e6).round();
        // Up to this limit every whole number is exact.
        (micros.abs() <= 9e15).then(|| Self::micros(micros as i64, unit))
    }

    /// Multiplies the amount; `None` on overflow.
    pub fn times(&self, count: u32) -> Option<Self> {
        Some(Self { micros: self.micros.checked_mul(count.into())?, unit: self.unit.clone() })
    }

    /// Adds two amounts; `None` if the units differ, or on overflow.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let micros = self.micros.checked_add(other.micros).filter(|_| self.unit == other.unit)?;
        Some(Self { micros, unit: self.unit.clone() })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, micros) = (if self.micros < 0 { "-" } else { "" }, self.micros.unsigned_abs());
        let fraction = format!("{:06}", micros % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction} {}", micros / 1_000_000, self.unit)
    }
}

/// The published price of a model at a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Price {
    /// The price of an image by tier; an entry without tiers is for all others.
    pub images: Vec<ImagePrice>,
    /// The price of a reference image, if it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Amount>,
    /// The source of the price.
    pub source: Source,
}

/// The price of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePrice {
    /// The tiers with this price; empty for every tier without its own entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The price.
    pub amount: Amount,
}

impl Price {
    /// Creates a price by tier.
    pub fn by_tier(images: impl IntoIterator<Item = (&'static [Tier], Amount)>, source: Source) -> Self {
        let images = images.into_iter().map(|(tiers, amount)| ImagePrice { tiers: tiers.to_vec(), amount }).collect();
        Self { images, reference: None, source }
    }

    /// Creates a price of an image of any size.
    pub fn flat(amount: Amount, source: Source) -> Self {
        Self { images: vec![ImagePrice { tiers: Vec::new(), amount }], reference: None, source }
    }

    /// Sets the price of a reference image.
    #[must_use]
    pub fn with_reference(mut self, amount: Amount) -> Self {
        self.reference = Some(amount);
        self
    }

    /// The maximum cost of these images and references at this tier, or at the most expensive tier if it is unknown. `None` if the
    /// amounts cannot be added.
    pub fn most(&self, images: u32, references: u32, tier: Option<Tier>) -> Option<Amount> {
        let named = self.images.iter().find(|price| tier.is_some_and(|tier| price.tiers.contains(&tier)));
        let others = || self.images.iter().filter(|price| tier.is_none() || price.tiers.is_empty());
        let dearest = named.or_else(|| others().max_by_key(|price| price.amount.micros));
        let images =
            dearest.or_else(|| self.images.iter().max_by_key(|price| price.amount.micros))?.amount.times(images)?;
        match &self.reference {
            Some(reference) if references > 0 => images.plus(&reference.times(references)?),
            _ => Some(images),
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<_> = self
            .images
            .iter()
            .map(|price| {
                let tiers: Vec<_> = price.tiers.iter().map(|tier| tier.as_str()).collect();
                let tiers = if tiers.is_empty() { String::new() } else { format!(" ({})", tiers.join(", ")) };
                format!("{} an image{tiers}", price.amount)
            })
            .collect();
        parts.extend(self.reference.as_ref().map(|amount| format!("{amount} a reference")));
        write!(f, "{} [{}]", parts.join(", "), self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_without_what_is_not_needed() {
        let shown = |number| Amount::from_number(number, "credits").unwrap().to_string();
        assert_eq!(shown(1.8), "1.8 credits");
        assert_eq!(shown(-0.25), "-0.25 credits");
        assert_eq!(shown(3.0), "3 credits");
        assert_eq!(shown(0.000_001), "0.000001 credits");
        assert_eq!((Amount::from_number(f64::NAN, "x"), Amount::from_number(1e300, "x")), (None, None));
    }

    #[test]
    fn sums_are_exact_and_of_one_unit() {
        let tenth = Amount::from_number(0.1, "USD").unwrap();
        assert_eq!(tenth.times(3), Amount::from_number(0.3, "USD"));
        assert_eq!(tenth.plus(&Amount::micros(1, "credits")), None);
        assert_eq!(Amount::micros(i64::MAX, "USD").times(2), None);
    }

    #[test]
    fn the_most_is_that_of_the_tier_or_of_the_most_expensive_one() {
        let cents = |cents: i64| Amount::micros(cents * 10_000, "USD");
        let price = Price::by_tier([(&[Tier::K1][..], cents(2)), (&[Tier::K2], cents(3))], Source::derived("a test"))
            .with_reference(cents(1));
        assert_eq!(price.most(4, 2, Some(Tier::K1)), Some(cents(10)));
        assert_eq!(price.most(4, 0, None), Some(cents(12)));
        assert_eq!(price.most(1, 0, Some(Tier::K4)), Some(cents(3)));
        assert_eq!(
            price.to_string(),
            "0.02 USD an image (1K), 0.03 USD an image (2K), 0.01 USD a reference [assumption: a test]"
        );
    }
}
