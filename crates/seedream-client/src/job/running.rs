//! A job that runs: its events are followed, its images saved as they arrive, and its outcome put together.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use futures_util::{
    StreamExt as _,
    future::{Either, join, select},
    stream,
};
use seedream_core::{
    Charge, Error, ErrorKind, Event, GeneratedImage, Generation, ImageData, ImageFailure, Pixels, Size, StoredError,
    Task, Warning, WarningKind,
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    context::JobContext,
    control::Control,
    event::JobEvent,
    outcome::{JobError, Outcome},
};
use crate::{
    disk::{self, image_file, on_disk},
    output::{
        self, ExaminedImage, FinishedPurchase, ImageLabel, Output, RequestDescriber, RequestSummary, SavedImage,
        Sidecar,
    },
    provider::{EventStream, ImageProvider, Prepared},
    record::RecordEntry,
};

/// How many images are fetched at a time.
const AT_A_TIME: usize = 3;

/// What is said of an output that the caller gave up: what was to be saved waits where the output gathers it.
const GIVEN_UP: &str = "cancelled before it was saved; the record stays";

/// A job that is under way.
pub(super) struct RunningJob<T> {
    pub(super) provider: Arc<dyn ImageProvider>,
    pub(super) context: JobContext,
    pub(super) control: Control,
    pub(super) output: Option<Arc<dyn Output>>,
    pub(super) label: ImageLabel,
    pub(super) started: Instant,
    pub(super) outcome: Outcome,
    pub(super) tell: Mutex<T>,
    /// The metadata: the request and its plan.
    pub(super) sidecar: Option<(Option<Value>, Option<Value>)>,
}

/// What was followed and saved.
pub(super) struct Followed {
    pub(super) response: Result<Generation, Error>,
    pub(super) task: Option<Task>,
    pub(super) failures: Vec<ImageFailure>,
    /// How many images the provider delivered.
    pub(super) delivered: u32,
    pub(super) saved: Vec<Result<SavedImage, ImageFailure>>,
}

impl<T: FnMut(JobEvent) + Send> RunningJob<T> {
    pub(super) async fn submit(&mut self, prepared: Prepared) -> Result<Outcome, JobError> {
        let request = prepared.request();
        self.outcome.requested = request.requested();
        self.label.asked = asked_size(request.size);
        self.label.request = RequestSummary::of(prepared.model(), request);
        self.outcome.model = prepared.model().to_string();
        self.outcome.warnings.extend(prepared.warnings());
        // A plan is made only where it is written.
        if self.sidecar.is_some() && self.output.is_some() {
            let describer = RequestDescriber::of(request);
            self.sidecar =
                Some((Some(describer.request(request)), prepared.plan().ok().map(|plan| describer.plan(&plan))));
        }
        match self.provider.open(prepared, self.context.clone()) {
            Ok(events) => self.follow_and_save(events, None).await,
            Err(error) => Err(JobError::with(error, self.outcome.clone())),
        }
    }

    /// Collects a task that was accepted earlier.
    pub(super) async fn collect(&mut self, task: Task) -> Result<Outcome, JobError> {
        if self.outcome.model.is_empty() {
            self.outcome.model = task.model.to_string();
        }
        if self.label.request.model.is_empty() {
            self.label.request.model = self.outcome.model.clone();
        }
        self.outcome.endpoint = task.endpoint.clone();
        match self.provider.open_task(task.clone(), self.context.clone()) {
            Ok(events) => {
                self.outcome.warnings.extend(self.context.served().map(|client| client.warnings()).unwrap_or_default());
                self.follow_and_save(events, Some(task)).await
            }
            Err(error) => {
                self.outcome.task = Some(task);
                self.outcome.charge = error.charge();
                self.outcome.record = self.context.record_id().map(str::to_owned);
                Err(JobError::with(error, self.outcome.clone()))
            }
        }
    }

    async fn follow_and_save(&mut self, events: EventStream, task: Option<Task>) -> Result<Outcome, JobError> {
        let (arrived, images) = unbounded_channel();
        let (mut followed, saved) = join(self.follow(events, task, arrived), self.save(images)).await;
        followed.saved = saved;
        self.conclude(followed).await
    }

    pub(super) fn tell(&self, event: JobEvent) {
        (self.tell.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }

    fn tell_trouble(&self) {
        for report in self.context.trouble() {
            self.tell(JobEvent::NotRecorded(report));
        }
    }

    /// Adds what could not be recorded to the warnings of the outcome, each once.
    fn warn_of_trouble(&mut self) {
        for warning in self.context.warnings() {
            if !self.outcome.warnings.contains(&warning) {
                self.outcome.warnings.push(warning);
            }
        }
    }

    /// Listens to the events until their end, and hands images on.
    async fn follow(
        &self,
        mut events: EventStream,
        task: Option<Task>,
        arrived: UnboundedSender<GeneratedImage>,
    ) -> Followed {
        let pending = Err(Error::new(ErrorKind::Transport, "the request ended without an outcome"));
        let mut followed = Followed { response: pending, task, failures: Vec::new(), delivered: 0, saved: Vec::new() };
        let (mut seen, mut cancels) = (HashSet::new(), 0);
        followed.response = loop {
            let event = match select(events.next(), pin!(self.control.cancelled(cancels))).await {
                Either::Left((event, _)) => event,
                Either::Right(_) => {
                    cancels = self.control.cancels();
                    if self.context.served().is_none() {
                        // The provider does not listen to the context.
                        let error = Error::new(ErrorKind::Cancelled, "cancelled by the caller");
                        break Err(error.with_charge(Charge::Unknown));
                    }
                    if cancels == 1 && self.context.is_paying() {
                        self.tell(JobEvent::Waiting);
                    }
                    continue;
                }
            };
            self.tell_trouble();
            match event {
                Some(Ok(Event::Finished(generation))) => break Ok(generation),
                Some(Ok(Event::Image(image))) => {
                    followed.delivered += delivered(&image);
                    seen.insert(image.index);
                    self.tell(JobEvent::Image(image.clone()));
                    // The other end lives as long as this one.
                    drop(arrived.send(image));
                }
                Some(Ok(Event::ImageFailed(failure))) => {
                    self.tell(JobEvent::Failed(failure.clone()));
                    followed.failures.push(failure);
                }
                Some(Ok(Event::Submitted(task))) => {
                    followed.task = Some(task.clone());
                    self.tell(JobEvent::Accepted { task, record: self.context.record_id().map(str::to_owned) });
                }
                Some(Ok(Event::Progress { status, percent })) => self.tell(JobEvent::Progress { status, percent }),
                Some(Ok(Event::Retrying { attempt, wait, kind })) => {
                    self.tell(JobEvent::Retrying { attempt, wait, kind });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(error),
                None => {
                    let error = Error::new(ErrorKind::Transport, "the request ended without an outcome");
                    break Err(error.with_charge(Charge::Unknown));
                }
            }
        };
        // A response may hold images that no event told of.
        let known = followed.response.as_ref().map_or_else(Error::generation, Some);
        for image in known.into_iter().flat_map(Generation::images).filter(|image| !seen.contains(&image.index)) {
            followed.delivered += delivered(image);
            self.tell(JobEvent::Image(image.clone()));
            drop(arrived.send(image.clone()));
        }
        followed
    }

    /// Saves images as they arrive: fetched and looked at side by side, saved in their order, so that numbers follow it.
    pub(super) async fn save(
        &self,
        mut images: UnboundedReceiver<GeneratedImage>,
    ) -> Vec<Result<SavedImage, ImageFailure>> {
        let arrived = stream::poll_fn(move |context| images.poll_recv(context));
        let fetched = arrived.map(|image| async move { (self.fetch_and_examine(&image).await, image) });
        let fetched = fetched.buffered(AT_A_TIME);
        let mut fetched = pin!(fetched);
        let mut saved = Vec::new();
        while let Some((here, image)) = fetched.next().await {
            let Some(output) = &self.output else { continue };
            let mut label = self.label.clone();
            if let Some(client) = self.context.served() {
                label.provider = client.dialect().descriptor().id.clone().into();
            }
            label.attempt = self.context.attempt().unwrap_or_default();
            if let Ok(Some(file)) = here.as_ref().map(|examined| examined.as_ref().and_then(ExaminedImage::file)) {
                label.is_synced = self.context.has_synced(file).await;
                // It came inside the response.
                label.stays = matches!(image.data, ImageData::File(_)) && self.context.record_id().is_some();
            }
            let written = match here {
                Ok(here) => {
                    let written =
                        unless_given_up(&**output, &self.control, output::write(&image, here, &**output, &label)).await;
                    written.unwrap_or_else(|| Err(output::failure(&image, ErrorKind::Cancelled, GIVEN_UP)))
                }
                Err(failure) => Err(failure),
            };
            match &written {
                Ok(saved) => {
                    let (location, sha256) = (saved.location.clone(), saved.sha256.clone());
                    self.context.keep(RecordEntry::Image { index: saved.index, location, sha256 }).await;
                    self.tell(JobEvent::Saved(saved.clone()));
                }
                Err(failure) => {
                    if failure.kind == ErrorKind::Storage {
                        // What follows could not be kept either.
                        self.control.halt("an image could not be saved");
                    }
                    self.tell(JobEvent::Failed(failure.clone()));
                }
            }
            saved.push(written);
        }
        saved
    }

    /// The image on this machine, and what its bytes say; `None` where it is not here, or nothing saves it.
    async fn fetch_and_examine(&self, image: &GeneratedImage) -> Result<Option<ExaminedImage>, ImageFailure> {
        let here = self.fetch(image).await?;
        Ok(if self.output.is_some() { output::examine(here).await } else { None })
    }

    /// The image on this machine.
    async fn fetch(&self, image: &GeneratedImage) -> Result<ImageData, ImageFailure> {
        if self.output.is_none() || !matches!(image.data, ImageData::Url { .. }) {
            return Ok(image.data.clone());
        }
        let Some(client) = self.context.served() else {
            return Err(output::failure(image, ErrorKind::Unsupported, "the provider has nothing that fetches images"));
        };
        let attempt = self.context.attempt();
        let fetching = async {
            if let (Some(output), Some(attempt)) = (&self.output, &attempt)
                && let Some(file) = output.unsaved(attempt, image.index).await
            {
                return Ok(ImageData::File(file));
            }
            match self.output.as_ref().and_then(|output| output.spool()) {
                Some(folder) => client.fetch_into(image, folder).await.map(|image| image.data),
                None => client.fetch(image).await.map(ImageData::Bytes),
            }
        };
        // Cancelled twice, the caller waits for nothing.
        match select(pin!(fetching), pin!(self.control.cancelled(1))).await {
            Either::Left((fetched, _)) => fetched,
            Either::Right(_) => {
                Err(output::failure(image, ErrorKind::Cancelled, "cancelled before the image was fetched"))
            }
        }
    }

    /// Puts together what came, writes the metadata, and closes the record.
    pub(super) async fn conclude(&mut self, followed: Followed) -> Result<Outcome, JobError> {
        let Followed { response, task, failures, mut delivered, saved } = followed;
        let outcome = &mut self.outcome;
        if let Some(client) = self.context.served() {
            outcome.provider = client.dialect().descriptor().id.clone().into();
        }
        if let Some(endpoint) = self.context.endpoint() {
            outcome.endpoint = endpoint;
        }
        let known = response.as_ref().map_or_else(Error::generation, Some);
        let mut failed: BTreeMap<u32, ImageFailure> =
            failures.into_iter().map(|failure| (failure.index, failure)).collect();
        for failure in known.into_iter().flat_map(Generation::failures) {
            failed.entry(failure.index).or_insert_with(|| failure.clone());
        }
        for image in saved {
            match image {
                Ok(image) => outcome.images.push(image),
                Err(failure) => {
                    // The image at its URL is not complete.
                    let cut = failure.kind == ErrorKind::IncompleteImage && failure.url.is_some();
                    delivered = delivered.saturating_sub(u32::from(cut));
                    failed.insert(failure.index, failure);
                }
            }
        }
        outcome.images.sort_by_key(|image| image.index);
        outcome.failures = failed.into_values().collect();
        outcome.delivered = delivered;
        if let Some(known) = known {
            outcome.tell_of(known);
        }
        outcome
            .warnings
            .extend(outcome.images.iter().flat_map(|image| image.warnings.iter().cloned()).collect::<Vec<_>>());
        outcome.charge = match &response {
            Ok(generation) => generation.charge(),
            Err(_) if delivered > 0 => Charge::Yes,
            Err(error) => error.charge(),
        };
        outcome.task = response.as_ref().err().and_then(Error::task).cloned().or(task);
        outcome.attempts = self.context.tried();
        if let Err(error) = &response {
            // Those of providers that were asked in vain are named there.
            if !error.attempts().is_empty() {
                outcome.attempts = error.attempts().to_vec();
            }
            // The outcome has its attempts and images.
            let mut stored = StoredError::from(error);
            (stored.attempts, stored.generation) = (Vec::new(), None);
            outcome.error = Some(stored);
        }
        outcome.generation = known.cloned();
        self.close().await;
        let outcome = self.outcome.clone();
        let has_images = if self.output.is_some() { !outcome.images.is_empty() } else { outcome.delivered > 0 };
        match response {
            _ if has_images => Ok(outcome),
            Err(error) => Err(JobError::of(error, outcome)),
            Ok(generation) => {
                let first = outcome.failures.first();
                let kind = first.map_or(ErrorKind::NoImages, |failure| failure.kind);
                let why = first.map_or("it holds none", |failure| failure.message.as_str());
                let error = Error::new(kind, format!("no image of the response was saved: {why}"));
                let error = error.with_charge(outcome.charge).with_provider(outcome.provider.clone());
                Err(JobError::of(error.with_generation(generation), outcome))
            }
        }
    }

    /// Writes the metadata and closes the record: nothing is forgotten before something else that says it is durable.
    async fn close(&mut self) {
        let mut certain = true;
        self.warn_of_trouble();
        self.outcome.elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(output) = self.output.clone() {
            let outcome = &mut self.outcome;
            let is_open = outcome.error.as_ref().is_some_and(|error| error.task.is_some()) && outcome.images.is_empty();
            let is_worth_it =
                outcome.charge != Charge::No || !outcome.images.is_empty() || !outcome.failures.is_empty();
            let metadata = self.sidecar.take().filter(|_| is_worth_it && !is_open);
            let text =
                metadata.and_then(|(asked, planned)| Sidecar::new(asked, planned, output.names(), outcome).text().ok());
            let attempt = self.context.attempt().unwrap_or_default();
            let purchase = FinishedPurchase {
                provider: &outcome.provider,
                job: &outcome.job,
                purchase: outcome.purchase,
                attempt: &attempt,
                request: self.label.request.clone(),
                images: &outcome.images,
                metadata: text,
            };
            let finished = unless_given_up(&*output, &self.control, output.finish(purchase)).await;
            match finished.unwrap_or_else(|| Err(io::Error::other(GIVEN_UP))) {
                Ok(place) => {
                    outcome.sidecar = place;
                    forget(outcome).await;
                }
                Err(error) => {
                    certain = false;
                    self.control.halt(format!("the metadata cannot be written: {error}"));
                    let message = format!("the metadata beside the images cannot be written: {error}");
                    outcome.warnings.push(Warning::new(WarningKind::NotKept, None, message));
                }
            }
        }
        self.outcome.record = self.context.close(certain.then(|| self.outcome.clone())).await;
        self.tell_trouble();
        self.warn_of_trouble();
    }
}

/// Waits for an output that is not on this machine; `None` once the caller has cancelled twice.
async fn unless_given_up<R>(output: &dyn Output, control: &Control, work: impl Future<Output = R>) -> Option<R> {
    if output.place().is_none() {
        return Some(work.await);
    }
    match select(pin!(work), pin!(control.cancelled(1))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

impl Outcome {
    /// Takes over what a response says.
    fn tell_of(&mut self, known: &Generation) {
        if self.model.is_empty() {
            self.model = known.model.to_string();
        }
        self.reported_model = known.reported_model.clone();
        (self.created, self.request_id) = (known.created, known.request_id.clone());
        (self.billed, self.usage) = (known.billed(), known.usage.clone());
        for warning in &known.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
    }
}

/// Removes the files of images that came inside the response and have lasting names by now.
async fn forget(outcome: &Outcome) {
    let is_saved = |index| outcome.images.iter().any(|image| image.index == index);
    let images = outcome.generation.iter().flat_map(Generation::images).filter(|image| is_saved(image.index));
    let files =
        images.filter_map(|image| if let ImageData::File(file) = &image.data { Some(file.clone()) } else { None });
    let files: Vec<_> = files.filter(|file| image_file::is_unsaved(file) && file.exists()).collect();
    if !files.is_empty() {
        // What cannot be removed stays.
        let remove = move || {
            files.iter().for_each(|file| drop(disk::remove(file)));
            Ok(())
        };
        let _ = on_disk(remove).await;
    }
}

/// How many images an image counts for: an incomplete one was not delivered.
pub(super) fn delivered(image: &GeneratedImage) -> u32 {
    u32::from(!matches!(image.data, ImageData::Incomplete { .. }))
}

fn asked_size(size: Option<Size>) -> Option<Pixels> {
    if let Some(Size::Pixels(pixels)) = size { Some(pixels) } else { None }
}
