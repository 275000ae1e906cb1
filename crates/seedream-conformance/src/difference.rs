//! Collects what differs, so that a failure names everything at once.

use std::fmt::Debug;

use crate::Failure;

/// What differs so far.
#[derive(Debug, Default)]
pub(crate) struct Differences(Vec<String>);

impl Differences {
    /// Compares two values under a name.
    pub(crate) fn same<T: PartialEq + Debug>(&mut self, name: &str, expected: &T, seen: &T) {
        if expected != seen {
            self.0.push(format!("{name}: expected {expected:?}, saw {seen:?}"));
        }
    }

    /// Compares a value that is only sometimes stated.
    pub(crate) fn stated<T: PartialEq + Debug>(&mut self, name: &str, expected: Option<&T>, seen: Option<&T>) {
        if let Some(expected) = expected
            && seen != Some(expected)
        {
            self.0.push(format!("{name}: expected {expected:?}, saw {seen:?}"));
        }
    }

    /// Adds a line unless something holds.
    pub(crate) fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.0.push(otherwise());
        }
    }

    /// Adds what a part found, under a name.
    pub(crate) fn within(&mut self, name: &str, part: Result<(), Failure>) {
        if let Err(failure) = part {
            self.0.extend(failure.lines().iter().map(|line| format!("{name}: {line}")));
        }
    }

    pub(crate) fn into_result(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::of(self.0)) }
    }
}
