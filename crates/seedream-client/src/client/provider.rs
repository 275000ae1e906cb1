//! The client as an [`ImageProvider`].

use std::{future::ready, pin::Pin, sync::Arc};

use async_trait::async_trait;
use seedream_core::{
    Capabilities, Checked, Descriptor, Error, ErrorKind, EventStream, Generation, ImageRequest, ModelId, Operation,
    Plan, Result, Task, Warning,
};
use serde_json::value::RawValue;

use super::{Client, mirrors};
use crate::{
    ImageProvider, Intent, Job, JobContext, Prepared,
    drive::{self, Expect},
    endpoint,
    job::described,
    provider::Form,
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

    fn prepare(&self, request: ImageRequest) -> Result<Prepared> {
        let encoded = self.encode(&request)?;
        Ok(Prepared::new(request, Form::Encoded { client: self.clone(), encoded }))
    }

    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream> {
        let draft = context.belongs_to_a_job().then(|| self.draft(&prepared)).transpose()?;
        let encoded = match prepared.form {
            Form::Encoded { encoded, .. } => encoded,
            _ => self.encode(prepared.request())?,
        };
        Ok(self.send(encoded, context, draft))
    }

    fn open_task(&self, task: Task, context: JobContext) -> Result<EventStream> {
        self.collected(task, context)
    }

    fn client(&self, provider: &str) -> Option<Client> {
        (self.0.dialect.descriptor().id == provider).then(|| self.clone())
    }

    fn job(&self, request: ImageRequest) -> Job {
        Job::new(Arc::new(self.clone()), request)
    }

    fn resume(&self, record: &str) -> Job {
        Job::resumed(Arc::new(self.clone()), record)
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
        match self.encode(&request) {
            Ok(encoded) => Box::pin(drive::outcome(self.send(encoded, JobContext::default(), None))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

impl Client {
    /// A job: the request with a record before each POST, its images saved, one outcome. See [`Job`].
    pub fn job(&self, request: ImageRequest) -> Job {
        ImageProvider::job(self, request)
    }

    /// A job that goes on with the record of one that did not end. See [`ImageProvider::resume`].
    pub fn resume(&self, record: &str) -> Job {
        ImageProvider::resume(self, record)
    }

    fn encode(&self, request: &ImageRequest) -> Result<seedream_core::Encoded> {
        seedream_core::Encoded::new(&*self.0.dialect, self.check(request)?)
    }

    /// What each attempt is recorded with.
    fn draft(&self, prepared: &Prepared) -> Result<Box<Intent>> {
        let owned;
        let checked = match &prepared.form {
            Form::Encoded { encoded, .. } => encoded.checked(),
            _ => {
                owned = self.check(prepared.request())?;
                &owned
            }
        };
        let mut intent = Intent::new("", self.0.dialect.descriptor().id.clone(), checked.model().clone());
        intent.request = described(prepared.request());
        intent.most_images = checked.ceiling().max(checked.layered());
        intent.most_cost = checked.most().cloned();
        Ok(Box::new(intent))
    }

    /// What the user should know before the request is sent.
    pub(crate) fn warnings_of(&self, checked: &Checked) -> Vec<Warning> {
        let mut warnings = self.warnings();
        warnings.extend_from_slice(checked.warnings());
        warnings
    }

    pub(crate) fn plan_of(&self, encoded: &seedream_core::Encoded) -> Result<Plan> {
        let (checked, wire) = (encoded.checked(), encoded.request());
        let url = self.endpoint().uri(wire.uri())?.to_string();
        let text = if wire.body().is_empty() { b"null" } else { wire.body().as_ref() };
        let not_json = |error: serde_json::Error| {
            Error::new(ErrorKind::Config, "the adapter wrote a body that is not JSON").with_source(error)
        };
        let body: Box<RawValue> = serde_json::from_slice(text).map_err(not_json)?;
        let effective = encoded.effective(&*self.0.dialect);
        let method = wire.method().to_string();
        let mut plan = Plan::new(self.0.dialect.descriptor().id.clone(), checked.model().clone(), method, url, body);
        plan.effective = effective.body;
        plan.warnings = self.warnings_of(checked);
        // An adapter may know better than the general rules, but has to say so.
        plan.max_images = effective.max_images.unwrap_or_else(|| checked.ceiling());
        // A gateway counts a group; every layer is billed whatever the group says.
        plan.max_images = plan.max_images.max(checked.layered());
        (plan.price, plan.most) = (checked.price().cloned(), checked.most().cloned());
        Ok(plan)
    }

    /// The events of a request that keeps to the rules; it is sent when they are first asked for.
    fn send(&self, encoded: seedream_core::Encoded, context: JobContext, draft: Option<Box<Intent>>) -> EventStream {
        let dialect = self.0.dialect.clone();
        let expect = match (dialect.streaming().is_some(), encoded.checked().request().stream) {
            (false, _) => Expect::Whole,
            (true, Some(true)) => Expect::Stream,
            (true, _) => Expect::Either,
        };
        let (policy, seed) = (self.0.policy.clone(), self.0.seeds.next());
        let (places, model) = (self.0.places.clone(), encoded.checked().model().clone());
        let operation = Operation::submit(dialect, encoded, self.base_url(), policy, seed);
        let operation = operation.with_mirrors(mirrors(&places));
        context.serve(Some(self));
        drive::events(operation, self.link(places, &context), expect, &model, context, draft)
    }
}
