//! Errors in other forms.

use seedream_mock::{Engine, Script};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, json, post_with};

fn ark(engine: &Engine, fault: &str) -> Script {
    let body = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a kite above the dunes" });
    post_with(engine, fault, &create_path("ark"), &body)
}

fn refused(fault: &str) -> (u16, Value) {
    let engine = engine();
    let script = ark(&engine, fault);
    assert_eq!(engine.journal(None)[0].billed, 0, "{fault}");
    (script.status, json(&script))
}

const SENSITIVE: &str = "InputTextSensitiveContentDetected";

#[test]
fn other_members_hold_the_message() {
    let said = |form: &str| refused(&format!("status=422 code=Bad message=\"bad value\" error={form}")).1;
    let starts = |value: &Value| value.as_str().unwrap().starts_with("bad value");
    assert!(starts(&said("detail-text")["detail"]));
    let list = said("detail-list");
    assert_eq!(list["detail"][0]["loc"], json!(["body", "size"]));
    assert!(starts(&list["detail"][0]["msg"]));
    let errors = said("errors-list");
    assert!(errors["errors"][0]["code"] == "Bad" && starts(&errors["errors"][0]["message"]));
    let msg = said("msg");
    assert!(msg["code"] == "Bad" && starts(&msg["msg"]));
    let oauth = said("error-description");
    assert!(oauth["error"] == "Bad" && starts(&oauth["error_description"]));
    let title = said("title");
    assert!(title["status"] == 422 && title["code"] == "Bad" && starts(&title["title"]));
}

#[test]
fn a_message_holds_the_providers_error() {
    let inner = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let (status, nested) = refused("refuse=moderated-prompt status=451 error=nested");
    assert_eq!((status, &nested["error"]["code"]), (451, &json!("upstream_error")));
    assert_eq!(inner(&nested["error"]["message"])["error"]["code"], SENSITIVE);
    let (_, deep) = refused("refuse=moderated-prompt error=nested2");
    assert_eq!(inner(&inner(&deep["error"]["message"])["error"]["message"])["error"]["code"], SENSITIVE);
    let (_, words) = refused("refuse=moderated-prompt status=451 error=words");
    let text = words["error"]["message"].as_str().unwrap().strip_prefix("Error code: 451 - ").unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap()["error"]["code"], SENSITIVE);
    let (_, python) = refused("refuse=moderated-prompt status=400 error=words-python");
    let text = python["error"]["message"].as_str().unwrap();
    assert!(
        text.starts_with("Error code: 400 - {'error': {'code': 'InputTextSensitiveContentDetected', 'message': '"),
        "{text}"
    );
    let (_, both) = refused("refuse=moderated-prompt error=detail-text,words");
    assert!(both["detail"].as_str().unwrap().starts_with("Error code: 400 - {\"error\""), "{both}");
    let (_, wrapped) = refused("refuse=moderated-prompt error=msg,nested2,words");
    let text = wrapped["msg"].as_str().unwrap().strip_prefix("Error code: 400 - ").unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap()["error"]["code"], "upstream_error");
}

#[test]
fn a_message_quotes_the_request_before_its_reason() {
    let (status, quoted) = refused("refuse=invalid message=\"the size is not supported\" error=quoted-request");
    let message = quoted["error"]["message"].as_str().unwrap();
    assert!(status == 400 && message.len() > 120 * 1024);
    assert!(message.contains("data:image/png;base64,iVBOR") && message.contains("}: the size is not supported"));
    assert_eq!(quoted["error"]["code"], "InvalidParameter", "the code stays");
}

#[test]
fn a_form_alone_means_an_error_and_no_form_changes_a_success() {
    let (status, alone) = refused("error=msg");
    assert_eq!((status, &alone["code"]), (400, &json!("InvalidParameter")));
    for provider in ["evolink", "opeai", "gogogotoken", "aiearth"] {
        let provider = seedream_fixtures::provider(provider).unwrap();
        let body = json!({ "model": provider.default_model, "prompt": "a kite" });
        let script = post_with(&engine(), "refuse=balance error=msg,nested", &create_path(&provider.id), &body);
        let text = json(&script)["msg"].as_str().unwrap().to_owned();
        assert!(serde_json::from_str::<Value>(&text).unwrap()["error"].is_object(), "{}: {text}", provider.id);
    }
}
