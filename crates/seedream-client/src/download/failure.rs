//! Why an image could not be fetched.

use std::time::Duration;

use seedream_core::{Error, ErrorKind, redact};

use crate::transport::TransportError;

/// The longest URL that a message names, in characters.
const LONGEST_URL: usize = 500;

/// Why a try failed, and whether another can help.
pub(super) struct FetchFailure {
    pub(super) kind: ErrorKind,
    message: String,
    source: Option<TransportError>,
    pub(super) passes: bool,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
}

impl FetchFailure {
    pub(super) fn lasting(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None, passes: false, retry_after: None }
    }

    pub(super) fn passing(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { passes: true, ..Self::lasting(kind, message) }
    }

    pub(super) fn of(error: TransportError) -> Self {
        // What this machine lacks and what is too large stay so.
        let passes = !matches!(error.kind(), ErrorKind::Config | ErrorKind::TooLarge);
        Self { kind: error.kind(), message: error.sentence(), source: Some(error), passes, retry_after: None }
    }

    /// The failure of a URL, which is named without its query.
    pub(super) fn about(self, url: &str) -> Error {
        let error = Error::new(self.kind, format!("{}: {}", self.message, named(url)));
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl From<Error> for FetchFailure {
    /// A URL that is refused.
    fn from(error: Error) -> Self {
        Self::lasting(error.kind(), error.message())
    }
}

fn named(url: &str) -> String {
    let url = redact(url.split('#').next().unwrap_or_default());
    match url.char_indices().nth(LONGEST_URL) {
        Some((end, _)) => format!("{}…", &url[..end]),
        None => url,
    }
}
