//! A request that was checked, and how strictly.

use serde::{Deserialize, Serialize};

use super::size::WireSize;
use crate::{Amount, Error, ErrorKind, ImageRequest, ModelId, Price, ProviderId, Result, Warning};

/// What happens to a request that breaks a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// It is refused before a byte is sent.
    #[default]
    Strict,
    /// It is sent without the fields that the provider refuses, and everything else is a warning. This is the way to send what
    /// only another page than the provider's own rules out ([`Violation::stated_by`]).
    Lenient,
    /// It is sent as it is; what breaks a rule is still a warning.
    Off,
}

/// A request that was checked against one provider's rules: only [`Capabilities::check`] makes one, so that nothing can be
/// encoded unchecked, or with another provider's proof.
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

    /// What is to be sent: the request, without the fields that were left out.
    pub fn request(&self) -> &ImageRequest {
        &self.request
    }

    /// The size in this provider's words; `None` where its default is to hold.
    pub fn size(&self) -> Option<&WireSize> {
        self.size.as_ref()
    }

    /// The most images that this request can cost.
    pub fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The most images that a request for layers (`layer_decomposition` in `extra`) can cost, whatever else it says; 0 where
    /// it asks for none.
    pub fn layered(&self) -> u32 {
        self.layered
    }

    /// What an image costs here, where that is published.
    pub fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }

    /// The most that this request can cost, by the price that is published.
    pub fn most(&self) -> Option<&Amount> {
        self.most.as_ref()
    }

    /// What a user should know before it is sent.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What remains of it once it was accepted.
    pub(crate) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Proves that it was checked against the rules of `provider`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it was another's: a bug of the caller.
    pub fn belongs_to(&self, provider: &str) -> Result<()> {
        if self.provider == provider {
            return Ok(());
        }
        let message = format!("this request was checked for {}, not for {provider}", self.provider);
        Err(Error::new(ErrorKind::Config, message))
    }
}
