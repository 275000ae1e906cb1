//! The client as an [`ImageProvider`].

use std::{future::ready, pin::Pin};

use async_trait::async_trait;
use seedream_core::{
    Capabilities, Descriptor, Error, ErrorKind, EventStream, Generation, ImageProvider, ImageRequest, ModelId,
    Operation, Plan, Result, Task,
};
use serde_json::value::RawValue;

use super::{Client, mirrors};
use crate::{
    drive::{self, Expect},
    endpoint,
};

#[async_trait]
impl ImageProvider for Client {
    fn descriptor(&self) -> &Descriptor {
        self.0.dialect.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let mut rules = match &self.0.overrides {
            Some(overrides) => overrides.capabilities(&*self.0.dialect, model),
            None => self.0.dialect.capabilities(model),
        };
        rules.relay = endpoint::is_relay(&*self.0.dialect, self.base_url());
        rules
    }

    fn plan(&self, request: &ImageRequest) -> Result<Plan> {
        let dialect = &self.0.dialect;
        let checked = self.check(request)?;
        let wire = dialect.encode(&checked)?;
        let url = self.endpoint().uri(wire.uri())?.to_string();
        let body = if wire.body().is_empty() { b"null" } else { wire.body().as_ref() };
        let body: Box<RawValue> = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Config, "the adapter wrote a body that is not JSON").with_source(error)
        })?;
        let effective = dialect.effective(&checked);
        let method = wire.method().to_string();
        let mut plan = Plan::new(dialect.descriptor().id, checked.model().clone(), method, url, body);
        plan.effective = effective.body;
        plan.warnings = self.warnings();
        plan.warnings.extend_from_slice(checked.warnings());
        // An adapter may know better than the general rules, but has to say so.
        plan.max_images = if effective.max_images == 0 { checked.ceiling() } else { effective.max_images };
        // A gateway counts a group; every layer is billed whatever the group says.
        plan.max_images = plan.max_images.max(checked.layered());
        (plan.price, plan.most) = (checked.price().cloned(), checked.most().cloned());
        Ok(plan)
    }

    async fn events(&self, request: ImageRequest) -> Result<EventStream> {
        self.open(&request)
    }

    /// Written out: a future that keeps the request would keep it for as long as a task takes.
    fn generate<'a, 'b>(
        &'a self,
        request: ImageRequest,
    ) -> Pin<Box<dyn Future<Output = Result<Generation>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        match self.open(&request) {
            Ok(events) => Box::pin(drive::outcome(events)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    async fn resume(&self, task: Task) -> Result<Generation> {
        drive::outcome(self.resume_events(task)?).await
    }
}

impl Client {
    /// The events of a request that keeps to the rules; it is sent when they are first asked for.
    fn open(&self, request: &ImageRequest) -> Result<EventStream> {
        let checked = self.check(request)?;
        let dialect = self.0.dialect.clone();
        let expect = match (dialect.streaming().is_some(), checked.request().stream) {
            (false, _) => Expect::Whole,
            (true, Some(true)) => Expect::Stream,
            (true, _) => Expect::Either,
        };
        let (policy, seed) = (self.0.policy.clone(), self.0.seeds.next());
        let (places, model) = (self.0.places.clone(), checked.model().clone());
        let operation = Operation::submit(dialect, checked, self.base_url(), policy, seed);
        Ok(drive::events(operation.with_mirrors(mirrors(&places)), self.link(places), expect, &model))
    }
}
