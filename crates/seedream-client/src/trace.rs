//! Spans for a subscriber of `tracing`: an operation, its attempts and polls, and downloads.
//!
//! They hold names, numbers and places. A key, a prompt, the query of a URL and the bytes of an image have no field here, and no
//! message of a provider is repeated: it may quote any of them.

use std::fmt;

use seedream_core::{Error, ErrorKind, Purpose};
use tokio::time::Instant;
use tracing::{Span, debug_span, field::Empty, info_span};
use url::Url;

use crate::endpoint::Endpoint;

/// The longest path that is shown.
const LONGEST_PATH: usize = 200;

/// A span that ends with this, and then records how long it took. Empty without a subscriber: thousands of tasks may wait.
#[derive(Debug)]
pub(crate) struct TraceSpan(Option<Box<SpanState>>);

#[derive(Debug)]
struct SpanState {
    span: Span,
    started: Instant,
    bytes: Option<u64>,
    is_recorded: bool,
    /// The outcome, where none is recorded before.
    otherwise: &'static str,
}

impl TraceSpan {
    /// A paid request, or the collection of a task.
    pub(crate) fn operation(
        provider: &str,
        model: &str,
        purpose: &'static str,
        request_id: &http::HeaderValue,
    ) -> Self {
        Self::of(info_span!(
            "operation",
            provider,
            model,
            purpose,
            client_request_id = request_id.to_str().unwrap_or_default(),
            task = Empty,
            outcome = Empty,
            charge = Empty,
            images = Empty,
            elapsed_ms = Empty,
        ))
    }

    /// One request of an operation, the `number`-th of its purpose.
    pub(crate) fn exchange(
        purpose: Purpose,
        number: u32,
        request: &http::Request<bytes::Bytes>,
        place: Option<&Endpoint>,
    ) -> Self {
        let base = || place.map_or("", Endpoint::base_url);
        let url = || format!("{}{}", base(), Shortened(request.uri().path()));
        let method = || request.method().as_str();
        Self::of(match purpose {
            Purpose::Submit => debug_span!(
                "attempt",
                number,
                method = method(),
                url = url(),
                status = Empty,
                outcome = Empty,
                bytes = Empty,
                elapsed_ms = Empty,
            ),
            Purpose::Poll => debug_span!(
                "poll",
                number,
                method = method(),
                url = url(),
                status = Empty,
                outcome = Empty,
                bytes = Empty,
                elapsed_ms = Empty,
            ),
        })
    }

    /// An image that is fetched.
    pub(crate) fn download(url: &str) -> Self {
        Self::of(debug_span!(
            "download",
            url = place(url),
            tries = Empty,
            status = Empty,
            outcome = Empty,
            bytes = Empty,
            elapsed_ms = Empty,
        ))
    }

    /// No span.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    fn of(span: Span) -> Self {
        if span.is_disabled() {
            return Self::none();
        }
        let traced = SpanState { span, started: Instant::now(), bytes: None, is_recorded: false, otherwise: "dropped" };
        Self(Some(Box::new(traced)))
    }

    /// Whether there is a subscriber.
    pub(crate) fn listens(&self) -> bool {
        self.0.is_some()
    }

    /// The span itself, for a future to run in.
    pub(crate) fn span(&self) -> Span {
        self.0.as_ref().map_or_else(Span::none, |traced| traced.span.clone())
    }

    fn record(&self, field: &str, value: impl tracing::Value) {
        if let Some(traced) = &self.0 {
            traced.span.record(field, value);
        }
    }

    pub(crate) fn task(&self, id: &str) {
        self.record("task", id);
    }

    pub(crate) fn status(&self, status: http::StatusCode) {
        self.record("status", status.as_u16());
    }

    pub(crate) fn tries(&self, tries: u32) {
        self.record("tries", tries);
    }

    /// So many bytes of the response have arrived.
    pub(crate) fn read(&mut self, bytes: usize) {
        if let Some(traced) = &mut self.0 {
            traced.bytes = Some(traced.bytes.unwrap_or(0).saturating_add(bytes as u64));
        }
    }

    pub(crate) fn images(&self, count: usize) {
        self.record("images", count as u64);
    }

    /// A response began. It need not be read to its end, and may still break off.
    pub(crate) fn answered(&mut self, status: http::StatusCode) {
        self.status(status);
        if let Some(traced) = &mut self.0 {
            traced.otherwise = "answered";
        }
    }

    pub(crate) fn succeeded(&mut self) {
        self.record_outcome("ok");
    }

    /// It failed in this way, unless it is known already how it ended.
    pub(crate) fn failed(&mut self, kind: ErrorKind) {
        self.record_outcome(kind.as_str());
    }

    /// Records how a download ended.
    pub(crate) fn fetched(&mut self, fetched: &seedream_core::Result<seedream_core::ImageData>) {
        match fetched {
            Ok(seedream_core::ImageData::Incomplete { .. }) => self.failed(ErrorKind::IncompleteImage),
            Ok(_) => self.succeeded(),
            Err(error) => self.failed(error.kind()),
        }
    }

    /// An operation failed.
    pub(crate) fn ended_with(&mut self, error: &Error) {
        self.record("charge", error.charge().as_str());
        self.failed(error.kind());
    }

    fn record_outcome(&mut self, outcome: &str) {
        if let Some(traced) = &mut self.0 {
            traced.record_outcome(outcome);
        }
    }
}

impl SpanState {
    fn record_outcome(&mut self, outcome: &str) {
        if !std::mem::replace(&mut self.is_recorded, true) {
            self.span.record("outcome", outcome);
        }
    }
}

impl Drop for SpanState {
    fn drop(&mut self) {
        self.record_outcome(self.otherwise);
        if let Some(bytes) = self.bytes {
            self.span.record("bytes", bytes);
        }
        self.span.record("elapsed_ms", u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX));
    }
}

/// Scheme, host and path of a URL that a provider wrote. Of `data:` and any other scheme, the scheme alone.
fn place(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "unreadable".to_owned() };
    match (url.scheme(), url.host_str(), url.port()) {
        (scheme @ ("http" | "https"), Some(host), port) => {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}://{host}{port}{}", Shortened(url.path()))
        }
        (scheme, ..) => format!("{}:…", Shortened(scheme)),
    }
}

/// A text that is shown up to a certain length.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(LONGEST_PATH) {
            Some((end, _)) => write!(f, "{}…", &self.0[..end]),
            None => f.write_str(self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_scheme_host_and_path() {
        for (url, shown) in [
            ("https://a.example/b/c.png?X-Tos-Signature=s3cret#s3cret", "https://a.example/b/c.png"),
            ("https://u:s3cret@a.example:8443/b", "https://a.example:8443/b"),
            ("http://[::1]:80/b", "http://[::1]/b"),
            ("data:image/png;base64,s3cret", "data:…"),
            ("file:///etc/s3cret", "file:…"),
            ("s3cret", "unreadable"),
        ] {
            assert_eq!(place(url), shown);
        }
        let long = place(&format!("https://a.example/{}", "x".repeat(10_000)));
        assert_eq!(long.chars().count(), "https://a.example".len() + LONGEST_PATH + 1);
    }
}
