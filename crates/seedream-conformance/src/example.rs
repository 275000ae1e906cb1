//! The responses that a provider's fixtures show, as things that happen to a request.

use std::collections::BTreeSet;

use http::StatusCode;
use seedream_core::{Error, ErrorKind, Input, Response, sse};
use seedream_fixtures::{OperationKind, RecordedBody, RecordedExchange};

use crate::{Failure, Subject, exchange};

/// A documented response, and what it costs by what the fixture expects.
#[derive(Clone)]
pub(crate) struct DocumentedResponse {
    pub(crate) exchange: &'static RecordedExchange,
    pub(crate) response: Response,
    pub(crate) bill: Bill,
    /// The URLs of its images, as they stand in the body.
    urls: Vec<String>,
}

/// What an exchange costs, by the word of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bill {
    /// Nothing.
    Never,
    /// Nobody can know.
    Maybe,
    /// These images.
    Pictures(usize),
    /// A task was accepted, or is still being made.
    Task,
}

impl DocumentedResponse {
    /// The response of an exchange; `None` where it shows none, or does not say what it means.
    ///
    /// # Errors
    /// Where the fixture cannot be used.
    pub(crate) fn of(exchange: &'static RecordedExchange) -> Result<Option<Self>, Failure> {
        let (Some(recorded), Some(expect)) = (&exchange.response, &exchange.expect) else { return Ok(None) };
        let response = exchange::response(recorded)?;
        let bill = match (&expect.error, &expect.images) {
            (Some(error), _) => match error.charge.as_deref() {
                Some("no") => Bill::Never,
                None if response.status.is_client_error() && !matches!(recorded.status, 408 | 499) => Bill::Never,
                _ => Bill::Maybe,
            },
            (None, Some(images)) => Bill::Pictures(images.len()),
            (None, None) if expect.task.is_some() || expect.state.is_some() => Bill::Task,
            (None, None) => return Ok(None),
        };
        let urls = expect.images.iter().flatten().filter_map(|image| image.url.as_ref());
        let urls = urls.map(|url| serde_json::Value::from(url.as_str()).to_string());
        // Some documents shorten their URLs, so that all of a response are the same.
        let urls = urls.collect::<BTreeSet<_>>().into_iter().collect();
        Ok(Some(Self { exchange, response, bill, urls }))
    }

    /// Every response of a provider to one kind of request.
    ///
    /// # Errors
    /// Where a fixture cannot be used.
    pub(crate) fn all(subject: &Subject, operation: OperationKind) -> Result<Vec<Self>, Failure> {
        let exchanges = subject.exchanges().filter(|exchange| exchange.operation == operation);
        exchanges.filter_map(|exchange| Self::of(exchange).transpose()).collect()
    }

    /// Whether it is a task that is still being made.
    pub(crate) fn is_running(&self) -> bool {
        self.exchange.operation == OperationKind::Poll && self.bill == Bill::Task
    }

    fn is_stream(&self) -> bool {
        let body = self.exchange.response.as_ref().map(|recorded| &recorded.body);
        matches!(body, Some(RecordedBody::Sse(_))) && self.response.status.is_success()
    }

    /// It arrives whole.
    pub(crate) fn whole(&self) -> Vec<Input> {
        if !self.is_stream() {
            return vec![Input::Response(self.response.clone())];
        }
        let mut parser = sse::Parser::new();
        let frames: Vec<_> = parser.feed(&self.response.body).into_iter().chain(parser.finish()).collect();
        stream(&self.response, frames, Input::StreamEnd)
    }

    /// It is cut off behind so many bytes of its body.
    pub(crate) fn cut(&self, at: usize) -> Vec<Input> {
        let part = self.response.body.slice(..at.min(self.response.body.len()));
        if self.is_stream() {
            return stream(&self.response, sse::Parser::new().feed(&part), broken(None));
        }
        let mut partial = self.response.clone();
        partial.body = part;
        vec![broken(Some(partial))]
    }

    /// How many of its images a text names.
    pub(crate) fn named_in(&self, text: &str) -> usize {
        self.urls.iter().map(|url| text.matches(url.as_str()).count()).sum()
    }

    /// How many of its images stand in the first bytes of its body, as far as they can be told apart.
    pub(crate) fn arrived(&self, at: usize) -> usize {
        let part = &self.response.body[..at.min(self.response.body.len())];
        if self.is_stream() {
            return sse::Parser::new().feed(part).iter().map(|frame| self.named_in(&frame.data)).sum();
        }
        self.named_in(&String::from_utf8_lossy(part))
    }

    /// Whether every image is named by a URL that stands in the body as it is.
    pub(crate) fn names_every_image(&self) -> bool {
        self.bill == Bill::Pictures(self.arrived(usize::MAX))
    }
}

/// A stream: its head, its events up to its mark, and how it ends where there is none.
pub(crate) fn stream(head: &Response, frames: Vec<sse::Frame>, end: Input) -> Vec<Input> {
    let mut head = head.clone();
    head.body = bytes::Bytes::new();
    let mut inputs = vec![Input::Head(head)];
    let marked = frames.iter().any(sse::Frame::is_done);
    inputs.extend(frames.into_iter().map(|frame| Input::Frame(frame, Default::default())));
    inputs.extend((!marked).then_some(end));
    inputs
}

/// A connection that broke after the request had left.
pub(crate) fn broken(partial: Option<Response>) -> Input {
    Input::Broken { partial, error: Error::new(ErrorKind::Transport, "the connection was lost") }
}

/// A response that no fixture shows.
pub(crate) fn made_up(status: u16, content_type: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let headers = [(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type))].into_iter().collect();
    let status = StatusCode::from_u16(status).expect("a status of this crate");
    Response::new(status, headers, body, seedream_core::Timestamp::UNIX_EPOCH)
}
