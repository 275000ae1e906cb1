//! What happens to lifted images, and to a response that could not be read, once the operation is over.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use seedream_core::{Blobs, Charge, Error, ErrorKind, Generation, ImageData, Input, Result, Warning, WarningKind};

use crate::{
    body::base64_stream::{keep_body, put_back},
    disk::{Spool, innermost},
};

/// How much of a response an error holds whose file has all of it.
const HEAD: usize = 64 << 10;

/// What arrived beside the words.
#[derive(Debug)]
pub(super) struct SpooledImages {
    spool: Spool,
    files: Vec<SpooledImage>,
    /// The images of the last whole response, or of a stream.
    blobs: Option<Box<Blobs>>,
}

/// An image that arrived in a response.
#[derive(Debug)]
struct SpooledImage {
    path: PathBuf,
    /// Whether it only shows how far another one is.
    preview: bool,
}

impl SpooledImages {
    pub(super) fn new(spool: Spool) -> Self {
        Self { spool, files: Vec::new(), blobs: None }
    }

    /// Remembers what a response brought.
    pub(super) async fn note(&mut self, input: &mut Input) {
        match input {
            Input::Frame(frame, blobs) if !blobs.is_empty() => {
                // A preview: the image itself comes later.
                let preview = frame.data.contains("partial_image");
                Box::pin(self.take(blobs, preview)).await;
            }
            Input::Response(response) | Input::Broken { partial: Some(response), .. } => {
                let mut blobs = response.blobs().clone();
                if !blobs.is_empty() {
                    Box::pin(self.take(&mut blobs, false)).await;
                    *response = response.clone().with_blobs(blobs.clone());
                }
                self.blobs = boxed(blobs);
            }
            _ => {}
        }
    }

    /// Notes the files of new images. One that was there before is put in the place of its copy, so that a repeated image
    /// can be told from a new one.
    async fn take(&mut self, blobs: &mut Blobs, preview: bool) {
        let new: Vec<_> =
            blobs.iter().filter_map(|(token, data)| Some((token.to_owned(), file(data)?.clone()))).collect();
        for (token, path) in new {
            match self.copy_of(&path).await {
                Some(first) => blobs.insert(token, ImageData::File(first)),
                None => self.files.push(SpooledImage { path, preview }),
            }
        }
    }

    /// The file that came before with the same bytes. The new one is removed then.
    async fn copy_of(&self, path: &Path) -> Option<PathBuf> {
        let length = std::fs::metadata(path).ok()?.len();
        let known = self.files.iter().filter(|known| !known.preview).map(|known| &known.path);
        let is_same = |known: &&PathBuf| std::fs::metadata(known).is_ok_and(|known| known.len() == length);
        let candidates: Vec<_> = known.filter(is_same).cloned().collect();
        if candidates.is_empty() {
            return None;
        }
        let path = path.to_owned();
        let compare = move || {
            let first = candidates.into_iter().find(|known| same(known, &path).unwrap_or(false))?;
            // What cannot be removed stays.
            let _ = std::fs::remove_file(path);
            Some(first)
        };
        tokio::task::spawn_blocking(compare).await.ok().flatten()
    }

    /// Whether nothing is left to do after this: it succeeded, and no file came beside it.
    pub(super) fn is_settled(&self, outcome: &Result<Generation>) -> bool {
        outcome.as_ref().is_ok_and(|generation| !is_short(generation)) && self.files.is_empty()
    }

    /// The stream that was read: its text is the raw response.
    pub(super) fn stream(&mut self, seen: Vec<u8>, blobs: Blobs, outcome: Result<Generation>) -> Result<Generation> {
        self.blobs = boxed(blobs);
        match outcome {
            Ok(mut generation) => {
                generation.raw = seen.into();
                Ok(generation)
            }
            Err(error) => Err(error.with_body(seen.into())),
        }
    }

    /// Ends it: after a success only its images are left, and after a failure everything that may have been billed.
    pub(super) async fn settle(&mut self, outcome: Result<Generation>) -> Result<Generation> {
        match outcome {
            Ok(mut generation) => {
                self.forget(&mut generation).await;
                if is_short(&generation)
                    && let Some(path) = self.write(generation.raw.clone()).await
                {
                    let message = format!("the response as it came is kept in {}", path.display());
                    generation.warnings.push(Warning::new(WarningKind::Unreadable, None, message));
                }
                Ok(generation)
            }
            Err(error) => Err(self.keep(error).await),
        }
    }

    /// Removes previews, and tells of images that stood where none is read: they stay where they are.
    async fn forget(&mut self, generation: &mut Generation) {
        let taken: HashSet<_> = generation.images().map(|image| &image.data).filter_map(file).cloned().collect();
        let files = std::mem::take(&mut self.files);
        let (previews, left): (Vec<_>, Vec<_>) =
            files.into_iter().filter(|file| !taken.contains(&file.path)).partition(|file| file.preview);
        for SpooledImage { path, .. } in left {
            let message = format!("an image stood where the document has none, and is kept in {}", path.display());
            generation.warnings.push(Warning::new(WarningKind::Undocumented, None, message));
        }
        if !previews.is_empty() {
            let remove = move || previews.iter().for_each(|file| drop(std::fs::remove_file(&file.path)));
            // What cannot be removed stays.
            let _ = tokio::task::spawn_blocking(remove).await;
        }
    }

    /// Makes an error hold all that came, on disk where there is a place for it.
    async fn keep(&mut self, error: Error) -> Error {
        let Some(body) = error.body().filter(|body| !body.is_empty()).cloned() else { return error };
        // A response with the status of a failure is kept where it holds or says what was bought.
        let success = error.status().is_none_or(|status| status.is_success());
        let bought = error.generation().is_some() || error.charge() == Charge::Yes;
        let body = self.whole(&body);
        if !(success || bought) || error.charge() == Charge::No {
            return error.with_body(body);
        }
        match self.write(body.clone()).await {
            Some(path) => error.with_body(Bytes::copy_from_slice(&body[..body.len().min(HEAD)])).with_kept(path),
            None => error.with_body(body),
        }
    }

    /// The body with the images that are in memory back in it.
    fn whole(&self, body: &Bytes) -> Bytes {
        self.blobs.as_ref().map_or_else(|| body.clone(), |blobs| put_back(body, blobs))
    }

    /// Writes a response beside the images, where there is a place for it.
    async fn write(&self, body: Bytes) -> Option<PathBuf> {
        let directory = self.spool.directory().filter(|_| !body.is_empty())?.to_owned();
        let body = self.whole(&body);
        tokio::task::spawn_blocking(move || keep_body(&directory, &body)).await.ok()?.ok()
    }
}

/// Whether an image of a success is missing, or something of the response was not read.
fn is_short(generation: &Generation) -> bool {
    use WarningKind::{BilledMore, Incomplete, Repaired, Unreadable};

    let unread = |warning: &Warning| matches!(warning.kind, BilledMore | Incomplete | Repaired | Unreadable);
    let missing = |kind: ErrorKind| matches!(kind, ErrorKind::MalformedResponse | ErrorKind::Transport);
    generation.warnings.iter().any(unread) || generation.failures().any(|failure| missing(failure.kind))
}

/// Most responses bring none, and a task that waits has no room for a map.
fn boxed(blobs: Blobs) -> Option<Box<Blobs>> {
    (!blobs.is_empty()).then(|| Box::new(blobs))
}

fn file(data: &ImageData) -> Option<&PathBuf> {
    if let ImageData::File(path) = innermost(data) { Some(path) } else { None }
}

/// Whether two files hold the same bytes.
fn same(first: &Path, second: &Path) -> io::Result<bool> {
    let (mut first, mut second) = (File::open(first)?, File::open(second)?);
    let (mut a, mut b) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let read = first.read(&mut a)?;
        if read == 0 {
            return Ok(second.read(&mut b[..1])? == 0);
        }
        second.read_exact(&mut b[..read])?;
        if a[..read] != b[..read] {
            return Ok(false);
        }
    }
}
