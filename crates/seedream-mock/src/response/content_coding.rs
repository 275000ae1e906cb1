//! Packed bodies: gzip, deflate, brotli and zstd, one on top of another, labelled or not, whole or not.
//!
//! Every chunk of a body becomes a piece that can be unpacked as it comes, and pieces do not refer to each other.

pub(crate) mod brotli;
pub(crate) mod deflate;
pub(crate) mod zstd;

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use crate::faults::shape_words::CodingFault;
use crate::image::test_image::TestImage;
use crate::response::chunk::{Chunk, ChunkContent, DeferredBytes};
use crate::response::content_coding::deflate::Checksums;
use crate::response::endpoint_response::EndpointResponse;

/// What a bomb is made of, and how often: a gibibyte.
const BOMB: (usize, usize) = (4 << 20, 256);

/// Packs a response.
pub(crate) fn pack(mut response: EndpointResponse, codings: &[CodingFault]) -> EndpointResponse {
    if codings.is_empty() {
        return response;
    }
    let has = |coding| codings.contains(&coding);
    let mut layers: Vec<CodingLayer> = codings.iter().filter_map(|coding| CodingLayer::of(*coding)).collect();
    if layers.is_empty() {
        layers.push(CodingLayer::Gzip);
    }
    if !has(CodingFault::Unlabelled) {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name()).collect();
        response.headers.push((String::from("content-encoding"), names.join(", ")));
    }
    if has(CodingFault::Mislabelled) {
        return response;
    }
    if let Some(Chunk { content: ChunkContent::Bytes(bytes), .. }) = &mut response.repeats {
        *bytes = Coder::new(&layers).piece(std::mem::take(bytes));
    }
    let (times, contents): (Vec<_>, Vec<_>) =
        response.chunks.into_iter().map(|chunk| (chunk.after, chunk.content)).unzip();
    let body = Arc::new(PackedBody {
        layers,
        contents,
        bomb: has(CodingFault::Bomb),
        truncated: has(CodingFault::Truncated),
        endless: response.repeats.is_some(),
        pieces: OnceLock::new(),
    });
    let packed = |place| ChunkContent::Deferred(Arc::new(PackedPiece { body: body.clone(), place }));
    let pieces = times.iter().enumerate().map(|(place, after)| Chunk { after: *after, content: packed(place) });
    let tail = Chunk::now(packed(times.len()));
    response.chunks = pieces.chain([tail]).collect();
    response
}

/// Some bytes in the codings that `content-encoding` names, without their end where it was cut off; `None` for a coding that is not
/// known.
pub(crate) fn coded(names: &str, bytes: Bytes, whole: bool) -> Option<Bytes> {
    let layers: Vec<CodingLayer> =
        names.split(',').map(|name| CodingLayer::named(name.trim())).collect::<Option<_>>()?;
    let mut coder = Coder::new(&layers);
    let (head, piece) = (coder.head(), coder.piece(bytes));
    let end = if whole { coder.end() } else { Bytes::new() };
    Some(joined([head, piece, end]))
}

/// One piece of a packed body. The body is packed when its first piece is read.
#[derive(Debug)]
struct PackedPiece {
    body: Arc<PackedBody>,
    place: usize,
}

impl DeferredBytes for PackedPiece {
    fn read(&self, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        let pieces = self.body.pieces.get_or_init(|| self.body.pack(render));
        pieces.get(self.place).cloned().unwrap_or_default()
    }
}

#[derive(Debug)]
struct PackedBody {
    layers: Vec<CodingLayer>,
    contents: Vec<ChunkContent>,
    bomb: bool,
    truncated: bool,
    /// Whether more of it follows for ever.
    endless: bool,
    /// A piece for every content, and one for the end.
    pieces: OnceLock<Vec<Bytes>>,
}

impl PackedBody {
    fn pack(&self, render: &dyn Fn(&TestImage) -> Bytes) -> Vec<Bytes> {
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
struct Coder<'l>(Vec<(&'l CodingLayer, Checksums)>);

impl<'l> Coder<'l> {
    fn new(layers: &'l [CodingLayer]) -> Self {
        Self(layers.iter().map(|layer| (layer, Checksums::default())).collect())
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
            let mut one = Checksums::default();
            let packed = layer.put(&mut one, &block);
            (0..times).for_each(|_| sum.follow(&one));
            block = packed;
        }
        block.repeat(times).into()
    }

    fn through(&mut self, mut bytes: Bytes, before: impl Fn(&CodingLayer, &Checksums) -> Bytes) -> Bytes {
        for (layer, sum) in &mut self.0 {
            let own = before(layer, sum);
            bytes = joined([own, layer.put(sum, &bytes)]);
        }
        bytes
    }
}

/// One way to pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodingLayer {
    Gzip,
    Zlib,
    RawDeflate,
    Brotli,
    Zstd,
}

impl CodingLayer {
    fn of(coding: CodingFault) -> Option<Self> {
        match coding {
            CodingFault::Gzip => Some(Self::Gzip),
            CodingFault::Deflate => Some(Self::Zlib),
            CodingFault::RawDeflate => Some(Self::RawDeflate),
            CodingFault::Brotli => Some(Self::Brotli),
            CodingFault::Zstd => Some(Self::Zstd),
            CodingFault::Unlabelled | CodingFault::Mislabelled | CodingFault::Truncated | CodingFault::Bomb => None,
        }
    }

    /// The coding of this name.
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Zlib),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
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
    fn put(self, sum: &mut Checksums, bytes: &[u8]) -> Bytes {
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

    fn end(self, sum: &Checksums) -> Vec<u8> {
        match self {
            Self::Gzip => [deflate::END, &sum.gzip()].concat(),
            Self::Zlib => [deflate::END, &sum.zlib()].concat(),
            Self::RawDeflate => deflate::END.to_vec(),
            Self::Brotli => brotli::END.to_vec(),
            Self::Zstd => zstd::END.to_vec(),
        }
    }
}
