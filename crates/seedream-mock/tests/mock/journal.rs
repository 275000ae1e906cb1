//! The journal.

use seedream_fixtures::ProviderFacts;
use seedream_mock::{Engine, MockServer, RelayProfiles, Settings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::engine_calls::{RGBA, create_path, engine, inline_png, now, post, post_as, request};
use crate::http1_client;

#[test]
fn entries_say_what_happened_without_the_key() {
    let engine = engine();
    let body = json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "a kite", "image": [inline_png(RGBA, 3000)],
    });
    let script = post_as(&engine, "sk-very-secret", &create_path("ark"), &body);
    let entry = engine.journal(None).remove(0);
    assert_eq!((entry.provider.as_deref(), entry.method.as_str(), entry.status), (Some("ark"), "POST", 200));
    assert_eq!((entry.session.as_str(), entry.billed), ("default", 1));
    assert_eq!(Some(entry.request_id.as_str()), script.header("x-request-id"));
    assert_eq!(entry.body["prompt"], "a kite");
    assert_eq!(entry.body["image"][0]["length"], 4000 + "data:image/png;base64,".len());
    let text = serde_json::to_string(&entry).unwrap();
    assert!(!text.contains("sk-very-secret") && !text.contains("////"), "{text}");
}

/// What openai's `images.edit` sends: a form with an image in it.
#[test]
fn a_body_that_is_no_text_stands_as_hash_and_length() {
    let engine = engine();
    for length in [10, 4000] {
        let body = vec![0x89; length];
        engine.handle(now(), &request("POST", "/ark/api/v3/images/edits", Some("sk-test"), body.clone()));
        let shown = engine.journal(None).pop().unwrap().body;
        let sha256 = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(shown, json!({ "length": length, "sha256": sha256 }), "of what was sent, not of a repaired text");
    }
}

#[test]
fn the_journal_is_capped() {
    let engine = Engine::new(Settings { journal_capacity: 3, ..Settings::default() });
    for _ in 0..5 {
        post(&engine, &create_path("ark"), &json!({}));
    }
    let ordinals: Vec<u64> = engine.journal(None).iter().map(|entry| entry.ordinal).collect();
    assert_eq!(ordinals, [2, 3, 4]);
}

#[test]
fn undocumented_members_are_noted() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite", "style": "vivid" });
    assert_eq!(post(&engine, &create_path("gogogotoken"), &body).status, 200);
    assert_eq!(engine.journal(None)[0].notes, ["style is not a documented member and was ignored"]);
}

/// A body with a null for every member that it lacks: those of the document, those it ignores, and two that no document has.
fn with_nulls(provider: &ProviderFacts, body: &Value) -> Value {
    let mut body = body.clone();
    let documented = provider.fields.iter().map(|field| &field.name).filter(|name| !name.contains('.'));
    for name in documented.chain(&provider.ignored).map(String::as_str).chain(["optimize_prompt", "quality"]) {
        let members = body.as_object_mut().unwrap();
        if !members.contains_key(name) {
            members.insert(name.to_owned(), Value::Null);
        }
    }
    body
}

#[test]
fn a_null_is_an_absent_member_in_the_response_and_in_the_journal() {
    for provider in seedream_fixtures::providers() {
        for profile in ["documented", "new-api"] {
            let bare = json!({ "model": provider.default_model, "prompt": "a kite without anything else" });
            let seen = |body: &Value| {
                let profiles = if profile == "new-api" { profile.parse().unwrap() } else { RelayProfiles::default() };
                let engine = Engine::new(Settings { profiles, ..Settings::default() });
                let script = post(&engine, &create_path(&provider.id), body);
                let entry = engine.journal(None).remove(0);
                let (violation, notes) = (entry.violation, entry.notes);
                (script.status, String::from_utf8(script.body().to_vec()).unwrap(), violation, notes, entry.effective)
            };
            let (with, without) = (seen(&with_nulls(provider, &bare)), seen(&bare));
            assert_eq!(with, without, "{} {profile}", provider.id);
            assert!(without.3.is_empty(), "{:?}", without.3);
        }
    }
}

#[tokio::test]
async fn the_journal_is_served_by_session() {
    let mock = MockServer::start().await.unwrap();
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite" });
    http1_client::post(&mock, "/s/blue/gogogotoken/v1/images/generations", &body).await;
    let count = async |target: &str| {
        let response = http1_client::download(&mock, target).await;
        response.json()["entries"].as_array().unwrap().len()
    };
    assert_eq!(count("/__mock/v1/journal?session=blue").await, 1);
    assert_eq!(count("/__mock/v1/journal").await, 0);
    assert_eq!(mock.session("blue").journal().len(), 1);
    assert_eq!(mock.journal().len(), 1, "admin requests are not in the journal");
}

#[tokio::test]
async fn the_journal_comes_in_pages_and_without_them_as_a_stream() {
    let mock = MockServer::builder().journal_capacity(150).start().await.unwrap();
    for number in 0..500 {
        let session = ["", "/s/blue", "/s/red"][number % 3];
        http1_client::get(&mock, &format!("{session}/nowhere/{number}")).await;
    }
    let all = http1_client::download(&mock, "/__mock/v1/journal?session=*").await;
    assert!(all.chunks.len() > 2 && all.header("content-length").is_empty(), "more than a page flows");
    let all = all.json();
    assert_eq!((&all["count"], &all["forgotten"], &all["next"]), (&json!(450), &json!(50), &json!(null)));
    let expected = serde_json::to_value(mock.journal()).unwrap();
    assert_eq!(all["entries"], expected);
    let none = http1_client::download(&mock, "/__mock/v1/journal?session=green").await;
    assert!(none.chunks.is_empty() && none.header("content-length") != "0", "{:?}", none.headers);

    for (filter, expected) in [("", expected.as_array().unwrap().clone()), ("&path=*7", ending_in_7(&expected))] {
        let (mut entries, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let target = format!("/__mock/v1/journal?session=*&limit=64{after}{filter}");
            let page = http1_client::download(&mock, &target).await.json();
            let told = page["entries"].as_array().unwrap();
            assert_eq!((page["count"].as_u64(), told.len() <= 64), (Some(told.len() as u64), true));
            entries.extend(told.iter().cloned());
            pages += 1;
            match page["next"].as_u64() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!((entries.len(), pages), (expected.len(), expected.len().div_ceil(64)), "{filter}");
        assert_eq!(entries, expected);
    }
    for query in ["limit=0", "limit=few", "after=-1"] {
        assert_eq!(http1_client::download(&mock, &format!("/__mock/v1/journal?{query}")).await.status, 400, "{query}");
    }
}

fn ending_in_7(entries: &serde_json::Value) -> Vec<serde_json::Value> {
    let is_wanted = |entry: &&serde_json::Value| entry["path"].as_str().unwrap().ends_with('7');
    entries.as_array().unwrap().iter().filter(is_wanted).cloned().collect()
}
