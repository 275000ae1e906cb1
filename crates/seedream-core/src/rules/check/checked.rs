//! Checked requests, and the strictness of a check.

use serde::{Deserialize, Serialize};

use super::wire_size::WireSize;
use crate::{Amount, Error, ErrorKind, ImageRequest, ModelId, Price, ProviderId, Result, Warning};

/// The treatment of a request that violates a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// The request is refused before a byte is sent.
    #[default]
    Strict,
    /// The request is sent without the fields that the provider refuses; other violations become warnings. This sends values that only a
    /// page of another party forbids ([`Violation::stated_by`](crate::Violation::stated_by)).
    Lenient,
    /// The request is sent unchanged; violations become warnings.
    Off,
}

/// A request that was checked against one provider's rules. Only [`Capabilities::check`](crate::Capabilities::check) creates one, so an unchecked request cannot be
/// encoded.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(super) provider: ProviderId,
    pub(super) model: ModelId,
    pub(super) request: ImageRequest,
    pub(super) size: Option<WireSize>,
    pub(super) ceiling: u32,
    pub(super) layered: u32,
    pub(super) price: Option<Price>,
    pub(super) most: Option<Amount>,
    pub(super) warnings: Vec<Warning>,
}

impl Checked {
    /// The provider whose rules it was checked against.
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The model id to send.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The request to send, without omitted fields.
    pub fn request(&self) -> &ImageRequest {
        &self.request
    }

    /// The size in this provider's spelling; `None` for its default.
    pub fn size(&self) -> Option<&WireSize> {
        self.size.as_ref()
    }

    /// The most images that can be billed.
    pub fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The most images of a request for layers (`layer_decomposition` in `extra`), independent of its other fields; 0 for any other
    /// request.
    pub fn layered(&self) -> u32 {
        self.layered
    }

    /// The published price of an image.
    pub fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }

    /// The maximum cost of this request at the published price.
    pub fn most(&self) -> Option<&Amount> {
        self.most.as_ref()
    }

    /// The warnings of the check.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Converts into the warnings, after acceptance.
    pub(crate) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Verifies that the request was checked against the rules of `provider`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it was checked for another provider: a bug of the caller.
    pub fn belongs_to(&self, provider: &str) -> Result<()> {
        if self.provider == provider {
            return Ok(());
        }
        let message = format!("this request was checked for {}, not for {provider}", self.provider);
        Err(Error::new(ErrorKind::Config, message))
    }
}
