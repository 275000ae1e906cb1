//! Providers whose tasks and errors have other forms than any document of this project: each is data of a folder.

use seedream_mock::{Engine, MockServer, Settings, TaskEnd};
use serde_json::{Value, json};

use crate::engine_calls::{get, json, now, post, post_with, request};
use crate::own_fixtures::Folder;

const CREATE: &str = "/house/v1/images";

/// A provider whose responses are tasks of this form; `edit` changes its data.
fn provider(task: &Value, edit: impl FnOnce(&mut Value)) -> Folder {
    let text = include_str!("../../../../fixtures/evolink/provider.json");
    let mut provider: Value = serde_json::from_str(text).unwrap();
    provider["id"] = json!("house");
    provider["task"] = task.clone();
    provider["unread"] = json!([]);
    provider["task"]["source"] = json!({ "kind": "derived" });
    provider["routes"].as_array_mut().unwrap().truncate(2);
    provider["routes"][0]["path"] = json!("/v1/images");
    edit(&mut provider);
    Folder::new(&format!("form-{:x}", hash(&provider)), &[("house/provider.json", provider)])
}

/// A name for a folder of its own: tests run beside each other.
fn hash(value: &Value) -> u64 {
    value.to_string().bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

fn kite() -> Value {
    json!({ "model": "doubao-seedream-4.5", "prompt": "2 images of a kite", "n": 2, "size": "16:9", "quality": "2K" })
}

/// An envelope, a query on each poll, images as lists of URLs, a price at the end, and numbers for codes.
fn envelope() -> Value {
    json!({
        "id_prefix": "t_",
        "status": { "accepted": "submitted", "processing": "in_progress", "completed": "done", "failed": "failed" },
        "accepted": { "json": { "code": 200, "data": [{ "status": "{status}", "task_id": "{id}" }] } },
        "running": { "json": { "code": 200, "data": { "id": "{id}", "status": "{status}", "progress": "{progress}",
            "eta": "{estimate}" } } },
        "completed": { "json": { "code": 200, "data": { "id": "{id}", "status": "{status}",
            "result": { "images": "{images}", "count": "{images.count}" }, "cost": "{cost}",
            "took": ["{created}", "{ended_at}"] } } },
        "failed": { "json": { "code": "{error.code}", "message": "{error.message}", "data": { "status": "{status}" } } },
        "image": { "url": ["{url}"], "expires_at": "{expires_at}", "name": "{index}.{format}", "size": "{size}" },
        "failures": { "failed": { "code": 5000 }, "moderated": { "code": 4003, "message": "withheld" } },
    })
}

/// Polls a task until it has ended.
fn end(engine: &Engine, path: &str) -> Value {
    (0..3).map(|_| get(engine, path)).map(|script| json(&script)).last().unwrap()
}

fn with_language(provider: &mut Value) {
    provider["routes"][1]["path"] = json!("/v1/tasks/{id}?language=en");
}

#[test]
fn an_envelope_is_served_with_its_ledger() {
    let folder = provider(&envelope(), with_language);
    let engine = folder.engine();
    let accepted = json(&post(&engine, CREATE, &kite()));
    let id = accepted["data"][0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(accepted, json!({ "code": 200, "data": [{ "status": "submitted", "task_id": id }] }));
    assert!(id.starts_with("t_"), "{id}");
    let reserved = engine.ledger(now(), None).remove(0);
    assert_eq!((reserved.images, reserved.credits, reserved.settled), (2, Some(3.6), false));

    let path = format!("/house/v1/tasks/{id}?language=en");
    assert_eq!(get(&engine, &format!("/house/v1/tasks/{id}")).status, 404, "the query is part of the route");
    let running = json(&get(&engine, &path));
    let expected = json!({ "id": id, "status": "in_progress", "progress": 0, "eta": 1 });
    assert_eq!(running["data"], expected);
    let done = end(&engine, &path)["data"].clone();
    assert_eq!((&done["status"], &done["cost"], &done["result"]["count"]), (&json!("done"), &json!(3.6), &json!(2)));
    assert_eq!(done["took"], json!([now().as_second(), now().as_second()]));
    let images = done["result"]["images"].as_array().unwrap();
    assert_eq!((images.len(), &images[1]["name"], &images[1]["size"]), (2, &json!("1.jpeg"), &json!("2848x1600")));
    assert_eq!(images[0]["expires_at"], now().as_second() + 86_400);
    let url = images[0]["url"][0].as_str().unwrap();
    assert_eq!(get(&engine, url.strip_prefix("http://mock").unwrap()).status, 200);
    assert!(engine.ledger(now(), None)[0].settled);
}

#[test]
fn a_failure_has_the_codes_of_its_provider() {
    let folder = provider(&envelope(), with_language);
    for (fault, code, message) in [
        ("task=failed", json!(4003), "withheld"),
        ("fail=0", json!(5000), "The task failed: 5000."),
        ("task=failed code=7", json!(7), "The task failed: 7."),
        ("task=failed code=odd message=why", json!("odd"), "why"),
    ] {
        let engine = folder.engine();
        let accepted = json(&post_with(&engine, fault, CREATE, &kite()));
        let path = format!("/house/v1/tasks/{}?language=en", accepted["data"][0]["task_id"].as_str().unwrap());
        let expected = json!({ "code": code, "message": message, "data": { "status": "failed" } });
        assert_eq!(end(&engine, &path), expected, "{fault}");
        assert_eq!(engine.paid(now(), "default").images, 0, "{fault}: it is not paid for");
    }
}

#[test]
fn faults_of_the_status_are_told_in_the_words_of_the_provider() {
    let folder = provider(&envelope(), with_language);
    let ended = |fault: &str| {
        let engine = folder.engine();
        let accepted = json(&post_with(&engine, fault, CREATE, &kite()));
        end(&engine, &format!("/house/v1/tasks/{}?language=en", accepted["data"][0]["task_id"].as_str().unwrap()))
    };
    assert_eq!(ended("task=completed-error")["data"]["status"], "done");
    let with_images = ended("task=failed-results")["data"].clone();
    assert_eq!((&with_images["status"], &with_images["result"]["count"]), (&json!("failed"), &json!(2)));
    assert_eq!(ended("task=word:SUCCESS")["data"]["status"], "SUCCESS");
}

#[test]
fn an_id_may_come_in_a_header_and_be_asked_for_in_a_body() {
    let task = json!({
        "accepted": { "status": 202, "headers": { "Location": "/v1/jobs/{id}", "x-job": "{id}" } },
        "running": { "status": 202, "json": {} },
        "completed": { "json": { "job": "{id}", "files": "{images}" } },
        "failed": { "status": 500, "json": { "job": "{id}" } },
        "image": "data:image/jpeg;base64,{base64}",
        "failures": { "failed": { "code": "broken" } },
    });
    let folder = provider(&task, |provider| {
        provider["routes"][1]["method"] = json!("POST");
        provider["routes"][1]["path"] = json!("/v1/jobs/query");
        provider["routes"][1]["id_at"] = json!("/job/id");
    });
    let engine = folder.engine();
    // The session is known by the id, which stands in the body.
    let accepted = post(&engine, &format!("/s/blue{CREATE}"), &kite());
    assert_eq!((accepted.status, &accepted.body()[..]), (202, &b""[..]));
    let id = accepted.header("x-job").unwrap().to_owned();
    assert_eq!(accepted.header("location"), Some(format!("/v1/jobs/{id}").as_str()));
    let poll = || post(&engine, "/house/v1/jobs/query", &json!({ "job": { "id": id } }));
    assert_eq!((poll().status, poll().status), (202, 202));
    let done = json(&poll());
    let file = done["files"][1].as_str().unwrap().strip_prefix("data:image/jpeg;base64,").unwrap().to_owned();
    assert_eq!((done["job"].as_str(), file.starts_with("/9j/")), (Some(id.as_str()), true));
    let polls = engine.journal(Some("blue")).iter().filter(|entry| entry.path.ends_with("query")).count();
    assert_eq!(polls, 3);
    let nothing = post(&engine, "/house/v1/jobs/query", &json!({ "job": 7 }));
    assert!(nothing.status >= 400);
}

/// Its polls are POST requests with the id in the body, its errors are a template, and its prompt has another name.
fn polled_by_post() -> Folder {
    let text = include_str!("../../../../tests/stranger/fixtures/quarry/provider.json");
    let mut provider: Value = serde_json::from_str(text).unwrap();
    provider["id"] = json!("house");
    provider["task"]["source"] = json!({ "kind": "derived" });
    let route = &mut provider["routes"].as_array_mut().unwrap().iter_mut().find(|r| r["name"] == "task").unwrap();
    (route["method"], route["path"], route["id_at"]) = (json!("POST"), json!("/v1/query"), json!("/job/id"));
    let fields = provider["fields"].as_array_mut().unwrap();
    fields.iter_mut().find(|field| field["role"] == "prompt").unwrap()["name"] = json!("text");
    for template in provider["error_templates"].as_array_mut().unwrap() {
        template["message"] = json!("{field}: {detail}");
    }
    let poll = json!({
        "source": { "kind": "derived" }, "operation": "poll",
        "request": { "method": "POST", "path": "/v1/query", "json": { "job": { "id": "task_404" } } },
        "response": { "status": 404, "json": { "error": { "code": 1301, "message": "there is no such task" } } },
    });
    let name = format!("post-{:?}", std::thread::current().id()).replace(['(', ')'], "-");
    Folder::new(&name, &[("house/provider.json", provider), ("house/errors/no-such-task.json", poll)])
}

#[test]
fn a_poll_by_post_is_no_request_for_images() {
    let folder = polled_by_post();
    let engine = folder.engine();
    let recorded = post(&engine, "/house/v1/query", &json!({ "job": { "id": "task_404" } }));
    assert_eq!((recorded.status, recorded.header("x-mock-violation")), (404, None));
    assert_eq!(recorded.header("x-mock-fixture"), Some("house/errors/no-such-task"));
    for (body, expected) in [
        ("{}", "job.id: it is missing."),
        (r#"{"job":{"id":7}}"#, "job.id: it must be a text."),
        (r#"{"job":{"id":"other"}}"#, "job.id: it must begin with task_."),
        ("no JSON", "body: the request body must be a JSON object."),
    ] {
        let script = engine.handle(now(), &request("POST", "/house/v1/query", Some("sk-test"), body));
        assert_eq!(json(&script)["error"]["message"], expected, "{body}");
    }
}

#[test]
fn a_refusal_of_the_prompt_names_the_member_of_the_provider() {
    let folder = polled_by_post();
    let script = post_with(&folder.engine(), "refuse=moderated-prompt", "/house/v1/images/generations", &kite());
    assert_eq!(json(&script)["error"]["message"], "text: the mock was asked to refuse it.");
}

#[test]
fn a_task_that_is_failed_by_hand_has_the_code_of_a_failure() {
    let folder = polled_by_post();
    let engine = folder.engine();
    let body = json!({ "model": "quarry-4.5", "text": "a quarry", "size": "16:9" });
    let accepted = json(&post(&engine, "/house/v1/images/generations", &body));
    let id = accepted["data"][0]["task_id"].as_str().unwrap();
    post(&engine, "/__mock/v1/tasks", &json!({ "id": id, "status": "failed" }));
    let ended = json(&post(&engine, "/house/v1/query", &json!({ "job": { "id": id } })));
    assert_eq!(ended["data"]["error"]["code"], 2001, "{ended}");
}

#[test]
fn an_image_may_be_a_url_or_a_file_as_the_request_asks() {
    let mut task = envelope();
    task["image"] = json!({ "url": "{url}", "b64": "{base64}" });
    let folder = provider(&task, |provider| {
        with_language(provider);
        let mut format = provider["fields"][1].clone();
        format["name"] = json!("response_format");
        format["role"] = json!("response_format");
        format["required"] = json!(false);
        provider["fields"].as_array_mut().unwrap().push(format);
    });
    let engine = folder.engine();
    for (format, present, absent) in [("url", "url", "b64"), ("b64_json", "b64", "url")] {
        let mut body = kite();
        body["response_format"] = json!(format);
        let accepted = json(&post(&engine, CREATE, &body));
        let path = format!("/house/v1/tasks/{}?language=en", accepted["data"][0]["task_id"].as_str().unwrap());
        let image = end(&engine, &path)["data"]["result"]["images"][0].clone();
        assert!(image[present].as_str().is_some_and(|text| text.len() > 100), "{image}");
        assert!(image.get(absent).is_none(), "{image}");
    }
    // Faults that reshape a poll leave its files as they are.
    let mut body = kite();
    body["response_format"] = json!("b64_json");
    let accepted = json(&post_with(&engine, "task=envelope", CREATE, &body));
    let path = format!("/house/v1/tasks/{}?language=en", accepted["data"][0]["task_id"].as_str().unwrap());
    let image = end(&engine, &path)["data"]["data"]["result"]["images"][0]["b64"].clone();
    assert!(image.as_str().unwrap().starts_with("/9j/"), "{image}");
}

#[test]
fn a_recorded_acceptance_can_be_polled() {
    let exchange = |response: &Value| {
        json!({
            "source": { "kind": "observed" },
            "request": { "method": "POST", "path": "/v1/images", "json": kite() },
            "response": response,
        })
    };
    let recorded = json!({ "status": 200, "json": { "code": 200, "trace": "as recorded",
        "data": [{ "status": "submitted", "task_id": "t_01HZ" }] } });
    let provided = provider(&envelope(), with_language);
    let text = std::fs::read_to_string(provided.0.join("house/provider.json")).unwrap();
    let poll = json!({
        "source": { "kind": "observed" },
        "operation": "poll",
        "request": { "method": "GET", "path": "/v1/tasks/t_01HZ?language=en" },
        "response": { "status": 200, "json": { "code": 200, "data": { "status": "done", "result": { "images": [
            { "url": ["https://house.example/1.png"], "expires_at": 7 } ] }, "cost": 0.04 } } },
        "expect": { "images": [{ "index": 0 }] },
    });
    let files = [
        ("house/provider.json", serde_json::from_str(&text).unwrap()),
        ("house/generate/plain.json", exchange(&recorded)),
        ("house/tasks/done.json", poll),
    ];
    let folder = Folder::new("form-recorded", &files);
    let engine = folder.engine();
    let script = post(&engine, CREATE, &kite());
    assert_eq!(script.header("x-mock-fixture"), Some("house/generate/plain"));
    let accepted = json(&script);
    let id = accepted["data"][0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!((accepted["trace"].as_str(), id == "t_01HZ"), (Some("as recorded"), false));
    let done = end(&engine, &format!("/house/v1/tasks/{id}?language=en"));
    assert_eq!(done["data"]["result"]["count"], 2);
    assert_eq!(engine.paid(now(), "default").images, 2);

    // The recorded poll is found by its query too, and its images open.
    let script = get(&engine, "/house/v1/tasks/t_01HZ?language=en");
    assert_eq!(script.header("x-mock-fixture"), Some("house/tasks/done"));
    let image = json(&script)["data"]["result"]["images"][0].clone();
    assert_eq!(image["expires_at"], now().as_second() + 86_400);
    let url = image["url"][0].as_str().unwrap();
    assert_eq!(get(&engine, url.strip_prefix("http://mock").unwrap()).status, 200);
    assert_eq!(get(&engine, "/house/v1/tasks/t_01HZ?language=zh").status, 404);
}

#[test]
fn a_callback_has_the_form_of_a_poll_or_its_own() {
    let mut task = envelope();
    task["callback"] = json!({ "event": "ended", "task": { "id": "{id}", "state": "{status}", "files": "{images}" } });
    for (task, pointer) in [(envelope(), "/data/result/images/0/url/0"), (task, "/task/files/0/url/0")] {
        let folder = provider(&task, with_language);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let body = runtime.block_on(async {
            let mock = MockServer::builder().fixtures(&folder.0).unwrap().task(TaskEnd::Polls(1));
            let mock = mock.start().await.unwrap();
            let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut asked = kite();
            asked["callback_url"] = json!(crate::callbacks::url(&receiver));
            let accepted = crate::http1_client::post(&mock, CREATE, &asked).await.json();
            let id = accepted["data"][0]["task_id"].as_str().unwrap();
            crate::http1_client::get(&mock, &format!("/house/v1/tasks/{id}?language=en")).await;
            crate::callbacks::receive(&receiver).await.1
        });
        assert!(body.pointer(pointer).is_some_and(Value::is_string), "{body}");
    }
}

#[test]
fn errors_may_have_any_body() {
    let folder = provider(&envelope(), |provider| {
        with_language(provider);
        provider["errors"] = json!("template");
        provider["routes"][1].as_object_mut().unwrap().remove("errors");
        provider["error_body"] = json!({ "code": "{error.code}", "msg": "{error.message}", "http": "{status}",
            "at": "{error.param}", "hint": { "text": "{error.suggestion}" }, "trace": "id:{request_id}" });
        let source = json!({ "kind": "derived" });
        provider["error_templates"] = json!([
            { "cause": "invalid", "status": 400, "code": 40001, "message": "{field} {verb} wrong", "source": source },
            { "cause": "rate_limited", "status": 429, "code": "slow", "message": "wait", "param": "rate",
              "fallback_suggestion": "wait a minute", "source": source },
        ]);
    });
    let engine = folder.engine();
    let mut wrong = kite();
    wrong["n"] = json!(99);
    let script = post(&engine, CREATE, &wrong);
    let body = json(&script);
    let trace = format!("id:{}", script.header("x-request-id").unwrap());
    assert_eq!(body, json!({ "code": 40001, "msg": "n is wrong", "http": 400, "trace": trace }));
    let script = post_with(&engine, "status=429", CREATE, &kite());
    let body = json(&script);
    assert_eq!(
        (script.status, &body["code"], &body["at"], &body["hint"]),
        (429, &json!("slow"), &json!("rate"), &json!({ "text": "wait a minute" }))
    );
    assert_eq!(json(&post_with(&engine, "status=400 code=41000", CREATE, &kite()))["code"], 41000);
}

/// A change of a provider's data.
type Edit = fn(&mut Value);

/// What a folder with this form is refused for.
fn refusals(task: &Value, edit: impl FnOnce(&mut Value)) -> Vec<String> {
    let folder = provider(task, edit);
    let errors = seedream_fixtures::load_dir(&folder.0).unwrap_err();
    let root = format!("{}/", folder.0.display());
    errors.iter().map(|error| error.to_string().replace(&root, "")).collect()
}

#[test]
fn a_wrong_form_is_refused_once_for_each_mistake() {
    let changed = |pointer: &str, value: Value| {
        let mut task = envelope();
        *task.pointer_mut(pointer).unwrap() = value;
        task
    };
    for (task, expected) in [
        (
            changed("/running/json/data/status", json!("{statsu}")),
            "`running`: there is no placeholder {statsu}; did you mean {status}?",
        ),
        (
            changed("/completed/json/data/result/images", json!("{image}")),
            "`completed`: there is no placeholder {image}; did you mean {images}?",
        ),
        (changed("/accepted/json/data/0/task_id", json!("x")), "it has no {id}: its task could not be polled"),
        (
            changed("/accepted/json/data/0/status", json!("{images}")),
            "`accepted` cannot have {images}; it may have {id}, {created}",
        ),
        (changed("/image/url/0", json!("x")), "it has neither {url} nor {base64}"),
        (changed("/completed/json/data/result/images", json!([])), "it has no {images}"),
        (
            changed("/status/completed", json!("failed")),
            "\"failed\" says both that it is a task that has images and a task that has failed",
        ),
        (
            changed("/status/processing", Value::Null),
            "`task.status` has no word for `processing`, and {status} stands for it",
        ),
        (
            changed("/status/completed", json!(["done"])),
            "`task.status.completed` is [\"done\"]: neither a text nor a number",
        ),
    ] {
        let found = refusals(&task, with_language);
        let first = found.first().unwrap_or_else(|| panic!("{expected}: nothing is found"));
        assert!(first.starts_with("house/provider.json:") && first.contains(expected), "{found:#?}");
        assert!(!first.contains(".json:0:") && !first.contains(".json:1:"), "{first}: the line");
        assert_eq!(found.len(), 1, "{found:#?}");
    }
    let edits: [(&str, Edit); 7] = [
        ("no word for `processing`, `completed`, `failed`", |it| {
            drop(it["task"].as_object_mut().unwrap().remove("status"));
        }),
        ("the path has no `{id}`, and `id_at` is missing", |it| it["routes"][1]["path"] = json!("/v1/task")),
        ("\"job\" is no JSON pointer", |it| it["routes"][1]["id_at"] = json!("job")),
        ("no route is called `task`", |it| drop(it["routes"].as_array_mut().unwrap().pop())),
        ("`task` is missing", |it| drop(it.as_object_mut().unwrap().remove("task"))),
        ("`error_body` is missing", |it| it["errors"] = json!("template")),
        ("nothing uses it: `errors` is not `template`", |it| it["error_body"] = json!({ "m": "{error.message}" })),
    ];
    for (expected, edit) in edits {
        let found = refusals(&envelope(), edit);
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:#?}");
    }
}

#[test]
fn an_exchange_of_another_form_than_its_provider_is_refused() {
    let provided = provider(&envelope(), |provider| {
        provider["routes"][1]["method"] = json!("POST");
        provider["routes"][1]["path"] = json!("/v1/query");
        provider["routes"][1]["id_at"] = json!("/task_id");
    });
    let text = std::fs::read_to_string(provided.0.join("house/provider.json")).unwrap();
    let accepted = json!({
        "request": { "method": "POST", "path": "/v1/images", "json": kite() },
        "response": { "status": 200, "json": { "code": 200, "data": { "task_id": "t_1" } } },
    });
    let poll = json!({
        "operation": "poll",
        "request": { "method": "POST", "path": "/v1/query", "json": { "id": "t_1" } },
        "response": { "status": 200, "json": { "data": { "images": [] } } },
        "expect": { "images": [{ "index": 0 }] },
    });
    let files = [
        ("house/generate/plain.json", accepted.clone()),
        ("house/provider.json", serde_json::from_str::<Value>(&text).unwrap()),
        ("house/tasks/done.json", poll),
    ];
    let folder = Folder::new("form-exchanges", &files);
    let errors = seedream_fixtures::load_dir(&folder.0).unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "no exchange of a poll has anything at /task_id in the body of its request; there are /id",
            "its response has nothing at /data/0/task_id, where `task.accepted` has {id}",
            "its response has nothing at /data/result/images, where `task.completed` has {images}",
        ]
    );

    // A provider that does not parse is one mistake, whatever exchanges it has.
    let broken = text.replacen("\"mode\"", "\"mood\"", 1);
    let root = Folder::new("form-broken", &[("house/generate/plain.json", accepted)]);
    std::fs::write(root.0.join("house/provider.json"), broken).unwrap();
    let errors = seedream_fixtures::load_dir(&root.0).unwrap_err();
    assert!(errors.len() == 1 && errors[0].message.starts_with("unknown field `mood`"), "{errors:#?}");
}

#[test]
fn an_engine_serves_a_form_without_the_embedded_providers() {
    let folder = provider(&envelope(), with_language);
    let library = seedream_fixtures::load_dir(&folder.0).unwrap();
    let engine = Engine::with(library.into(), Settings::default());
    assert_eq!(post(&engine, CREATE, &kite()).status, 200);
    assert_eq!(engine.handle(now(), &request("POST", "/evolink/v1/x", None, "{}")).status, 404);
}
