//! What came of a run, as JSON and as text.

mod text;

use std::{path::PathBuf, time::Duration};

use seedream::{Charge, Error, ErrorKind, Generation, ImageFailure, SavedImage, Task, Usage, Warning, WarningKind};
use serde::Serialize;

pub(crate) use self::text::{Again, hint};
use crate::{
    exit::{Exit, Failure},
    output::Console,
    run::{Accepted, Ended},
};

/// The results of one run, one entry a provider.
#[derive(Debug, Serialize)]
struct Results<'a> {
    results: &'a [Outcome],
}

/// What came of one provider's part. Every member is always there; what is not known is null.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    provider: &'static str,
    model: Option<String>,
    reported_model: Option<String>,
    requested: Option<u32>,
    delivered: u32,
    billed: Option<u64>,
    images: Vec<Image>,
    failures: Vec<ImageFailure>,
    usage: Usage,
    warnings: Vec<Note>,
    charge: Charge,
    task: Option<TaskLeft>,
    error: Option<ErrorNote>,
    /// The file that says what was asked, answered and charged.
    sidecar: Option<String>,
    elapsed_ms: u64,
    #[serde(skip)]
    exit: Exit,
    /// The error as it came, with status, request id and advice.
    #[serde(skip)]
    cause: Option<Error>,
    /// What it counts as in the end of the run; nothing where another provider was asked instead.
    #[serde(skip)]
    counts_as: Option<Exit>,
    #[serde(skip)]
    left: Option<Accepted>,
}

#[derive(Debug, Serialize)]
struct Image {
    index: u32,
    path: String,
    width: Option<u32>,
    height: Option<u32>,
    media_type: String,
    bytes: u64,
    sha256: String,
}

/// A warning with all its members.
#[derive(Debug, Serialize)]
pub(crate) struct Note {
    kind: &'static str,
    field: Option<&'static str>,
    message: String,
}

#[derive(Debug, Serialize)]
struct TaskLeft {
    provider: String,
    id: String,
    /// Whether the provider says that it can be cancelled.
    can_cancel: Option<bool>,
    file: Option<String>,
}

impl TaskLeft {
    fn of(task: &Task, file: Option<String>) -> Self {
        Self { provider: task.provider.clone(), id: task.id.to_string(), can_cancel: task.can_cancel, file }
    }
}

#[derive(Debug, Serialize)]
struct ErrorNote {
    kind: &'static str,
    code: Option<String>,
    message: String,
    /// What there is to do about it.
    advice: Option<String>,
    charge: Charge,
}

/// What was asked of a provider.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The provider.
    pub(crate) provider: &'static str,
    /// The model to send; `None` where only a task's id is known.
    pub(crate) model: Option<String>,
    /// How many pictures; `None` where only a task is known.
    pub(crate) requested: Option<u32>,
    /// What the user should know, found before anything was sent.
    pub(crate) warnings: Vec<Warning>,
}

impl From<&Warning> for Note {
    fn from(warning: &Warning) -> Self {
        let field = warning.field.map(seedream::Field::as_str);
        Self { kind: warning.kind.as_str(), field, message: warning.message.clone() }
    }
}

impl Note {
    /// One sentence for a person.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<SavedImage> for Image {
    fn from(image: SavedImage) -> Self {
        let SavedImage { index, path, width, height, media_type, bytes, sha256, .. } = image;
        Self { index, path: path.to_string_lossy().into_owned(), width, height, media_type, bytes, sha256 }
    }
}

impl Outcome {
    /// A request that was refused before anything was sent.
    pub(crate) fn refused(asked: Asked, error: Error) -> Self {
        Self::failed(asked, error, Exit::Usage)
    }

    fn failed(asked: Asked, error: Error, exit: Exit) -> Self {
        let known = error.generation();
        let note = ErrorNote {
            kind: error.kind().as_str(),
            code: error.code().map(str::to_owned),
            message: error.message().to_owned(),
            advice: error.advice().map(str::to_owned),
            charge: error.charge(),
        };
        Self {
            provider: asked.provider,
            model: asked.model,
            reported_model: known.and_then(|known| known.reported_model.clone()),
            requested: asked.requested,
            delivered: 0,
            billed: known.and_then(Generation::billed),
            images: Vec::new(),
            failures: Vec::new(),
            usage: known.map(|known| known.usage.clone()).unwrap_or_default(),
            warnings: all(asked.warnings, known).iter().map(Note::from).collect(),
            charge: error.charge(),
            task: error.task().map(|task| TaskLeft::of(task, None)),
            error: Some(note),
            sidecar: None,
            elapsed_ms: 0,
            exit,
            cause: Some(error),
            counts_as: Some(exit),
            left: None,
        }
    }

    fn answered(asked: Asked, generation: &Generation) -> Self {
        let warnings = all(asked.warnings, Some(generation));
        let model = generation.model.as_str();
        Self {
            provider: asked.provider,
            model: asked.model.or_else(|| (!model.is_empty()).then(|| model.to_owned())),
            reported_model: generation.reported_model.clone(),
            requested: asked.requested,
            delivered: 0,
            billed: generation.billed(),
            images: Vec::new(),
            failures: Vec::new(),
            usage: generation.usage.clone(),
            warnings: warnings.iter().map(Note::from).collect(),
            charge: generation.charge(),
            task: None,
            error: None,
            sidecar: None,
            elapsed_ms: 0,
            exit: Exit::Ok,
            cause: None,
            counts_as: Some(Exit::Ok),
            left: None,
        }
    }

    /// How a run ended.
    pub(crate) fn of(asked: Asked, ended: Ended, elapsed: Duration) -> Self {
        let mut outcome = match ended.answer {
            Ok(generation) => {
                let mut outcome = Self::answered(asked, &generation);
                let cut = generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete);
                let short = outcome.requested.is_none_or(|requested| ended.delivered < requested);
                if !ended.failures.is_empty() || (cut && short) {
                    (outcome.exit, outcome.counts_as) = (Exit::Partial, Some(Exit::Partial));
                }
                outcome
            }
            Err(error) => {
                let exit = Exit::of(&error);
                let mut outcome = Self::failed(asked, error, exit);
                // Images came, so something was sold.
                if ended.delivered > 0 && outcome.charge == Charge::No {
                    outcome.charge = Charge::Yes;
                }
                outcome
            }
        };
        outcome.delivered = ended.delivered;
        outcome.warnings.extend(ended.images.iter().flat_map(|image| &image.warnings).map(Note::from));
        outcome.images = ended.images.into_iter().map(Image::from).collect();
        outcome.failures = ended.failures;
        outcome.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        match ended.left {
            Some(left) => outcome.keeping(left),
            None => outcome,
        }
    }

    /// The error that ended it.
    pub(crate) fn cause(&self) -> Option<&Error> {
        self.cause.as_ref()
    }

    /// Another provider is asked instead: how this one ended is told, and decides nothing.
    pub(crate) fn pass_on(&mut self) {
        self.counts_as = None;
    }

    /// It is one of several requests for one wish, of which some were delivered. What is still in doubt, or left to be
    /// collected, stays what it is.
    pub(crate) fn as_part(&mut self) {
        let open = matches!(self.exit, Exit::Ok | Exit::Cancelled | Exit::Unknown | Exit::Deadline);
        self.counts_as = Some(if open { self.exit } else { Exit::Partial });
    }

    /// Adds the file beside the pictures.
    pub(crate) fn beside(mut self, sidecar: Option<PathBuf>) -> Self {
        self.sidecar = sidecar.map(|path| path.to_string_lossy().into_owned());
        self
    }

    /// How it ended, in a word.
    fn word(&self) -> &'static str {
        // A task that was cancelled at the provider is cancelled, and this run is not.
        let cancelled = self.cause.as_ref().is_some_and(|error| error.kind() == ErrorKind::Cancelled);
        if cancelled { Exit::Cancelled.word() } else { self.exit.word() }
    }

    /// Adds the task that may still hold something.
    pub(crate) fn keeping(mut self, left: Accepted) -> Self {
        let file = left.file.as_ref().map(|file| file.to_string_lossy().into_owned());
        self.task = Some(TaskLeft::of(&left.task, file));
        self.left = Some(left);
        self
    }
}

/// The warnings of the check and those of a response, which begin with them.
fn all(mut warnings: Vec<Warning>, known: Option<&Generation>) -> Vec<Warning> {
    for warning in known.into_iter().flat_map(|known| &known.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    warnings
}

/// Prints what came of a run, and says how it ends.
///
/// # Errors
/// Standard output cannot be written to.
pub(crate) fn print(
    outcomes: &[Outcome],
    json: bool,
    again: &Again,
    cancelled: bool,
    console: &Console,
) -> Result<Exit, Failure> {
    let printed = if json { console.json(&Results { results: outcomes }) } else { console.data(&text::of(outcomes)) };
    // Where to collect what was paid for is told even if nobody could read the results.
    text::notes(outcomes, again, console);
    printed?;
    let deciding = outcomes.iter().filter_map(|outcome| outcome.counts_as);
    let exits = deciding.chain(cancelled.then_some(Exit::Cancelled));
    Ok(Exit::of_several(exits))
}
