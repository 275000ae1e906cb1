//! Responses in shapes that no document shows, through the whole client.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use seedream_client::ImageProvider as _;
use seedream_client::{Client, ClientBuilder};
use seedream_core::*;
use seedream_wire::{Reader, Tasks, get};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{Tiny, request},
};

/// Asks as [`Tiny`] does and reads as all our adapters do: at once, as a stream, or as a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    AtOnce,
    Streams,
    Tasks,
}

fn reader(model: &ModelId) -> Reader {
    Reader { model: model.clone(), kind_of: |_, _| None, lifetime: None }
}

fn tasks(model: &ModelId) -> Tasks {
    Tasks { reader: reader(model), kind_of_failure: |_| None, results: "results", failed: Charge::No }
}

impl Dialect for Shared {
    fn descriptor(&self) -> &Descriptor {
        Tiny.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Tiny.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        Tiny.encode(request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        match self {
            Self::Tasks => tasks(request.model()).accepted(response),
            _ => reader(request.model()).outcome(response),
        }
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Tiny.effective(request, members)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        (*self == Self::Streams).then_some(self as &dyn StreamDialect)
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        (*self == Self::Tasks).then_some(self as &dyn TaskDialect)
    }
}

impl StreamDialect for Shared {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        reader(request.model()).stream(request.ceiling())
    }
}

impl TaskDialect for Shared {
    fn poll(&self, task: &Task) -> Result<Request<Bytes>> {
        get(&format!("/v1/tasks/{}", task.id))
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        tasks(&task.model).state(task, response)
    }
}

fn client(dialect: Shared, script: &Script) -> ClientBuilder {
    let transport = Arc::new(script.clone());
    Client::builder(dialect).base_url("https://tiny.example").key("canary-0123456789").transport(transport)
}

fn urls(generation: &Generation) -> Vec<&str> {
    fn url(data: &ImageData) -> &str {
        if let ImageData::Url { url, .. } = data { url } else { "no URL" }
    }
    generation.images().map(|image| url(&image.data)).collect()
}

fn kinds(generation: &Generation) -> Vec<WarningKind> {
    generation.warnings.iter().map(|warning| warning.kind).collect()
}

fn kept(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    names.map(|path| fs::read_to_string(path).unwrap()).collect()
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const EVENTS: &[(&str, &str)] = &[("content-type", "text/event-stream")];

#[tokio::test(start_paused = true)]
async fn events_under_the_label_of_json_are_read_and_json_under_that_of_events() {
    const STREAM: &str = "event: image_generation.partial_succeeded\ndata: {\"image_index\":0,\"url\":\"https://p.example/0\"}\n\ndata: [DONE]\n\n";
    const WHOLE: &str = "\n {\"data\":[{\"url\":\"https://p.example/0\"}]}";
    for (dialect, headers, body) in [
        (Shared::Streams, JSON, STREAM),
        (Shared::AtOnce, JSON, STREAM),
        (Shared::AtOnce, &[][..], STREAM),
        (Shared::Streams, EVENTS, WHOLE),
        (Shared::AtOnce, EVENTS, WHOLE),
    ] {
        let script = Script::new([Act::Answer(200, headers, body)]);
        let generation = client(dialect, &script).build().unwrap().generate(request()).await.unwrap();
        assert_eq!(urls(&generation), ["https://p.example/0"], "{dialect:?} {headers:?}");
        assert_eq!(script.lines().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn links_are_seen_from_the_request_that_they_answer() {
    let body = r#"{"data":[{"url":"/files/a.png"},{"url":"files/b.png"},{"url":"//cdn.example/c.png"}]}"#;
    let script = Script::new([Act::Answer(200, JSON, body)]);
    let generation = client(Shared::AtOnce, &script).build().unwrap().generate(request()).await.unwrap();
    let base = script.sent()[0].1.uri().to_string();
    let folder = base.rsplit_once('/').unwrap().0;
    assert_eq!(
        urls(&generation),
        ["https://tiny.example/files/a.png", &format!("{folder}/files/b.png"), "https://cdn.example/c.png"]
    );
    let task = r#"{"id":"t-1","status":"pending"}"#;
    let done = r#"{"id":"t-1","status":"completed","results":["out/0.png"]}"#;
    let script = Script::new([Act::Answer(200, JSON, task), Act::Answer(200, JSON, done)]);
    let generation = client(Shared::Tasks, &script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!(urls(&generation), ["https://tiny.example/v1/tasks/out/0.png"]);
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_behind_a_bracket_loses_nothing_and_the_response_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let body = r#"{"data":[{"url":"https://p.example/0"}"#;
    let script = Script::new([Act::Answer(200, JSON, body)]);
    let builder = client(Shared::AtOnce, &script).spool(directory.path());
    let generation = builder.build().unwrap().generate(request()).await.unwrap();
    assert_eq!(urls(&generation), ["https://p.example/0"]);
    assert_eq!((kinds(&generation)[0], generation.raw.as_ref()), (WarningKind::Incomplete, body.as_bytes()));
    assert_eq!(kept(directory.path()), [body]);
    assert!(generation.warnings.iter().any(|warning| warning.message.contains("unreadable-")));

    let task = r#"{"id":"t-1","status":"pending","task_info":{"can_cancel":true}"#;
    let done = r#"{"id":"t-1","status":"completed","results":["https://p.example/1"]}"#;
    let script = Script::new([Act::Answer(200, JSON, task), Act::Answer(200, JSON, done)]);
    let generation = client(Shared::Tasks, &script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!(urls(&generation), ["https://p.example/1"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_complete_is_not_waited_for() {
    let body = "data: {\"type\":\"image_generation.partial_succeeded\",\"image_index\":0,\"url\":\"https://p.example/0\"}\n\n\
                data: {\"type\":\"image_generation.completed\",\"usage\":{\"generated_images\":1}}\n\n: keep-alive\n\n";
    let script = Script::new([Act::Endless(EVENTS, body)]);
    let start = Instant::now();
    let generation = client(Shared::Streams, &script).build().unwrap().generate(request().stream(true)).await.unwrap();
    assert_eq!((urls(&generation), kinds(&generation)), (vec!["https://p.example/0"], vec![]));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    // One that is not complete is waited for until the deadline, and what came is kept.
    let open =
        "data: {\"type\":\"image_generation.partial_succeeded\",\"image_index\":0,\"url\":\"https://p.example/0\"}\n\n";
    let script = Script::new([Act::Endless(EVENTS, open)]);
    let generation = client(Shared::Streams, &script).build().unwrap().generate(request().stream(true)).await.unwrap();
    assert_eq!(kinds(&generation)[0], WarningKind::Incomplete);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_which_something_could_not_be_read_is_kept_as_it_came() {
    for (body, delivered) in [
        ("data: {\"url\":\"https://p.example/0\"}\n\ndata: \"half{\n\ndata: [DONE]\n\n", true),
        ("data: {\"b64_json\":\"!!\"}\n\ndata: [DONE]\n\n", false),
        (": keep-alive\n\ndata: nothing here\n\n", false),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let script = Script::new([Act::Answer(200, EVENTS, body)]);
        let builder = client(Shared::Streams, &script).spool(directory.path());
        let ended = builder.build().unwrap().generate(request().stream(true)).await;
        assert_eq!(kept(directory.path()), [body]);
        match ended {
            Ok(generation) => {
                assert!(delivered && generation.raw == body.as_bytes());
                assert!(generation.warnings.iter().any(|warning| warning.message.contains("is kept in")));
            }
            Err(error) => assert!(!delivered && error.kept().is_some() && error.charge() == Charge::Unknown, "{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_image_has_a_limit_of_its_own() {
    let long = |body: String| -> &'static str { Box::leak(body.into_boxed_str()) };
    let junk = "x".repeat(20_000);
    for (dialect, body) in [
        (Shared::AtOnce, long(format!(r#"{{"data":[{{"url":"https://p.example/0"}}],"note":"{junk}"}}"#))),
        (Shared::Streams, long(format!("data: {{\"url\":\"https://p.example/0\"}}\n\n: {junk}\n\n"))),
    ] {
        let script = Script::new([Act::Answer(200, JSON, body)]);
        let builder = client(dialect, &script).max_text_bytes(10_000);
        let generation = builder.build().unwrap().generate(request()).await.unwrap();
        assert_eq!(urls(&generation), ["https://p.example/0"]);
        assert!(generation.warnings[0].message.contains("max_text_bytes"), "{:?}", generation.warnings);
    }
    let script = Script::new([Act::Answer(400, JSON, long(format!(r#"{{"error":{{"message":"{junk}"}}}}"#)))]);
    let error =
        client(Shared::AtOnce, &script).max_text_bytes(10_000).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.charge(), error.status().map(|status| status.as_u16())), (Charge::No, Some(400)));
}

#[tokio::test(start_paused = true)]
async fn a_task_where_images_should_be_is_told_with_its_id() {
    let body = r#"{"code":200,"data":[{"status":"submitted","task_id":"task_A1"}]}"#;
    let script = Script::new([Act::Answer(200, JSON, body)]);
    let error = client(Shared::AtOnce, &script).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), script.lines().len()), (ErrorKind::UnexpectedTask, Charge::Unknown, 1));
    let task = error.task().unwrap();
    assert_eq!((task.id.as_str(), task.endpoint.as_str()), ("task_A1", "https://tiny.example"));
    assert!(error.to_string().contains("task_A1") && !error.to_string().contains("resume"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_second_id_is_asked_for_where_the_first_is_not_known() {
    let script = Script::new([
        Act::Answer(200, JSON, r#"{"id":"req-1","task_id":"task-2","status":"pending"}"#),
        Act::Answer(404, JSON, r#"{"error":{"code":"task_not_found","message":"no"}}"#),
        Act::Answer(200, JSON, r#"{"data":{"status":"SUCCESS","result_url":"https://p.example/0"}}"#),
    ]);
    let generation = client(Shared::Tasks, &script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!(urls(&generation), ["https://p.example/0"]);
    let polled: Vec<_> = script.lines()[1..].iter().map(|line| line.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(polled, ["req-1", "task-2"]);
    // A task of another process knows all its ids too.
    let mut task = client(Shared::Tasks, &script).build().unwrap().task(TaskId::new("req-1").unwrap());
    task.other_ids = vec![TaskId::new("task-2").unwrap()];
    let task: Task = serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap();
    let script = Script::new([
        Act::Answer(404, JSON, "{}"),
        Act::Answer(200, JSON, r#"{"status":"completed","results":["https://p.example/0"]}"#),
    ]);
    let generation = client(Shared::Tasks, &script).build().unwrap().collect(task).await.unwrap();
    assert_eq!(urls(&generation), ["https://p.example/0"]);
}

#[tokio::test(start_paused = true)]
async fn images_that_are_there_at_the_deadline_are_delivered_and_the_task_is_kept() {
    let script = Script::new([
        Act::Answer(200, JSON, r#"{"id":"t-1","status":"pending"}"#),
        Act::Answer(200, JSON, r#"{"id":"t-1","status":"processing","results":["https://p.example/0"]}"#),
    ]);
    let error = client(Shared::Tasks, &script).build().unwrap().generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Timeout, Charge::Unknown));
    assert_eq!(error.task().unwrap().id.as_str(), "t-1");
    let found = error.generation().unwrap();
    assert_eq!((urls(found), kinds(found)), (vec!["https://p.example/0"], vec![WarningKind::Incomplete]));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_cut_again_and_again_gives_what_it_has() {
    let script = Script::new([
        Act::Answer(200, JSON, r#"{"id":"t-1","status":"pending"}"#),
        Act::Answer(200, JSON, r#"{"id":"t-1","status":"completed","results":["https://p.example/0","https://p.exam"#),
    ]);
    let generation = client(Shared::Tasks, &script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!((urls(&generation), kinds(&generation)[0]), (vec!["https://p.example/0"], WarningKind::Incomplete));
    assert_eq!(script.lines().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_billed_and_did_not_come_is_told() {
    let body =
        r#"{"data":[{"url":"https://p.example/0"},{"url":"https://p.example/1"}],"usage":{"generated_images":3}}"#;
    let script = Script::new([Act::Answer(200, JSON, body)]);
    let generation = client(Shared::AtOnce, &script).build().unwrap().generate(request()).await.unwrap();
    assert_eq!((generation.images().count(), generation.failures().count()), (2, 1));
    let told = generation.warnings.iter().find(|warning| warning.kind == WarningKind::BilledMore).unwrap();
    assert!(told.message.contains('3') && told.message.contains('2'), "{told}");
}
