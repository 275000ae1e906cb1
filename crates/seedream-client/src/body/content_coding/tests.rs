use std::io::Write as _;

use flate2::{Compression, write};
use futures_util::{StreamExt as _, future::poll_immediate, stream};
use http::HeaderValue;
use http_body_util::{BodyExt as _, StreamBody};
use proptest::prelude::*;
use zstd_safe::OutBuffer;

use super::*;

/// A response of forty links, and the same as brotli (quality 11) makes it.
fn json() -> Vec<u8> {
    let links: Vec<_> = (0..40).map(|number| format!(r#"{{"url":"https://a.example/{number}.png"}}"#)).collect();
    format!(r#"{{"created":1763668800,"data":[{}]}}"#, links.join(",")).into_bytes()
}

const JSON_BR: &str = "1b8c0520ac8a7780fda0989808b7d6bc43f96b9197b0bdee60f31825928cd9aa6b169dae3ee522d7223a6c7308960712eb632c\
    75110e07984d69b031c66f872b6caefba0b3ec0428c0c5eeddfad81a073a98fd3890d1da64636bb6b3d86fb9eb92c146e1e0a2f130f6c906121b858\
    38bc6c3d8270524360a07178d8789af06";

fn br() -> Vec<u8> {
    (0..JSON_BR.len()).step_by(2).map(|at| u8::from_str_radix(&JSON_BR[at..at + 2], 16).unwrap()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0; zstd_safe::compress_bound(bytes.len())];
    let length = zstd_safe::compress(&mut out[..], bytes, 3).unwrap();
    out.truncate(length);
    out
}

fn headers(labels: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("1"));
    for label in labels {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_str(label).unwrap());
    }
    headers
}

fn body(chunks: Vec<Bytes>, end: Option<TransportError>) -> ResponseBody {
    let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk))).chain(end.map(Err));
    ResponseBody::new(StreamBody::new(stream::iter(frames.collect::<Vec<_>>())))
}

/// What comes out of these bytes, chunk by chunk, and the error at the end.
async fn read_to(
    labels: &[&str],
    bytes: &[u8],
    chunk: usize,
    end: Option<TransportError>,
) -> (Vec<u8>, Option<TransportError>) {
    let chunks = bytes.chunks(chunk.max(1)).map(Bytes::copy_from_slice).collect();
    let mut decoded = DecodedBody::new(&mut headers(labels), body(chunks, end));
    let mut out = Vec::new();
    while let Some(frame) = decoded.frame().await {
        match frame {
            Ok(frame) => out.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => {
                assert!(decoded.frame().await.is_none(), "an error is the last that is heard");
                return (out, Some(error));
            }
        }
    }
    (out, None)
}

async fn read(labels: &[&str], bytes: &[u8], chunk: usize) -> Vec<u8> {
    let (out, error) = read_to(labels, bytes, chunk, None).await;
    assert!(error.is_none(), "{labels:?} {error:?}");
    out
}

#[tokio::test]
async fn every_coding_is_unpacked_whatever_the_chunks() {
    let json = json();
    for (labels, bytes) in [
        (vec!["gzip"], gzip(&json)),
        (vec!["X-GZip"], gzip(&json)),
        (vec!["deflate"], zlib(&json)),
        (vec!["Deflate"], deflate(&json)),
        (vec!["br"], br()),
        (vec!["ZSTD"], zstd(&json)),
        (vec!["identity, gzip , identity"], gzip(&json)),
        (vec!["br, gzip"], gzip(&br())),
        (vec!["br", "Identity", "gzip"], gzip(&br())),
        (vec!["deflate,zstd,gzip"], gzip(&zstd(&zlib(&json)))),
        (vec![], gzip(&json)),
        (vec![], zstd(&json)),
        (vec!["identity"], gzip(&json)),
        (vec![], gzip(&zstd(&gzip(&json)))),
        (vec!["gzip"], gzip(&gzip(&json))),
        // Another one than the label says.
        (vec!["gzip"], zstd(&json)),
        (vec!["br"], gzip(&json)),
        // Parts that follow one another, the last of them without data.
        (vec!["gzip"], [gzip(&json[..700]), gzip(&json[700..]), gzip(b"")].concat()),
        (vec!["zstd"], [zstd(&json[..700]), b"\x50\x2a\x4d\x18\x02\0\0\0zz".to_vec(), zstd(&json[700..])].concat()),
        // What follows the end.
        (vec!["gzip"], [gzip(&json), b"\0\0\0trailing".to_vec()].concat()),
        (vec!["deflate"], [zlib(&json), b"trailing".to_vec()].concat()),
        (vec!["br"], [br(), b"trailing".to_vec()].concat()),
        (vec!["zstd"], [zstd(&json), b"tr".to_vec()].concat()),
    ] {
        for chunk in [1, 2, 7, 1000, usize::MAX] {
            assert!(read(&labels, &bytes, chunk).await == json, "{labels:?} in chunks of {chunk}");
        }
    }
}

#[tokio::test]
async fn a_label_without_compression_is_read_as_it_is() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03".to_vec();
    for bytes in [json(), b"data: {}\n\n".to_vec(), b": keep-alive\n\n".to_vec(), b"{}".to_vec(), png, Vec::new()] {
        for label in ["gzip", "deflate", "br", "zstd", "br, gzip", "unknown"] {
            for chunk in [1, usize::MAX] {
                assert!(read(&[label], &bytes, chunk).await == bytes, "{label}: {bytes:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_head_of_an_unpacked_body_states_neither_coding_nor_length() {
    let mut coded = headers(&["gzip"]);
    drop(DecodedBody::new(&mut coded, body(Vec::new(), None)));
    assert!(coded.is_empty());
    let mut plain = headers(&["identity"]);
    drop(DecodedBody::new(&mut plain, body(Vec::new(), None)));
    assert_eq!(plain.len(), 2);
}

#[tokio::test]
async fn what_is_not_compressed_is_passed_on_without_a_copy() {
    let chunks = [Bytes::from(json()), Bytes::from_static(b"\x1f\x8b\x08 in the middle")];
    let mut decoded = DecodedBody::new(&mut HeaderMap::new(), body(chunks.to_vec(), None));
    for chunk in chunks {
        let data = decoded.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((data.as_ptr(), data.len()), (chunk.as_ptr(), chunk.len()));
    }
    assert!(decoded.frame().await.is_none() && !decoded.was_coded());
}

#[tokio::test]
async fn what_a_cut_body_still_holds_comes_before_the_error() {
    let mut noise = fastrand::Rng::with_seed(1);
    let bytes: Vec<u8> = (0..600_000).map(|_| noise.u8(b' '..b'z')).collect();
    for (label, packed) in [("gzip", gzip(&bytes)), ("deflate", zlib(&bytes)), ("zstd", zstd(&bytes))] {
        let half = &packed[..packed.len() / 2];
        for end in [None, Some(TransportError::new(Reached::Sent, "reset"))] {
            let said = if end.is_some() { "reset" } else { "ended in the middle of its" };
            let (out, error) = read_to(&[label], half, 9999, end).await;
            assert!(error.unwrap().to_string().contains(said), "{label}");
            // A block of zstd, 128 KiB, is given as a whole.
            assert!(out.len() > 600_000 / 2 - (140 << 10) && bytes.starts_with(&out), "{label}: {}", out.len());
        }
    }
    let json = json();
    for (label, packed) in [("gzip", gzip(&json)), ("deflate", zlib(&json)), ("br", br()), ("zstd", zstd(&json))] {
        for cut in 1..packed.len() {
            let (out, error) = read_to(&[label], &packed[..cut], usize::MAX, None).await;
            // The first bytes may look like something else; then they are passed on.
            assert!(error.is_some() && json.starts_with(&out) || out == packed[..cut], "{label} cut at {cut}");
        }
    }
}

#[tokio::test]
async fn a_block_before_a_damaged_one_is_kept_whatever_the_chunks() {
    // A frame of one segment with a block of four bytes as they are, and one of a type that there is not.
    let packed = b"\x28\xb5\x2f\xfd\x20\x08\x20\0\0text\x26\0\0text";
    for chunk in [1, 5, usize::MAX] {
        let (out, error) = read_to(&["zstd"], packed, chunk, None).await;
        assert!(out == b"text" && error.unwrap().to_string().contains("damaged"), "{chunk}");
    }
}

#[tokio::test]
async fn damage_is_an_error() {
    let json = json();
    for (label, mut packed) in [("gzip", gzip(&json)), ("deflate", zlib(&json)), ("br", br()), ("zstd", zstd(&json))] {
        let middle = packed.len() / 2;
        packed[middle..middle + 8].fill(0xff);
        let (_, error) = read_to(&[label], &packed, usize::MAX, None).await;
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Transport), "{label}");
    }
    let mut checksum = gzip(&json);
    let last = checksum.len() - 5;
    checksum[last] ^= 1;
    let (out, error) = read_to(&["gzip"], &checksum, usize::MAX, None).await;
    assert!(out == json && error.unwrap().to_string().contains("is damaged"));
}

#[tokio::test]
async fn a_bomb_is_refused_and_what_is_only_dense_is_not() {
    let zeros = vec![0; 40 << 20];
    let small = vec![b' '; 900 << 10];
    for (labels, bomb) in [
        (vec!["gzip"], gzip(&zeros)),
        (vec!["zstd"], zstd(&zeros)),
        (vec![], gzip(&zeros)),
        (vec!["gzip, gzip"], gzip(&gzip(&zeros))),
    ] {
        let (out, error) = read_to(&labels, &bomb, usize::MAX, None).await;
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::TooLarge), "{labels:?}");
        assert!(out.len() < 40 << 20);
    }
    assert!(read(&["gzip, gzip"], &gzip(&gzip(&small)), usize::MAX).await == small);
    assert!(read(&["zstd"], &zstd(&small), usize::MAX).await == small);
}

#[tokio::test]
async fn what_was_flushed_is_there_before_more_comes() {
    let events: [&[u8]; 2] = [b"data: {\"index\":0}\n\n", b"data: {\"index\":1}\n\n"];
    let mut gzip = write::GzEncoder::new(Vec::new(), Compression::default());
    let mut parts = Vec::new();
    for event in events {
        gzip.write_all(event).unwrap();
        gzip.flush().unwrap();
        parts.push(Bytes::from(std::mem::take(gzip.get_mut())));
    }
    let mut zstd = zstd_safe::CCtx::create();
    let mut flushed = Vec::new();
    for event in events {
        let mut out = [0; 200];
        let mut to = OutBuffer::around(&mut out[..]);
        zstd.compress_stream(&mut to, &mut zstd_safe::InBuffer::around(event)).unwrap();
        assert_eq!(zstd.flush_stream(&mut to).unwrap(), 0);
        flushed.push(Bytes::copy_from_slice(to.as_slice()));
    }
    for (label, parts) in [("gzip", parts), ("zstd", flushed)] {
        let chunks = stream::iter(parts.into_iter().map(|part| Ok(Frame::data(part)))).chain(stream::pending());
        let mut decoded = DecodedBody::new(&mut headers(&[label]), ResponseBody::new(StreamBody::new(chunks)));
        for event in events {
            let frame = poll_immediate(decoded.frame()).await.expect("it is there").unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), event, "{label}");
        }
        assert!(poll_immediate(decoded.frame()).await.is_none() && decoded.was_coded());
    }
}

fn packed() -> impl Strategy<Value = Vec<u8>> {
    let plain = proptest::collection::vec(any::<u8>(), 0..200);
    (plain, 0..6_u8, any::<u16>(), any::<u8>(), any::<bool>()).prop_map(|(plain, coding, at, byte, broken)| {
        let mut bytes = match coding {
            0 => gzip(&plain),
            1 => zlib(&plain),
            2 => deflate(&plain),
            3 => zstd(&plain),
            4 => br(),
            _ => plain,
        };
        if broken && !bytes.is_empty() {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes_under_any_label_are_the_same_in_any_chunks(
        bytes in packed(),
        labels in proptest::collection::vec(proptest::sample::select(vec!["gzip", "deflate", "br", "zstd"]), 0..3),
        chunk in 1_usize..40,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (whole, chunked) = runtime.block_on(async {
            (read_to(&labels, &bytes, usize::MAX, None).await, read_to(&labels, &bytes, chunk, None).await)
        });
        let told = |error: Option<TransportError>| error.map(|error| error.to_string());
        let (whole, chunked) = ((whole.0, told(whole.1)), (chunked.0, told(chunked.1)));
        prop_assert_eq!(&whole.1, &chunked.1);
        if whole.1.is_some() {
            // Of the part that is damaged, more or less is given before it shows.
            prop_assert!(whole.0.starts_with(&chunked.0) || chunked.0.starts_with(&whole.0));
        } else {
            prop_assert_eq!(whole.0, chunked.0);
        }
    }
}
