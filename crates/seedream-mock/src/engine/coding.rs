//! Packed bodies: gzip, deflate, brotli and zstd, one on top of another, labelled or not, whole or not.
//!
//! Every chunk of a body becomes a piece that can be unpacked as it comes, and pieces do not refer to each other.

mod brotli;
mod deflate;
mod zstd;

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use super::answer::Answer;
use super::script::{Chunk, Content};
use crate::fault::Coding;
use crate::picture::Picture;
use deflate::Sum;

/// What a bomb is made of, and how often: a gibibyte.
const BOMB: (usize, usize) = (4 << 20, 256);

/// Packs an answer.
pub(super) fn pack(mut answer: Answer, codings: &[Coding]) -> Answer {
    if codings.is_empty() {
        return answer;
    }
    let has = |coding| codings.contains(&coding);
    let mut layers: Vec<Layer> = codings.iter().filter_map(|coding| Layer::of(*coding)).collect();
    if layers.is_empty() {
        layers.push(Layer::Gzip);
    }
    if !has(Coding::Unlabelled) {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
        answer.headers.push((String::from("content-encoding"), names.join(", ")));
    }
    if has(Coding::Mislabelled) {
        return answer;
    }
    if let Some(Chunk { content: Content::Bytes(bytes), .. }) = &mut answer.repeats {
        *bytes = Coder::new(&layers).piece(std::mem::take(bytes));
    }
    let (times, contents): (Vec<_>, Vec<_>) =
        answer.chunks.into_iter().map(|chunk| (chunk.after, chunk.content)).unzip();
    let body = Arc::new(Body {
        layers,
        contents,
        bomb: has(Coding::Bomb),
        truncated: has(Coding::Truncated),
        endless: answer.repeats.is_some(),
        pieces: OnceLock::new(),
    });
    let packed = |place| Content::Packed(Packed { body: body.clone(), place });
    let pieces = times.iter().enumerate().map(|(place, after)| Chunk { after: *after, content: packed(place) });
    let tail = Chunk::now(packed(times.len()));
    answer.chunks = pieces.chain([tail]).collect();
    answer
}

/// One piece of a packed body. The body is packed when its first piece is read.
#[derive(Debug, Clone)]
pub struct Packed {
    body: Arc<Body>,
    place: usize,
}

impl Packed {
    pub(super) fn read(&self, render: &dyn Fn(&Picture) -> Bytes) -> Bytes {
        let pieces = self.body.pieces.get_or_init(|| self.body.pack(render));
        pieces.get(self.place).cloned().unwrap_or_default()
    }
}

#[derive(Debug)]
struct Body {
    layers: Vec<Layer>,
    contents: Vec<Content>,
    bomb: bool,
    truncated: bool,
    /// Whether more of it follows for ever.
    endless: bool,
    /// A piece for every content, and one for the end.
    pieces: OnceLock<Vec<Bytes>>,
}

impl Body {
    fn pack(&self, render: &dyn Fn(&Picture) -> Bytes) -> Vec<Bytes> {
        let mut coder = Coder::new(&self.layers);
        let mut before = coder.head();
        let mut pieces: Vec<Bytes> = Vec::with_capacity(self.contents.len() + 1);
        for content in &self.contents {
            let piece = coder.piece(content.bytes(render));
            pieces.push(joined([std::mem::take(&mut before), piece]));
        }
        let bomb = if self.bomb { coder.bomb() } else { Bytes::new() };
        let end = if self.endless { Bytes::new() } else { coder.end() };
        pieces.push(joined([before, bomb, end]));
        if self.truncated {
            let mut left = pieces.iter().map(Bytes::len).sum::<usize>() / 2;
            for piece in &mut pieces {
                piece.truncate(left);
                left -= piece.len();
            }
        }
        pieces
    }
}

fn joined<const N: usize>(parts: [Bytes; N]) -> Bytes {
    let mut joined = BytesMut::new();
    for part in parts {
        joined.extend_from_slice(&part);
    }
    joined.freeze()
}

/// Layers on top of each other, and what went through each.
struct Coder<'l>(Vec<(&'l Layer, Sum)>);

impl<'l> Coder<'l> {
    fn new(layers: &'l [Layer]) -> Self {
        Self(layers.iter().map(|layer| (layer, Sum::default())).collect())
    }

    /// What stands before the first piece.
    fn head(&mut self) -> Bytes {
        self.through(Bytes::new(), |layer, _| layer.head().into())
    }

    /// What follows the last one.
    fn end(&mut self) -> Bytes {
        let mut carried = Bytes::new();
        for (layer, sum) in &mut self.0 {
            let inner = layer.put(sum, &carried);
            carried = joined([inner, layer.end(sum).into()]);
        }
        carried
    }

    /// Some bytes, packed.
    fn piece(&mut self, bytes: Bytes) -> Bytes {
        self.through(bytes, |_, _| Bytes::new())
    }

    /// The same bytes many times.
    fn bomb(&mut self) -> Bytes {
        let (length, times) = BOMB;
        let mut block = Bytes::from(vec![b' '; length]);
        for (layer, sum) in &mut self.0 {
            let mut one = Sum::default();
            let packed = layer.put(&mut one, &block);
            (0..times).for_each(|_| sum.follow(&one));
            block = packed;
        }
        block.repeat(times).into()
    }

    fn through(&mut self, mut bytes: Bytes, before: impl Fn(&Layer, &Sum) -> Bytes) -> Bytes {
        for (layer, sum) in &mut self.0 {
            let own = before(layer, sum);
            bytes = joined([own, layer.put(sum, &bytes)]);
        }
        bytes
    }
}

/// One way to pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Gzip,
    Zlib,
    RawDeflate,
    Brotli,
    Zstd,
}

impl Layer {
    fn of(coding: Coding) -> Option<Self> {
        match coding {
            Coding::Gzip => Some(Self::Gzip),
            Coding::Deflate => Some(Self::Zlib),
            Coding::RawDeflate => Some(Self::RawDeflate),
            Coding::Brotli => Some(Self::Brotli),
            Coding::Zstd => Some(Self::Zstd),
            Coding::Unlabelled | Coding::Mislabelled | Coding::Truncated | Coding::Bomb => None,
        }
    }

    /// As `content-encoding` has it.
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib | Self::RawDeflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn head(self) -> &'static [u8] {
        match self {
            Self::Gzip => deflate::GZIP_HEAD,
            Self::Zlib => deflate::ZLIB_HEAD,
            Self::RawDeflate => &[],
            Self::Brotli => brotli::HEAD,
            Self::Zstd => zstd::HEAD,
        }
    }

    /// Packs some bytes, and adds them to the sum.
    fn put(self, sum: &mut Sum, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        match self {
            Self::Gzip | Self::Zlib | Self::RawDeflate => {
                sum.add(bytes);
                deflate::piece(bytes)
            }
            Self::Brotli => brotli::piece(bytes),
            Self::Zstd => zstd::piece(bytes),
        }
        .into()
    }

    fn end(self, sum: &Sum) -> Vec<u8> {
        match self {
            Self::Gzip => [deflate::END, &sum.gzip()].concat(),
            Self::Zlib => [deflate::END, &sum.zlib()].concat(),
            Self::RawDeflate => deflate::END.to_vec(),
            Self::Brotli => brotli::END.to_vec(),
            Self::Zstd => zstd::END.to_vec(),
        }
    }
}
