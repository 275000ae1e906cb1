//! The JSON of a response in other dress.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use seedream_mock::{Engine, MockServer, Script};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, post_with};
use crate::http1_client;

fn group() -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "2 images of a kite", "sequential_image_generation": "auto",
        "size": "1024x1024",
    })
}

fn ark(engine: &Engine, fault: &str) -> Script {
    post_with(engine, fault, &create_path("ark"), &group())
}

fn inline(engine: &Engine, fault: &str) -> Script {
    let mut body = group();
    body["response_format"] = json!("b64_json");
    post_with(engine, fault, &create_path("ark"), &body)
}

fn text(script: &Script) -> String {
    String::from_utf8(script.body().to_vec()).unwrap()
}

fn is_jpeg(file: &[u8]) -> bool {
    file.starts_with(b"\xff\xd8") && file.ends_with(b"\xff\xd9")
}

fn decoded(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn billed(engine: &Engine) -> u32 {
    engine.journal(None).iter().map(|entry| entry.billed).sum()
}

#[test]
fn an_accepted_task_stands_where_images_should_be_and_the_images_are_billed() {
    let engine = engine();
    let task = json(&ark(&engine, "body=task"));
    assert_eq!((&task["object"], &task["status"]), (&json!("image.generation.task"), &json!("pending")));
    assert!(task["id"].as_str().unwrap().starts_with("task-unified-"), "{task}");
    assert_eq!(task.get("data"), None);
    for (fault, short) in [("body=task-list", "/data/0"), ("body=task-object", "/data")] {
        let task = json(&ark(&engine, fault));
        let short = task.pointer(short).unwrap();
        assert_eq!((&task["code"], &short["status"]), (&json!(200), &json!("submitted")), "{fault}");
        assert!(short["task_id"].is_string(), "{fault}");
    }
    let envelope = json(&ark(&engine, "body=task-envelope"));
    assert_eq!((&envelope["code"], &envelope["data"]["status"]), (&json!(200), &json!("pending")));
    assert_eq!(billed(&engine), 8, "what is made is paid for");
}

#[test]
fn the_providers_own_task_stands_in_an_envelope_and_can_be_polled() {
    let engine = engine();
    let views = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    for (fault, id) in [
        ("body=task-envelope", "/data/id"),
        ("body=task-list", "/data/0/task_id"),
        ("body=task-object", "/data/task_id"),
    ] {
        let created = json(&post_with(&engine, fault, &create_path("evolink"), &views));
        assert_eq!(created["code"], 200, "{fault}");
        let id = created.pointer(id).unwrap().as_str().unwrap();
        let path = format!("/evolink/v1/tasks/{id}");
        let last = [0; 3].map(|_| json(&get(&engine, &path))).pop_last();
        assert_eq!(
            (&last["status"], last["results"].as_array().map(Vec::len)),
            (&json!("completed"), Some(2)),
            "{fault}"
        );
    }
}

trait PopLast {
    fn pop_last(self) -> Value;
}

impl<const N: usize> PopLast for [Value; N] {
    fn pop_last(self) -> Value {
        self.into_iter().next_back().unwrap()
    }
}

#[test]
fn lists_stand_elsewhere() {
    let engine = engine();
    for (fault, place) in [
        ("body=list", ""),
        ("body=images", "/images"),
        ("body=output", "/output"),
        ("body=result", "/result/images"),
        ("body=data-images", "/data/images"),
    ] {
        let document = json(&ark(&engine, fault));
        let items = document.pointer(place).and_then(Value::as_array).unwrap_or_else(|| panic!("{fault}: {document}"));
        assert_eq!(items.len(), 2, "{fault}");
        assert!(items.iter().all(|item| item["url"].as_str().unwrap().starts_with("http://mock/pictures/")), "{fault}");
    }
    let columns = json(&ark(&engine, "body=data-object"));
    assert_eq!(columns["data"]["url"].as_array().unwrap().len(), 2, "{columns}");
    assert!(json(&ark(&engine, "body=images"))["usage"].is_object(), "the rest stays");
    let columns = json(&inline(&engine, "body=data-object"));
    assert!(columns["data"]["b64_json"].as_array().unwrap().iter().all(|file| is_jpeg(&decoded(file))));
}

#[test]
fn items_have_other_names() {
    let engine = engine();
    let first = |fault: &str| json(&ark(&engine, fault))["data"][0].clone();
    assert!(first("body=url-list")["url"][0].is_string());
    assert!(first("body=image-url")["image_url"].is_string());
    assert!(first("body=image-url-object")["image_url"]["url"].is_string());
    assert!(first("body=strings").is_string());
    assert!(is_jpeg(&decoded(&first("body=b64")["b64"])));
    let combined = json(&ark(&engine, "body=images,url-list"));
    assert!(combined["images"][1]["url"][0].is_string(), "{combined}");
    assert!(json(&ark(&engine, "body=output,strings"))["output"][0].is_string());
}

#[tokio::test]
async fn links_that_are_not_absolute_open_where_they_lead() {
    let mock = MockServer::start().await.unwrap();
    let origin = mock.url();
    for session in ["", "/s/blue"] {
        let path = format!("{session}{}", create_path("ark"));
        let folder = path.strip_suffix("generations").unwrap();
        for (fault, begins, resolved) in [
            ("relative", String::from("pictures/ark/"), format!("{origin}{folder}")),
            ("host-relative", format!("{session}/pictures/ark/"), origin.clone()),
            ("protocol-relative", format!("//{}{session}/pictures/", mock.address()), String::from("http:")),
            ("own-http", format!("{origin}{folder}pictures/"), String::new()),
        ] {
            let mut body = group();
            body["prompt"] = json!(format!("a kite [[mock: body={fault}]]"));
            let made = http1_client::post(&mock, &path, &body).await.json();
            let link = made["data"][0]["url"].as_str().unwrap();
            assert!(link.starts_with(&begins), "{fault}: {link}");
            let file = http1_client::download(&mock, &format!("{resolved}{link}")).await;
            assert_eq!((file.status, is_jpeg(&file.body)), (200, true), "{fault}");
        }
    }
    let entries = mock.session("blue").journal();
    let downloads: Vec<_> = entries.iter().filter(|entry| entry.method == "GET").collect();
    assert!(downloads.len() == 4 && downloads.iter().all(|entry| entry.provider.as_deref() == Some("ark")));
}

#[test]
fn files_stand_in_url_as_uris_in_every_spelling() {
    let engine = engine();
    let url = |fault: &str| json(&ark(&engine, fault))["data"][0]["url"].as_str().unwrap().to_owned();
    for (fault, head) in [
        ("body=data-uri", "data:image/jpeg;base64,"),
        ("body=data-uri-upper", "DATA:Image/JPEG;charset=utf-8;base64,"),
        ("body=bare-base64", ""),
        ("body=data-uri,doubled-uri", "data:image/jpeg;base64,data:image/jpeg;base64,"),
    ] {
        let url = url(fault);
        let file = url.strip_prefix(head).unwrap_or_else(|| panic!("{fault}: {}", &url[..60]));
        assert!(is_jpeg(&STANDARD.decode(file).unwrap()), "{fault}");
    }
    let percent = url("body=data-uri-percent");
    assert!(percent.starts_with("data:image/jpeg,%FF%D8%FF"), "{}", &percent[..60]);
    assert!(percent.ends_with("%FF%D9"));
    let file = json(&inline(&engine, "body=data-uri"))["data"][1]["url"].as_str().unwrap().to_owned();
    assert!(file.starts_with("data:image/jpeg;base64,/9j/"), "inline images too");
}

#[test]
fn base64_comes_in_other_forms() {
    // A mock of its own for each: the second of equal requests has another image.
    let plain = decoded(&json(&inline(&engine(), ""))["data"][0]["b64_json"]);
    let file = |fault: &str| json(&ark(&engine(), fault))["data"][0]["b64_json"].as_str().unwrap().to_owned();
    let urlsafe = file("body=urlsafe");
    assert!(!urlsafe.contains(['+', '/']) && URL_SAFE.decode(&urlsafe).unwrap() == plain);
    let mixed = file("body=mixed-alphabet");
    assert!(mixed.contains(['+', '/']) && mixed.contains(['-', '_']));
    assert_eq!(STANDARD.decode(mixed.replace('-', "+").replace('_', "/")).unwrap(), plain);
    let wrapped = file("body=wrapped");
    assert_eq!(wrapped.find('\n'), Some(76));
    assert_eq!(STANDARD.decode(wrapped.replace('\n', "")).unwrap(), plain);
    let doubled = file("body=doubled-uri");
    assert_eq!(
        STANDARD.decode(doubled.strip_prefix("data:image/jpeg;base64,data:image/jpeg;base64,").unwrap()).unwrap(),
        plain
    );
    let uri = file("body=uri-in-b64");
    assert_eq!(STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap(), plain);
    let blanks = file("body=blanks");
    assert_eq!((blanks.find(' '), STANDARD.decode(blanks.replace(' ', "")).unwrap() == plain), (Some(76), true));
    assert_eq!(STANDARD_NO_PAD.decode(file("body=unpadded")).unwrap(), plain);
    assert!(file("body=link-in-b64").starts_with("http://mock/pictures/ark/"));
}

#[test]
fn events_come_under_the_name_of_json() {
    let engine = engine();
    let script = ark(&engine, "body=sse");
    assert_eq!(script.header("content-type"), Some("application/json"));
    let text = text(&script);
    assert!(text.starts_with("event: image_generation.partial_succeeded\ndata: {"), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
    let labelled = ark(&engine, "label=text/event-stream");
    assert_eq!(labelled.header("content-type"), Some("text/event-stream"));
    assert!(json(&labelled)["data"][0]["url"].is_string(), "and JSON under the name of events");
    assert_eq!(billed(&engine), 4);
}

#[test]
fn almost_json_is_what_a_lenient_reader_bears() {
    let engine = engine();
    for (fault, shows) in [
        ("body=raw-newlines", "\"revised_prompt\":\"a kite\n\tabove"),
        ("body=trailing-commas", ",},],"),
        ("body=bad-escapes", r#"it\'s"#),
        ("body=nan", "\"score\":NaN"),
        ("body=leading-zeros", "\"seed\":007"),
        ("body=deep", "[[[[[[[["),
    ] {
        for script in [ark(&engine, fault), inline(&engine, fault)] {
            let text = text(&script);
            assert!(text.contains(shows), "{fault}: {text}");
            assert!(serde_json::from_str::<Value>(&text).is_err(), "{fault} is not JSON");
            assert!(
                text.contains("\"data\":[{\"url\":\"http://mock/") || text.contains("\"b64_json\":\"/9j/"),
                "{fault}"
            );
        }
    }
    let refused = text(&ark(&engine, "status=400 body=trailing-commas"));
    assert!(refused.ends_with(",},}"), "errors too: {refused}");
}

#[test]
fn a_bad_candidate_stands_beside_a_good_one() {
    let engine = engine();
    let blank = json(&ark(&engine, "body=blank-candidate"))["data"][0].clone();
    assert_eq!(blank["url"], " ");
    assert!(is_jpeg(&decoded(&blank["b64_json"])));
    let bad = json(&inline(&engine, "body=bad-candidate"))["data"][0].clone();
    let uri = bad["url"].as_str().unwrap().strip_prefix("data:image/jpeg;base64,").unwrap();
    assert!(STANDARD.decode(uri).is_err() && is_jpeg(&decoded(&bad["b64_json"])));
}

#[test]
fn counts_that_disagree_are_billed_as_they_are_counted() {
    let engine = engine();
    let bills = |fault: &str, script: fn(&Engine, &str) -> Script| {
        let before = billed(&engine);
        let document = json(&script(&engine, fault));
        (
            document["data"].as_array().unwrap().len(),
            document["usage"]["generated_images"].clone(),
            billed(&engine) - before,
        )
    };
    assert_eq!(bills("", ark), (2, json!(2), 2));
    assert_eq!(bills("body=duplicate", ark), (3, json!(2), 2));
    assert_eq!(bills("body=overbilled", ark), (2, json!(3), 3));
    assert_eq!(bills("body=unreadable-free", ark), (2, json!(0), 2), "one of them was lost, and both were made");
    let twice = json(&ark(&engine, "body=duplicate"));
    assert_eq!(twice["data"][0], twice["data"][1]);
    let lost = json(&ark(&engine, "body=unreadable-free"));
    assert!(STANDARD.decode(lost["data"][0]["b64_json"].as_str().unwrap()).is_err());
    assert!(lost["data"][1]["url"].is_string());
    let relay = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" });
    let counted = json(&post_with(&engine, "body=overbilled", "/ark/v1/images/generations", &relay));
    assert_eq!(counted["usage"]["generated_images"], 2, "also where the provider does not count");
}

#[test]
fn a_body_ends_right_after_an_inner_object_or_before_its_end() {
    let engine = engine();
    let whole = text(&ark(&engine, ""));
    let brace = text(&ark(&engine, "truncate=brace"));
    assert!(
        brace.contains("\"data\":[{\"url\":") && brace.ends_with('}') && brace.matches('}').count() == 1,
        "{brace}"
    );
    assert_eq!(text(&ark(&engine, "truncate=-1")).len(), whole.len() - 1);
    let views = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite", "n": 2 });
    let created = text(&post_with(&engine, "truncate=brace", &create_path("evolink"), &views));
    assert!(created.contains("\"task_info\":{") && created.ends_with('}'), "{created}");
    assert!(created.contains("\"id\":\"task-unified-") && !created.contains("usage"));
    let file = text(&inline(&engine, "truncate=brace"));
    assert!(file.ends_with("\"}") || file.ends_with('}'), "inline images are whole before the cut");
    assert!(file.contains("\"b64_json\":\"/9j/"));
}

#[test]
fn shapes_apply_to_documented_responses_and_to_polls() {
    let engine = engine();
    let views = json!({ "model": "doubao-seedream-4.5", "prompt": "two views of a kite [[mock: on=poll body=relative,nan]]", "n": 2 });
    let created = json(&post_with(&engine, "", &create_path("evolink"), &views));
    let path = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
    let polled = text(&[0; 3].map(|_| get(&engine, &path)).into_iter().next_back().unwrap());
    assert!(polled.contains("\"results\":[\"pictures/evolink/") && polled.contains("NaN"), "{polled}");
    // The mock's own answer stays what it is where nothing is asked.
    assert!(text(&ark(&engine, "")).starts_with("{\"model\":"));
}
