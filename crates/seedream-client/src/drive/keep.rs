//! What happens to lifted pictures, and to an answer that nobody could read, once the operation is over.

use std::{collections::HashSet, path::PathBuf};

use bytes::Bytes;
use seedream_core::{Blobs, Charge, Error, Generation, ImageData, Input, Result};

use crate::{
    lift::{keep_body, put_back},
    spool::{Spool, place},
};

/// How much of an answer an error holds whose file has all of it.
const HEAD: usize = 64 << 10;

/// What arrived beside the words.
#[derive(Debug)]
pub(super) struct Kept {
    spool: Spool,
    files: Vec<PathBuf>,
    /// The pictures of the last whole answer.
    blobs: Blobs,
}

impl Kept {
    pub(super) fn new(spool: Spool) -> Self {
        Self { spool, files: Vec::new(), blobs: Blobs::default() }
    }

    /// Remembers what an answer brought.
    pub(super) fn note(&mut self, input: &Input) {
        let blobs = match input {
            Input::Frame(_, blobs) => blobs,
            Input::Reply(reply) | Input::Broken { partial: Some(reply), .. } => {
                self.blobs = reply.blobs().clone();
                &self.blobs
            }
            _ => return,
        };
        self.files.extend(blobs.iter().filter_map(|(_, data)| file(data)).cloned());
    }

    /// Whether nothing is left to do after this: it succeeded, and no file came beside it.
    pub(super) fn is_settled(&self, outcome: &Result<Generation>) -> bool {
        outcome.is_ok() && self.files.is_empty()
    }

    /// Ends it: after a success nothing is left but its pictures, and after a failure whatever may have been paid for.
    pub(super) async fn settle(&mut self, outcome: Result<Generation>) -> Result<Generation> {
        match outcome {
            Ok(generation) => {
                // A picture that failed may be one that was not understood.
                if generation.failures().next().is_none() {
                    self.forget(&generation).await;
                }
                Ok(generation)
            }
            Err(error) => Err(self.keep(error).await),
        }
    }

    /// Removes what is no picture of the outcome, such as a preview.
    async fn forget(&mut self, generation: &Generation) {
        let taken: HashSet<_> = generation.images().map(|image| &image.data).filter_map(file).collect();
        let files = std::mem::take(&mut self.files);
        let left: Vec<_> = files.into_iter().filter(|path| !taken.contains(path)).collect();
        if !left.is_empty() {
            let remove = move || left.iter().for_each(|path| drop(std::fs::remove_file(path)));
            // What cannot be removed stays.
            let _ = tokio::task::spawn_blocking(remove).await;
        }
    }

    /// Makes an error hold all that came, on disk where there is a place for it.
    async fn keep(&mut self, error: Error) -> Error {
        let Some(body) = error.body().filter(|body| !body.is_empty()).cloned() else { return error };
        let body = if self.blobs.is_empty() { body } else { put_back(&body, &self.blobs) };
        let success = error.status().is_none_or(|status| status.is_success());
        let directory = self.spool.directory().filter(|_| success && error.charge() != Charge::No);
        let Some(directory) = directory.map(ToOwned::to_owned) else { return error.with_body(body) };
        let whole = body.clone();
        match tokio::task::spawn_blocking(move || keep_body(&directory, &whole)).await {
            Ok(Ok(path)) => error.with_body(Bytes::copy_from_slice(&body[..body.len().min(HEAD)])).with_kept(path),
            _ => error.with_body(body),
        }
    }
}

fn file(data: &ImageData) -> Option<&PathBuf> {
    if let ImageData::File(path) = place(data) { Some(path) } else { None }
}
