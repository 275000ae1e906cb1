//! Responses that come compressed although nothing compressed was asked for, and images that are cut, over real sockets.

use std::{fs, io::Write as _, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use futures_util::StreamExt as _;
use seedream_client::{Client, DownloadOptions, ImageProvider as _, SaveOptions};
use seedream_core::{Charge, ErrorKind, Event, GeneratedImage, ImageData, WarningKind};

use crate::{
    base64_images,
    raw_server::{Act, Raw},
    saving::PNG,
    tiny_dialects::{Tiny, client, request},
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A response with a right length.
fn response(head: &str, body: &[u8]) -> Act {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    Act::Answer([head.as_bytes(), body].concat())
}

fn downloads(server: &Raw) -> Client {
    let options = DownloadOptions::default().waits(Duration::from_millis(3), Duration::from_millis(1));
    client(Tiny, &server.url).download(options).build().unwrap()
}

const JSON: &[u8] = br#"{"data":[{"url":"https://a.example/0.png"},{"url":"https://a.example/1.png"}]}"#;

#[tokio::test]
async fn a_compressed_response_is_read_whether_it_is_labelled_or_not() {
    let packed = gzip(JSON);
    for (label, body) in [
        ("Content-Encoding: gzip", packed.as_slice()),
        ("content-encoding: GZIP\r\nContent-Encoding: identity", &packed),
        ("X-Nothing: said", &packed),
        ("Content-Encoding: gzip", JSON),
        ("Content-Encoding: br", JSON),
    ] {
        let server = Raw::start(vec![response(&format!("200 OK\r\n{label}"), body)]).await;
        let generation = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap();
        assert_eq!((generation.images().count(), generation.raw.as_ref()), (2, JSON), "{label}");
        assert!(server.requests()[0].to_ascii_lowercase().contains("\r\naccept-encoding: identity\r\n"));
    }
}

#[tokio::test]
async fn a_compressed_refusal_says_what_it_says() {
    let server = Raw::start(vec![response("400 Bad Request\r\nContent-Encoding: gzip", &gzip(b"bad size"))]).await;
    let error = client(Tiny, &server.url).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.message(), error.charge()), ("bad size", Charge::No));
    assert_eq!(error.body().unwrap().as_ref(), b"bad size");
}

#[tokio::test]
async fn a_compressed_stream_is_read_event_by_event() {
    let event =
        |number| format!("data: {{\"b64_json\":\"{}\"}}\n\n", STANDARD.encode(base64_images::png(number, 5000)));
    let stream = format!("{}{}data: [DONE]\n\n", event(1), event(2));
    let head = "200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip";
    let server = Raw::start(vec![response(head, &gzip(stream.as_bytes()))]).await;
    let client = base64_images::client(&server.url).build().unwrap();
    let events: Vec<_> = client.events(request().stream(true)).await.unwrap().map(Result::unwrap).collect().await;
    let [Event::Image(_), Event::Image(second), Event::Finished(_)] = &events[..] else { panic!("{events:?}") };
    assert!(second.data == ImageData::Bytes(base64_images::png(2, 5000).into()));
}

#[tokio::test]
async fn what_a_cut_compressed_response_still_holds_is_kept() {
    let items: Vec<_> = (0..3).map(|seed| base64_images::item(seed, 400_000)).collect();
    let packed = gzip(base64_images::body(&items).as_bytes());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    let server = Raw::start(vec![Act::Answer([head.as_bytes(), &packed[..packed.len() - 1000]].concat())]).await;
    let generation = base64_images::client(&server.url).build().unwrap().generate(request()).await.unwrap();
    assert_eq!((base64_images::complete(&generation), server.count("POST")), ((2, 1), 1));
    assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete));
}

#[tokio::test]
async fn a_response_that_unpacks_without_end_is_refused_and_its_charge_unknown() {
    let bomb = gzip(&vec![b' '; 8 << 20]);
    let head = "200 OK\r\nContent-Encoding: gzip";
    let server = Raw::start(vec![response(head, &bomb), response("500 Oops\r\nContent-Encoding: gzip", &bomb)]).await;
    let client = client(Tiny, &server.url).build().unwrap();
    for kind in [ErrorKind::TooLarge, ErrorKind::Server] {
        let error = client.generate(request()).await.unwrap_err();
        assert_eq!(error.charge(), Charge::Unknown, "{kind}: {error}");
    }
    let server = Raw::start(vec![response(head, &bomb)]).await;
    let error = downloads(&server).downloader().fetch(&server.url).await.unwrap_err();
    assert_eq!((error.kind(), server.count("GET")), (ErrorKind::TooLarge, 1));
}

#[tokio::test]
async fn a_compressed_download_is_unpacked_and_never_gone_on_with() {
    // No image, so that nothing but the transfer tells its end.
    let bytes = base64_images::png(1, 100_000).split_off(PNG.len());
    let packed = gzip(&bytes);
    for label in ["Content-Encoding: gzip\r\n", ""] {
        let tag = "ETag: \"v1\"\r\nAccept-Ranges: bytes\r\n";
        let head = format!("HTTP/1.1 200 OK\r\n{label}{tag}Content-Length: {}\r\n\r\n", packed.len());
        let act = |length: usize| Act::Answer([head.as_bytes(), &packed[..length]].concat());
        let server = Raw::start(vec![act(packed.len() / 2), act(packed.len())]).await;
        assert!(downloads(&server).downloader().fetch(&server.url).await.unwrap() == bytes);
        let requests = server.requests();
        assert!(requests.len() == 2 && requests.iter().all(|request| !request.to_ascii_lowercase().contains("range:")));
    }
}

#[tokio::test]
async fn an_image_that_is_cut_is_never_a_success_whatever_frames_it() {
    let cut = &PNG[..60];
    let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", cut.len());
    let chunks = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", cut.len());
    for (framing, bytes) in [
        ("the end of the connection", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", cut].concat()),
        ("a right length", [length.as_bytes(), cut].concat()),
        ("chunks", [chunks.as_bytes(), cut, b"\r\n0\r\n\r\n"].concat()),
        ("a length that is wrong", [b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", cut].concat()),
    ] {
        let server = Raw::start((0..4).map(|_| Act::Answer(bytes.clone())).collect()).await;
        let directory = tempfile::tempdir().unwrap();
        let image = GeneratedImage::new(2, ImageData::Url { url: server.url.clone(), expires_at: None });
        let options = SaveOptions::new(directory.path(), "tiny");
        let failure = downloads(&server).save_image(&image, &options).await.unwrap_err();
        assert_eq!((failure.kind, failure.url.as_deref()), (ErrorKind::IncompleteImage, Some(server.url.as_str())));
        assert_eq!(fs::read(directory.path().join("tiny-2.partial.png")).unwrap(), cut, "{framing}");
        assert_eq!((server.count("GET"), fs::read_dir(directory.path()).unwrap().count()), (3, 1), "{framing}");
    }
}

#[tokio::test]
async fn an_image_that_is_cut_inside_a_response_is_kept_and_a_failure() {
    let cut = |png: Vec<u8>| format!(r#"{{"b64_json":"{}"}}"#, STANDARD.encode(png));
    // One that is long enough to be lifted, one that is not, and one that is whole.
    let long = {
        let mut png = PNG[..41].to_vec();
        png.extend([7; 3000]);
        png
    };
    let items = [cut(long.clone()), cut(PNG[..60].to_vec()), cut(PNG.to_vec())];
    let body = base64_images::body(&items);
    for spools in [true, false] {
        let server = Raw::start(vec![response("200 OK", body.as_bytes())]).await;
        let directory = tempfile::tempdir().unwrap();
        let builder = base64_images::client(&server.url);
        let client = if spools { builder.spool(directory.path()) } else { builder }.build().unwrap();
        let generation = client.generate(request()).await.unwrap();
        assert_eq!(generation.images().count(), 3);
        let first = generation.images().next().unwrap();
        assert!(matches!(first.data, ImageData::Incomplete { .. }), "{first:?}");
        for image in generation.images().take(2) {
            assert_eq!(client.fetch(image).await.unwrap_err().kind, ErrorKind::IncompleteImage);
        }
        let saved = client.save(&generation, &SaveOptions::new(directory.path(), "tiny")).await;
        let failures: Vec<_> = saved.failures().map(|failure| (failure.index, failure.kind)).collect();
        assert_eq!(failures, [(0, ErrorKind::IncompleteImage), (1, ErrorKind::IncompleteImage)]);
        assert_eq!(saved.images().map(|image| image.index).collect::<Vec<_>>(), [2]);
        let mut names: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["tiny-0.partial.png", "tiny-1.partial.png", "tiny-2.png"]);
        assert_eq!(fs::read(directory.path().join("tiny-0.partial.png")).unwrap(), long);
    }
}
