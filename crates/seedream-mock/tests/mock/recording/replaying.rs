//! Playing a recording: sequences, sessions, misses, and what was never asked for.

use std::fs;

use seedream_mock::{MockServer, OnMiss, RecordOptions, Settings, TaskEnd};
use serde_json::{Value, json};

use super::raw_server::{RawServer, Reply};
use super::{CREATE, exchange, options, player, player_with, recorder, recorder_of};
use crate::http1_client::{self, Received, download, get, post, soon};
use crate::own_fixtures::Folder;

fn kite() -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "size": "1024x1024" })
}

/// The URLs of a response taken out, and the images that they lead to.
async fn images(mock: &MockServer, response: &Received) -> (String, Vec<Vec<u8>>) {
    let (mut text, mut images) = (String::new(), Vec::new());
    for (place, part) in response.text().split('"').enumerate() {
        if place > 0 {
            text.push('"');
        }
        if part.starts_with("http://") {
            images.push(soon(download(mock, part)).await.body);
            text.push_str("URL");
        } else {
            text.push_str(part);
        }
    }
    (text, images)
}

/// Every dialect, recorded in front of another mock and played: the same texts and the same images.
#[tokio::test]
async fn what_was_recorded_is_played_with_its_images() {
    let upstream = MockServer::builder().task(TaskEnd::Polls(3)).start().await.unwrap();
    let group = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "3 posters of a kite", "sequential_image_generation": "auto",
        "stream": true, "size": "1024x1024",
    });
    let inline = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "response_format": "b64_json", "size": "1024x1024" });
    for (provider, path, bodies) in [
        ("ark", CREATE, vec![kite(), kite(), group, inline, json!({ "model": "no-model", "prompt": "x" })]),
        (
            "opeai",
            "/opeai/v1/images/generations",
            vec![json!({ "model": "bytedance-seedream-5.0", "prompt": "2 posters", "n": 2 })],
        ),
    ] {
        let folder = Folder::new("played", &[]);
        let proxy = recorder_of(provider, &upstream.base_url(provider).unwrap(), 100, &folder.0).await;
        let mut recorded = Vec::new();
        for body in &bodies {
            let response = soon(post(&proxy, path, body)).await;
            recorded.push((response.status, response.chunks.len(), images(&upstream, &response).await));
        }
        soon(proxy.recorded()).await;
        assert_eq!(proxy.recording().unwrap().failures, [""; 0]);
        drop(proxy);
        let player = player(&folder.0).await;
        for (body, recorded) in bodies.iter().zip(&recorded) {
            let response = soon(post(&player, path, body)).await;
            let played = (response.status, response.chunks.len(), images(&player, &response).await);
            assert_eq!(&played, recorded, "{body}");
        }
        assert_eq!(player.replay_report(), Default::default());
    }
}

#[tokio::test]
async fn the_polls_of_a_task_are_a_sequence_whose_last_one_repeats() {
    let upstream = MockServer::builder().task(TaskEnd::Polls(3)).start().await.unwrap();
    let folder = Folder::new("polls", &[]);
    let proxy = recorder_of("evolink", &upstream.base_url("evolink").unwrap(), 2, &folder.0).await;
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let path = "/evolink/v1/images/generations";
    let created = soon(post(&proxy, path, &body)).await.json();
    let task = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    let mut recorded = Vec::new();
    for _ in 0..3 {
        recorded.push(images(&upstream, &soon(get(&proxy, &task)).await).await);
    }
    soon(proxy.recorded()).await;
    let summary = proxy.recording().unwrap();
    assert_eq!((summary.exchanges, summary.images, summary.reserved), (4, 2, 2), "polls are free");

    let player = player(&folder.0).await;
    // Each session begins at the first.
    for session in ["", "/s/blue"] {
        assert_eq!(soon(post(&player, &format!("{session}{path}"), &body)).await.json(), created);
        for turn in [0, 1, 2, 2] {
            let response = soon(get(&player, &format!("{session}{task}"))).await;
            assert_eq!(images(&player, &response).await, recorded[turn], "{session} {turn}");
        }
        let status = ["pending", "processing", "completed"];
        assert!(recorded.iter().zip(status).all(|((text, _), status)| text.contains(status)));
    }
    let bills: Vec<_> = player.ledger().iter().map(|bill| (bill.images, bill.provider.clone())).collect();
    assert_eq!(bills, [(2, "evolink".to_owned()), (2, "evolink".to_owned())], "a task costs what its polls show");
    // What buys is sold as often as it was recorded.
    let again = soon(post(&player, path, &body)).await;
    assert_eq!((again.status, &again.json()["error"]["code"]), (404, &json!("mock_not_recorded")));
    assert!(again.text().contains("was recorded 1 times"), "{}", again.text());
}

#[tokio::test]
async fn a_miss_names_the_nearest_exchange_and_what_differs() {
    let folder = Folder::new("miss", &[]);
    let upstream = RawServer::start([Reply::json("200 OK", "{}"), Reply::json("200 OK", "{}")]).await;
    let proxy = recorder(&upstream.base(), 2, &folder.0).await;
    soon(post(&proxy, CREATE, &kite())).await;
    soon(post(&proxy, CREATE, &json!({ "model": "other", "prompt": "else", "n": 1 }))).await;
    soon(proxy.recorded()).await;

    let mut red = kite();
    red["prompt"] = json!("a red kite");
    let strict = player(&folder.0).await;
    let missed = soon(post(&strict, CREATE, &red)).await;
    assert_eq!(missed.status, 404);
    let expected = "no recorded exchange of ark is equal to POST /api/v3/images/generations; the nearest is ark/recorded/0001, which \
                    differs in body.prompt (\"a kite\" and not \"a red kite\")";
    assert_eq!(missed.json()["error"]["message"], expected);
    let report = strict.replay_report();
    assert_eq!((report.missed, report.unplayed.len()), (vec![expected.to_owned()], 2));
    assert!(strict.journal()[0].notes[0].contains("ark/recorded/0001"));

    let lenient = player_with(&folder.0, Settings { on_miss: Some(OnMiss::Rules), ..Settings::default() }).await;
    let made = soon(post(&lenient, CREATE, &red)).await;
    assert_eq!((made.status, made.header("x-mock-fixture")), (200, "-"), "the rules respond");
    assert_eq!(lenient.replay_report().missed.len(), 1, "and it still is a miss");
    let played = soon(post(&lenient, CREATE, &kite())).await;
    assert_eq!(
        (played.text(), played.header("x-mock-fixture"), played.header("x-mock-evidence")),
        ("{}", "ark/recorded/0001", "observed")
    );
    assert_eq!(lenient.replay_report().unplayed, ["ark/recorded/0002"]);
}

/// What the recording does not have is sent, within the budget, and recorded.
#[tokio::test]
async fn misses_may_be_sent_and_recorded() {
    let folder = Folder::new("proxy", &[]);
    let upstream =
        RawServer::start([Reply::json("200 OK", r#"{"first":1}"#), Reply::json("200 OK", r#"{"second":2}"#)]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    soon(post(&proxy, CREATE, &kite())).await;
    soon(proxy.recorded()).await;
    drop(proxy);
    let options = options("ark", &upstream.base(), 1, &folder.0);
    let both = MockServer::builder().fixtures(&folder.0).unwrap().record(options).unwrap().start().await.unwrap();
    assert_eq!(soon(post(&both, CREATE, &kite())).await.text(), r#"{"first":1}"#);
    assert_eq!(upstream.requests().len(), 1, "it is played");
    let other = json!({ "model": "m", "prompt": "another" });
    assert_eq!(soon(post(&both, CREATE, &other)).await.text(), r#"{"second":2}"#);
    assert_eq!(soon(post(&both, CREATE, &other)).await.status, 402, "beyond the budget");
    soon(both.recorded()).await;
    assert_eq!(exchange(&folder.0, 2)["request"]["json"]["prompt"], "another");
    // What asks something of the mock is not sent on.
    let asks = [("x-mock-fixture", "ark/recorded/0001"), ("x-mock-fault", "status=503")];
    for ((name, value), status) in asks.into_iter().zip([200, 503]) {
        let headers = [(name, value), ("content-type", "application/json"), ("authorization", "Bearer k")];
        let body = other.to_string();
        let response = soon(http1_client::send(&both, "POST", CREATE, &headers, body.as_bytes())).await.unwrap();
        assert_eq!(response.status, status, "{name}");
    }
    let directed = json!({ "model": "m", "prompt": "[[mock: status=503]]" });
    assert_eq!(soon(post(&both, CREATE, &directed)).await.status, 503);
    assert_eq!(upstream.requests().len(), 2);
    let elsewhere = soon(post(&both, "/opeai/v1/images/generations", &other)).await;
    assert_eq!((elsewhere.status, &elsewhere.json()["error"]["code"]), (404, &json!("mock_not_recorded")));
}

#[tokio::test]
async fn a_newer_format_and_a_foreign_folder_are_refused() {
    let folder = Folder::new("format", &[]);
    let upstream = RawServer::start([Reply::json("200 OK", "{}")]).await;
    let open = || MockServer::builder().record(options("ark", &upstream.base(), 1, &folder.0));
    let proxy = open().unwrap().start().await.unwrap();
    soon(post(&proxy, CREATE, &kite())).await;
    soon(proxy.recorded()).await;
    let version = folder.0.join("recording.json");
    assert_eq!(fs::read_to_string(&version).unwrap(), "{\n  \"format\": 1\n}\n");
    fs::write(&version, r#"{"format": 2}"#).unwrap();
    for error in [MockServer::builder().fixtures(&folder.0).unwrap_err(), open().unwrap_err()] {
        let text = error.to_string();
        assert!(
            text.contains("the recording has format 2, this version reads up to 1; use a newer seedream"),
            "{text}"
        );
    }
    fs::remove_file(&version).unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("no recording.json, so it is no recording; name a new folder or an empty one"), "{error}");
}

/// The pace of the recording is played by the clock, where that is wanted.
#[tokio::test]
async fn a_recording_is_played_at_once_or_at_its_pace() {
    let folder = Folder::new("pace", &[]);
    let upstream = RawServer::start([Reply::json("200 OK", "{}")]).await;
    let proxy = recorder(&upstream.base(), 1, &folder.0).await;
    soon(post(&proxy, CREATE, &kite())).await;
    soon(proxy.recorded()).await;
    let mut slow = exchange(&folder.0, 1);
    slow["wire"]["head_ms"] = json!(60_000);
    fs::write(folder.0.join("ark/recorded/0001.json"), slow.to_string()).unwrap();
    let at_once = player(&folder.0).await;
    assert_eq!(soon(post(&at_once, CREATE, &kite())).await.text(), "{}");
    let clock = seedream_mock::Clock::stopped(std::time::SystemTime::UNIX_EPOCH);
    let builder = MockServer::builder().clock(clock.clone()).recorded_pace(true);
    let paced = builder.fixtures(&folder.0).unwrap().start().await.unwrap();
    let body = kite();
    let (response, ()) = tokio::join!(soon(post(&paced, CREATE, &body)), async {
        soon(clock.until_waiting(1)).await;
        clock.advance(std::time::Duration::from_secs(60));
    });
    assert_eq!(response.text(), "{}");
}

/// An upstream whose certificate only its own authority vouches for.
#[tokio::test]
async fn an_https_upstream_is_recorded_with_its_images_if_its_authority_is_trusted() {
    let upstream = MockServer::builder().tls(true).start().await.unwrap();
    let folder = Folder::new("private-ca", &[]);
    let open = |ca_certificates| RecordOptions {
        provider: "ark".into(),
        upstream: upstream.base_url("ark").unwrap(),
        budget: 1,
        folder: folder.0.clone(),
        ca_certificates,
    };
    let ca = upstream.ca_pem().unwrap().into_bytes();
    for (certificates, status, reserved) in [(Vec::new(), 502, 0), (ca, 200, 1)] {
        let proxy = MockServer::builder().record(open(certificates)).unwrap().start().await.unwrap();
        let response = soon(post(&proxy, CREATE, &kite())).await;
        soon(proxy.recorded()).await;
        let summary = proxy.recording().unwrap();
        assert_eq!((response.status, summary.reserved, summary.images), (status, reserved, reserved), "{summary:?}");
    }
    let error = MockServer::builder().record(open(b"no PEM".to_vec())).unwrap_err().to_string();
    assert!(error.contains("the CA certificates: there is none in it"), "{error}");
}

/// What a recorded response states that it bills is what the ledger has; what it shows is counted once, and other pages are no images.
#[tokio::test]
async fn a_replay_bills_what_was_billed() {
    let url = |place: &str| format!("{{\"url\":\"ORIGIN/{place}\"}}");
    let (one, two) = (url("1.jpg"), url("2.jpg"));
    for (name, body, billed) in [
        ("stated", format!("{{\"data\":[{one}],\"usage\":{{\"generated_images\":3}}}}"), vec![3]),
        ("shown", format!("{{\"data\":[{one},{two}]}}"), vec![2]),
        ("shown twice", format!("{{\"data\":[{one}],\"all\":[{one}]}}"), vec![1]),
        ("inside", String::from(r#"{"data":[{"b64_json": "AA"},{"b64_json":"BB"}]}"#), vec![2]),
        ("nothing", String::from(r#"{"data":[]}"#), vec![]),
    ] {
        let folder = Folder::new("billed", &[]);
        let upstream = RawServer::start([]).await;
        upstream.then(Reply::json("200 OK", &body.replace("ORIGIN", &upstream.origin())));
        let proxy = recorder(&upstream.base(), 3, &folder.0).await;
        soon(post(&proxy, CREATE, &kite())).await;
        soon(proxy.recorded()).await;
        let player = player(&folder.0).await;
        soon(post(&player, CREATE, &kite())).await;
        assert_eq!(player.ledger().iter().map(|bill| bill.images).collect::<Vec<_>>(), billed, "{name}");
    }
}
