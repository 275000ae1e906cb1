//! What an attempt may cost, and what it cost, in the unit of a budget.

use std::borrow::Cow;

use seedream_client::{Intent, Refusal};
use seedream_core::{Amount, Generation};

/// The unit of a budget that counts images.
pub const IMAGES: &str = "images";

/// How much may be spent.
///
/// Before an attempt is sent, the most that it can cost is held. What was billed takes its place at the end. While an attempt is
/// unknown, its hold stays. A bill above the hold or the limit is recorded as it is, and nothing more is reserved then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The limit: money, credits, or [`IMAGES`].
    pub limit: Amount,
    /// What counts.
    pub period: BudgetPeriod,
}

/// Which attempts count towards a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetPeriod {
    /// Those of the same batch, whenever they were made.
    Batch,
    /// Those that were reserved on the same day in UTC, of all batches.
    Day,
}

impl Budget {
    /// A limit for the attempts of one batch.
    pub fn of_batch(limit: Amount) -> Self {
        Self { limit, period: BudgetPeriod::Batch }
    }

    /// A limit for the attempts of one day in UTC.
    pub fn of_day(limit: Amount) -> Self {
        Self { limit, period: BudgetPeriod::Day }
    }
}

/// The most that an attempt can cost, and what it counts in images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) amount: Amount,
    pub(crate) images: u32,
}

impl Bound {
    /// In the unit of the budget; without one in money, where a price is known, and in images otherwise.
    ///
    /// # Errors
    /// [`Refusal::Budget`] where no price is published in the unit of the budget.
    pub(crate) fn of(images: u32, most: Option<&Amount>, budget: Option<&Budget>) -> Result<Self, Refusal> {
        let unit = budget.map(|budget| &budget.limit.unit);
        let amount = match (unit, most) {
            (Some(unit), _) if unit == IMAGES => in_images(images.into()),
            (Some(unit), Some(most)) if most.unit == *unit => most.clone(),
            (Some(unit), _) => {
                let message = format!(
                    "the budget is in {unit}, and no price in {unit} is known for this request: state the budget in images"
                );
                return Err(Refusal::Budget { message });
            }
            (None, Some(most)) => most.clone(),
            (None, None) => in_images(images.into()),
        };
        Ok(Self { amount, images })
    }

    pub(crate) fn of_intent(intent: &Intent, budget: Option<&Budget>) -> Result<Self, Refusal> {
        Self::of(intent.most_images, intent.most_cost.as_ref(), budget)
    }
}

pub(crate) fn in_images(images: u64) -> Amount {
    let micros = i64::try_from(images).ok().and_then(|images| images.checked_mul(1_000_000)).unwrap_or(i64::MAX);
    Amount { micros, unit: Cow::Borrowed(IMAGES) }
}

/// What a response was billed, and how many images that is: as the provider states it, and the whole bound where it does not.
pub(crate) fn bill(bound: &Bound, generation: &Generation) -> (i64, u64) {
    let stated = generation.billed();
    let images = stated.unwrap_or(bound.images.into());
    if let Some(reserved) = generation.usage.reserved.as_ref().filter(|reserved| reserved.unit == bound.amount.unit) {
        return (reserved.micros, images);
    }
    let most = i128::from(bound.images.max(1));
    let share = (i128::from(bound.amount.micros) * i128::from(images) + most - 1) / most;
    (i64::try_from(share).unwrap_or(i64::MAX), images)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(most: Option<&Amount>, budget: Option<Amount>) -> Result<Amount, Refusal> {
        let budget = budget.map(Budget::of_day);
        Bound::of(3, most, budget.as_ref()).map(|bound| bound.amount)
    }

    #[test]
    fn a_bound_is_in_the_unit_of_the_budget() {
        let usd = |micros| Amount::micros(micros, "USD");
        let images = || in_images(3);
        assert_eq!(bound(None, None).unwrap(), images());
        assert_eq!(bound(Some(&usd(90)), None).unwrap(), usd(90));
        assert_eq!(bound(Some(&usd(90)), Some(in_images(5))).unwrap(), images());
        assert_eq!(bound(Some(&usd(90)), Some(usd(5))).unwrap(), usd(90));
        for most in [None, Some(&Amount::micros(1, "credits"))] {
            assert!(matches!(bound(most, Some(usd(5))), Err(Refusal::Budget { .. })));
        }
    }

    #[test]
    fn a_bill_is_what_the_provider_states() {
        let bound = Bound { amount: Amount::micros(100, "USD"), images: 3 };
        let mut generation = Generation::new("m".into());
        assert_eq!(bill(&bound, &generation), (100, 3), "nothing is stated");
        for (stated, billed) in [(0, 0), (1, 34), (3, 100), (6, 200)] {
            generation.usage.generated_images = Some(stated);
            assert_eq!(bill(&bound, &generation), (billed, stated));
        }
        generation.usage.reserved = Some(Amount::micros(7, "credits"));
        assert_eq!(bill(&bound, &generation), (200, 6));
        generation.usage.reserved = Some(Amount::micros(70, "USD"));
        assert_eq!(bill(&bound, &generation), (70, 6));
    }
}
