//! Collects a task: it is polled where it was accepted, and never submitted.

use std::sync::Arc;

use seedream_core::{Charge, Operation, Result, Task, TaskId};

use super::{client_struct::Client, new_sender::mirrors};
use crate::{
    driver::{self, ExpectedBody},
    endpoint::Endpoint,
    job::JobContext,
    provider::EventStream,
};

impl Client {
    /// A task of this client's provider and endpoint of which only the id is known. Its model is empty.
    pub fn task(&self, id: TaskId) -> Task {
        Task::new(&self.0.dialect.descriptor().id, self.base_url(), id, "".into())
    }

    /// The events of a task, which is polled and never submitted.
    pub(super) fn collected(&self, task: Task, context: JobContext) -> Result<EventStream> {
        let dialect = self.0.dialect.clone();
        let id = dialect.descriptor().id.clone();
        let kept = task.clone();
        let (seed, endpoints) = (self.0.random.next(), self.endpoints_of(&task.endpoint));
        let opened = Operation::resume(dialect, task, self.0.policy.clone(), seed).and_then(|operation| {
            let endpoints = endpoints?;
            let operation = operation.with_mirrors(mirrors(&endpoints));
            context.serve(Some(self));
            let sender = self.sender(endpoints, &context);
            Ok(driver::events(operation, sender, ExpectedBody::Poll, &kept.model, context, None))
        });
        // Nothing was bought here; what the task costs is as open as before.
        opened.map_err(|error| error.with_provider(id).with_task(kept).with_charge(Charge::Unknown))
    }

    /// The endpoints for polls: first the one that accepted the task, then the others of this client.
    fn endpoints_of(&self, base_url: &str) -> Result<Arc<[Endpoint]>> {
        if base_url == self.base_url() {
            return Ok(self.0.endpoints.clone());
        }
        let known = self.0.endpoints.iter().find_map(|endpoint| endpoint.for_task(base_url).ok());
        let home = known.map_or_else(|| self.endpoint().for_task(base_url), Ok)?;
        let others = self.0.endpoints.iter().filter(|endpoint| endpoint.base_url() != home.base_url()).cloned();
        Ok(std::iter::once(home.clone()).chain(others).collect())
    }
}
