//! Requests that were checked and encoded.

use seedream_core::{Encoded, Error, ErrorKind, ImageRequest, ModelId, Plan, Result, Warning};

use super::declined_providers::Declined;
use crate::client::Client;

/// A request that was checked and encoded.
#[derive(Clone, Debug)]
pub struct Prepared {
    request: ImageRequest,
    /// What the user should know beside what the plan says.
    warnings: Vec<Warning>,
    pub(crate) form: PreparedForm,
}

/// What a provider made of a request.
#[expect(clippy::large_enum_variant, reason = "nearly every one is encoded")]
#[derive(Clone, Debug)]
pub(crate) enum PreparedForm {
    /// Nothing yet.
    Plain,
    /// It is encoded for a client.
    Encoded { client: Client, encoded: Encoded },
    /// A provider of a list takes it; those before refuse it.
    Chosen { place: usize, declined: Declined, inner: Box<Prepared> },
}

impl Prepared {
    /// A request that a provider takes as it is, for those that are not made of a [`Client`].
    pub fn unchecked(request: ImageRequest) -> Self {
        Self::new(request, PreparedForm::Plain)
    }

    pub(crate) fn new(request: ImageRequest, form: PreparedForm) -> Self {
        Self { request, warnings: Vec::new(), form }
    }

    /// Adds warnings, which the plan and the outcome begin with.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Warning>) -> Self {
        self.warnings = warnings;
        self
    }

    /// The request as the caller made it.
    pub fn request(&self) -> &ImageRequest {
        &self.request
    }

    /// The model id that is sent, as far as it is known.
    pub(crate) fn model(&self) -> &ModelId {
        match &self.form {
            PreparedForm::Plain => &self.request.model,
            PreparedForm::Encoded { encoded, .. } => encoded.checked().model(),
            PreparedForm::Chosen { inner, .. } => inner.model(),
        }
    }

    /// What the user should know, as a plan says it.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        match &self.form {
            PreparedForm::Plain => {}
            PreparedForm::Encoded { client, encoded } => warnings.extend(client.warnings_of(encoded.checked())),
            PreparedForm::Chosen { declined, inner, .. } => {
                warnings.extend_from_slice(&declined.warnings);
                warnings.extend(inner.warnings());
            }
        }
        warnings
    }

    /// What it would send and cost.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has not encoded it.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = match &self.form {
            PreparedForm::Plain => return Err(Error::new(ErrorKind::Unsupported, "this provider makes no plan")),
            PreparedForm::Encoded { client, encoded } => client.plan_of(encoded)?,
            PreparedForm::Chosen { declined, inner, .. } => {
                let mut plan = inner.plan()?;
                plan.warnings.splice(0..0, declined.warnings.iter().cloned());
                plan
            }
        };
        plan.warnings.splice(0..0, self.warnings.iter().cloned());
        Ok(plan)
    }
}
