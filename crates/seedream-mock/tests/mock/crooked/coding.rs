//! Packed bodies, unpacked by the readers of others.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use seedream_mock::{Engine, MockServer, Script};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, post_with};
use crate::http1_client;

fn kites(stream: bool) -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "sequential_image_generation": "auto",
        "size": "1024x1024", "stream": stream,
    })
}

fn ark(engine: &Engine, fault: &str) -> Script {
    post_with(engine, fault, &create_path("ark"), &kites(false))
}

/// As much as can be unpacked, and whether that was all.
fn unpacked(layer: &str, packed: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let end = match layer {
        "gzip" => GzDecoder::new(packed).read_to_end(&mut bytes).is_ok(),
        "deflate" => ZlibDecoder::new(packed).read_to_end(&mut bytes).is_ok(),
        "raw-deflate" => DeflateDecoder::new(packed).read_to_end(&mut bytes).is_ok(),
        "br" => brotli_decompressor::Decompressor::new(packed, 4096).read_to_end(&mut bytes).is_ok(),
        "zstd" => zstd(packed, &mut bytes),
        other => panic!("{other}"),
    };
    (bytes, end)
}

fn zstd(packed: &[u8], bytes: &mut Vec<u8>) -> bool {
    let mut context = zstd_safe::DCtx::create();
    context.init().unwrap();
    let mut input = zstd_safe::InBuffer::around(packed);
    loop {
        let mut part = vec![0; 1 << 17];
        let mut output = zstd_safe::OutBuffer::around(part.as_mut_slice());
        let more = context.decompress_stream(&mut output, &mut input).unwrap();
        let written = output.pos();
        bytes.extend_from_slice(&part[..written]);
        match (more, written, input.pos() == packed.len()) {
            (0, _, _) => return true,
            (_, 0, true) => return false,
            _ => {}
        }
    }
}

const LAYERS: [&str; 5] = ["gzip", "deflate", "raw-deflate", "br", "zstd"];

#[test]
fn a_response_is_packed_and_says_so() {
    let engine = engine();
    for layer in LAYERS {
        let label = if layer == "raw-deflate" { "deflate" } else { layer };
        for status in ["", " status=400"] {
            let script = ark(&engine, &format!("coding={layer}{status}"));
            assert_eq!(script.header("content-encoding"), Some(label));
            assert_eq!(script.header("content-type"), Some("application/json"));
            let (body, whole) = unpacked(layer, &script.body());
            let document: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{layer}: {error}"));
            assert!(whole && (document["data"][1]["url"].is_string() || document["error"].is_object()), "{layer}");
        }
    }
}

#[test]
fn layers_lie_on_top_of_each_other_in_the_order_of_the_label() {
    let engine = engine();
    for (first, second) in
        [("gzip", "br"), ("zstd", "gzip"), ("deflate", "zstd"), ("gzip", "gzip"), ("br", "raw-deflate")]
    {
        let script = ark(&engine, &format!("coding={first},{second}"));
        let label = format!("{first}, {}", second.trim_start_matches("raw-"));
        assert_eq!(script.header("content-encoding"), Some(label.as_str()));
        let (outer, whole) = unpacked(second, &script.body());
        let (body, all) = unpacked(first, &outer);
        assert!(whole && all, "{first},{second}");
        assert!(serde_json::from_slice::<Value>(&body).unwrap()["data"].is_array(), "{first},{second}");
    }
}

#[test]
fn a_label_may_be_missing_or_wrong() {
    let engine = engine();
    for layer in ["gzip", "zstd"] {
        let script = ark(&engine, &format!("coding={layer},unlabelled"));
        assert_eq!(script.header("content-encoding"), None);
        assert!(unpacked(layer, &script.body()).1);
    }
    let plain = ark(&engine, "coding=gzip,mislabelled");
    assert_eq!(plain.header("content-encoding"), Some("gzip"));
    assert!(json(&plain)["data"].is_array(), "the body is as it is");
}

#[test]
fn half_a_packed_body_still_holds_something() {
    let engine = engine();
    for layer in LAYERS {
        let script = ark(&engine, &format!("coding={layer},truncated oversize=100000"));
        let length = ark(&engine, &format!("coding={layer} oversize=100000")).body().len();
        assert_eq!(script.body().len(), length / 2, "{layer}");
        let (held, whole) = unpacked(layer, &script.body());
        assert!(!whole && held.starts_with(b"{\"model\":"), "{layer} holds {} bytes", held.len());
    }
    assert!(engine.journal(None).iter().all(|entry| entry.billed == 2));
}

#[test]
fn a_bomb_is_a_gibibyte_in_little_and_can_be_unpacked_as_it_comes() {
    let engine = engine();
    for layer in LAYERS {
        let packed = ark(&engine, &format!("coding={layer},bomb")).body();
        assert!(packed.len() < 2 << 20, "{layer}: {}", packed.len());
        let mut reader: Box<dyn std::io::Read> = match layer {
            "gzip" => Box::new(GzDecoder::new(packed.as_ref())),
            "deflate" => Box::new(ZlibDecoder::new(packed.as_ref())),
            "raw-deflate" => Box::new(DeflateDecoder::new(packed.as_ref())),
            "br" => Box::new(brotli_decompressor::Decompressor::new(packed.as_ref(), 4096)),
            _ => {
                assert!(packed.len() < 100_000);
                continue;
            }
        };
        // The beginning is the document; that much more comes is read to the end once, where it is fast.
        let mut start = vec![0; 16 << 20];
        reader.read_exact(&mut start).unwrap();
        assert!(start.starts_with(b"{\"model\":") && start.ends_with(b"    "), "{layer}");
        if layer == "gzip" {
            let rest = std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
            assert!(rest >= (1 << 30) - (16 << 20), "and the checksum is right");
        }
    }
    let stacked = ark(&engine, "coding=gzip,gzip,bomb").body();
    assert!(stacked.len() < 64 << 10, "{}", stacked.len());
}

#[tokio::test]
async fn a_stream_is_packed_event_by_event() {
    let mock = MockServer::start().await.unwrap();
    for layer in LAYERS {
        let headers = [("authorization", "Bearer sk-test"), ("x-mock-fault", &*format!("coding={layer}"))];
        let body = kites(true).to_string();
        let response = http1_client::send(&mock, "POST", &create_path("ark"), &headers, body.as_bytes()).await.unwrap();
        let (events, whole) = unpacked(layer, &response.body);
        let events = String::from_utf8(events).unwrap();
        assert!(whole && events.ends_with("data: [DONE]\n\n"), "{layer}");
        assert_eq!(response.chunks.len(), 5, "two images, completed, done, and the end of the packing");
        let (first, _) = unpacked(layer, &response.body[..response.chunks[0]]);
        assert!(first.ends_with(b"}\n\n"), "{layer}: an event can be read when it comes");
    }
}

#[tokio::test]
async fn a_download_is_packed_too() {
    let mock = MockServer::start().await.unwrap();
    let mut body = kites(false);
    body["prompt"] = json!("a kite [[mock: on=image coding=gzip,br]]");
    let made = http1_client::post(&mock, &create_path("ark"), &body).await.json();
    let file = http1_client::download(&mock, made["data"][0]["url"].as_str().unwrap()).await;
    assert_eq!((file.header("content-encoding"), file.header("content-type")), ("gzip, br", "image/jpeg"));
    let (image, whole) = unpacked("gzip", &unpacked("br", &file.body).0);
    assert!(whole && image.starts_with(b"\xff\xd8") && image.ends_with(b"\xff\xd9"));
    let engine = engine();
    let mut inline = kites(false);
    inline["response_format"] = json!("b64_json");
    let packed = post_with(&engine, "coding=zstd", &create_path("ark"), &inline).body();
    let (document, whole) = unpacked("zstd", &packed);
    assert!(whole && serde_json::from_slice::<Value>(&document).unwrap()["data"][1]["b64_json"].is_string());
    assert_eq!(get(&engine, "/ark/api/v3/models").header("content-encoding"), None);
}
