//! The provider's own list of models.

use seedream_core::{Charge, Error, ErrorKind, ModelInfo, Result};
use tokio::time::Instant;

use super::client_struct::Client;
use crate::{
    body::base64_stream::BodySyntax,
    driver::SendFailure,
    job::JobContext,
    transport::{Departure, later},
};

impl Client {
    /// The provider's own list of models. Costs nothing, and is tried once.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the provider has none; otherwise what became of the request.
    ///
    /// # Cancel safety
    /// It may be dropped and called again: a poll costs nothing.
    pub async fn models(&self) -> Result<Vec<ModelInfo>> {
        let id = &self.0.dialect.descriptor().id;
        let listed = self.list().await;
        listed.map_err(|error| error.with_provider(id).with_charge(Charge::No))
    }

    async fn list(&self) -> Result<Vec<ModelInfo>> {
        let dialect = &self.0.dialect;
        let Some(catalog) = dialect.catalog() else {
            return Err(Error::new(ErrorKind::Unsupported, "this provider has no list of models"));
        };
        let until = later(Instant::now(), self.0.policy.poll_timeout.min(self.0.policy.deadline));
        let sender = self.sender(self.0.endpoints.clone(), &JobContext::default());
        let incoming = sender
            .send(0, catalog.models_request(), until, &Departure::default())
            .await
            .map_err(SendFailure::into_error)?;
        let response =
            incoming.whole(&[], BodySyntax::Json).await.map_err(|(partial, error)| error.with_body(partial.body))?;
        catalog.decode_models(&response)
    }
}
