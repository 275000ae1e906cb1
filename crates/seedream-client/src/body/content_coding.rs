//! Decompresses a body that is compressed although `identity` was requested, while it arrives and in constant memory.
//!
//! A label (`Content-Encoding`) says what to expect, and the first bytes decide: what is labeled and not compressed is read as
//! it is, and gzip and zstd are known by their first bytes without a label. A body that is not compressed passes through
//! untouched.

mod detect;
mod gzip;
mod inflate;
mod unpack;
mod zstd;

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use seedream_core::ErrorKind;

use self::{
    detect::{ContentCoding, ExpectedCoding, coding_of},
    unpack::Unpacker,
};
use crate::transport::{Reached, ResponseBody, TransportError};

/// How often a body may be compressed over.
const LAYERS: usize = 4;

/// How many bytes are unpacked at a time.
const UNPACK_SIZE: usize = 64 << 10;

/// How many bytes may be decompressed from any input.
const FREE: u64 = 1 << 20;

/// How many times what came over the wire may be unpacked beyond that. No text and no image comes near it.
const RATIO: u64 = 1000;

/// A body without its content codings.
#[derive(Debug)]
pub(crate) struct DecodedBody(CodingLayer);

/// What is known of the bytes as they came over the wire.
#[derive(Debug, Default)]
struct ReceivedBytes {
    bytes: AtomicU64,
    coded: AtomicBool,
}

impl DecodedBody {
    /// Takes the labels off a head, and its length where that is the length of something compressed.
    pub(crate) fn new(headers: &mut HeaderMap, mut body: ResponseBody) -> Self {
        let received = Arc::<ReceivedBytes>::default();
        let mut codings = labels(headers);
        if !codings.is_empty() {
            headers.remove(header::CONTENT_ENCODING);
            headers.remove(header::CONTENT_LENGTH);
        }
        // The last that was applied is the first to go.
        codings.reverse();
        codings.truncate(LAYERS);
        let depth = codings.len();
        for (depth, coding) in codings.into_iter().enumerate() {
            body = ResponseBody::new(CodingLayer::new(body, ExpectedCoding::Labeled(coding), depth, received.clone()));
        }
        Self(CodingLayer::new(body, ExpectedCoding::Anything, depth, received))
    }

    /// A body that is taken as it is.
    pub(crate) fn untouched(body: ResponseBody) -> Self {
        let mut layer = CodingLayer::new(body, ExpectedCoding::Anything, 0, Arc::default());
        layer.state = LayerState::Plain(Bytes::new());
        Self(layer)
    }

    /// Whether what has arrived was compressed.
    pub(crate) fn was_coded(&self) -> bool {
        self.0.received.coded.load(Ordering::Relaxed)
    }

    /// How many bytes have arrived, before they were unpacked.
    pub(crate) fn arrived(&self) -> u64 {
        self.0.received.bytes.load(Ordering::Relaxed)
    }
}

impl Body for DecodedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        Pin::new(&mut self.get_mut().0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// The codings that a head names, in the order in which they were applied. What names none of them says nothing.
fn labels(headers: &HeaderMap) -> Vec<ContentCoding> {
    let lines = headers.get_all(header::CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).filter_map(ContentCoding::named).collect()
}

/// One coding, or none.
struct CodingLayer {
    inner: ResponseBody,
    /// How many codings are under it.
    depth: usize,
    received: Arc<ReceivedBytes>,
    state: LayerState,
    /// How the bytes under it ended, once they have.
    ended: Option<Result<(), TransportError>>,
}

enum LayerState {
    /// Bytes that do not decide yet what they are.
    Start(ExpectedCoding, Bytes),
    /// Bytes that are not compressed, the first of which are still here.
    Plain(Bytes),
    Compressed(Box<CompressedData>),
    /// Nothing follows.
    Over,
}

struct CompressedData {
    coding: ContentCoding,
    unpacker: Unpacker,
    input: Bytes,
    output: Box<[u8]>,
    /// Whether the unpacker may hold more than it has given.
    full: bool,
    damaged: bool,
    unpacked: u64,
}

impl fmt::Debug for CodingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodingLayer")
            .field("depth", &self.depth)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl CodingLayer {
    fn new(inner: ResponseBody, expected: ExpectedCoding, depth: usize, received: Arc<ReceivedBytes>) -> Self {
        Self { inner, depth, received, state: LayerState::Start(expected, Bytes::new()), ended: None }
    }

    /// The next frame under this layer. Its end is noted.
    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let next = match &self.ended {
            None => ready!(Pin::new(&mut self.inner).poll_frame(context)),
            Some(_) => return Poll::Ready(None),
        };
        match next {
            Some(Ok(frame)) => {
                if let (0, Some(data)) = (self.depth, frame.data_ref()) {
                    self.received.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
                }
                return Poll::Ready(Some(frame));
            }
            Some(Err(error)) => self.ended = Some(Err(error)),
            None => self.ended = Some(Ok(())),
        }
        Poll::Ready(None)
    }

    /// The end, with the reason where it broke off.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, TransportError>> {
        self.state = LayerState::Over;
        self.ended.replace(Ok(()))?.err().map(Err)
    }

    /// Goes on as what the first bytes are.
    fn begin(&mut self, expected: ExpectedCoding, coding: Option<ContentCoding>, first: Bytes) {
        let Some(coding) = coding.filter(|_| self.depth < LAYERS) else {
            self.state = LayerState::Plain(first);
            return;
        };
        self.received.coded.store(true, Ordering::Relaxed);
        let state = LayerState::Compressed(Box::new(CompressedData::new(coding, first)));
        if matches!(expected, ExpectedCoding::Labeled(_)) {
            self.state = state;
            return;
        }
        // What has no label may be compressed twice as well.
        let inner = std::mem::take(&mut self.inner);
        let under = Self { inner, depth: self.depth, received: self.received.clone(), state, ended: self.ended.take() };
        *self = Self::new(ResponseBody::new(under), expected, self.depth + 1, self.received.clone());
    }
}

impl Body for CodingLayer {
    type Data = Bytes;
    type Error = TransportError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                LayerState::Plain(first) if !first.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::take(first)))));
                }
                LayerState::Plain(_) => {
                    return Poll::Ready(match ready!(this.poll_inner(context)) {
                        Some(frame) => Some(Ok(frame)),
                        None => this.end(),
                    });
                }
                LayerState::Start(expected, held) => {
                    let expected = *expected;
                    if let Some(coding) = coding_of(expected, held, this.ended.is_some()) {
                        let first = std::mem::take(held);
                        this.begin(expected, coding, first);
                        continue;
                    }
                    let next = ready!(this.poll_inner(context)).map(Frame::into_data);
                    match (next, &mut this.state) {
                        (Some(Ok(data)), LayerState::Start(_, held)) => *held = joined(held, data),
                        (Some(Err(trailers)), _) => return Poll::Ready(Some(Ok(trailers))),
                        _ => {}
                    }
                }
                LayerState::Compressed(coded) => {
                    let received = this.received.bytes.load(Ordering::Relaxed);
                    match coded.unpack(received) {
                        Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                        Ok(None) if coded.unpacker.is_over() => {
                            // What follows the end of the data says nothing.
                            this.state = LayerState::Over;
                            return Poll::Ready(None);
                        }
                        Ok(None) => {}
                        Err(error) => {
                            this.state = LayerState::Over;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                    let next = ready!(this.poll_inner(context)).map(Frame::into_data);
                    match (next, &mut this.state) {
                        (Some(Ok(data)), LayerState::Compressed(coded)) => coded.input = data,
                        (Some(Err(trailers)), _) => return Poll::Ready(Some(Ok(trailers))),
                        (None, LayerState::Compressed(coded)) => {
                            let cut = (!coded.unpacker.may_end()).then(|| coded.cut());
                            let end = this.end();
                            return Poll::Ready(end.or_else(|| cut.map(Err)));
                        }
                        _ => {}
                    }
                }
                LayerState::Over => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            LayerState::Plain(first) => first.is_empty() && self.ended.is_none() && self.inner.is_end_stream(),
            LayerState::Over => true,
            LayerState::Start(..) | LayerState::Compressed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            LayerState::Plain(first) if first.is_empty() => self.inner.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

impl CompressedData {
    fn new(coding: ContentCoding, input: Bytes) -> Self {
        let output = vec![0; UNPACK_SIZE].into_boxed_slice();
        Self { coding, unpacker: Unpacker::new(coding), input, output, full: false, damaged: false, unpacked: 0 }
    }

    /// The next bytes; `None` where more input is needed.
    fn unpack(&mut self, received: u64) -> Result<Option<Bytes>, TransportError> {
        while !self.unpacker.is_over() && (self.full || self.damaged || !self.input.is_empty()) {
            if self.damaged {
                return Err(self.damaged());
            }
            let mut rest = &self.input[..];
            let step = self.unpacker.step(&mut rest, &mut self.output);
            let (written, taken) = (step.written, self.input.len() - rest.len());
            drop(self.input.split_to(taken));
            // Neither takes nor gives: it never will.
            self.damaged = step.damaged || (written == 0 && taken == 0 && !self.full && !self.unpacker.is_over());
            self.full = written == self.output.len();
            self.unpacked += written as u64;
            if self.unpacked > FREE && self.unpacked / RATIO > received {
                let message = "the response unpacks to more than 1000 times its size";
                return Err(TransportError::new(Reached::Sent, message).with_kind(ErrorKind::TooLarge));
            }
            if written > 0 {
                return Ok(Some(Bytes::copy_from_slice(&self.output[..written])));
            }
        }
        Ok(None)
    }

    fn damaged(&self) -> TransportError {
        TransportError::new(
            Reached::Sent,
            format!("the response is damaged: its {} data cannot be unpacked", self.coding),
        )
    }

    fn cut(&self) -> TransportError {
        TransportError::new(Reached::Sent, format!("the response ended in the middle of its {} data", self.coding))
    }
}

fn joined(first: &Bytes, more: Bytes) -> Bytes {
    if first.is_empty() {
        return more;
    }
    [&first[..], &more].concat().into()
}

#[cfg(test)]
mod tests;
