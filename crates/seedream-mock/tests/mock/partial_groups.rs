//! Groups of which some images fail.

use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, post_with};

fn group(stream: bool) -> Value {
    json!({
        "model": "doubao-seedream-4-0-250828", "prompt": "4 images of a kite", "size": "1K", "stream": stream,
        "sequential_image_generation": "auto",
    })
}

/// What each entry of `data` is: made, or the code of its error.
fn kinds(data: &Value) -> Vec<String> {
    let kind = |item: &Value| item["error"]["code"].as_str().map_or_else(|| "made".to_owned(), str::to_owned);
    data.as_array().unwrap().iter().map(kind).collect()
}

fn frames(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap_or(Value::from(data))).collect()
}

#[test]
fn an_error_stands_in_the_middle_of_a_group() {
    let engine = engine();
    let response = post_with(&engine, "moderate=1", &create_path("ark"), &group(false));
    assert_eq!(response.status, 200);
    let moderated = "OutputImageSensitiveContentDetected";
    assert_eq!(kinds(&json(&response)["data"]), ["made", moderated, "made", "made"]);
    assert_eq!(json(&response)["usage"]["generated_images"], 3);
    let failed = json(&post_with(&engine, "fail=2", &create_path("ark"), &group(false)));
    assert_eq!(kinds(&failed["data"]), ["made", "made", "InternalServiceError"], "an internal error ends the group");
    assert_eq!(failed["usage"]["generated_images"], 2);
    let none = json(&post_with(&engine, "moderate=0,1,2,3", &create_path("ark"), &group(false)));
    assert_eq!((kinds(&none["data"]), &none["usage"]["output_tokens"]), (vec![moderated.to_owned(); 4], &json!(0)));
    let billed: Vec<u32> = engine.journal(None).iter().map(|entry| entry.billed).collect();
    assert_eq!(billed, [3, 2, 0]);
}

#[test]
fn an_error_event_stands_in_a_stream() {
    let engine = engine();
    let stream = |fault: &str| {
        let script = post_with(&engine, fault, &create_path("ark"), &group(true));
        frames(std::str::from_utf8(&script.body()).unwrap())
    };
    let kinds = |frames: &[Value]| -> Vec<String> {
        frames.iter().map(|frame| frame["type"].as_str().unwrap_or("-").replace("image_generation.", "")).collect()
    };
    let (made, failed) = ("partial_succeeded", "partial_failed");
    let moderated = stream("moderate=1 code=OutputImageRiskDetection");
    assert_eq!(kinds(&moderated), [made, failed, made, made, "completed", "-"]);
    assert_eq!(moderated[1]["error"]["code"], "OutputImageRiskDetection");
    assert_eq!(moderated[2]["image_index"], 2, "failures count as places");
    assert_eq!(moderated[4]["usage"]["generated_images"], 3);
    let internal = stream("fail=1");
    assert_eq!(kinds(&internal), [made, failed, "completed", "-"]);
    assert_eq!(internal[1]["error"]["code"], "InternalServiceError");
    assert_eq!(internal[2]["usage"]["generated_images"], 1);
}

#[test]
fn one_image_alone_is_refused_as_a_whole() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite" });
    let moderated = post_with(&engine, "moderate=0", &create_path("ark"), &body);
    let code = &json(&moderated)["error"]["code"];
    assert_eq!((moderated.status, code), (400, &json!("OutputImageSensitiveContentDetected")));
    let failed = post_with(&engine, "fail=0", &create_path("ark"), &body);
    assert_eq!((failed.status, &json(&failed)["error"]["code"]), (500, &json!("InternalServiceError")));
    assert!(engine.journal(None).iter().all(|entry| entry.billed == 0));
}

#[test]
fn a_task_delivers_fewer_or_fails() {
    let engine = engine();
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "three views of a kite", "n": 3 });
    let last = |fault: &str| {
        let created = json(&post_with(&engine, fault, &create_path("evolink"), &body));
        let path = format!("/evolink/v1/tasks/{}", created["id"].as_str().unwrap());
        [0; 3].map(|_| json(&get(&engine, &path)))[2].clone()
    };
    assert_eq!(last("moderate=1")["results"].as_array().unwrap().len(), 2);
    assert_eq!(last("fail=1")["results"].as_array().unwrap().len(), 1);
    assert_eq!(last("moderate=0,1,2")["error"]["code"], "content_policy_violation");
    assert_eq!(last("fail=0")["error"]["code"], "service_error");
    let creates = engine.journal(None).into_iter().filter(|entry| entry.method == "POST");
    assert_eq!(creates.map(|entry| entry.billed).collect::<Vec<_>>(), [2, 1, 0, 0]);
}
