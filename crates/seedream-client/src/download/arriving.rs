//! A picture that is fetched: what one try brought, the next one goes on from.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use seedream_core::{Error, ErrorKind, ImageData};

use super::fetch::Failure;
use crate::spool::{Sink, Spool, token};

/// What a server states is believed up to the size of a large picture; behind that, memory grows with what arrives.
const AHEAD: u64 = 32 << 20;

/// What has arrived of a picture.
#[derive(Debug)]
pub(super) struct Arriving {
    sink: Sink,
    spool: Spool,
    length: u64,
    /// The most bytes that it may have.
    max: u64,
    /// The name that the server gave to these very bytes. Without it nobody knows whether the rest belongs to them.
    tag: Option<HeaderValue>,
}

impl Arriving {
    pub(super) fn new(spool: Spool, max: u64) -> Self {
        Self { sink: Sink::new(spool.clone()), spool, length: 0, max, tag: None }
    }

    /// The headers that ask for the rest: none where there is nothing to go on from.
    pub(super) fn rest(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let (Some(tag), Ok(range)) = (self.known(), HeaderValue::try_from(format!("bytes={}-", self.length))) {
            headers.insert(header::RANGE, range);
            // If it is another picture by now, the whole of that one comes.
            headers.insert(header::IF_RANGE, tag.clone());
        }
        headers
    }

    fn known(&self) -> Option<&HeaderValue> {
        self.tag.as_ref().filter(|_| self.length > 0)
    }

    /// Forgets what has arrived; whether there was something to go on from.
    pub(super) fn start_over(&mut self) -> bool {
        let known = self.known().is_some();
        *self = Self::new(self.spool.clone(), self.max);
        known
    }

    /// Takes the head of a success.
    pub(super) fn begin(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if status == StatusCode::PARTIAL_CONTENT {
            let from = format!("bytes {}-", self.length);
            let same = headers.get(header::ETAG).is_none_or(|tag| Some(tag) == self.tag.as_ref());
            let goes_on = same && text(header::CONTENT_RANGE).is_some_and(|range| range.starts_with(&from));
            if self.known().is_none() || !goes_on {
                self.start_over();
                let message = "the download answered with another part of the picture than the one it was asked for";
                return Err(Failure::passing(Error::new(ErrorKind::Server, message)));
            }
        } else {
            self.start_over();
            // A weak one names pictures that look alike, not equal bytes.
            self.tag = headers.get(header::ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/")).cloned();
        }
        let stated = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
        self.fits(stated)?;
        self.sink.reserve(usize::try_from(stated.min(AHEAD)).unwrap_or(0));
        Ok(())
    }

    /// Takes the next bytes.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.fits(bytes.len() as u64)?;
        self.length += bytes.len() as u64;
        self.sink.gathered().extend_from_slice(bytes);
        self.sink.flow().await;
        Ok(())
    }

    fn fits(&self, more: u64) -> Result<(), Failure> {
        if self.length.saturating_add(more) <= self.max {
            return Ok(());
        }
        let message = format!("the picture is larger than the limit of {} bytes", self.max);
        Err(Failure::lasting(Error::new(ErrorKind::TooLarge, message)))
    }

    /// The picture, which is complete.
    pub(super) async fn complete(mut self) -> ImageData {
        self.sink.complete(&token()).await
    }
}
