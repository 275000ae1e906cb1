//! Errors in other forms: what stands around the message, and what the message holds.

use super::json::Json;
use crate::fault::ErrorFault;

/// How many bytes of a request a message quotes.
const QUOTED: usize = 120 * 1024;

/// The code of an error that only passes another one on.
const PASSED_ON: &str = "upstream_error";

/// A provider's error in another form.
pub(super) fn shaped(forms: &[ErrorFault], status: u16, mut document: Json) -> Json {
    if forms.is_empty() {
        return document;
    }
    let error = document.get("error").unwrap_or(&document);
    let text = |name: &str| error.get(name).and_then(Json::text);
    let field = text("param").filter(|param| !param.is_empty());
    let code = error.get("code").cloned().unwrap_or_else(|| Json::value("error"));
    let message = text("message").unwrap_or_default();

    let held = forms.iter().fold(None, |held: Option<String>, form| {
        let inner = || held.clone().unwrap_or_else(|| written(&document));
        Some(match form {
            ErrorFault::Nested => inner(),
            ErrorFault::Nested2 => passed_on(&inner()),
            ErrorFault::Words => format!("Error code: {status} - {}", inner()),
            ErrorFault::WordsPython => format!("Error code: {status} - {}", python(&document)),
            ErrorFault::QuotedRequest => quoting(held.as_deref().unwrap_or(&message)),
            _ => return held,
        })
    });
    // What is passed on is told apart from what passes it on.
    let code = if held.is_some() && !only_quotes(forms) { Json::value(PASSED_ON) } else { code };
    let reason = Json::value(held.as_deref().unwrap_or(&message));

    let around = forms.iter().find_map(|form| {
        let (code, reason) = (code.clone(), reason.clone());
        let loc = || Json::List(vec![Json::value("body"), Json::value(field.as_deref().unwrap_or("size"))]);
        Some(match form {
            ErrorFault::DetailText => Json::object([("detail", reason)]),
            ErrorFault::DetailList => {
                let item = Json::object([("loc", loc()), ("msg", reason), ("type", Json::value("value_error"))]);
                Json::object([("detail", Json::List(vec![item]))])
            }
            ErrorFault::ErrorsList => {
                let item = Json::object([("code", code), ("message", reason)]);
                Json::object([("errors", Json::List(vec![item]))])
            }
            ErrorFault::Msg => Json::object([("code", code), ("msg", reason)]),
            ErrorFault::ErrorDescription => Json::object([("error", code), ("error_description", reason)]),
            ErrorFault::Title => Json::object([
                ("type", Json::value("about:blank")),
                ("title", reason),
                ("status", Json::value(&status)),
                ("code", code),
            ]),
            _ => return None,
        })
    });
    if let Some(around) = around {
        return around;
    }
    let inner = if document.get("error").is_some() { document.get_mut("error") } else { Some(&mut document) };
    if let Some(error) = inner {
        error.set("code", code);
        error.set("message", reason);
    }
    document
}

/// Whether the message itself still stands in the message.
fn only_quotes(forms: &[ErrorFault]) -> bool {
    use ErrorFault::{Nested, Nested2, Words, WordsPython};
    !forms.iter().any(|form| matches!(form, Nested | Nested2 | Words | WordsPython))
}

/// A document as text; errors hold no images.
pub(super) fn written(document: &Json) -> String {
    String::from_utf8_lossy(&document.write(false).bytes(|_| bytes::Bytes::new())).into_owned()
}

/// An error that has another one as its message, as text.
fn passed_on(inner: &str) -> String {
    let error = [("message", inner), ("type", PASSED_ON), ("code", PASSED_ON)];
    let error = error.map(|(name, value)| (name, Json::value(value)));
    written(&Json::object([("error", Json::object(error))]))
}

/// A document as Python prints it.
fn python(json: &Json) -> String {
    match json {
        Json::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", quoted(name), python(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Json::List(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Json::Raw(raw) => match (raw.as_str(), json.text()) {
            (_, Some(text)) => quoted(&text),
            ("null", _) => String::from("None"),
            ("true", _) => String::from("True"),
            ("false", _) => String::from("False"),
            (raw, None) => raw.to_owned(),
        },
        Json::Image(..) => String::from("''"),
    }
}

/// A text as Python prints it: in single quotes unless it holds some and no double ones.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\n', "\\n");
    if text.contains('\'') && !text.contains('"') {
        return format!("\"{escaped}\"");
    }
    format!("'{}'", escaped.replace('\'', "\\'"))
}

/// A message that comes to its reason after much of the request.
fn quoting(reason: &str) -> String {
    let request = "iVBORw0KGgoAAAANSUhEUgAA".repeat(QUOTED.div_ceil(24));
    format!("Invalid request {{\"image\":\"data:image/png;base64,{request}\"}}: {reason}")
}
