//! An image that is fetched: what one try brought, the next one goes on from.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use seedream_core::{ErrorKind, ImageData};

use super::failure::FetchFailure;
use crate::{
    body::image_format::Completeness,
    disk::{ImageBuffer, Spool, random_token},
};

/// What a server states is believed up to the size of a large image; after that, memory grows with what arrives.
const MAX_RESERVED: u64 = 32 << 20;

/// How many bytes are asked for once more, where nothing else says that the rest belongs to what is here.
const OVERLAP: usize = 1 << 10;

/// What has arrived of an image.
#[derive(Debug)]
pub(super) struct PartialImage {
    buffer: ImageBuffer,
    spool: Spool,
    length: u64,
    /// The most bytes that it may have.
    max: u64,
    /// How many bytes it has in all, where the server says so.
    total: Option<u64>,
    /// The name that the server gave to it.
    tag: Option<HeaderValue>,
    /// Whether a part of it can be asked for.
    in_parts: bool,
    /// The last bytes.
    tail: Vec<u8>,
    /// How many of them are to come once more.
    again: usize,
    /// What came furthest of those tries that were given up.
    furthest: Option<(u64, ImageBuffer)>,
}

impl PartialImage {
    pub(super) fn new(spool: Spool, max: u64) -> Self {
        Self {
            buffer: ImageBuffer::new(spool.clone()),
            spool,
            length: 0,
            max,
            total: None,
            tag: None,
            in_parts: true,
            tail: Vec::new(),
            again: 0,
            furthest: None,
        }
    }

    /// How many bytes are here.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The name that stands for these very bytes. A weak one names images that look alike.
    fn strong(&self) -> Option<&HeaderValue> {
        self.tag.as_ref().filter(|tag| !tag.as_bytes().starts_with(b"W/"))
    }

    /// From where on the rest is asked for; `None` where it begins anew.
    fn rest_from(&self) -> Option<u64> {
        match self.strong() {
            _ if !self.in_parts || self.length == 0 => None,
            Some(_) => Some(self.length),
            None => self.length.checked_sub(OVERLAP as u64).filter(|from| *from > 0),
        }
    }

    /// The headers that ask for the rest: none where there is nothing to go on from.
    pub(super) fn rest(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let range = self.rest_from().and_then(|from| HeaderValue::try_from(format!("bytes={from}-")).ok());
        if let Some(range) = range {
            headers.insert(header::RANGE, range);
            if let Some(tag) = self.strong() {
                // If it is another image by now, the whole of that one comes.
                headers.insert(header::IF_RANGE, tag.clone());
            }
        }
        headers
    }

    /// Forgets what has arrived, unless nothing better comes; whether there was something to go on from.
    pub(super) fn start_over(&mut self) -> bool {
        let known = self.rest_from().is_some();
        let mut new = Self::new(self.spool.clone(), self.max);
        new.furthest = self.furthest.take();
        std::mem::swap(self, &mut new);
        let is_image = new.buffer.completeness() != Completeness::NotChecked;
        if is_image && self.furthest.as_ref().is_none_or(|(length, _)| *length < new.length) {
            self.furthest = Some((new.length, new.buffer));
        }
        known
    }

    /// Takes the head of a success; `coded` is whether it is labeled as compressed.
    pub(super) fn begin(&mut self, status: StatusCode, headers: &HeaderMap, coded: bool) -> Result<(), FetchFailure> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let tag = headers.get(header::ETAG);
        if status == StatusCode::PARTIAL_CONTENT {
            let range = text(header::CONTENT_RANGE).and_then(ContentRange::read);
            let same_tag = tag.is_none() || self.tag.is_none() || tag == self.tag.as_ref();
            let goes_on = |range: &ContentRange| {
                let same_total = range.total.is_none() || self.total.is_none() || range.total == self.total;
                Some(range.from) == self.rest_from() && same_total && same_tag && !coded
            };
            let Some(range) = range.filter(goes_on) else {
                self.start_over();
                let message = "the download brought another part of the image than the one that was requested";
                return Err(FetchFailure::passing(ErrorKind::Server, message));
            };
            self.total = self.total.or(range.total);
            self.again = usize::try_from(self.length - range.from).unwrap_or(usize::MAX);
        } else {
            self.start_over();
            self.tag = tag.cloned();
            self.in_parts =
                !coded && text(header::ACCEPT_RANGES).is_none_or(|ranges| !ranges.trim().eq_ignore_ascii_case("none"));
            self.total = text(header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        }
        let stated = self.total.map_or(0, |total| total.saturating_sub(self.length));
        self.fits(stated)?;
        self.buffer.reserve(usize::try_from(stated.min(MAX_RESERVED)).unwrap_or(0));
        Ok(())
    }

    /// What arrives was compressed: neither its length nor its parts are those of the image.
    pub(super) fn is_coded(&mut self) {
        (self.in_parts, self.total) = (false, None);
    }

    /// Takes the next bytes.
    pub(super) async fn take(&mut self, mut bytes: &[u8]) -> Result<(), FetchFailure> {
        if self.again > 0 {
            let (again, rest) = bytes.split_at(self.again.min(bytes.len()));
            let known = &self.tail[self.tail.len().saturating_sub(self.again)..];
            if !known.starts_with(again) {
                self.start_over();
                let message = "the rest of the image does not belong to what was there before";
                return Err(FetchFailure::passing(ErrorKind::Server, message));
            }
            self.again -= again.len();
            bytes = rest;
        }
        self.fits(bytes.len() as u64)?;
        self.length += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(OVERLAP)..]);
        self.tail.drain(..self.tail.len().saturating_sub(OVERLAP));
        self.buffer.gathered().extend_from_slice(bytes);
        self.buffer.flow().await;
        Ok(())
    }

    fn fits(&self, more: u64) -> Result<(), FetchFailure> {
        if self.length.saturating_add(more) <= self.max {
            return Ok(());
        }
        let message = format!("the image is larger than the limit of {} bytes", self.max);
        Err(FetchFailure::lasting(ErrorKind::TooLarge, message))
    }

    /// Whether it has the end that its format marks, however the transfer ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.buffer.has_ended()
    }

    /// Judges what a transfer brought that ended in good order.
    pub(super) fn check(&mut self) -> Result<(), FetchFailure> {
        if self.has_ended() {
            return Ok(());
        }
        if let Some(total) = self.total.filter(|total| self.length < *total) {
            let message = format!("the download ended after {} of {total} bytes", self.length);
            return Err(FetchFailure::passing(ErrorKind::Transport, message));
        }
        if self.length == 0 {
            return Err(FetchFailure::passing(ErrorKind::MalformedResponse, "the download is empty"));
        }
        match self.buffer.completeness() {
            Completeness::Complete | Completeness::NotChecked => Ok(()),
            Completeness::Incomplete(reason) => {
                // The source was cut: what follows it elsewhere is no rest of it.
                self.start_over();
                Err(FetchFailure::passing(ErrorKind::IncompleteImage, reason))
            }
        }
    }

    /// The image, of which nothing follows.
    pub(super) async fn complete(mut self) -> ImageData {
        self.buffer.complete(&random_token()).await
    }

    /// What came furthest, if a part of an image came.
    pub(super) async fn furthest(mut self) -> Option<ImageData> {
        self.start_over();
        let (_, mut buffer) = self.furthest?;
        Some(buffer.complete(&random_token()).await)
    }
}

/// A `Content-Range`.
struct ContentRange {
    from: u64,
    total: Option<u64>,
}

impl ContentRange {
    fn read(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (from, _) = range.split_once('-')?;
        Some(Self { from: from.trim().parse().ok()?, total: total.trim().parse().ok() })
    }
}
