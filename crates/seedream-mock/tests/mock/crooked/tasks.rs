//! Tasks that are accepted, reported and ended in other forms.

use seedream_mock::{Engine, Script};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, now, post_with};

fn create(engine: &Engine, fault: &str, images: u32) -> Script {
    let prompt = if images == 1 { "a kite" } else { "two views of a kite" };
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": prompt, "n": images });
    post_with(engine, fault, &create_path("evolink"), &body)
}

fn poll(engine: &Engine, id: &str) -> Script {
    get(engine, &format!("/evolink/v1/tasks/{id}"))
}

/// A task at its third poll, and what was paid for it.
fn ended(fault: &str, images: u32) -> (Value, u32) {
    let engine = engine();
    let created = json(&create(&engine, fault, images));
    let id = created["id"].as_str().unwrap();
    let polls = [0; 3].map(|_| json(&poll(&engine, id)));
    let bills = engine.ledger(now(), None);
    (polls[2].clone(), bills.iter().map(|bill| bill.images).sum())
}

#[test]
fn the_end_of_a_task_has_other_words() {
    for word in ["SUCCESS", "Succeeded", "success", "finished", "done", "完成"] {
        let (task, billed) = ended(&format!("task=word:{word}"), 2);
        assert_eq!((&task["status"], task["results"].as_array().map(Vec::len), billed), (&json!(word), Some(2), 2));
    }
    for word in ["failure", "ERROR", "Canceled", "cancelled", "expired", "timeout"] {
        let (task, billed) = ended(&format!("task=word:{word}"), 2);
        assert_eq!((&task["status"], task.get("results"), billed), (&json!(word), None, 0), "{word}");
        assert_eq!(task["error"]["code"], "content_policy_violation");
    }
    let engine = engine();
    let id = json(&create(&engine, "task=word:DONE", 1))["id"].as_str().unwrap().to_owned();
    assert_eq!(json(&poll(&engine, &id))["status"], "pending", "only the end has another word");
}

#[test]
fn a_result_is_a_url_and_a_reason_stands_beside() {
    let (one, _) = ended("task=result-url,word:SUCCESS", 1);
    assert!(one["result_url"].as_str().unwrap().starts_with("http://mock/pictures/evolink/"), "{one}");
    assert_eq!((&one["fail_reason"], one.get("results")), (&json!(""), None));
    let (two, _) = ended("task=result-url", 2);
    assert_eq!(two["result_url"].as_array().map(Vec::len), Some(2));
    let (failed, billed) = ended("task=failed,result-url code=generation_timeout", 1);
    assert_eq!((&failed["fail_reason"], billed), (&json!("The task failed: generation timeout."), 0));
    assert_eq!((failed.get("error"), failed.get("result_url")), (None, None));
}

#[test]
fn a_state_stands_in_an_envelope() {
    let (task, _) = ended("task=envelope,result-url,word:SUCCESS", 1);
    assert_eq!((&task["code"], &task["data"]["status"]), (&json!(200), &json!("SUCCESS")));
    assert!(task["data"]["result_url"].is_string());
}

#[test]
fn results_are_there_while_a_task_is_processing_for_ever() {
    let engine = engine();
    let id = json(&create(&engine, "task=early", 2))["id"].as_str().unwrap().to_owned();
    let polls: Vec<Value> = (0..20).map(|_| json(&poll(&engine, &id))).collect();
    assert_eq!((&polls[0]["status"], polls[0].get("results")), (&json!("pending"), None));
    for task in &polls[1..] {
        assert_eq!((&task["status"], task["results"].as_array().map(Vec::len)), (&json!("processing"), Some(2)));
    }
    let url = polls[19]["results"][1].as_str().unwrap();
    assert_eq!(get(&engine, url.strip_prefix("http://mock").unwrap()).status, 200);
    let bill = &engine.ledger(now(), None)[0];
    assert_eq!((bill.images, bill.settled), (2, false), "what was reserved");
}

#[test]
fn a_task_is_accepted_in_other_words() {
    let engine = engine();
    let bare = json(&create(&engine, "task=accepted-bare", 1));
    assert_eq!(bare["code"], 1);
    let stated = json(&create(&engine, "task=accepted-status", 1));
    assert_eq!(stated["status"], "success");
    let two = json(&create(&engine, "task=two-ids", 1));
    for id in [&bare["result"], &stated["data"]["task_id"], &two["task_id"]] {
        assert_eq!(poll(&engine, id.as_str().unwrap()).status, 200, "{id}");
    }
    let unknown = two["id"].as_str().unwrap();
    assert!(unknown.starts_with("task-unified-") && poll(&engine, unknown).status == 404, "{unknown}");
    assert_eq!(engine.ledger(now(), None).len(), 3);
}

#[test]
fn results_stand_elsewhere_or_nowhere() {
    let (data, _) = ended("task=result-data", 2);
    assert!(data["result"]["data"][1]["url"].is_string() && data.get("results").is_none(), "{data}");
    let (text, _) = ended("task=result-text", 2);
    let results: Vec<String> = serde_json::from_str(text["results"].as_str().unwrap()).unwrap();
    assert_eq!(results.len(), 2);
    let (empty, billed) = ended("task=empty-result", 2);
    assert_eq!((&empty["status"], &empty["results"], billed), (&json!("completed"), &json!([""]), 2), "and paid for");
    let (error, billed) = ended("task=completed-error code=service_error message=\"out of memory\"", 2);
    assert_eq!((&error["status"], error.get("results"), billed), (&json!("completed"), None, 0));
    assert_eq!(error["error"]["message"], "out of memory");
    let (failed, billed) = ended("task=failed-results", 2);
    assert_eq!((&failed["status"], failed["results"].as_array().map(Vec::len), billed), (&json!("failed"), Some(2), 2));
    assert!(failed["error"].is_object());
    let (cancelled, billed) = ended("task=failed-results,word:cancelled", 2);
    assert_eq!((&cancelled["status"], billed, cancelled["results"].is_array()), (&json!("cancelled"), 2, true));
}
