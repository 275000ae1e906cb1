//! Undoing the content codings of a body, as far as it goes: it may be cut off, coded without saying so, or not coded at all.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The most bytes of a decoded body: more is a bomb.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What a body is without its codings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DecodedBody {
    /// It is not coded, whatever its headers say.
    Plain,
    /// It is coded like this.
    Coded {
        /// As `content-encoding` names it.
        coding: String,
        bytes: Vec<u8>,
    },
    /// It cannot be read, so that nobody knows what it holds.
    Unreadable(String),
}

/// Decodes a body with this `content-encoding`.
pub(crate) fn decode(header: Option<&str>, body: &[u8]) -> DecodedBody {
    let named = header.into_iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_ascii_lowercase());
    let mut named: Vec<String> = named.filter(|name| !name.is_empty() && name != "identity").collect();
    if named.is_empty() {
        match body {
            [0x1f, 0x8b, ..] => named.push(String::from("gzip")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => named.push(String::from("zstd")),
            _ => return DecodedBody::Plain,
        }
    }
    let mut bytes = body.to_vec();
    for name in named.iter().rev() {
        let decoded = match name.as_str() {
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(&bytes[..])),
            // Some servers leave out the head that the name stands for.
            "deflate" => read(ZlibDecoder::new(&bytes[..])).or_else(|| read(DeflateDecoder::new(&bytes[..]))),
            "br" => read(brotli_decompressor::Decompressor::new(&bytes[..], 64 * 1024)),
            "zstd" => zstd(&bytes),
            _ => return DecodedBody::Unreadable(format!("the content coding {name} is not known")),
        };
        match decoded {
            Some(decoded) if decoded.len() as u64 > LARGEST => {
                return DecodedBody::Unreadable(format!("the body is larger than {} MiB", LARGEST >> 20));
            }
            Some(decoded) => bytes = decoded,
            None if bytes.is_empty() => {}
            // What looks like text was never coded.
            None if std::str::from_utf8(&bytes).is_ok() => return DecodedBody::Plain,
            None => return DecodedBody::Unreadable(format!("the body is no {name}")),
        }
    }
    DecodedBody::Coded { coding: named.join(", "), bytes }
}

/// What comes before the first error; `None` where nothing does.
fn read(decoder: impl Read) -> Option<Vec<u8>> {
    let (mut bytes, mut decoder) = (Vec::new(), decoder.take(LARGEST + 1));
    let ended = decoder.read_to_end(&mut bytes);
    (ended.is_ok() || !bytes.is_empty()).then_some(bytes)
}

fn zstd(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = zstd_safe::DCtx::create();
    let mut input = zstd_safe::InBuffer::around(body);
    let (mut bytes, mut block) = (Vec::new(), vec![0; 128 * 1024]);
    loop {
        let (mut output, before) = (zstd_safe::OutBuffer::around(&mut block), input.pos());
        let read = decoder.decompress_stream(&mut output, &mut input);
        let written = output.pos();
        bytes.extend_from_slice(&block[..written]);
        let stands_still = written == 0 && input.pos() == before;
        match read {
            Err(_) if bytes.is_empty() => return None,
            Ok(_) if !stands_still && bytes.len() as u64 <= LARGEST => {}
            _ => return Some(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::response::content_coding::coded;

    #[test]
    fn what_the_mock_codes_is_decoded_also_where_it_is_cut_off() {
        let text = "a kite over dunes ".repeat(100);
        for coding in ["gzip", "deflate", "br", "zstd", "gzip, br"] {
            for whole in [true, false] {
                let packed = coded(coding, Bytes::from(text.clone()), whole).unwrap();
                let expected = DecodedBody::Coded { coding: coding.into(), bytes: text.clone().into_bytes() };
                assert_eq!(decode(Some(coding), &packed), expected, "{coding} {whole}");
            }
        }
        let packed = coded("gzip", Bytes::from(text.clone()), true).unwrap();
        assert!(matches!(decode(None, &packed), DecodedBody::Coded { coding, .. } if coding == "gzip"), "unlabelled");
    }

    #[test]
    fn what_is_not_coded_is_plain_and_what_is_not_known_is_said() {
        assert_eq!(decode(None, b"{}"), DecodedBody::Plain);
        assert_eq!(decode(Some("gzip"), b"{\"a\":1}"), DecodedBody::Plain);
        assert_eq!(decode(Some("identity"), b"{}"), DecodedBody::Plain);
        assert!(matches!(decode(Some("rot13"), b"{}"), DecodedBody::Unreadable(why) if why.contains("rot13")));
        assert!(matches!(decode(Some("br"), b"\xff\xff\xff\xff"), DecodedBody::Unreadable(_)));
    }
}
