//! Providers that were asked before and did not take the request.

use std::time::Duration;

use seedream_core::{Attempt, Error, Warning, WarningKind};

/// The providers that did not take a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declined {
    pub(crate) warnings: Vec<Warning>,
    attempts: Vec<Attempt>,
}

impl Declined {
    pub(super) fn add(&mut self, provider: &str, error: &Error) {
        let message = format!("{provider} was tried first and declined ({}): {}", error.kind(), error.message());
        self.warnings.push(Warning::new(WarningKind::FellBack, None, message));
        self.note(provider, error);
    }

    fn note(&mut self, id: &str, error: &Error) {
        if error.attempts().is_empty() {
            let outcome = format!("{id}: not sent: {}", error.message());
            self.attempts.push(Attempt::new(0, Duration::ZERO, "", outcome));
        }
        self.attempts.extend(error.attempts().iter().cloned().map(|mut attempt| {
            attempt.outcome = format!("{id}: {}", attempt.outcome);
            attempt
        }));
    }

    /// The last provider's error, with the attempts of all where there was more than one.
    pub(super) fn seal(mut self, provider: &str, error: Error) -> Error {
        if self.warnings.is_empty() {
            return error;
        }
        self.note(provider, &error);
        for (number, attempt) in (1..).zip(&mut self.attempts) {
            attempt.number = number;
        }
        error.with_attempts(self.attempts)
    }
}
