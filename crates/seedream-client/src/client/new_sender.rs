//! What sends the requests of a client.

use std::sync::Arc;

use super::client_struct::Client;
use crate::{disk::Spool, driver::RequestSender, endpoint::Endpoint, job::JobContext};

impl Client {
    /// Where images of a job go while they arrive is the job's to say.
    pub(super) fn sender(&self, endpoints: Arc<[Endpoint]>, context: &JobContext) -> RequestSender {
        let spool = context.spool().map(|directory| Spool::new(Some(directory)));
        RequestSender {
            dialect: self.0.dialect.clone(),
            transport: self.0.transport.clone(),
            endpoints,
            user_agent: self.0.user_agent.clone(),
            request_id: self.0.random.request_id(),
            max_response: self.0.max_response,
            max_text: self.0.max_text,
            spool: spool.unwrap_or_else(|| self.0.spool.clone()),
            pacer: self.0.pacer.clone(),
        }
    }
}

/// The base URLs after the first.
pub(super) fn mirrors(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().skip(1).map(|endpoint| endpoint.base_url().to_owned()).collect()
}
