//! Converts an outcome without images into an error that keeps its failures and usage.

use super::{
    error_struct::{Error, Result},
    kind::{Charge, ErrorKind},
};
use crate::Generation;

impl Generation {
    /// Returns the outcome if it contains an image, otherwise an error with its failures and usage.
    ///
    /// # Errors
    /// [`ErrorKind::NoImages`], with the code of the first failure.
    pub fn or_no_images(self) -> Result<Self> {
        if self.images().next().is_some() {
            return Ok(self);
        }
        let failure = self.failures().next();
        let message = match failure {
            Some(failure) => format!("no image was made: {}", failure.message),
            None => "the response contains no image".to_owned(),
        };
        let code = failure.and_then(|failure| failure.code.clone());
        // Without an image, only the provider's statement can show that nothing was billed.
        let charge = self.charge().min(Charge::Unknown);
        let error = Error::new(ErrorKind::NoImages, message).with_charge(charge);
        let error = match code {
            Some(code) => error.with_code(code),
            None => error,
        };
        let error = error.with_request_id(self.request_id.clone()).with_body(self.raw.clone());
        Err(error.with_generation(self))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::ImageFailure;

    fn failed(index: u32, kind: ErrorKind) -> Result<crate::GeneratedImage, ImageFailure> {
        Err(ImageFailure::new(index, kind, "refused"))
    }

    #[test]
    fn no_image_is_an_error_that_keeps_everything() {
        let mut generation = Generation::new("m".into());
        generation.outcomes = vec![failed(0, ErrorKind::Server), failed(1, ErrorKind::Timeout)];
        generation.raw = Bytes::from_static(b"{}");
        let error = generation.clone().or_no_images().unwrap_err();
        assert_eq!((error.kind(), error.charge()), (ErrorKind::NoImages, Charge::Unknown));
        assert_eq!(error.generation().unwrap().failures().count(), 2);
        assert_eq!(error.body().unwrap().as_ref(), b"{}");
        generation.usage.generated_images = Some(0);
        assert_eq!(generation.or_no_images().unwrap_err().charge(), Charge::No);
    }
}
