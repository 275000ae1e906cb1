//! Images, their URLs, their bytes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use seedream_mock::{Clock, MockServer, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::engine_calls::{create_path, json, post as call};
use crate::http1_client::{Received, download, post, send};

async fn generate(mock: &MockServer, body: Value) -> Value {
    let response = post(mock, "/ark/api/v3/images/generations", &body).await;
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

fn lite(members: &Value) -> Value {
    let mut body = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite over 风筝 dunes" });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body
}

fn png_size(response: &Received) -> (u32, u32) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(&response.body)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    (reader.info().width, reader.info().height)
}

#[tokio::test]
async fn urls_open_as_real_images_of_the_promised_size() {
    let mock = MockServer::start().await.unwrap();
    for (size, promised) in [("2K", "2048x2048"), ("4K", "4096x4096"), ("2720x1536", "2720x1536")] {
        let item = generate(&mock, lite(&json!({ "size": size, "output_format": "png" }))).await["data"][0].clone();
        assert_eq!(item["size"], promised);
        let image = download(&mock, item["url"].as_str().unwrap()).await;
        assert_eq!((image.status, image.header("content-type")), (200, "image/png"));
        let (width, height) = png_size(&image);
        assert_eq!(format!("{width}x{height}"), promised);
    }
    let item = generate(&mock, lite(&json!({}))).await["data"][0].clone();
    let image = download(&mock, item["url"].as_str().unwrap()).await;
    assert_eq!(image.header("content-type"), "image/jpeg", "jpeg is the model's default");
    assert_eq!(imagesize::image_type(&image.body).unwrap(), imagesize::ImageType::Jpeg);
    let size = imagesize::blob_size(&image.body).unwrap();
    assert_eq!((size.width, size.height), (2048, 2048));
}

#[tokio::test]
async fn urls_are_built_on_the_host_the_caller_used() {
    let mock = MockServer::start().await.unwrap();
    let headers = [("authorization", "Bearer sk-test"), ("host", "mock.internal:9")];
    let body = lite(&json!({})).to_string();
    let response = send(&mock, "POST", "/ark/api/v3/images/generations", &headers, body.as_bytes()).await.unwrap();
    assert!(response.json()["data"][0]["url"].as_str().unwrap().starts_with("http://mock.internal:9/pictures/ark/"));
}

#[test]
fn images_depend_on_seed_prompt_and_index_alone() {
    let urls = |mock_seed: u64, members: Value| -> Vec<String> {
        let engine = seedream_mock::Engine::new(Settings { seed: mock_seed, ..Settings::default() });
        let response = json(&call(&engine, &create_path("ark"), &lite(&members)));
        let name = |item: &Value| item["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
        response["data"].as_array().unwrap().iter().map(name).collect()
    };
    let group = || json!({ "prompt": "2 images", "sequential_image_generation": "auto" });
    let pair = urls(1, group());
    assert_eq!(pair, urls(1, group()));
    assert_ne!(pair[0], pair[1]);
    assert_ne!(pair, urls(2, group()));
    assert_ne!(urls(1, json!({ "prompt": "one" })), urls(1, json!({ "prompt": "other" })));
    assert_ne!(urls(1, json!({ "seed": 1 })), urls(1, json!({ "seed": 2 })));
}

fn paths(script: &seedream_mock::Script) -> Vec<String> {
    let path = |item: &Value| item["url"].as_str().unwrap().split('?').next().unwrap().to_owned();
    json(script)["data"].as_array().unwrap().iter().map(path).collect()
}

#[test]
fn the_nth_of_equal_requests_has_images_of_its_own_and_always_the_same() {
    let asked = |session: &str| -> Vec<Vec<String>> {
        let engine = crate::engine_calls::engine();
        let path = format!("{session}{}", create_path("ark"));
        let group = json!({
            "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "sequential_image_generation": "auto",
        });
        let refused = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "size": "1x1" });
        let nth = |nth: u8| {
            // What lies between makes no difference, nor does what is refused, nor an explicit null.
            call(&engine, &path, &lite(&json!({ "prompt": format!("another kite {nth}") })));
            assert_eq!(call(&engine, &path, &refused).status, 400);
            let mut body = group.clone();
            body["tools"] = Value::Null;
            paths(&call(&engine, &path, if nth == 1 { &body } else { &group }))
        };
        (0..3).map(nth).collect()
    };
    let own = asked("");
    let mut all: Vec<&String> = own.iter().flatten().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "three requests for two images: {own:#?}");
    assert_eq!(own, asked(""), "by another mock of the same seed");
    let blue = asked("/s/blue").concat();
    assert!(own.concat().iter().zip(&blue).all(|(own, blue)| blue.ends_with(&own["http://mock".len()..])), "{blue:#?}");
}

#[test]
fn a_session_that_is_reset_counts_equal_requests_anew() {
    let engine = crate::engine_calls::engine();
    let path = format!("/s/blue{}", create_path("ark"));
    let once = || paths(&call(&engine, &path, &lite(&json!({}))));
    let (first, second) = (once(), once());
    assert_ne!(first, second);
    let reset = crate::engine_calls::request("POST", "/__mock/v1/reset?session=blue", None, r#"{"clear":["session"]}"#);
    assert_eq!(engine.handle(crate::engine_calls::now(), &reset).status, 200);
    assert_eq!([once(), once()], [first, second]);
}

#[tokio::test]
async fn equal_requests_have_other_bytes_too_and_a_repeated_download_the_same() {
    let mock = MockServer::start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let mut files = Vec::new();
    for _ in 0..2 {
        let response = generate(&mock, body.clone()).await;
        let url = response["data"][0]["url"].as_str().unwrap();
        let file = download(&mock, url).await;
        let again = download(&mock, url).await;
        assert_eq!((file.header("etag"), file.body == again.body), (again.header("etag"), true));
        files.push((file.header("etag").to_owned(), file.body));
    }
    assert!(files[0].0 != files[1].0 && files[0].1 != files[1].1);
    let inline = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K", "response_format": "b64_json",
    });
    let first = generate(&mock, inline.clone()).await["data"][0]["b64_json"].clone();
    assert_eq!(first, json!(STANDARD.encode(&files[0].1)), "the first of its own kind");
    let second = generate(&mock, inline).await["data"][0]["b64_json"].clone();
    assert_eq!(second, json!(STANDARD.encode(&files[1].1)));
}

/// A task's results and a documented exchange's live URLs are images of their request as any other.
#[test]
fn equal_tasks_and_equal_documented_requests_have_images_of_their_own() {
    let engine = crate::engine_calls::engine();
    let task = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let results = || {
        let id = json(&call(&engine, &create_path("evolink"), &task))["id"].as_str().unwrap().to_owned();
        let poll = || json(&crate::engine_calls::get(&engine, &format!("/evolink/v1/tasks/{id}")));
        let polls = [poll(), poll(), poll(), poll()];
        assert_eq!(polls[2]["results"], polls[3]["results"], "asking again changes nothing");
        polls[3]["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|url| url.as_str().unwrap().split('?').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = (results(), results());
    assert!(first.len() == 2 && first.iter().all(|url| !second.contains(url)), "{first:?} {second:?}");
    let exchange = seedream_fixtures::exchanges().iter().find(|exchange| {
        exchange.id().starts_with("ark/generate/") && exchange.response.as_ref().is_some_and(|it| it.status == 200)
    });
    let request = exchange.and_then(|exchange| exchange.request.as_ref()).unwrap();
    let documented = || call(&engine, &format!("/ark{}", request.path), &request.json_value().unwrap());
    let (first, second) = (documented(), documented());
    assert_ne!(first.header("x-mock-fixture"), Some("-"));
    assert_eq!(first.header("x-mock-fixture"), second.header("x-mock-fixture"));
    let (mut one, mut other) = (json(&first), json(&second));
    let items = one["data"].as_array_mut().unwrap().iter_mut().zip(other["data"].as_array_mut().unwrap());
    for (one, other) in items {
        assert_ne!(one["url"].take(), other["url"].take());
    }
    assert_eq!(one, other, "what the document prints is printed");
}

#[test]
fn the_mark_follows_the_request_and_the_default() {
    let url = |provider: &str, body: Value| {
        let response = json(&call(&crate::engine_calls::engine(), &create_path(provider), &body));
        response["data"][0]["url"].as_str().unwrap().to_owned()
    };
    assert!(url("ark", lite(&json!({}))).contains("-mark."), "Ark marks unless told otherwise");
    assert!(!url("ark", lite(&json!({ "watermark": false }))).contains("-mark."));
    let ope = |watermark| json!({ "model": "bytedance-seedream-5.0", "prompt": "p", "watermark": watermark });
    assert!(!url("opeai", ope(Value::Null)).contains("-mark."), "ope.ai does not");
    assert!(url("opeai", ope(json!(true))).contains("-mark."));
}

#[tokio::test]
async fn urls_expire_and_do_not_open_altered_or_by_head() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let response = generate(&mock, body).await;
    let url = response["data"][0]["url"].as_str().unwrap();
    for part in ["X-Tos-Algorithm=", "X-Tos-Date=20261118T", "X-Tos-Expires=86400", "X-Tos-Signature="] {
        assert!(url.contains(part), "{url}");
    }
    assert_eq!(download(&mock, url).await.status, 200);
    let head = send(&mock, "HEAD", url, &[], b"").await.unwrap();
    assert_eq!(head.status, 403, "the signature is for GET");
    let altered = download(&mock, &url.replace("Expires=86400", "Expires=86401")).await;
    assert_eq!(altered.status, 403);
    clock.advance(Duration::from_secs(86_400));
    assert_eq!(download(&mock, url).await.status, 200, "the last second counts");
    clock.advance(Duration::from_secs(1));
    assert_eq!(download(&mock, url).await.status, 403);
}

/// aiohttp, and every client on yarl, writes `/` for `%2F`; others sort the parameters.
#[tokio::test]
async fn urls_open_however_a_client_writes_their_query() {
    let mock = MockServer::start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let response = generate(&mock, body).await;
    let url = response["data"][0]["url"].as_str().unwrap();
    let (path, query) = url.split_once('?').unwrap();
    let mut sorted: Vec<&str> = query.split('&').collect();
    sorted.sort_unstable();
    for rewritten in [query.replace("%2F", "/"), query.replace("%2F", "%2f"), sorted.join("&")] {
        assert_ne!(rewritten, query);
        assert_eq!(download(&mock, &format!("{path}?{rewritten}")).await.status, 200, "{rewritten}");
        for altered in [
            rewritten.replace("=mock", "=mick"),
            rewritten.replace("&X-Tos-SignedHeaders=host", ""),
            format!("{rewritten}&a=b"),
        ] {
            assert_eq!(download(&mock, &format!("{path}?{altered}")).await.status, 403, "{altered}");
        }
    }
}

#[tokio::test]
async fn images_come_in_parts_and_under_conditions_as_from_an_object_store() {
    let mock = MockServer::start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let response = generate(&mock, body).await;
    let url = response["data"][0]["url"].as_str().unwrap();
    let whole = download(&mock, url).await;
    let (file, tag) = (&whole.body, whole.header("etag"));
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"));
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "a strong tag: {tag}");
    let length = file.len();
    let ask = async |headers: &[(&str, &str)]| send(&mock, "GET", url, headers, b"").await.unwrap();
    for (range, start, end) in [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, length),
        ("bytes=-7", length - 7, length),
        ("bytes=5-99999999", 5, length),
    ] {
        for condition in [None, Some(("if-range", tag)), Some(("if-match", tag))] {
            let part = ask(&[Some(("range", range)), condition].into_iter().flatten().collect::<Vec<_>>()).await;
            let place = format!("bytes {start}-{}/{length}", end - 1);
            assert_eq!((part.status, part.header("content-range")), (206, place.as_str()), "{range}");
            assert_eq!((part.header("etag"), part.header("content-type")), (tag, "image/jpeg"));
            assert_eq!(part.header("content-length"), (end - start).to_string());
            assert_eq!(part.body, file[start..end], "{range}");
        }
    }
    for headers in [
        [("range", "bytes=100-"), ("if-range", "\"another\"")],
        [("range", "bytes=100-"), ("if-range", "Wed, 18 Nov 2026 00:00:00 GMT")],
        [("range", "bytes=0-1,5-6"), ("if-range", tag)],
        [("range", "items=0-1"), ("if-none-match", "\"another\"")],
    ] {
        let again = ask(&headers).await;
        assert_eq!((again.status, &again.body == file), (200, true), "{headers:?}");
    }
    let beyond = ask(&[("range", &format!("bytes={length}-"))]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{length}").as_str()));
    assert!(beyond.text().contains("InvalidRange"), "{}", beyond.text());
    let same = ask(&[("if-none-match", tag), ("range", "bytes=0-1")]).await;
    assert_eq!((same.status, same.header("etag"), same.body.len()), (304, tag, 0));
    let other = ask(&[("if-match", "\"another\""), ("range", "bytes=0-1")]).await;
    assert_eq!(other.status, 412);
    assert!(other.text().contains("PreconditionFailed"), "{}", other.text());
    let head = send(&mock, "HEAD", url, &[("range", "bytes=0-1")], b"").await.unwrap();
    assert_eq!((head.status, head.header("etag")), (403, ""), "the signature is for GET");
    assert!(mock.journal().iter().skip(1).all(|entry| entry.billed == 0));
}

/// The parts of two different files do not make a file.
#[tokio::test]
async fn a_file_that_is_wrong_has_no_parts_and_no_tag() {
    let mock = MockServer::start().await.unwrap();
    for fault in ["image=corrupt", "image=truncated", "on=image coding=gzip", "on=image truncate=100"] {
        let prompt = format!("a kite [[mock: {fault}]]");
        let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": prompt, "size": "1K" });
        let response = generate(&mock, body).await;
        let url = response["data"][0]["url"].as_str().unwrap();
        let file = send(&mock, "GET", url, &[("range", "bytes=10-19")], b"").await.unwrap();
        assert_eq!((file.status, file.header("etag"), file.header("accept-ranges")), (200, "", ""), "{fault}");
        assert!(file.body.len() >= 100, "{fault}");
    }
}

#[tokio::test]
async fn a_refused_link_says_why_in_its_body_and_in_the_journal() {
    let clock = Clock::stopped(Timestamp::from_second(1_795_000_000).unwrap());
    let mock = MockServer::builder().clock(clock.clone()).start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let response = generate(&mock, body).await;
    let url = response["data"][0]["url"].as_str().unwrap();
    let (path, query) = url.split_once('?').unwrap();
    let told = async |method: &str, url: &str| {
        let response = send(&mock, method, url, &[], b"").await.unwrap();
        let entry = mock.journal().pop().unwrap();
        assert_eq!((response.status, entry.status, entry.notes.len()), (403, 403, 1), "{:?}", entry.notes);
        assert_eq!((entry.provider.as_deref(), entry.evidence), (Some("ark"), "derived"));
        let code = if method == "HEAD" { Value::Null } else { response.json()["Code"].clone() };
        if method != "HEAD" {
            assert_eq!(
                (response.header("content-type"), &response.json()["HostId"]),
                ("application/json", &json!("mock"))
            );
            assert_eq!(response.json()["RequestId"], json!(entry.request_id));
        }
        (code, entry.notes[0].clone())
    };
    let names =
        "about, X-Tos-Algorithm, X-Tos-Credential, X-Tos-Date, X-Tos-Expires, X-Tos-Signature, X-Tos-SignedHeaders";
    let note = |why: &str, names: &str| format!("the image link is refused; {why}; its parameters: {names}");
    let other = "signature: its path or its parameters are not those that this mock has signed";
    let denied = json!("AccessDenied");
    let longer = url.replace("Expires=86400", "Expires=86401");
    assert_eq!(told("GET", &longer).await, (denied.clone(), note(other, names)));
    let added = told("GET", &format!("{url}&sk-secret&down%6Coad=sk-secret")).await;
    assert_eq!(added, (denied.clone(), note(other, &format!("{names}, (one without a name), download"))));
    assert_eq!(told("HEAD", url).await, (Value::Null, note("method: it is signed for GET", names)));
    let unsigned = note("unsigned: it needs one X-Tos-Signature", "none");
    assert_eq!(told("GET", path).await, (denied.clone(), unsigned));
    let unknown = told("GET", &format!("{}/pictures/ark/kite.png?{query}", mock.url())).await;
    assert_eq!(unknown, (denied.clone(), note("unknown: its path is not one of an image of this mock", names)));
    clock.advance(Duration::from_secs(86_401));
    assert_eq!(told("GET", url).await, (denied, note("expired at 2026-11-19T11:06:40Z", names)));
    let journal = serde_json::to_string(&mock.journal()).unwrap();
    assert!(!journal.contains("86400") && !journal.contains("sk-secret"), "names without values");
}

#[tokio::test]
async fn a_key_sent_to_a_image_is_ignored_and_noted() {
    let mock = MockServer::start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1K" });
    let response = generate(&mock, body).await;
    let url = response["data"][0]["url"].as_str().unwrap();
    let image = send(&mock, "GET", url, &[("authorization", "Bearer sk-mock-401")], b"").await.unwrap();
    assert_eq!(image.status, 200);
    let entry = mock.journal().pop().unwrap();
    assert_eq!(entry.notes, ["a key was sent to a result URL; it was ignored"]);
    assert_eq!(entry.billed, 0);
}

#[tokio::test]
async fn inline_bytes_are_those_of_the_url() {
    let mock = MockServer::start().await.unwrap();
    let group = |format: &str| {
        json!({
            "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "size": "1K", "response_format": format,
            "sequential_image_generation": "auto",
        })
    };
    let by_url = generate(&mock, group("url")).await;
    let inline = generate(&mock, group("b64_json")).await;
    for index in 0..2 {
        let bytes = download(&mock, by_url["data"][index]["url"].as_str().unwrap()).await.body;
        assert_eq!(inline["data"][index].get("url"), None);
        let decoded = STANDARD.decode(inline["data"][index]["b64_json"].as_str().unwrap()).unwrap();
        assert_eq!(Sha256::digest(decoded), Sha256::digest(bytes), "picture {index}");
    }
}
