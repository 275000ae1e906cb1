//! The order in a folder: record, request, response on record, images, metadata, and the record is gone.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use futures_util::StreamExt as _;
use seedream_client::{Client, JobEvent, Outcome, RecordEntry};
use seedream_core::{Charge, ImageData};

use super::{ACCEPTED, Act, DONE, EVENTS, Ledger, ONE, Shelf, Wire, client, wire};
use crate::tiny_dialects::{KEY, Tiny, TinyTasks, request};

/// What the folder holds.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.starts_with('.') && !name.starts_with("unsaved-"));
    names.sort();
    names
}

/// What the record says, one line an entry; moments and random ids are taken out.
fn record(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("tiny-0.job.jsonl")).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| plain(serde_json::from_str(line).unwrap()).to_string() + "\n").collect()
}

fn plain(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let redacted = match name.as_str() {
                    "job" | "client_request_id" => Some("<id>"),
                    "begun_at" | "submitted_at" => Some("<time>"),
                    "after_ms" | "elapsed_ms" | "synced" => Some("<number>"),
                    "file" => Some("<file>"),
                    _ => None,
                };
                *member = redacted.map_or_else(|| plain(member.clone()), Into::into);
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| *item = plain(item.clone())),
        _ => {}
    }
    value
}

/// The record as it was when each line went over the wire.
type Stages = Arc<Mutex<Vec<(String, String)>>>;

struct Ran {
    outcome: Outcome,
    stages: Vec<(String, String)>,
    names: Vec<String>,
}

async fn ran(wire: Wire, client: impl FnOnce(&Wire) -> Client, stream: bool) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let stages = Stages::default();
    let (seen, below) = (stages.clone(), folder.path().to_owned());
    let wire = wire.seen(move |line| {
        if !line.starts_with("end of") {
            seen.lock().unwrap().push((line.to_owned(), record(&below)));
        }
    });
    let outcome = client(&wire).job(request().stream(stream)).save_to(folder.path()).run().await.unwrap();
    let stages = stages.lock().unwrap().clone();
    Ran { outcome, stages, names: names(folder.path()) }
}

fn entries(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["entry"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn images_behind_urls_are_on_record_before_they_are_fetched() {
    let ran = ran(wire(|_, _| Act::ok(ONE)), |wire| client(Tiny, wire), false).await;
    assert_eq!(ran.names, ["tiny-0.json", "tiny-0.png"]);
    let stages: Vec<_> = ran.stages.iter().map(|(line, text)| (line.as_str(), entries(text))).collect();
    let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        stages,
        [
            ("POST https://tiny.example/v1/images", of(&["intent"])),
            ("GET https://a.example/0.png", of(&["intent", "answered"])),
        ]
    );
    let outcome = plain(serde_json::to_value(&ran.outcome).unwrap());
    insta::assert_snapshot!("outcome", serde_json::to_string_pretty(&outcome).unwrap());
    let text: String = ran.stages.iter().map(|(line, text)| format!("# {line}\n{text}\n")).collect();
    insta::assert_snapshot!("record", text);
    assert_eq!((ran.outcome.attempts.len(), ran.outcome.endpoint.as_str()), (1, "https://tiny.example"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_response_repeats_is_on_no_record() {
    let body = ONE.replacen('{', &format!(r#"{{"echo":"Bearer {KEY}","#), 1);
    let ran = ran(wire(move |_, _| Act::ok(body.clone())), |wire| client(Tiny, wire), false).await;
    let (_, answered) = ran.stages.last().unwrap();
    assert!(answered.contains("Bearer …") && !answered.contains(KEY), "{answered}");
}

#[tokio::test(start_paused = true)]
async fn images_inside_a_response_are_on_record_before_they_are_saved() {
    use base64::Engine as _;
    // Longer than what stands in a response as it is.
    let large = [super::PNG, &[0; 4000]].concat();
    let body = format!(r#"{{"data":[{{"b64":"{}"}}]}}"#, base64::engine::general_purpose::STANDARD.encode(&large));
    for body in
        [body, format!(r#"{{"data":[{{"b64":"{}"}}]}}"#, base64::engine::general_purpose::STANDARD.encode(super::PNG))]
    {
        let ran = ran(wire(move |_, _| Act::ok(body.clone())), |wire| client(Tiny, wire), false).await;
        assert_eq!(ran.names, ["tiny-0.json", "tiny-0.png"]);
        assert_eq!(ran.stages.len(), 1);
        assert_eq!((ran.outcome.images.len(), ran.outcome.charge), (1, Charge::Yes));
    }
}

#[tokio::test(start_paused = true)]
async fn each_image_of_a_stream_is_on_record_before_it_is_fetched() {
    let pieces = || EVENTS.split_inclusive("\n\n").map(Into::into).collect();
    let ran = ran(wire(move |_, _| Act::Response(200, pieces())), |wire| client(Tiny, wire), true).await;
    assert_eq!(ran.names, ["tiny-0.json", "tiny-0.png", "tiny-1.png"]);
    assert_eq!(ran.stages.len(), 3);
    for (line, text) in &ran.stages[1..] {
        let url = line.strip_prefix("GET ").unwrap();
        assert!(text.contains(url), "{line} before {text}");
    }
    assert_eq!((ran.outcome.delivered, ran.outcome.requested, ran.outcome.images.len()), (2, Some(1), 2));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_on_record_before_it_is_asked_for() {
    let responses = |line: &str, number| match (line.starts_with("POST"), number) {
        (true, _) => Act::ok(ACCEPTED),
        (false, 0) => Act::ok(r#"{"status":"running"}"#),
        _ => Act::ok(DONE),
    };
    let ran = ran(wire(responses), |wire| client(TinyTasks, wire), false).await;
    assert_eq!(ran.names, ["tiny-0.json", "tiny-0.png"]);
    let stages: Vec<_> = ran.stages.iter().map(|(_, text)| entries(text)).collect();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(stages, ["intent", "intent accepted", "intent accepted", "intent accepted answered"].map(words));
    assert_eq!(ran.outcome.task.as_ref().unwrap().id.as_str(), "job-1");
    assert_eq!((ran.outcome.billed, ran.outcome.charge), (Some(1), Charge::Yes));
    let text: String = ran.stages.iter().map(|(line, text)| format!("# {line}\n{text}\n")).collect();
    insta::assert_snapshot!("record_of_a_task", text);
}

/// The place that served it is told, and each attempt before.
#[tokio::test(start_paused = true)]
async fn an_outcome_tells_each_attempt_and_where_it_was_served() {
    let folder = tempfile::tempdir().unwrap();
    let wire = wire(|line, number| match (line.contains("mirror"), number) {
        (false, _) => Act::Refuse,
        (true, 0) => Act::status(429),
        _ => Act::ok(ONE),
    });
    let builder = Client::builder(Tiny).mirror("https://mirror.example").seed(1);
    let mut policy = seedream_core::Policy::default();
    policy.max_submits = 9;
    let transport = Arc::new(wire.clone());
    let client = builder.policy(policy).transport(transport.clone()).download_transport(transport).build().unwrap();
    let outcome = client.job(request()).save_to(folder.path()).run().await.unwrap();
    assert_eq!(outcome.endpoint, "https://mirror.example");
    let attempts: Vec<_> = outcome.attempts.iter().map(|attempt| (attempt.number, attempt.outcome.as_str())).collect();
    assert_eq!(attempts[..2], [(1, "not sent: connection refused"), (2, "HTTP 429")]);
    assert_eq!(attempts.last().unwrap().1, "HTTP 200");
    let sidecar = fs::read_to_string(folder.path().join("tiny-0.json")).unwrap();
    assert!(sidecar.contains("\"attempts\": [\n    {"), "{sidecar}");
}

/// What one event tells of is on record together, its failures too.
#[tokio::test(start_paused = true)]
async fn a_failure_beside_an_image_of_a_stream_is_on_record() {
    let event = "data: [{\"url\":\"https://a.example/0.png\"},{}]\n\n";
    let wire = wire(move |_, _| Act::Response(200, vec![event.into(), "data: [DONE]\n\n".into()]));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let outcome = super::kept(&client(Tiny, &wire), &ledger, &shelf).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.failures.len()), (1, 1));
    let parts: Vec<_> = ledger
        .entries()
        .into_iter()
        .filter_map(|entry| match entry {
            RecordEntry::Answered { generation, whole: false, .. } => Some(generation),
            _ => None,
        })
        .collect();
    let [part] = &parts[..] else { panic!("{parts:?}") };
    assert_eq!((part.model.as_str(), part.images().count(), part.failures().count()), ("tiny-1", 1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_image_inside_a_response_is_gathered_in_the_folder_of_the_output() {
    use base64::Engine as _;
    let large = [super::PNG, &[0; 4000]].concat();
    let body = format!(r#"{{"data":[{{"b64":"{}"}}]}}"#, base64::engine::general_purpose::STANDARD.encode(&large));
    let folder = tempfile::tempdir().unwrap();
    let wire = wire(move |_, _| Act::ok(body.clone()));
    let events: Vec<_> = client(Tiny, &wire).job(request()).save_to(folder.path()).events().collect().await;
    let came =
        events.iter().find_map(|event| if let JobEvent::Image(image) = event { Some(&image.data) } else { None });
    let is_there = matches!(came, Some(ImageData::File(file)) if file.parent() == Some(folder.path()));
    assert!(is_there, "so that saving is a rename: {came:?}");
}
