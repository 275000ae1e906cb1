//! Limits that go by the clock, and chance that is the same each time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seedream_mock::{Engine, Fault, Script, ScriptEnd, Settings, fault_words};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, now, post, request};

fn kite() -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite above the dunes" })
}

fn views() -> Value {
    json!({ "model": "doubao-seedream-4.5", "prompt": "three views of a kite", "n": 3 })
}

fn group() -> Value {
    json!({ "model": "doubao-seedream-4-0-250828", "prompt": "3 images of a kite", "sequential_image_generation": "auto" })
}

fn limited(fault: &str) -> Engine {
    let faults = seedream_mock::parse_faults(fault).unwrap();
    Engine::new(Settings { faults, ..Settings::default() })
}

fn at(second: i64) -> Timestamp {
    now().checked_add(jiff::SignedDuration::from_secs(second)).unwrap()
}

/// A create at some second, with some key.
fn create_at(engine: &Engine, second: i64, key: &str, provider: &str, body: &Value) -> Script {
    engine.handle(at(second), &request("POST", &create_path(provider), Some(key), body.to_string()))
}

/// The status, and for a refusal the provider's code.
fn outcome(script: &Script) -> (u16, String) {
    let code = if script.status == 200 { Value::Null } else { json(script)["error"]["code"].clone() };
    (script.status, code.as_str().unwrap_or_default().to_owned())
}

const PASSES: (u16, String) = (200, String::new());

#[test]
fn requests_a_minute() {
    let engine = limited("rpm=2 retry-after=7");
    let ask = |second| outcome(&create_at(&engine, second, "sk-1", "ark", &kite()));
    let refused = (429, "ModelAccountRpmRateLimitExceeded".to_owned());
    assert_eq!([ask(0), ask(30), ask(59)], [PASSES, PASSES, refused.clone()]);
    assert_eq!(ask(60), PASSES, "the first is a minute old, and what was refused does not count");
    assert_eq!([ask(61), ask(89), ask(90)], [refused.clone(), refused, PASSES]);
    let told = create_at(&engine, 91, "sk-1", "ark", &kite());
    assert_eq!((told.status, told.header("retry-after")), (429, Some("7")));
}

#[test]
fn each_key_and_model_has_its_own_rate() {
    let engine = limited("rpm=1");
    let ask = |key: &str, body: &Value| create_at(&engine, 0, key, "ark", body).status;
    let mut other = kite();
    other["model"] = json!("doubao-seedream-4-5-251128");
    assert_eq!([ask("sk-1", &kite()), ask("sk-1", &kite())], [200, 429]);
    assert_eq!([ask("sk-2", &kite()), ask("sk-1", &other)], [200, 200]);
    assert_eq!(
        create_at(&engine, 0, "sk-1", "opeai", &json!({ "model": "doubao-seedream-4.0", "prompt": "x" })).status,
        200
    );
}

#[test]
fn images_a_minute() {
    let engine = limited("ipm=5");
    let ask = |second| outcome(&create_at(&engine, second, "sk-1", "ark", &group()));
    let refused = (429, "ModelAccountIpmRateLimitExceeded".to_owned());
    assert_eq!([ask(0), ask(10), ask(20)], [PASSES, PASSES, refused.clone()], "three and three are more than five");
    assert_eq!([ask(59), ask(60)], [refused, PASSES]);
}

#[test]
fn requests_at_a_time_go_by_how_long_responses_take() {
    let engine = limited("concurrent=2; pace=4s");
    // The first fault that hits is the one; a limit that is not exceeded leaves the request to the next.
    let ask = |second| outcome(&create_at(&engine, second, "sk-1", "ark", &group()));
    let refused = (429, "InflightBatchsizeExceeded".to_owned());
    assert_eq!([ask(0), ask(1), ask(2)], [PASSES, PASSES, refused.clone()]);
    assert_eq!([ask(11), ask(12)], [refused, PASSES], "three pictures of four seconds");
}

#[test]
fn tasks_that_have_not_ended_are_underway() {
    let engine = limited("concurrent=1");
    let ask = || create_at(&engine, 0, "sk-1", "evolink", &views());
    let first = ask();
    assert_eq!(outcome(&ask()), (429, "rate_limit_exceeded".to_owned()));
    let id = json(&first)["id"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        get(&engine, &format!("/evolink/v1/tasks/{id}"));
    }
    assert_eq!(ask().status, 200, "it is completed");
}

#[test]
fn a_quota_is_used_up_by_images() {
    let refused = |provider: &str, body: &Value| {
        let engine = limited("quota=3");
        assert_eq!(create_at(&engine, 0, "sk-1", provider, body).status, 200);
        outcome(&create_at(&engine, 7200, "sk-1", provider, body))
    };
    assert_eq!(refused("ark", &group()), (429, "QuotaExceeded".to_owned()));
    assert_eq!(refused("evolink", &views()), (402, "insufficient_quota".to_owned()));
    let engine = limited("quota=3 refuse=balance");
    create_at(&engine, 0, "sk-1", "ark", &group());
    assert_eq!(outcome(&create_at(&engine, 0, "sk-1", "ark", &group())), (403, "AccountOverdueError".to_owned()));
}

#[test]
fn a_limit_can_do_anything_else_and_can_be_asked_for_in_a_header() {
    let engine = limited("rpm=1 delay=30s");
    assert_eq!(create_at(&engine, 0, "sk-1", "ark", &kite()).delay, Duration::ZERO);
    let slow = create_at(&engine, 0, "sk-1", "ark", &kite());
    assert_eq!((slow.status, slow.delay), (200, Duration::from_secs(30)));
    let plain = Engine::new(Settings::default());
    let ask = || {
        let mut request = request("POST", &create_path("ark"), Some("sk-1"), kite().to_string());
        request.headers_mut().insert("x-mock-fault", "rpm=1".parse().unwrap());
        plain.handle(now(), &request).status
    };
    assert_eq!([ask(), ask()], [200, 429]);
}

#[test]
fn polls_have_a_rate_of_their_own() {
    let engine = limited("on=poll rpm=2");
    let id = json(&post(&engine, &create_path("evolink"), &views()))["id"].as_str().unwrap().to_owned();
    let poll = || get(&engine, &format!("/evolink/v1/tasks/{id}"));
    assert_eq!([poll().status, poll().status], [200, 200]);
    let refused = poll();
    assert_eq!(json(&refused)["error"]["type"], "evo_api_error", "in the words of a poll");
}

/// What one request became, in a line.
fn line(script: &Script) -> String {
    let mut line = script.status.to_string();
    for name in ["content-type", "retry-after", "x-should-retry", "location", "content-encoding"] {
        if let Some(value) = script.header(name) {
            let _ = write!(line, " {name}={value}");
        }
    }
    let waits: Vec<Duration> = script.chunks.iter().map(|chunk| chunk.after).filter(|after| !after.is_zero()).collect();
    if !script.delay.is_zero() || !waits.is_empty() {
        let _ = write!(line, " delay={:?} waits={waits:?}", script.delay);
    }
    if script.end != ScriptEnd::Complete {
        let _ = write!(line, " end={:?}", script.end);
    }
    if let Some(stall) = script.stall {
        let _ = write!(line, " stall={stall:?}");
    }
    if let Some(drip) = script.drip {
        let _ = write!(line, " drip={drip}");
    }
    if script.wrong_length {
        line.push_str(" wrong length");
    }
    line
}

/// What a body says, without the images' places.
fn said(script: &Script) -> String {
    let body = script.body();
    let Ok(value) = serde_json::from_slice::<Value>(&body) else { return format!("{} bytes, no JSON", body.len()) };
    if let Some(error) = value.get("error") {
        return format!("error {} {}", error["code"], error["message"]);
    }
    let kind = |item: &Value| item["error"]["code"].as_str().map_or_else(|| "image".to_owned(), str::to_owned);
    match (value["data"].as_array(), value["status"].as_str()) {
        (Some(data), _) => data.iter().map(kind).collect::<Vec<_>>().join(", "),
        (None, Some(status)) => format!("{status} {}", value["progress"]),
        _ => format!("{} bytes", body.len()),
    }
}

/// Everything of the grammar, as one provider of images and one of tasks show it.
#[test]
fn every_word_in_a_table() {
    let mut table = String::new();
    for word in fault_words() {
        let fault: Fault = word.example.parse().unwrap();
        let _ = writeln!(table, "{}", word.example);
        for (provider, body) in [("ark", group()), ("evolink", views())] {
            let engine = engine();
            engine.add_faults(now(), "default", [fault.clone()]);
            let created = post(&engine, &create_path(provider), &body);
            let billed = engine.journal(None)[0].billed;
            let _ = writeln!(table, "  {provider} create: {} | {} | billed {billed}", line(&created), said(&created));
            let Ok(value) = serde_json::from_slice::<Value>(&created.body()) else { continue };
            let polls = value["id"].as_str().map(|id| format!("/evolink/v1/tasks/{id}"));
            for path in polls.iter().cycle().take(4 * polls.iter().len()) {
                let polled = get(&engine, path);
                let _ = writeln!(table, "  {provider} poll: {} | {}", line(&polled), said(&polled));
            }
            let image = value["data"][0]["url"].as_str().and_then(|url| url.strip_prefix("http://mock"));
            if let Some(path) = image {
                let _ = writeln!(table, "  {provider} image: {}", line(&get(&engine, path)));
            }
        }
    }
    insta::assert_snapshot!(table.replace("1795000000", "NOW"));
}

/// The statuses of so many creates.
fn drawn(engine: &Engine, session: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| post(engine, &format!("{session}{}", create_path("ark")), &kite()).status).collect()
}

#[test]
fn chance_is_as_likely_as_it_says_and_the_same_again() {
    let statuses = |fault: &str| drawn(&limited(fault), "", 1000);
    let first = statuses("p=0.3 seed=7 status=503");
    let hits = first.iter().filter(|status| **status == 503).count();
    assert!((250..350).contains(&hits), "{hits} of 1000");
    assert_eq!(first, statuses("p=0.3 seed=7 status=503"));
    assert_ne!(first, statuses("p=0.3 seed=8 status=503"));
    assert!(statuses("p=0 status=503").iter().all(|status| *status == 200));
    assert!(statuses("p=1 status=503").iter().all(|status| *status == 503));
}

#[test]
fn without_a_seed_the_mocks_own_decides() {
    let statuses = |seed| {
        let faults = vec!["p=0.5 status=503".parse().unwrap()];
        drawn(&Engine::new(Settings { seed, faults, ..Settings::default() }), "", 64)
    };
    assert_eq!(statuses(1), statuses(1));
    assert_ne!(statuses(1), statuses(2));
}

#[test]
fn sessions_rules_and_targets_decide_apart() {
    let engine = limited("p=0.5 seed=7 status=503");
    let (blue, red) = (drawn(&engine, "/s/blue", 64), drawn(&engine, "/s/red", 64));
    assert_ne!(blue, red);
    let twice = limited("p=0.5 seed=7 status=503; p=0.5 seed=7 status=429");
    let both = drawn(&twice, "/s/blue", 64);
    let of = |wanted: u16| both.iter().filter(|status| **status == wanted).count();
    assert!(of(503) > 16 && of(429) > 4 && of(200) > 4, "the second rule decides for itself: {both:?}");
    // The faults of creates do not depend on the number of polls between them.
    let any = |polls: usize| {
        let engine = limited("on=any p=0.5 seed=7 status=503");
        let one = |_| {
            for _ in 0..polls {
                get(&engine, "/evolink/v1/tasks/task-unified-1795000000-nobody00");
            }
            post(&engine, &create_path("ark"), &kite()).status
        };
        (0..64).map(one).collect::<Vec<_>>()
    };
    assert_eq!(any(0), any(3));
}

#[test]
fn times_counts_what_was_hit() {
    let statuses = drawn(&limited("p=0.5 seed=7 times=3 status=503"), "", 64);
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 3);
}

#[test]
fn a_header_and_a_prompt_decide_by_how_often_they_were_met() {
    let ask = |engine: &Engine| -> Vec<u16> {
        let body =
            json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite [[mock: p=0.5 seed=7 status=503]]" });
        (0..64).map(|_| post(engine, &create_path("ark"), &body).status).collect()
    };
    let first = ask(&engine());
    assert_eq!(first, ask(&engine()));
    assert!(first.contains(&200) && first.contains(&503));
}

#[test]
fn under_concurrency_the_outcomes_are_the_same_ones() {
    let counts = |statuses: Vec<u16>| {
        let mut counts = BTreeMap::new();
        for status in statuses {
            *counts.entry(status).or_insert(0usize) += 1;
        }
        counts
    };
    let fault = "p=0.3 seed=7 status=503; p=0.2 seed=9 status=429";
    let alone = counts(drawn(&limited(fault), "", 400));
    for _ in 0..3 {
        let engine = Arc::new(limited(fault));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let engine = Arc::clone(&engine);
                std::thread::spawn(move || drawn(&engine, "", 50))
            })
            .collect();
        let together = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(counts(together), alone);
    }
}
