//! Continues a job that did not end: what was bought is collected, and nothing is bought.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use seedream_core::{
    Charge, Error, ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, Task, Warning, WarningKind,
};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;

use super::{
    context::JobContext,
    control::Control,
    event::JobEvent,
    outcome::{JobError, Outcome},
    running::{Followed, RunningJob, delivered},
};
use crate::{
    disk::{self, image_file, on_disk},
    output::{self, FinishedPurchase, FolderOutput, ImageLabel, Location, Output, RequestSummary, SavedImage, Sidecar},
    provider::ImageProvider,
    record::{FolderStore, History, JobStore, NoStore},
};

/// With what a job is resumed.
pub(super) struct ResumeOptions {
    pub(super) provider: Arc<dyn ImageProvider>,
    pub(super) store: Option<Arc<dyn JobStore>>,
    pub(super) output: Option<Arc<dyn Output>>,
    pub(super) sidecar: bool,
    pub(super) at: Option<String>,
    pub(super) control: Control,
    pub(super) started: Instant,
}

/// Goes on with a record, or with a sidecar that names images that were not saved.
pub(super) async fn resume(
    record: &str,
    options: ResumeOptions,
    tell: impl FnMut(JobEvent) + Send,
) -> Result<Outcome, JobError> {
    let path = Path::new(record);
    if options.store.is_none() && path.extension().is_some_and(|extension| extension == "json") {
        return of_sidecar(path, options, tell).await;
    }
    let (folder, provider) = (disk::parent(path).to_owned(), &options.provider);
    let store = options.store.clone().unwrap_or_else(|| Arc::new(FolderStore::new(&folder)));
    let (history, open) = match store.open(record).await {
        Ok(opened) => opened,
        Err(refusal) => return Err(JobError::new(refusal.into(), record)),
    };
    let Some(intent) = history.intent().cloned() else {
        let error = Error::new(ErrorKind::Config, format!("{record} holds no intent: it is no record of a job"));
        return Err(JobError::new(error, record));
    };
    if provider.client(&intent.provider).is_none() {
        let message = format!("{record} is of {}, and this job has no client of it", intent.provider);
        return Err(JobError::new(Error::new(ErrorKind::Config, message).with_charge(history.charge()), record));
    }
    // Images that wait in the spool of such an output would be left out.
    if let (Some(place), None) = (&intent.place, options.output.as_ref().and_then(|output| output.place())) {
        let message = format!("the images of {record} go to {place}: resume it with that output (--out {place})");
        return Err(JobError::new(Error::new(ErrorKind::Config, message).with_charge(history.charge()), record));
    }
    let mut outcome = Outcome::new(&intent.job, intent.purchase);
    (outcome.provider, outcome.endpoint) = (intent.provider.clone(), intent.endpoint.clone());
    outcome.model = intent.model.to_string();
    outcome.begun_at = intent.begun_at;
    let output = options
        .output
        .clone()
        .unwrap_or_else(|| Arc::new(FolderOutput::of_record(&folder, intent.names.as_deref(), intent.begun_at)));
    let at = options.at.clone();
    let mut running = options.running(outcome, store, output, tell);
    running.sidecar = running.sidecar.map(|_| (Some(intent.request.clone()), None));
    running.label.request = RequestSummary::described(intent.model.as_str(), &intent.request);
    running.context.take_over(open, &intent).await;
    match (history.answered(), history.task()) {
        (Some(generation), task) => {
            let mut generation = generation;
            if !history.is_whole() {
                let message = "the process ended while the response arrived: what had arrived is kept";
                generation.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
            }
            let task = task.cloned();
            let kept = running.kept(&history, &generation).await;
            running.fetch_all(generation, kept, task).await
        }
        (None, Some(task)) => {
            let mut task = task.clone();
            task.endpoint = at.unwrap_or(task.endpoint);
            running.collect(task).await
        }
        (None, None) => Err(running.nothing(&history).await),
    }
}

/// Fetches what a sidecar names and does not have, and puts it into the sidecar.
async fn of_sidecar(
    path: &Path,
    options: ResumeOptions,
    tell: impl FnMut(JobEvent) + Send,
) -> Result<Outcome, JobError> {
    let shown = path.display().to_string();
    let failed = |message: String| JobError::new(Error::new(ErrorKind::Storage, message), &shown);
    let from = path.to_owned();
    let text = on_disk(move || fs::read_to_string(from)).await;
    let text = text.map_err(|error| failed(format!("{shown} cannot be read: {error}")))?;
    let Sidecar { asked, planned, names, outcome: before, .. } = Sidecar::read(&text)
        .map_err(|message| failed(format!("{shown} is not a metadata file of a job: {message}")))?;
    let mut generation = Generation::new(before.model.as_str().into());
    let missing = before.failures.iter().filter_map(|failure| {
        let (url, expires_at) = (failure.url.clone()?, failure.expires_at);
        Some(GeneratedImage::new(failure.index, ImageData::Url { url, expires_at }))
    });
    generation.outcomes = missing.map(Ok).collect();
    let output = options
        .output
        .clone()
        .unwrap_or_else(|| Arc::new(FolderOutput::of_record(disk::parent(path), names.as_deref(), before.begun_at)));
    let mut outcome = Outcome::new(&before.job, before.purchase);
    (outcome.provider, outcome.model) = (before.provider.clone(), before.model.clone());
    let mut running = options.running(outcome, Arc::new(NoStore), output.clone(), tell);
    running.label.request = RequestSummary::described(&before.model, asked.as_ref().unwrap_or(&Value::Null));
    let images: Vec<_> = generation.images().cloned().collect();
    let saved = running.fetched(images).await;

    let mut after = before.clone();
    for image in &saved {
        match image {
            Ok(image) => {
                after.failures.retain(|failure| failure.index != image.index);
                after.images.push(image.clone());
            }
            Err(failure) => {
                if let Some(old) = after.failures.iter_mut().find(|old| old.index == failure.index) {
                    *old = failure.clone();
                }
            }
        }
    }
    after.images.sort_by_key(|image| image.index);
    after.charge = after.charge.max(Charge::Yes);
    if saved.iter().any(Result::is_ok) {
        let provider = after.provider.clone();
        // Their names last before the metadata says that they are saved.
        let new: Vec<_> = saved.iter().filter_map(|image| image.as_ref().ok().cloned()).collect();
        let mut finished = FinishedPurchase::new(&provider, &before.job, before.purchase, "");
        finished.images = &new;
        let done = output.finish(finished).await;
        let text = Sidecar::new(asked, planned, output.names(), &after).text();
        let to = path.to_owned();
        let written = match (done, text) {
            (Ok(_), Ok(text)) => on_disk(move || image_file::replace(&to, text.as_bytes())).await,
            (Err(error), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
        };
        if let Err(error) = written {
            let message = format!("{shown} cannot be written: {error}; it still names images that are saved now");
            after.warnings.push(Warning::new(WarningKind::NotKept, None, message));
        }
    }
    for image in &mut after.images {
        // The metadata names files of its own folder.
        if let Location::File(file) = &mut image.location
            && file.parent().is_some_and(|parent| parent.as_os_str().is_empty())
            && let Some(folder) = path.parent()
        {
            *file = folder.join(&file);
        }
    }
    after.sidecar = Some(Location::File(path.to_owned()));
    if saved.is_empty() || saved.iter().any(Result::is_ok) {
        return Ok(after);
    }
    let why = after.failures.first().map(|failure| failure.message.clone()).unwrap_or_default();
    let error = Error::new(ErrorKind::Transport, format!("no image was saved: {why}")).with_charge(after.charge);
    Err(JobError::of(error.with_provider(after.provider.clone()), after))
}

impl ResumeOptions {
    fn running<T: FnMut(JobEvent) + Send>(
        &self,
        outcome: Outcome,
        store: Arc<dyn JobStore>,
        output: Arc<dyn Output>,
        tell: T,
    ) -> RunningJob<T> {
        let (job, purchase) = (outcome.job.clone(), outcome.purchase);
        let label =
            ImageLabel { provider: outcome.provider.clone(), job: job.clone(), purchase, ..ImageLabel::default() };
        RunningJob {
            provider: self.provider.clone(),
            context: JobContext::new((job, true), purchase, store, Some(&*output), self.control.clone()),
            control: self.control.clone(),
            output: Some(output),
            label,
            started: self.started,
            outcome,
            tell: Mutex::new(tell),
            sidecar: self.sidecar.then_some((None, None)),
        }
    }
}

impl<T: FnMut(JobEvent) + Send> RunningJob<T> {
    /// The images that are saved and whole.
    async fn kept(&self, history: &History, generation: &Generation) -> Vec<SavedImage> {
        let mut kept = Vec::new();
        for (index, location, sha256) in history.saved() {
            let made = generation.images().find(|image| image.index == index);
            if let Some(image) = made
                && let Some(saved) = output::existing_image(image, location, self.output.as_deref()).await
                && saved.sha256 == sha256
                && kept.iter().all(|other: &SavedImage| other.index != index)
            {
                kept.push(saved);
            }
        }
        kept
    }

    /// Fetches and saves images, what expires first first.
    async fn fetched(&self, mut images: Vec<GeneratedImage>) -> Vec<Result<SavedImage, ImageFailure>> {
        images.sort_by_key(|image| match &image.data {
            ImageData::Url { expires_at, .. } => (*expires_at, image.index),
            _ => (None, image.index),
        });
        if let Some(client) = self.provider.client(&self.outcome.provider) {
            self.context.serve(Some(&client));
        }
        let (arrived, receiver) = unbounded_channel();
        for image in images {
            // The receiver is here.
            drop(arrived.send(image));
        }
        drop(arrived);
        self.save(receiver).await
    }

    async fn fetch_all(
        &mut self,
        generation: Generation,
        kept: Vec<SavedImage>,
        task: Option<Task>,
    ) -> Result<Outcome, JobError> {
        let missing = generation.images().filter(|image| kept.iter().all(|kept| kept.index != image.index));
        let saved = self.fetched(missing.cloned().collect()).await;
        let delivered = generation.images().map(delivered).sum();
        let saved = kept.into_iter().map(Ok).chain(saved).collect();
        self.conclude(Followed { response: Ok(generation), task, failures: Vec::new(), delivered, saved }).await
    }

    /// Images that arrived, and of which the process could not say any more whose they are.
    async fn tell_of_unsaved(&mut self) {
        let Some(folder) = self.output.as_ref().and_then(|output| output.spool()).map(Path::to_owned) else { return };
        let list = on_disk(move || {
            let paths = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
            let mut unsaved: Vec<_> = paths.filter(|path| image_file::is_unsaved(path)).collect();
            unsaved.sort();
            Ok(unsaved)
        });
        let unsaved = list.await.unwrap_or_default();
        if !unsaved.is_empty() {
            let names: Vec<_> = unsaved.iter().map(|path| path.display().to_string()).collect();
            let message =
                format!("these files arrived and were not saved; they may be of this request: {}", names.join(", "));
            self.outcome.warnings.push(Warning::new(WarningKind::Incomplete, None, message));
        }
    }

    /// A record without an image and without a task.
    async fn nothing(&mut self, history: &History) -> JobError {
        let charge = history.charge();
        self.outcome.charge = charge;
        let told = history.outcome().and_then(|outcome| outcome.error.clone());
        let error = match (told, charge) {
            (Some(report), _) => Error::from(report),
            (None, Charge::No) => {
                let message = "nothing was bought: no byte of the request left, or the provider refused it";
                Error::new(ErrorKind::NoImages, message)
            }
            (None, charge) => {
                let message = "the process ended before the response: there is nothing to collect";
                Error::new(ErrorKind::NoImages, message).with_charge(charge)
            }
        };
        let error = error.with_provider(self.outcome.provider.clone());
        self.outcome.error = Some((&error).into());
        if charge != Charge::No {
            self.tell_of_unsaved().await;
        }
        let over = (charge == Charge::No).then(|| self.outcome.clone());
        self.outcome.record = self.context.close(over).await;
        JobError::of(error, self.outcome.clone())
    }
}
