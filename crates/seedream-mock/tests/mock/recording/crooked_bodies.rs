//! Bodies as no client wants them: passed on byte for byte, recorded, and played byte for byte, the URLs of images aside.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::raw_server::{IMAGE, RawServer, Reply};
use super::{CREATE, body_of, every_byte, exchange, player, recorder};
use crate::http1_client::{self, parse, soon};
use crate::own_fixtures::Folder;

const KITE: &[u8] = br#"{"model":"m","prompt":"a kite"}"#;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn with_length(headers: &str, body: &[u8], promised: usize) -> Reply {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: {promised}\r\n\r\n");
    Reply::of([head.as_bytes(), body])
}

/// What a client receives while it is recorded, and when the recording is played.
struct Twice {
    recorded: (Vec<u8>, bool),
    played: (Vec<u8>, bool),
}

impl Twice {
    async fn of(folder: &Folder, upstream: &RawServer) -> Self {
        let proxy = recorder(&upstream.base(), 1000, &folder.0).await;
        let recorded = soon(every_byte(&proxy, CREATE, "", KITE)).await;
        soon(proxy.recorded()).await;
        assert_eq!(proxy.recording().unwrap().failures, [""; 0]);
        let player = player(&folder.0).await;
        let played = soon(every_byte(&player, CREATE, "", KITE)).await;
        Self { recorded, played }
    }
}

/// Bodies without images come back exactly, with the same framing and the same end.
#[tokio::test]
async fn a_body_of_any_kind_is_passed_on_and_played_byte_for_byte() {
    let duplicate = br#"{"data":[{"b64_json":"/9j/"}],"data":[],"a":1,"a":2}"#;
    let packed = gzip(br#"{"data":[],"note":"no image in here"}"#);
    let sse = b"event: a\rdata: {\"n\":1}\r\r\ndata: {\"n\":2}\r\n\n\r\n: comment\ndata:[DONE]";
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = |bytes: &[u8]| [format!("{:x};ext=1\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    let close = |body: &[u8]| Reply::of([b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", body]);
    let mut oddly = vec![stream.as_bytes().to_vec()];
    oddly.extend(sse.iter().map(|byte| chunk(&[*byte])));
    oddly.push(b"0\r\n\r\n".to_vec());
    let cases: Vec<(&str, Reply, &[u8])> = vec![
        ("duplicate keys", with_length("", duplicate, duplicate.len()), duplicate),
        ("invalid UTF-8", with_length("", b"{\"a\":\"\xff\xfe\"}", 10), b"{\"a\":\"\xff\xfe\"}"),
        ("blanks around JSON", with_length("", b" {}\n", 4), b" {}\n"),
        ("nothing", with_length("", b"", 0), b""),
        ("gzip", with_length("content-encoding: gzip\r\n", &packed, packed.len()), &packed),
        ("gzip, unlabelled", with_length("", &packed, packed.len()), &packed),
        ("gzip, cut off", with_length("content-encoding: gzip\r\n", &packed[..20], packed.len()), &packed[..20]),
        ("no gzip at all", with_length("content-encoding: gzip\r\n", b"{}", 2), b"{}"),
        ("cut off", with_length("", b"{\"data\":[{\"ur", 500), b"{\"data\":[{\"ur"),
        ("until the connection ends", close(b"{\"data\":[]}"), b"{\"data\":[]}"),
        ("a chunk for each byte", Reply { pieces: oddly, resets: false }, sse),
        (
            "a stream that is cut off",
            Reply { pieces: vec![stream.into(), chunk(b"data: {\"n\":1}\n\n"), chunk(b"data: {")], resets: false },
            b"data: {\"n\":1}\n\ndata: {",
        ),
        ("reset", Reply { resets: true, ..with_length("", b"{\"data\":", 500) }, b"{\"data\":"),
        ("a stream that is reset", Reply { pieces: vec![stream.into(), chunk(b"data: {")], resets: true }, b"data: {"),
    ];
    for (name, reply, body) in cases {
        let folder = Folder::new("crooked", &[]);
        let resets = reply.resets;
        let upstream = RawServer::start([reply]).await;
        let Twice { recorded, played } = Twice::of(&folder, &upstream).await;
        let plain = |response: &[u8]| {
            // A whole response can be parsed; of a broken one the chunks are taken off by hand.
            parse(response).map_or_else(|| without_chunks(response), |response| response.body)
        };
        assert_eq!(plain(&recorded.0), body, "{name}: {}", String::from_utf8_lossy(&recorded.0));
        assert_eq!(
            (body_of(&recorded.0), recorded.1),
            (body_of(&played.0), played.1),
            "{name}: the same bytes on the wire"
        );
        assert_eq!(recorded.1, resets, "{name}: a reset is passed on as one");
        let head = |response: &[u8], name: &str| {
            let text = String::from_utf8_lossy(response).into_owned();
            text.split("\r\n").find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
        };
        for header in ["content-type", "content-length", "content-encoding", "transfer-encoding"] {
            assert_eq!(head(&recorded.0, header), head(&played.0, header), "{name}: {header}");
        }
    }
}

/// The body of a broken response without the lengths of its chunks.
fn without_chunks(response: &[u8]) -> Vec<u8> {
    let mut rest = body_of(response);
    if !String::from_utf8_lossy(response).contains("transfer-encoding: chunked") {
        return rest.to_vec();
    }
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|end| end == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        body.extend_from_slice(&rest[at + 2..at + 2 + length]);
        rest = &rest[at + 4 + length..];
    }
    body
}

#[tokio::test]
async fn no_response_is_recorded_and_played_as_none() {
    for resets in [false, true] {
        let folder = Folder::new("none", &[]);
        let upstream = RawServer::start([Reply { pieces: Vec::new(), resets }]).await;
        let Twice { recorded, played } = Twice::of(&folder, &upstream).await;
        assert_eq!((recorded.0.as_slice(), played.0.as_slice()), (&b""[..], &b""[..]));
        assert_eq!([recorded.1, played.1], [resets; 2]);
        assert_eq!(exchange(&folder.0, 1)["response"], serde_json::Value::Null);
    }
}

/// The same body, however its URL is written: only the URL differs in a replay, and it leads to the same image.
#[tokio::test]
async fn the_url_of_an_image_leads_to_its_file_and_everything_else_stays() {
    let text = |url: &str| format!("{{\"data\": [{{\"url\":\"{url}\",\"size\":\"1x1\"}}], \"url\":\"{url}\" }}\n");
    for (name, escapes, codes) in [("plain", false, false), ("escaped", true, false), ("gzip", false, true)] {
        let folder = Folder::new("urls", &[]);
        let upstream = RawServer::start([]).await;
        let url = format!("{}/a/1.jpg?X-Tos-Expires=60&X-Tos-Signature=canary-signature", upstream.origin());
        let url = if escapes { url.replace('/', r"\/").replace('&', r"\u0026") } else { url };
        let sent = text(&url);
        let body = if codes { gzip(sent.as_bytes()) } else { sent.clone().into_bytes() };
        let coding = if codes { "content-encoding: gzip\r\n" } else { "" };
        upstream.then(with_length(coding, &body, body.len()));
        let Twice { recorded, played } = Twice::of(&folder, &upstream).await;
        assert_eq!(body_of(&recorded.0), body, "{name}");

        let response = parse(&played.0).unwrap();
        assert_eq!(response.header("content-length"), response.body.len().to_string(), "{name}");
        let plain = if codes {
            let mut plain = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&response.body[..]), &mut plain).unwrap();
            plain
        } else {
            response.text().to_owned()
        };
        let value: serde_json::Value = serde_json::from_str(&plain).unwrap();
        let urls = [&value["data"][0]["url"], &value["url"]].map(|url| url.as_str().unwrap().to_owned());
        let as_sent =
            |url: &String| if escapes { url.replace('/', r"\/").replace('&', r"\u0026") } else { url.clone() };
        let restored = plain.replacen(&as_sent(&urls[0]), &url, 1).replacen(&as_sent(&urls[1]), &url, 1);
        assert_eq!(restored, sent, "{name}: every other byte is the recorded one");
        for url in urls {
            assert!(url.ends_with("/a/1.jpg?X-Tos-Expires=60&X-Tos-Signature=****************"), "{name}: {url}");
            let player = player(&folder.0).await;
            let at = url.find("/recorded/").unwrap();
            let image = soon(http1_client::download(&player, &url[at..])).await;
            assert_eq!(
                (image.status, image.header("content-type"), &image.body[..]),
                (200, "image/jpeg", IMAGE),
                "{name}"
            );
        }
    }
}

/// A stream names an image in the middle of a chunk, and its pieces stay pieces.
#[tokio::test]
async fn the_chunks_of_a_stream_stay_apart() {
    let folder = Folder::new("chunks", &[]);
    let upstream = RawServer::start([]).await;
    let parts = [
        format!("data: {{\"url\":\"{}/1.jpg?k=canary-secret\"}}\n\n", upstream.origin()),
        format!("data: {{\"url\":\"{}/2", upstream.origin()),
        String::from(".jpg\"}\r\n\r\n"),
        String::from("data: [DONE]\n\n"),
    ];
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut pieces = vec![head.as_bytes().to_vec()];
    pieces.extend(parts.iter().map(|part| format!("{:X}\r\n{part}\r\n", part.len()).into_bytes()));
    pieces.push(b"0\r\n\r\n".to_vec());
    upstream.then(Reply { pieces, resets: false });
    let Twice { recorded, played } = Twice::of(&folder, &upstream).await;
    assert_eq!(parse(&recorded.0).unwrap().chunks, parts.each_ref().map(String::len));
    let response = parse(&played.0).unwrap();
    assert_eq!(response.chunks.len(), 4);
    let (first, second) = response.body.split_at(response.chunks[0]);
    assert!(first.ends_with(b"/1.jpg?k=*************\"}\n\n"), "{}", response.text());
    // A URL that two chunks share is whole in the later one.
    assert!(second.starts_with(b"data: {\"url\":\"http://") && second.ends_with(b"/2.jpg\"}\r\n\r\ndata: [DONE]\n\n"));
    assert_eq!(&second[..14], &second[..response.chunks[1]], "{}", response.text());
}

/// What an image's download responded with is played as well, and told.
#[tokio::test]
async fn an_image_that_cannot_be_fetched_is_told() {
    let folder = Folder::new("unfetched", &[]);
    let body = r#"{"data":[{"url":"http://10.1.2.3/private.jpg"},{"url":"http://127.0.0.1:1/x.jpg"}]}"#;
    let upstream = RawServer::start([Reply::json("200 OK", body)]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    soon(every_byte(&proxy, CREATE, "", KITE)).await;
    soon(proxy.recorded()).await;
    let summary = proxy.recording().unwrap();
    assert_eq!((summary.exchanges, summary.images, summary.failures.len()), (1, 0, 2), "{summary:?}");
    assert!(summary.failures[0].contains("ark/recorded/0001") && summary.failures[0].contains("neither public"));
    let player = player(&folder.0).await;
    let played = soon(http1_client::send(&player, "POST", CREATE, &[], KITE)).await.unwrap();
    let url = played.json()["data"][0]["url"].as_str().unwrap().to_owned();
    assert!(
        soon(http1_client::send(&player, "GET", &url, &[], b"")).await.is_err(),
        "no response, as when it was recorded"
    );
}

/// A store may redirect, and may have an image a moment later.
#[tokio::test]
async fn an_image_that_is_elsewhere_or_late_is_fetched() {
    let folder = Folder::new("late", &[]);
    let upstream = RawServer::start([]).await;
    let urls = ["moved/1.jpg", "late/2.jpg"].map(|path| format!("{{\"url\":\"{}/{path}\"}}", upstream.origin()));
    upstream.then(Reply::json("200 OK", &format!("{{\"data\":[{}]}}", urls.join(","))));
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    soon(every_byte(&proxy, CREATE, "", KITE)).await;
    soon(proxy.recorded()).await;
    assert_eq!(proxy.recording().unwrap().failures, [""; 0]);
    let images = exchange(&folder.0, 1)["wire"]["images"].clone();
    assert!(images[0]["file"].is_string() && images[0]["file"] == images[1]["file"], "{images}");
}

/// What was paid for is received at the pace of the upstream, also where the client reads nothing and stays.
#[tokio::test]
async fn a_client_that_reads_nothing_holds_nothing_up() {
    let folder = Folder::new("slow", &[]);
    let body = format!("{{\"data\":[{{\"b64_json\":\"{}\"}}]}}", "A".repeat(32 << 20));
    let upstream = RawServer::start([Reply::json("200 OK", &body)]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    let mut client = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
    let head = format!("POST {CREATE} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", KITE.len());
    tokio::io::AsyncWriteExt::write_all(&mut client, &[head.as_bytes(), KITE].concat()).await.unwrap();
    soon(client.readable()).await.unwrap();
    soon(proxy.recorded()).await;
    let recorded = exchange(&folder.0, 1);
    assert_eq!(recorded["response"]["json"]["data"][0]["b64_json"].as_str().map(str::len), Some(32 << 20));
    assert_eq!(recorded["wire"]["end"], "complete");
    drop(client);
}
