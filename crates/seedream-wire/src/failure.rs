//! Error envelopes, in every form in which they were seen.

use seedream_core::Reply;
use serde_json::{Map, Value};

use crate::parse;

/// What an answer says went wrong, whatever its form.
///
/// Read, in this order: `{"error": {…}}`, `{"error": "…"}`, an un-wrapped `{"code", "message"}` (seen live on Ark),
/// `{"ResponseMetadata": {"Error": {"Code", "Message"}}}` (Volcengine's gateway), XML with `Code` and `Message` (TOS), text,
/// HTML, and nothing at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The code as text; numbers are written out, an empty one counts as none.
    pub code: Option<String>,
    /// The message, or what can be said of the body instead.
    pub message: String,
    /// The member that the provider names.
    pub param: Option<String>,
    /// The request id that Ark and new-api relays append to their messages.
    pub request_id: Option<String>,
}

impl Failure {
    /// Reads the body of an answer.
    pub fn of(reply: &Reply) -> Self {
        match parse(&reply.body) {
            Some(value) => Self::of_json(&value).unwrap_or_else(|| Self::of_other(&value)),
            None => Self::of_text(&reply.body),
        }
    }

    /// Reads an envelope; `None` where the value holds no error.
    pub fn of_json(value: &Value) -> Option<Self> {
        let body = value.as_object()?;
        match body.get("error") {
            Some(Value::Object(error)) => return Some(Self::of_members(error)),
            Some(Value::String(message)) if !message.is_empty() => {
                return Some(Self { message: message.clone(), code: text(body.get("code")), ..Self::default() });
            }
            _ => {}
        }
        if let Some(Value::Object(error)) = value.pointer("/ResponseMetadata/Error") {
            let mut failure = Self::of_members(error);
            failure.request_id = text(value.pointer("/ResponseMetadata/RequestId")).or(failure.request_id);
            return Some(failure);
        }
        let unwrapped = body.contains_key("message") && body.contains_key("code");
        unwrapped.then(|| Self::of_members(body))
    }

    fn of_members(error: &Map<String, Value>) -> Self {
        let get = |names: [&str; 2]| names.into_iter().find_map(|name| text(error.get(name)));
        let message = get(["message", "Message"]).unwrap_or_else(|| "the provider gives no reason".into());
        let request_id = request_id_in(&message);
        Self { code: get(["code", "Code"]), param: get(["param", "Param"]), message, request_id }
    }

    /// JSON that is no error: what its members are says more than its first characters.
    fn of_other(value: &Value) -> Self {
        let message = match value {
            Value::Object(members) => {
                let names: Vec<_> = members.keys().take(12).map(String::as_str).collect();
                format!("the answer is JSON with the members {}", names.join(", "))
            }
            other => {
                format!("the answer is JSON, but no object: {}", other.to_string().chars().take(40).collect::<String>())
            }
        };
        Self { message, ..Self::default() }
    }

    fn of_text(bytes: &[u8]) -> Self {
        if bytes.iter().take(512).any(|b| *b < 0x20 && !b.is_ascii_whitespace()) {
            let message = format!("the answer is {} bytes that are no text", bytes.len());
            return Self { message, ..Self::default() };
        }
        let body = String::from_utf8_lossy(bytes);
        let body = body.trim();
        let tag = |name: &str| {
            let (_, rest) = body.split_once(&format!("<{name}>"))?;
            rest.split_once('<').map(|(inner, _)| inner.trim().to_owned()).filter(|inner| !inner.is_empty())
        };
        if let (Some(code), Some(message)) = (tag("Code"), tag("Message")) {
            return Self { code: Some(code), message, request_id: tag("RequestId"), param: None };
        }
        let message = if body.is_empty() {
            "the answer has no body".into()
        } else if body.starts_with('<') {
            let title = tag("title").or_else(|| tag("h1")).map(|title| format!(": {title}")).unwrap_or_default();
            format!("the answer is a web page{title}")
        } else {
            let start: String = body.chars().take(200).collect();
            format!("the answer is no JSON: {start}")
        };
        Self { message, ..Self::default() }
    }
}

/// A member as text; `null`, `""` and anything that is neither text nor number count as absent.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The id behind `Request id: ` or `(request id: …)` in a message.
fn request_id_in(message: &str) -> Option<String> {
    let mark = "request id:";
    let at = message.to_ascii_lowercase().rfind(mark)?;
    let id: String = message[at + mark.len()..]
        .trim_start()
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    let id = id.trim_end_matches('.');
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use seedream_core::Timestamp;

    use super::*;

    fn read(body: &'static str) -> Failure {
        Failure::of(&Reply::new(StatusCode::BAD_REQUEST, HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn every_form_is_read() {
        let all: Vec<_> = [
            r#"{"error":{"code":"InvalidParameter","message":"Bad. Request id: 0217abc","param":"size","type":""}}"#,
            r#"{"code":"InvalidParameter","message":"Bad. Request id: 0217abc","param":"","type":""}"#,
            r#"{"error":{"code":429,"message":"Rate limit exceeded","type":"rate_limit_error"}}"#,
            r#"{"error":{"message":"no (request id: 2026abc)","type":"new_api_error","code":""}}"#,
            r#"{"error":{"message":"no","param":null,"code":null}}"#,
            r#"{"error":"just words"}"#,
            r#"{"error":{}}"#,
            r#"{"ResponseMetadata":{"RequestId":"2026A","Error":{"Code":"InvalidParameter","Message":"bad"}}}"#,
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>expired</Message><RequestId>r1</RequestId></Error>",
            "<html><head><title>502 Bad Gateway</title></head></html>",
            "upstream connect error",
            "",
            "[1,2]",
            r#"{"data":[]}"#,
        ]
        .into_iter()
        .map(|body| {
            let f = read(body);
            let part = |p: &Option<String>| p.clone().unwrap_or_else(|| "-".into());
            format!("{} | {} | {} | {}", part(&f.code), part(&f.param), part(&f.request_id), f.message)
        })
        .collect();
        insta::assert_snapshot!(all.join("\n"));
    }
}
