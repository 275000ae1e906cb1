//! The client as an [`ImageProvider`].

use std::{
    future::ready,
    pin::Pin,
    sync::{Arc, PoisonError},
};

use async_trait::async_trait;
use seedream_core::{
    Capabilities, Checked, Descriptor, Encoded, Error, ErrorKind, Generation, ImageRequest, ModelId, Operation, Plan,
    Result, Task, Warning,
};
use serde_json::value::RawValue;

use super::{client_struct::Client, new_sender::mirrors};
use crate::{
    driver::{self, ExpectedBody},
    endpoint,
    job::JobContext,
    output::described,
    provider::{EventStream, ImageProvider, Prepared, PreparedForm},
    record::Intent,
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
        Ok(Prepared::new(request, PreparedForm::Encoded { client: self.clone(), encoded }))
    }

    fn open(&self, prepared: Prepared, context: JobContext) -> Result<EventStream> {
        let draft = context.belongs_to_a_job().then(|| self.draft(&prepared)).transpose()?;
        let encoded = match prepared.form {
            PreparedForm::Encoded { encoded, .. } => encoded,
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
            Ok(encoded) => Box::pin(self.send(encoded, JobContext::default(), None).finished()),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

impl Client {
    fn check(&self, request: &ImageRequest) -> Result<Checked> {
        self.rules(&request.model).check(request, self.0.strictness)
    }

    /// The rules of a model. Those of the last are kept: writing them down costs more than checking a request.
    fn rules(&self, model: &ModelId) -> Arc<Capabilities> {
        // Rules are replaced as a whole, so a panic elsewhere leaves them as good as they were.
        let mut last = self.0.rules.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(rules) if rules.requested == *model => rules.clone(),
            _ => last.insert(Arc::new(self.capabilities(model))).clone(),
        }
    }

    fn encode(&self, request: &ImageRequest) -> Result<Encoded> {
        Encoded::new(&*self.0.dialect, self.check(request)?)
    }

    /// What each attempt is recorded with.
    fn draft(&self, prepared: &Prepared) -> Result<Box<Intent>> {
        let owned;
        let checked = match &prepared.form {
            PreparedForm::Encoded { encoded, .. } => encoded.checked(),
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

    pub(crate) fn plan_of(&self, encoded: &Encoded) -> Result<Plan> {
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
        // A gateway counts a group; every layer is billed in any group.
        plan.max_images = plan.max_images.max(checked.layered());
        (plan.price, plan.most) = (checked.price().cloned(), checked.most().cloned());
        Ok(plan)
    }

    /// The events of a checked request, which is sent at the first call of `next`.
    fn send(&self, encoded: Encoded, context: JobContext, draft: Option<Box<Intent>>) -> EventStream {
        let dialect = self.0.dialect.clone();
        let expect = match (dialect.streaming().is_some(), encoded.checked().request().stream) {
            (false, _) => ExpectedBody::Whole,
            (true, Some(true)) => ExpectedBody::Stream,
            (true, _) => ExpectedBody::Either,
        };
        let (policy, seed) = (self.0.policy.clone(), self.0.random.next());
        let (endpoints, model) = (self.0.endpoints.clone(), encoded.checked().model().clone());
        let operation = Operation::submit(dialect, encoded, self.base_url(), policy, seed);
        let operation = operation.with_mirrors(mirrors(&endpoints));
        context.serve(Some(self));
        driver::events(operation, self.sender(endpoints, &context), expect, &model, context, draft)
    }
}
