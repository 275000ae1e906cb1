//! One request, from its first event until everything that came of it is on disk.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    pin::pin,
    time::Instant,
};

use futures_util::{StreamExt as _, future::join, stream};
use seedream::{
    Charge, Client, Error, ErrorKind, Event, EventStream, GeneratedImage, Generation, ImageData, ImageFailure, Pixels,
    SaveOptions, Saved, SavedImage, Sidecar, Task,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{cancel::Cancel, output::Console, progress::Line, store};

/// How many pictures are fetched at a time.
const AT_A_TIME: usize = 3;

/// What a run needs beside its events.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Who is asked.
    pub(crate) client: &'a Client,
    /// Where pictures and task files go.
    pub(crate) out: &'a Path,
    /// Where it is told.
    pub(crate) console: &'a Console,
    /// When to stop.
    pub(crate) cancel: &'a Cancel,
    /// Whether every picture is told of as soon as it is saved.
    pub(crate) one_by_one: bool,
    /// The size that was asked for in pixels.
    pub(crate) asked_size: Option<Pixels>,
}

/// A task that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// The task.
    pub(crate) task: Task,
    /// Its file; `None` where there is none.
    pub(crate) file: Option<PathBuf>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What the provider answered, or why it did not.
    pub(crate) answer: Result<Generation, Error>,
    /// How many pictures the provider delivered.
    pub(crate) delivered: u32,
    /// The files, in the order of the answer.
    pub(crate) images: Vec<SavedImage>,
    /// The pictures that were not made, and those that were delivered and could not be saved.
    pub(crate) failures: Vec<ImageFailure>,
    /// The task that was accepted.
    pub(crate) task: Option<Task>,
    /// The same with its file, if it may still hold something.
    pub(crate) left: Option<Accepted>,
}

impl Ended {
    /// Every picture in the order of the answer.
    fn saved(&self) -> Saved {
        let mut outcomes: BTreeMap<u32, Result<SavedImage, ImageFailure>> =
            self.failures.iter().map(|failure| (failure.index, Err(failure.clone()))).collect();
        outcomes.extend(self.images.iter().map(|image| (image.index, Ok(image.clone()))));
        Saved::new(outcomes.into_values().collect())
    }
}

/// What was heard of a request.
struct Followed {
    answer: Result<Generation, Error>,
    delivered: u32,
    failures: Vec<ImageFailure>,
    accepted: Option<Accepted>,
}

impl Run<'_> {
    /// Follows the events to their end and saves pictures as they arrive; `accepted` is the task that is collected.
    pub(crate) async fn through(&self, events: EventStream, accepted: Option<Accepted>) -> Ended {
        let line = Line::new(self.console, self.provider());
        let (arrived, images) = unbounded_channel();
        let (followed, saved) = join(self.follow(events, accepted, arrived, &line), self.save(images, &line)).await;
        let Followed { answer, mut delivered, failures, accepted } = followed;

        let all_saved = saved.iter().all(Result::is_ok);
        let mut failed: BTreeMap<u32, ImageFailure> =
            failures.into_iter().map(|failure| (failure.index, failure)).collect();
        let known = answer.as_ref().map_or_else(Error::generation, Some);
        for failure in known.into_iter().flat_map(Generation::failures) {
            failed.entry(failure.index).or_insert_with(|| failure.clone());
        }
        let mut images = Vec::new();
        for outcome in saved {
            match outcome {
                Ok(image) => images.push(image),
                Err(failure) => {
                    // What was behind its URL is no whole image.
                    let cut = failure.kind == ErrorKind::IncompleteImage && failure.url.is_some();
                    delivered = delivered.saturating_sub(u32::from(cut));
                    drop(failed.insert(failure.index, failure));
                }
            }
        }
        images.sort_by_key(|image| image.index);
        // What failed for nothing and what is saved have nothing left to collect; whatever is in doubt has.
        let settled = match &answer {
            Ok(_) => all_saved,
            Err(error) => error.task().is_none() && error.charge() == Charge::No,
        };
        let task = accepted.as_ref().map(|accepted| accepted.task.clone());
        let left = if settled { self.forget(accepted) } else { accepted };
        Ended { answer, delivered, images, failures: failed.into_values().collect(), task, left }
    }

    /// Writes the sidecar of what may have cost something, and says where it is. Nothing is told of a task that is still to be
    /// collected: its own file says all there is, and its pictures are to have the first numbers.
    pub(crate) async fn note(&self, mut sidecar: Sidecar, ended: &Ended) -> Option<PathBuf> {
        if ended.left.is_some() && ended.images.is_empty() {
            return None;
        }
        if let Some(task) = &ended.task {
            sidecar.task(task);
        }
        sidecar.ended(&ended.answer, &ended.saved());
        if !sidecar.is_worth_a_file() {
            return None;
        }
        match sidecar.write(&SaveOptions::new(self.out, self.provider())).await {
            Ok(path) => Some(path),
            Err(error) => {
                let provider = self.provider();
                self.console.note(&format!("warning: {provider}: the sidecar cannot be written: {error}"));
                None
            }
        }
    }

    fn provider(&self) -> &'static str {
        self.client.dialect().descriptor().id
    }

    async fn follow(
        &self,
        mut events: EventStream,
        accepted: Option<Accepted>,
        arrived: UnboundedSender<GeneratedImage>,
        line: &Line,
    ) -> Followed {
        let pending = Err(Error::new(ErrorKind::Cancelled, "cancelled before anything was sent"));
        let mut followed = Followed { answer: pending, delivered: 0, failures: Vec::new(), accepted };
        if self.cancel.is_asked() {
            return followed;
        }
        let mut seen = HashSet::new();
        // From when on a paid request is under way; none while a task is only asked for.
        let mut paid_from = followed.accepted.is_none().then(Instant::now);
        // How often the user has to say so.
        let mut patience = 1;
        followed.answer = loop {
            let event = tokio::select! {
                // What has arrived is taken before anything is given up.
                biased;
                event = events.next() => event,
                () = self.cancel.asked(patience) => {
                    let under_way = paid_from.is_some_and(|from| from <= Instant::now());
                    if patience == 1 && under_way {
                        // Its answer may be paid for, and nobody else will ever hear it.
                        patience = 2;
                        let provider = self.provider();
                        self.console.note(&format!("{provider}: waiting for the answer, which may be paid; Ctrl-C again gives it up"));
                        continue;
                    }
                    break Err(self.cancelled(&followed, under_way));
                }
            };
            match event {
                Some(Ok(Event::Finished(generation))) => break Ok(generation),
                Some(Ok(Event::Image(image))) => {
                    followed.delivered += delivered(&image);
                    seen.insert(image.index);
                    // The other end lives as long as this one.
                    drop(arrived.send(image));
                }
                Some(Ok(Event::ImageFailed(failure))) => followed.failures.push(failure),
                Some(Ok(Event::Submitted(task))) => {
                    (paid_from, patience) = (None, 1);
                    followed.accepted = Some(self.accepted(task, line).await);
                }
                Some(Ok(Event::Progress { status, percent })) => {
                    line.say(percent.map_or(status.clone(), |percent| format!("{status} {percent}%")));
                }
                Some(Ok(Event::Retrying { attempt, wait, kind })) => {
                    // It was refused: nothing is under way until the next attempt.
                    (paid_from, patience) = (Instant::now().checked_add(wait), 1);
                    let seconds = wait.as_secs_f64();
                    line.say(format!("{kind}: waiting {seconds:.1}s before attempt {attempt}"));
                    if !self.console.is_live() {
                        let provider = self.provider();
                        self.console.note(&format!("{provider}: {kind}: attempt {attempt} follows in {seconds:.1}s"));
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(error),
                None => {
                    let error = Error::new(ErrorKind::Transport, "the run ended without an outcome");
                    break Err(error.with_charge(Charge::Unknown).with_provider(self.provider()));
                }
            }
        };
        // An answer may hold pictures that no event told of.
        let known = followed.answer.as_ref().map_or_else(Error::generation, Some);
        for image in known.into_iter().flat_map(Generation::images).filter(|image| !seen.contains(&image.index)) {
            followed.delivered += delivered(image);
            drop(arrived.send(image.clone()));
        }
        followed
    }

    /// Keeps a task before anything else is done: from here on it is paid for.
    async fn accepted(&self, task: Task, line: &Line) -> Accepted {
        let (provider, id) = (self.provider(), &task.id);
        line.say("accepted");
        match store::keep(self.out, &task).await {
            Ok(path) => {
                if !self.console.is_live() {
                    let cancel = match task.can_cancel {
                        Some(true) => "; the provider says that it can be cancelled",
                        Some(false) => "; the provider says that it cannot be cancelled",
                        None => "",
                    };
                    let kept = path.display();
                    self.console.note(&format!("{provider}: task {id} was accepted and is kept in {kept}{cancel}"));
                }
                Accepted { task, file: Some(path) }
            }
            Err(error) => {
                let message = format!("task {id} was accepted, and its file cannot be written: {error}");
                self.console.note(&format!("warning: {provider}: {message}; write down {provider}:{id}"));
                Accepted { task, file: None }
            }
        }
    }

    fn forget(&self, accepted: Option<Accepted>) -> Option<Accepted> {
        let path = accepted?.file?;
        if let Err(error) = store::forget(&path) {
            let provider = self.provider();
            self.console.note(&format!("warning: {provider}: {} cannot be removed: {error}", path.display()));
        }
        None
    }

    /// What is known when the user stops: what was delivered was paid for, what is under way or accepted may be, and what was
    /// refused before the next attempt was not.
    fn cancelled(&self, followed: &Followed, under_way: bool) -> Error {
        let charge = match followed.delivered {
            0 if !under_way && followed.accepted.is_none() => Charge::No,
            0 => Charge::Unknown,
            _ => Charge::Yes,
        };
        let error = Error::new(ErrorKind::Cancelled, "cancelled while the request was under way");
        let error = error.with_charge(charge).with_provider(self.provider());
        match &followed.accepted {
            Some(accepted) => error.with_task(accepted.task.clone()),
            None => error,
        }
    }

    /// Saves pictures as they arrive: fetched side by side, written in their order, so that numbers follow it.
    async fn save(
        &self,
        mut images: UnboundedReceiver<GeneratedImage>,
        line: &Line,
    ) -> Vec<Result<SavedImage, ImageFailure>> {
        let options = SaveOptions::new(self.out, self.provider()).asked(self.asked_size);
        let arrived = stream::poll_fn(move |context| images.poll_recv(context));
        let fetched = arrived.map(|image| async move { (self.fetch(&image).await, image) }).buffered(AT_A_TIME);
        let mut fetched = pin!(fetched);
        let mut saved = Vec::new();
        while let Some((here, image)) = fetched.next().await {
            let written = match here {
                Ok(here) => self.client.save_image(&here, &options).await,
                Err(failure) => Err(failure),
            };
            if let (true, Ok(image)) = (self.one_by_one, &written) {
                self.console.note(&format!("{}: saved {}", self.provider(), image.path.display()));
            }
            saved.push(written.map_err(|failure| with_place(failure, &image)));
            line.say(format!("{} saved", saved.iter().filter(|saved| saved.is_ok()).count()));
        }
        saved
    }

    /// The picture on this disk, beside its final place.
    async fn fetch(&self, image: &GeneratedImage) -> Result<GeneratedImage, ImageFailure> {
        tokio::select! {
            biased;
            fetched = self.client.fetch_into(image, self.out) => fetched,
            () = self.cancel.asked(2) => {
                Err(ImageFailure::new(image.index, ErrorKind::Cancelled, "cancelled before the picture was fetched"))
            }
        }
    }
}

/// How many images an image counts for: an incomplete one was not delivered.
fn delivered(image: &GeneratedImage) -> u32 {
    u32::from(!matches!(image.data, ImageData::Incomplete { .. }))
}

/// A failure with the place where the picture still is, for whatever reason it is not on disk.
fn with_place(failure: ImageFailure, image: &GeneratedImage) -> ImageFailure {
    match &image.data {
        ImageData::Url { url, expires_at } if failure.url.is_none() => failure.with_url(url, *expires_at),
        _ => failure,
    }
}
