//! The secret in the path of callbacks.

use seedream_core::{Error, ErrorKind, Result};
use subtle::ConstantTimeEq as _;

/// 256 random bits as text.
pub(super) struct CallbackToken(String);

impl CallbackToken {
    pub(super) fn random() -> Result<Self> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Config, "the system gives no random numbers for the path of callbacks")
                .with_source(error)
        })?;
        Ok(Self(crate::disk::hex(&bytes)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where the two differ.
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}
