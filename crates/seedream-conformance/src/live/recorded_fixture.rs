//! What was said, in the form of a fixture and without secrets.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{header, response};
use jiff::civil::Date;
use seedream_core::redact;
use seedream_fixtures::OperationKind;
use serde_json::{Value, json};

use super::{FreeQuestion, single_request_gate::CapturedExchange};

/// A recorded exchange. No header is kept but the type of the content, and every text went through
/// [`redact`](seedream_core::redact): no key, no signed query, no image.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFixture {
    file: String,
    fixture: Value,
}

impl RecordedFixture {
    pub(super) fn new(free: &FreeQuestion, CapturedExchange { asked, head, body }: &CapturedExchange) -> Self {
        let area = if free.operation() == OperationKind::Models { "models" } else { "errors" };
        let uri = asked.uri();
        let place =
            format!("{}://{}", uri.scheme_str().unwrap_or("https"), uri.authority().map_or("", |host| host.as_str()));
        let key = asked.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = key.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let mut fixture = json!({
            "source": {"kind": "observed", "url": redact(&place), "note": "recorded by seedream conformance run --live"},
            "operation": if area == "models" { "models" } else { "create" },
            "request": {"method": asked.method().as_str(), "path": uri.path(), "headers": kept(asked.headers())},
            "response": response(head, body),
        });
        if let Some(given) = free.given() {
            fixture["given"] = serde_json::to_value(given).unwrap_or_default();
            fixture["request"]["json"] = serde_json::from_slice(asked.body()).unwrap_or_default();
        }
        if let Some(kind) = free.refused_as() {
            fixture["expect"] =
                json!({"error": {"kind": kind.as_str(), "charge": "no", "status": head.status.as_u16()}});
        }
        if free.is_illegal() {
            fixture["preflight"] = "refused".into();
        }
        scrub(&mut fixture, key);
        Self { file: format!("{}/{area}/live-{}.json", free.provider(), free.name()), fixture }
    }

    /// Where it belongs below a folder of fixtures: `<provider>/errors/live-wrong-key.json`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The exchange as a fixture that was recorded on a day.
    pub fn fixture(&self, day: Date) -> Value {
        let mut fixture = self.fixture.clone();
        fixture["source"]["read"] = day.to_string().into();
        fixture
    }
}

fn response(head: &response::Parts, body: &Bytes) -> Value {
    let mut response = json!({"status": head.status.as_u16(), "headers": kept(&head.headers)});
    match (serde_json::from_slice::<Value>(body), std::str::from_utf8(body)) {
        (Ok(value), _) => response["json"] = value,
        (Err(_), Ok(text)) => response["text"] = text.into(),
        (Err(_), Err(_)) => response["base64"] = STANDARD.encode(body).into(),
    }
    response
}

/// The type of the content: everything else may name the account.
fn kept(headers: &http::HeaderMap) -> Value {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.map_or_else(|| json!({}), |kind| json!({"content-type": kind}))
}

/// Takes secrets out of every text.
fn scrub(value: &mut Value, key: &str) {
    match value {
        Value::String(text) => {
            let without = if key.is_empty() { text.clone() } else { text.replace(key, "…") };
            *text = redact(&without);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, key)),
        Value::Object(members) => {
            // A name may be a secret too.
            let scrubbed = std::mem::take(members).into_iter().map(|(name, mut value)| {
                scrub(&mut value, key);
                let mut name = Value::String(name);
                scrub(&mut name, key);
                (name.as_str().unwrap_or_default().to_owned(), value)
            });
            *members = scrubbed.collect();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::scrub;

    #[test]
    fn no_key_and_no_signed_query_is_recorded() {
        let mut value = json!({
            "message": "key 12-of-a-strange-form-34 is wrong, as is Bearer sk-another-key-0123456789",
            "list": ["https://a.response/0.png?X-Tos-Signature=0123456789abcdef"],
            "12-of-a-strange-form-34": {"n": 1},
        });
        scrub(&mut value, "12-of-a-strange-form-34");
        let text = value.to_string();
        for secret in ["12-of-a-strange-form-34", "another-key", "0123456789abcdef"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains(r#"{"n":1}"#) && text.contains("https://a.response/0.png?"), "{text}");
    }
}
