//! Amounts of money and credits, and what an image costs where that is published.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{Source, Tier};

/// An amount of money or of credits, to a millionth, so that sums are exact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amount {
    /// Millionths of the unit.
    pub micros: i64,
    /// `USD`, `credits`, …
    pub unit: Cow<'static, str>,
}

impl Amount {
    /// So many millionths of a unit.
    pub const fn micros(micros: i64, unit: &'static str) -> Self {
        Self { micros, unit: Cow::Borrowed(unit) }
    }

    /// The amount of a number as providers write it, to the nearest millionth; `None` where that is no finite number or has no room.
    pub fn from_number(number: f64, unit: &'static str) -> Option<Self> {
        let micros = (number * 1e6).round();
        // Up to here every whole number is exact.
        (micros.abs() <= 9e15).then(|| Self::micros(micros as i64, unit))
    }

    /// So many times this; `None` where that has no room.
    pub fn times(&self, count: u32) -> Option<Self> {
        Some(Self { micros: self.micros.checked_mul(count.into())?, unit: self.unit.clone() })
    }

    /// The sum; `None` where the units differ, or it has no room.
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

/// What a model costs at a provider, where that is published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Price {
    /// What an image costs, by its level; no level stands for all others.
    pub images: Vec<ImagePrice>,
    /// What a reference costs, where it is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Amount>,
    /// Where this was read.
    pub source: Source,
}

/// What one image costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePrice {
    /// The levels of which this is the price; empty for every level that has none of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The price.
    pub amount: Amount,
}

impl Price {
    /// A price of images by level.
    pub fn by_tier(images: impl IntoIterator<Item = (&'static [Tier], Amount)>, source: Source) -> Self {
        let images = images.into_iter().map(|(tiers, amount)| ImagePrice { tiers: tiers.to_vec(), amount }).collect();
        Self { images, reference: None, source }
    }

    /// States what a reference costs.
    #[must_use]
    pub fn with_reference(mut self, amount: Amount) -> Self {
        self.reference = Some(amount);
        self
    }

    /// The most that so many images and references cost: at this level, or at the dearest where it is not known. `None` where the
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
    fn the_most_is_that_of_the_level_or_of_the_dearest() {
        let cents = |cents: i64| Amount::micros(cents * 10_000, "USD");
        let price = Price::by_tier([(&[Tier::K1][..], cents(2)), (&[Tier::K2], cents(3))], Source::derived("a test"))
            .with_reference(cents(1));
        assert_eq!(price.most(4, 2, Some(Tier::K1)), Some(cents(10)));
        assert_eq!(price.most(4, 0, None), Some(cents(12)));
        assert_eq!(price.most(1, 0, Some(Tier::K4)), Some(cents(3)));
        assert_eq!(
            price.to_string(),
            "0.02 USD an image (1K), 0.03 USD an image (2K), 0.01 USD a reference [our guess: a test]"
        );
    }
}
