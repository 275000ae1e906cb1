//! The documents' own requests: their prompts are known by hashes, and each gets what is printed.

use std::collections::BTreeMap;

use seedream_fixtures::{EvidenceKind, RecordedBody, RecordedExchange};
use seedream_mock::{Engine, MockServer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::engine_calls::{json, now, post};
use crate::own_fixtures::Folder;

/// What stands in the place of a document's words in these tests.
const WORDS: &str = "the document's own words,\nin two lines";

fn hash(prompt: &str) -> String {
    Sha256::digest(prompt.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An embedded exchange as if its document printed [`WORDS`].
fn reworded(id: &str) -> (RecordedExchange, Value) {
    let exchange = seedream_fixtures::exchange(id).unwrap().clone();
    let request = exchange.request.as_ref().unwrap();
    let response = exchange.response.as_ref().unwrap();
    let RecordedBody::Json(raw) = &response.body else { panic!("{id} has no JSON") };
    let file = json!({
        "source": exchange.source, "prompt_sha256": hash(WORDS),
        "request": { "method": request.method, "path": request.path, "json": request.json_value() },
        "response": { "status": response.status, "json": raw },
    });
    (exchange, file)
}

fn with_prompt(exchange: &RecordedExchange, prompt: &str) -> Value {
    let mut body = exchange.request.as_ref().unwrap().json_value().unwrap();
    body["prompt"] = json!(prompt);
    body
}

fn path(exchange: &RecordedExchange) -> String {
    format!("/{}{}", exchange.provider(), exchange.request.as_ref().unwrap().path)
}

fn engine_with(name: &str, id: &str) -> (Engine, RecordedExchange) {
    let (exchange, file) = reworded(id);
    let folder = Folder::new(name, &[(&format!("{id}.json"), file)]);
    (MockServer::builder().fixtures(&folder.0).unwrap().engine(), exchange)
}

#[test]
fn the_document_s_own_request_gets_the_printed_response() {
    let (engine, exchange) = engine_with("printed-relay", "ark/generate/document-003");
    let script = post(&engine, &path(&exchange), &with_prompt(&exchange, WORDS));
    let head = |name: &str| script.header(name).map(str::to_owned);
    assert_eq!(head("x-mock-fixture").as_deref(), Some("ark/generate/document-003"));
    assert_eq!(head("x-mock-evidence").as_deref(), Some("documented"));
    let response = json(&script);
    assert_eq!(response["data"].as_array().unwrap().len(), 1, "three were allowed, one is printed");
    assert_eq!(
        (&response["usage"]["total_tokens"], &response["usage"]["output_tokens"]),
        (&json!(16280), &json!(16280))
    );
    assert_eq!(engine.ledger(now(), None)[0].images, 1);
}

#[test]
fn a_request_that_differs_from_the_document_s_is_derived() {
    let (engine, exchange) = engine_with("printed-differs", "ark/generate/document-003");
    let mut another_member = with_prompt(&exchange, WORDS);
    another_member["watermark"] = json!(true);
    let mut one_more = with_prompt(&exchange, WORDS);
    one_more["seed"] = json!(7);
    let mut inside = with_prompt(&exchange, WORDS);
    inside["sequential_image_generation_options"]["max_images"] = json!(4);
    let blanks = [format!(" {WORDS}"), format!("{WORDS}\n"), WORDS.replace('\n', " "), WORDS.replace('\n', "\r\n")];
    let bodies = blanks.iter().map(|prompt| with_prompt(&exchange, prompt)).chain([another_member, one_more, inside]);
    for body in bodies {
        let script = post(&engine, &path(&exchange), &body);
        let head = (script.header("x-mock-fixture"), script.header("x-mock-evidence"));
        assert_eq!(head, (Some("-"), Some("derived")), "{body}");
    }
}

#[test]
fn a_null_is_an_absent_member_in_the_document_s_request_too() {
    let (engine, exchange) = engine_with("printed-null", "ark/generate/document-003");
    let mut body = with_prompt(&exchange, WORDS);
    body["seed"] = Value::Null;
    let script = post(&engine, &path(&exchange), &body);
    assert_eq!(script.header("x-mock-fixture"), Some("ark/generate/document-003"));
}

#[test]
fn the_printed_estimate_of_a_task_is_for_the_document_s_own_request() {
    let (engine, exchange) = engine_with("printed-task", "evolink/generate/create-4-5");
    let estimate = |prompt: &str| {
        let script = post(&engine, &path(&exchange), &with_prompt(&exchange, prompt));
        json(&script)["task_info"]["estimated_time"].as_u64().unwrap()
    };
    assert_eq!(estimate(WORDS), 45, "as printed");
    let ours = exchange.request.as_ref().unwrap().json_value().unwrap();
    assert_eq!(estimate(ours["prompt"].as_str().unwrap()), 1, "what the mock is set to");
    assert_eq!(estimate("anything else"), 1);
}

#[test]
fn all_nine_documented_requests_have_an_exchange() {
    let mut by_hash: BTreeMap<&str, Vec<&RecordedExchange>> = BTreeMap::new();
    for exchange in seedream_fixtures::exchanges() {
        if let Some(hash) = &exchange.prompt_sha256 {
            by_hash.entry(hash).or_default().push(exchange);
        }
    }
    let mut documents = BTreeMap::<_, Vec<EvidenceKind>>::new();
    for exchanges in by_hash.values() {
        let answered: Vec<_> = exchanges.iter().filter(|exchange| exchange.response.is_some()).collect();
        let [answered] = answered.as_slice() else { panic!("one answers: {exchanges:?}") };
        let bodies: Vec<Value> = exchanges.iter().map(|exchange| with_prompt(exchange, "")).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same request but for our prompt: {bodies:#?}");
        let documented = exchanges.iter().filter(|exchange| exchange.source.kind == EvidenceKind::Documented).count();
        assert_eq!(documented, 1, "the request is the document's");
        let document = answered.source.document.clone().unwrap();
        documents.entry(document).or_default().push(answered.source.kind);
    }
    let kinds = |document: &str| {
        let mut kinds = documents[document].clone();
        kinds.sort();
        kinds
    };
    let (printed, ours) = (EvidenceKind::Documented, EvidenceKind::Derived);
    assert_eq!(kinds("000"), [printed, ours], "the second request has no answer in its document");
    assert_eq!(kinds("001"), [ours; 4], "a document without answers");
    assert_eq!((kinds("002"), kinds("003")), (vec![printed], vec![printed]));
    assert_eq!(kinds("004"), [ours], "a document without answers");
}

#[test]
fn no_prompt_of_ours_is_the_document_s() {
    for exchange in seedream_fixtures::exchanges() {
        let body = exchange.request.as_ref().and_then(|request| request.json_value());
        if let (Some(sha), Some(prompt)) =
            (&exchange.prompt_sha256, body.as_ref().and_then(|body| body["prompt"].as_str()))
        {
            assert_ne!(&hash(prompt), sha, "{}", exchange.id());
        }
    }
}
