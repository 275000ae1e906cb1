//! A budget of images. What is reserved before a request is sent stays reserved, unless it is certain that less was bought.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A budget of images.
#[derive(Debug)]
pub(crate) struct ImageBudget {
    limit: u32,
    reserved: Mutex<u32>,
}

/// The images that one request may buy. Dropping it keeps them reserved.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation(u32);

impl Reservation {
    pub(crate) fn images(&self) -> u32 {
        self.0
    }
}

/// The budget does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetExceeded {
    pub(crate) wanted: u32,
    pub(crate) reserved: u32,
    pub(crate) limit: u32,
}

impl ImageBudget {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, reserved: Mutex::new(0) }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn reserved(&self) -> u32 {
        *self.lock()
    }

    /// Reserves images, all or none.
    pub(crate) fn reserve(&self, images: u32) -> Result<Reservation, BudgetExceeded> {
        let mut reserved = self.lock();
        match reserved.checked_add(images).filter(|sum| *sum <= self.limit) {
            Some(sum) => {
                *reserved = sum;
                Ok(Reservation(images))
            }
            None => Err(BudgetExceeded { wanted: images, reserved: *reserved, limit: self.limit }),
        }
    }

    /// Keeps so many images of a reservation as were certainly bought. It may be more than were reserved.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is settled once")]
    pub(crate) fn settle(&self, reservation: Reservation, bought: u32) {
        let mut reserved = self.lock();
        *reserved = reserved.saturating_sub(reservation.0).saturating_add(bought);
    }

    fn lock(&self) -> MutexGuard<'_, u32> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_settled_stays_reserved() {
        let budget = ImageBudget::new(5);
        drop(budget.reserve(3));
        let two = budget.reserve(2).unwrap();
        assert_eq!(budget.reserve(1).unwrap_err(), BudgetExceeded { wanted: 1, reserved: 5, limit: 5 });
        budget.settle(two, 1);
        assert_eq!(budget.reserved(), 4);
        let one = budget.reserve(1).unwrap();
        budget.settle(one, 4);
        assert_eq!(budget.reserved(), 8, "more came than was reserved");
        assert!(budget.reserve(1).is_err() && budget.reserve(u32::MAX).is_err());
    }
}
