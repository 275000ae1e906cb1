//! A dialect of which a part is broken.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use seedream_core::{
    Acceptance, Blobs, Capabilities, CatalogDialect, Checked, Decoded, Descriptor, Dialect, Effective, Error, Field,
    GeneratedImage, Generation, ImageFailure, ModelId, ModelInfo, Response, Result, StreamDecoder, StreamDialect,
    StreamItem, Strictness, Task, TaskDialect, TaskState, sse::Frame,
};
use serde_json::{Map, Value};

use super::forget_field;

/// What is done to each part; by itself, nothing.
#[derive(Clone, Copy)]
pub(super) struct AdapterHooks {
    /// The field that is dropped in silence.
    pub(super) forgets: Option<Field>,
    pub(super) rules: fn(&mut Capabilities),
    /// The members of an encoded body, and the request that they say.
    pub(super) body: fn(&mut Map<String, Value>, &Checked),
    pub(super) request: fn(&mut http::Request<Bytes>),
    /// Changes what the gateway makes of a request whose body has these members.
    pub(super) effective: fn(Effective, Map<String, Value>) -> Effective,
    /// Changes the descriptor.
    pub(super) descriptor: fn(&mut Descriptor),
    /// A response, before it is read.
    pub(super) response: fn(&mut Response),
    /// What was read of one image.
    pub(super) image: fn(&mut GeneratedImage),
    /// What was read of one image that failed.
    pub(super) failure: fn(&mut ImageFailure),
    /// What was read of a success.
    pub(super) read: fn(Generation, &Response) -> Result<Generation>,
    /// What was read of a task that was accepted.
    pub(super) accepted: fn(Acceptance, &Response) -> Acceptance,
    /// An error that was read.
    pub(super) failed: fn(Error, &Response) -> Error,
    /// A success in the place of an error.
    pub(super) recovered: fn(&Error) -> Option<Generation>,
    /// What was found of a task.
    pub(super) state: fn(TaskState, &Response) -> TaskState,
    /// Whether an event is read at all.
    pub(super) keeps_event: fn(&Frame) -> bool,
}

impl AdapterHooks {
    pub(super) const NONE: Self = Self {
        forgets: None,
        rules: |_| (),
        body: |_, _| (),
        request: |_| (),
        effective: |effective, _| effective,
        descriptor: |_| (),
        response: |_| (),
        image: |_| (),
        failure: |_| (),
        read: |generation, _| Ok(generation),
        accepted: |acceptance, _| acceptance,
        failed: |error, _| error,
        recovered: |_| None,
        state: |state, _| state,
        keeps_event: |_| true,
    };

    fn success(&self, mut generation: Generation, response: &Response) -> Result<Generation> {
        for outcome in &mut generation.outcomes {
            match outcome {
                Ok(image) => (self.image)(image),
                Err(failure) => (self.failure)(failure),
            }
        }
        (self.read)(generation, response)
    }
}

/// A dialect with hooks.
#[derive(Clone, Debug)]
pub(super) struct BrokenDialect {
    inner: Arc<dyn Dialect>,
    hooks: AdapterHooks,
    descriptor: Descriptor,
    /// Set where the mistake changes something; `None` where that is not watched, since it takes time.
    changed: Option<Arc<AtomicBool>>,
}

impl std::fmt::Debug for AdapterHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdapterHooks")
    }
}

impl BrokenDialect {
    pub(super) fn new(inner: Arc<dyn Dialect>, hooks: AdapterHooks) -> Self {
        let mut descriptor = inner.descriptor().clone();
        (hooks.descriptor)(&mut descriptor);
        Self { inner, hooks, descriptor, changed: None }
    }

    /// Sets a flag where the mistake changes something.
    pub(super) fn watched(mut self, changed: Arc<AtomicBool>) -> Self {
        self.changed = Some(changed);
        self.watch(|| self.inner.descriptor().clone(), &self.descriptor);
        self
    }

    fn watch<T: Debug>(&self, right: impl FnOnce() -> T, broken: &T) {
        if let Some(changed) = self.changed.as_ref().filter(|changed| !changed.load(Ordering::Relaxed)) {
            changed.fetch_or(format!("{:?}", right()) != format!("{broken:?}"), Ordering::Relaxed);
        }
    }

    /// A request as if a field had not been set.
    fn without(&self, request: &Checked, field: Field) -> Result<Checked> {
        let mut request = request.request().clone();
        forget_field::forget(&mut request, field);
        self.capabilities(&request.model).check(&request, Strictness::Off)
    }

    fn changed(&self, response: &Response) -> Response {
        let mut changed = response.clone();
        (self.hooks.response)(&mut changed);
        changed
    }
}

impl Dialect for BrokenDialect {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let mut rules = self.inner.capabilities(model);
        if let Some(field) = self.hooks.forgets {
            forget_field::say_nothing(&mut rules, field);
        }
        (self.hooks.rules)(&mut rules);
        self.watch(|| self.inner.capabilities(model), &rules);
        rules
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        let mut encoded = match self.hooks.forgets {
            Some(field) => self.inner.encode(&self.without(request, field)?)?,
            None => self.inner.encode(request)?,
        };
        if let Ok(Value::Object(members)) = serde_json::from_slice(encoded.body()) {
            let mut changed = members.clone();
            (self.hooks.body)(&mut changed, request);
            if changed != members {
                *encoded.body_mut() = Value::from(changed).to_string().into();
            }
        }
        (self.hooks.request)(&mut encoded);
        let encoded = Ok(encoded);
        self.watch(|| self.inner.encode(request), &encoded);
        encoded
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        let decoded = match self.inner.decode(request, &self.changed(response)) {
            Ok(Decoded::Done(generation)) => self.hooks.success(generation, response).map(Decoded::Done),
            Ok(Decoded::Accepted(acceptance)) => Ok(Decoded::Accepted((self.hooks.accepted)(acceptance, response))),
            Err(error) => match (self.hooks.recovered)(&error) {
                Some(generation) => Ok(Decoded::Done(generation)),
                None => Err((self.hooks.failed)(error, response)),
            },
            other => other,
        };
        self.watch(|| self.inner.decode(request, response), &decoded);
        decoded
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        let effective = (self.hooks.effective)(self.inner.effective(request, members.clone()), members.clone());
        self.watch(|| self.inner.effective(request, members), &effective);
        effective
    }

    fn is_lenient(&self) -> bool {
        self.inner.is_lenient()
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        self.inner.tasks().map(|_| self as &dyn TaskDialect)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        self.inner.streaming().map(|_| self as &dyn StreamDialect)
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        self.inner.catalog().map(|_| self as &dyn CatalogDialect)
    }
}

/// What an ability is asked for that its dialect has.
const HAS: &str = "handed out only where the dialect within has it";

impl TaskDialect for BrokenDialect {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        let inner = self.inner.tasks().expect(HAS);
        let mut request = inner.poll(task)?;
        (self.hooks.request)(&mut request);
        let request = Ok(request);
        self.watch(|| inner.poll(task), &request);
        request
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        let inner = self.inner.tasks().expect(HAS);
        let state = match inner.decode_poll(task, &self.changed(response)) {
            Ok(TaskState::Done(generation)) => match self.hooks.success(generation, response) {
                Ok(generation) => Ok(TaskState::Done(generation)),
                Err(error) => Ok(TaskState::Failed(error)),
            },
            Ok(TaskState::Failed(error)) => Ok(TaskState::Failed((self.hooks.failed)(error, response))),
            Ok(state) => Ok(state),
            Err(error) => Err((self.hooks.failed)(error, response)),
        };
        let state = state.map(|state| (self.hooks.state)(state, response));
        self.watch(|| inner.decode_poll(task, response), &state);
        state
    }
}

impl StreamDialect for BrokenDialect {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        let inner = self.inner.streaming().expect(HAS).decoder(request);
        let right = self.changed.is_some().then(|| self.inner.streaming().expect(HAS).decoder(request));
        Box::new(BrokenDecoder { inner, dialect: self.clone(), right })
    }
}

impl CatalogDialect for BrokenDialect {
    fn models_request(&self) -> http::Request<Bytes> {
        self.inner.catalog().expect(HAS).models_request()
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        let inner = self.inner.catalog().expect(HAS);
        let models = inner.decode_models(&self.changed(response));
        let models = models.map_err(|error| (self.hooks.failed)(error, response));
        self.watch(|| inner.decode_models(response), &models);
        models
    }
}

#[derive(Debug)]
struct BrokenDecoder {
    inner: Box<dyn StreamDecoder>,
    dialect: BrokenDialect,
    /// The decoder as it is, where changes are watched.
    right: Option<Box<dyn StreamDecoder>>,
}

impl StreamDecoder for BrokenDecoder {
    fn event(&mut self, frame: &Frame, blobs: &Blobs) -> Vec<StreamItem> {
        let keeps = (self.dialect.hooks.keeps_event)(frame);
        let items = if keeps { self.inner.event(frame, blobs) } else { Vec::new() };
        if let Some(right) = &mut self.right {
            let right = right.event(frame, blobs);
            self.dialect.watch(|| right, &items);
        }
        items
    }

    fn is_complete(&self) -> bool {
        self.inner.is_complete()
    }

    fn finish(self: Box<Self>, response: &Response) -> Result<Generation> {
        let Self { inner, dialect, right } = *self;
        let finished = match inner.finish(response) {
            Ok(generation) => dialect.hooks.success(generation, response),
            Err(error) => Err((dialect.hooks.failed)(error, response)),
        };
        if let Some(right) = right {
            dialect.watch(|| right.finish(response), &finished);
        }
        finished
    }
}
