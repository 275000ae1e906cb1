//! Decodes error envelopes in all observed forms.

use seedream_core::{Response, json, redact};
use serde_json::{Map, Value};

use crate::find_images::is_same;

/// The deepest nesting of an error inside the message of another.
const NESTED: u8 = 4;

/// How many bytes of a message are searched for another error.
const SEARCHED: usize = 256 << 10;

/// Members with the message of an error, in order of precedence; letter case and `_` are ignored.
const MESSAGES: [&str; 12] = [
    "message",
    "msg",
    "detail",
    "error_description",
    "error_message",
    "error_msg",
    "fail_reason",
    "failure_reason",
    "reason",
    "description",
    "title",
    "errmsg",
];

/// Members with its code.
const CODES: [&str; 3] = ["code", "error_code", "err_code"];

/// Members that only an error has.
const TELLING: [&str; 6] =
    ["error_description", "error_code", "error_message", "error_msg", "fail_reason", "failure_reason"];

/// The error of a response, in any form.
///
/// Supported forms: `{"error": {…}}`, `{"error": "…"}`, an un-wrapped `{"code", "message"}` (seen live on Ark), `{"ResponseMetadata":
/// {"Error": {"Code", "Message"}}}` (Volcengine's gateway), `errors` and `detail` as text or lists (FastAPI), `error_description`
/// (OAuth), `extensions` (GraphQL), `title` (RFC 9457), `msg`, `success: false`, an envelope around any of them, XML with `Code` and
/// `Message` (TOS), text, HTML, and an empty body; names in any letter case. Relays embed Ark's error as JSON in their own
/// message, also after words: the innermost error is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The code as text, also for numbers; an empty code is absent.
    pub code: Option<String>,
    /// The message, or a description of the body.
    pub message: String,
    /// The member that the provider names.
    pub param: Option<String>,
    /// The request id that Ark and new-api relays append to their messages.
    pub request_id: Option<String>,
}

impl Failure {
    /// Decodes the body of an error response.
    pub fn of(response: &Response) -> Self {
        match json::read(&response.body) {
            Some(document) => Self::of_error(&document.value).unwrap_or_else(|| Self::of_other(&document.value)),
            None => Self::of_text(&response.body),
        }
    }

    /// Decodes an envelope; `None` if the value is not an error.
    pub fn of_json(value: &Value) -> Option<Self> {
        Self::envelope(value, false).map(|failure| failure.innermost(NESTED))
    }

    /// Decodes an envelope that is known to be an error.
    pub(crate) fn of_error(value: &Value) -> Option<Self> {
        Self::envelope(value, true).map(|failure| failure.innermost(NESTED))
    }

    fn envelope(value: &Value, is_error: bool) -> Option<Self> {
        let body = match value {
            Value::Array(items) if is_error => items.first()?.as_object()?,
            Value::String(text) if is_error && json::is_meant(text.as_bytes()) => {
                return Self::envelope(&json::read(text.as_bytes())?.value, true);
            }
            value => value.as_object()?,
        };
        let outer = |failure: Self| Self {
            code: failure.code.or_else(|| code(body)),
            param: failure.param.or_else(|| text(member(body, "param"))),
            request_id: failure.request_id.or_else(|| text(member(body, "request_id"))),
            ..failure
        };
        match member(body, "error") {
            Some(Value::Object(error)) => return Some(outer(Self::of_members(error))),
            Some(Value::String(message)) if !message.trim().is_empty() => {
                // OAuth puts the code there, and the message in another member.
                let described = text(member(body, "error_description")).or_else(|| text(member(body, "message")));
                let failure = match described {
                    Some(words) => Self { code: Some(message.clone()), ..Self::of_message(words) },
                    None => Self::of_message(message.clone()),
                };
                return Some(outer(failure));
            }
            Some(Value::Array(errors)) if !errors.is_empty() => return Some(outer(Self::of_list(errors))),
            _ => {}
        }
        if let Some(Value::Object(error)) = value.pointer("/ResponseMetadata/Error") {
            let mut failure = Self::of_members(error);
            failure.request_id = text(value.pointer("/ResponseMetadata/RequestId")).or(failure.request_id);
            return Some(failure);
        }
        match member(body, "errors") {
            Some(Value::Array(errors)) if !errors.is_empty() => return Some(outer(Self::of_list(errors))),
            Some(Value::Object(errors)) if !errors.is_empty() => {
                let of = |(name, value): (&String, &Value)| Self { param: Some(name.clone()), ..Self::of_value(value) };
                return errors.iter().next().map(of).map(outer);
            }
            _ => {}
        }
        let says_code = code(body).is_some_and(|code| !is_success(&code));
        let says_words = MESSAGES.iter().any(|name| member(body, name).is_some_and(says_something));
        let plain = member(body, "message").is_some() && (is_error && has_code(body) || says_code || no_code(body));
        let telling = TELLING.iter().any(|name| member(body, name).is_some_and(says_something));
        let failed = member(body, "success").is_some_and(|success| *success == false || *success == "false");
        (plain || telling || (says_words && (is_error || says_code || failed))).then(|| Self::of_members(body))
    }

    fn of_members(error: &Map<String, Value>) -> Self {
        let words = MESSAGES.iter().find_map(|name| member(error, name).filter(|value| says_something(value)));
        let failure = words.map_or_else(|| Self::of_message("the provider gives no reason".into()), Self::of_value);
        let param = ["param", "field", "parameter"].iter().find_map(|name| text(member(error, name)));
        let request_id = text(member(error, "request_id"));
        let nested = member(error, "error").and_then(Value::as_object).map(Self::of_members);
        let own = Self {
            code: code(error).or(failure.code),
            param: param.or(failure.param),
            request_id: failure.request_id.or(request_id),
            message: failure.message,
        };
        match nested {
            Some(inner) if words.is_none() || inner.code.is_some() => inner.or(own),
            _ => own,
        }
    }

    /// Decodes one member: a message, a list of problems, or a nested error.
    fn of_value(value: &Value) -> Self {
        match value {
            Value::String(words) => Self::of_message(words.clone()),
            Value::Array(list) => Self::of_list(list),
            Value::Object(members) => Self::of_members(members),
            other => Self::of_message(other.to_string()),
        }
    }

    /// Decodes a list of problems in FastAPI's form: `loc` is the path in the request.
    fn of_list(list: &[Value]) -> Self {
        let one = |value: &Value| {
            let mut failure = Self::of_value(value);
            let place = value.get("loc").and_then(Value::as_array).into_iter().flatten();
            let place: Vec<_> = place.filter_map(|part| text(Some(part))).filter(|part| part != "body").collect();
            if let Some(field) = place.first() {
                failure.message = format!("{}: {}", place.join("."), failure.message);
                failure.param = Some(field.clone());
            }
            failure
        };
        let mut failures = list.iter().take(8).map(one);
        let mut first = failures.next().unwrap_or_default();
        for other in failures {
            first.message.push_str("; ");
            first.message.push_str(&other.message);
        }
        first
    }

    fn of_message(message: String) -> Self {
        Self { request_id: request_id_in(&message), code: code_before(&message), message, ..Self::default() }
    }

    /// Fills missing parts from another failure.
    fn or(self, outer: Self) -> Self {
        Self {
            code: self.code.or(outer.code),
            message: self.message,
            param: self.param.or(outer.param),
            request_id: self.request_id.or(outer.request_id),
        }
    }

    /// The error that is embedded as JSON in the message, alone or after words.
    fn innermost(self, depth: u8) -> Self {
        if depth == 0 {
            return self;
        }
        let end = self.message.char_indices().nth(SEARCHED).map_or(self.message.len(), |(at, _)| at);
        let inner = json::documents(&self.message.as_bytes()[..end]).take(4).find_map(|document| {
            let failure = Self::envelope(&document.value, true)?;
            (document.value.is_object() || document.value.is_array()).then_some(failure)
        });
        match inner {
            Some(inner) => inner.innermost(depth - 1).or(self),
            None => self,
        }
    }

    /// JSON that is not an error: the message lists its members.
    fn of_other(value: &Value) -> Self {
        let message = match value {
            Value::Object(members) => {
                let names: Vec<_> = members.keys().take(12).map(String::as_str).collect();
                format!("the response is JSON with the members {}", names.join(", "))
            }
            other => {
                format!(
                    "the response is JSON, but not an object: {}",
                    other.to_string().chars().take(40).collect::<String>()
                )
            }
        };
        Self { message, ..Self::default() }
    }

    fn of_text(bytes: &[u8]) -> Self {
        if bytes.iter().take(512).any(|b| *b < 0x20 && !b.is_ascii_whitespace()) {
            let message = format!("the response is {} bytes that are not text", bytes.len());
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
            "the response has no body".into()
        } else if body.starts_with('<') {
            let title = tag("title").or_else(|| tag("h1")).map(|title| format!(": {title}")).unwrap_or_default();
            format!("the response is a web page{title}")
        } else {
            let start: String = redact(body.get(..SEARCHED).unwrap_or(body)).chars().take(200).collect();
            format!("the response is not JSON: {start}")
        };
        Self { message, ..Self::default() }
    }
}

/// A member as text; `null`, `""` and other types count as absent.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A member by name; letter case and `_` are ignored.
fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    const MOST: usize = 64;
    let other = || members.iter().take(MOST).find(|(other, _)| is_same(other, name)).map(|(_, value)| value);
    members.get(name).or_else(other)
}

/// The error code of an object, or of its GraphQL extensions.
fn code(members: &Map<String, Value>) -> Option<String> {
    let own = CODES.iter().find_map(|name| text(member(members, name)));
    own.or_else(|| code(member(members, "extensions")?.as_object()?))
}

fn has_code(members: &Map<String, Value>) -> bool {
    CODES.iter().any(|name| member(members, name).is_some())
}

/// Whether the member for a code exists and is empty.
fn no_code(members: &Map<String, Value>) -> bool {
    has_code(members) && code(members).is_none()
}

/// The code at the start of a message: lower-case letters with `_`, and a colon.
fn code_before(message: &str) -> Option<String> {
    let (code, _) = message.trim_start().split_once(':')?;
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (code.contains('_') && code.split('_').all(is_word)).then(|| code.to_owned())
}

/// Whether a code means success.
fn is_success(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    matches!(&*code, "0" | "1" | "success" | "ok" | "true") || (code.len() == 3 && code.starts_with('2'))
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// The id after `Request id: ` or in `(request id: …)` in a message.
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
        Failure::of(&Response::new(StatusCode::BAD_REQUEST, HeaderMap::new(), body, Timestamp::UNIX_EPOCH))
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
