//! Errors in other forms: what stands around the message, and what the message holds.

use crate::faults::reshape::loose_json::LooseJson;
use crate::faults::shape_words::ErrorFault;

/// How many bytes of a request a message quotes.
const QUOTED: usize = 120 * 1024;

/// The code of an error that only passes another one on.
const PASSED_ON: &str = "upstream_error";

/// A provider's error in another form.
pub(crate) fn shaped(forms: &[ErrorFault], status: u16, mut document: LooseJson) -> LooseJson {
    if forms.is_empty() {
        return document;
    }
    let error = document.get("error").unwrap_or(&document);
    let text = |name: &str| error.get(name).and_then(LooseJson::text);
    let field = text("param").filter(|param| !param.is_empty());
    let code = error.get("code").cloned().unwrap_or_else(|| LooseJson::value("error"));
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
    // An error that passes another one on has a code of its own.
    let code = if held.is_some() && !only_quotes(forms) { LooseJson::value(PASSED_ON) } else { code };
    let reason = LooseJson::value(held.as_deref().unwrap_or(&message));

    let around = forms.iter().find_map(|form| {
        let (code, reason) = (code.clone(), reason.clone());
        let loc =
            || LooseJson::List(vec![LooseJson::value("body"), LooseJson::value(field.as_deref().unwrap_or("size"))]);
        Some(match form {
            ErrorFault::DetailText => LooseJson::object([("detail", reason)]),
            ErrorFault::DetailList => {
                let item =
                    LooseJson::object([("loc", loc()), ("msg", reason), ("type", LooseJson::value("value_error"))]);
                LooseJson::object([("detail", LooseJson::List(vec![item]))])
            }
            ErrorFault::ErrorsList => {
                let item = LooseJson::object([("code", code), ("message", reason)]);
                LooseJson::object([("errors", LooseJson::List(vec![item]))])
            }
            ErrorFault::Msg => LooseJson::object([("code", code), ("msg", reason)]),
            ErrorFault::ErrorDescription => LooseJson::object([("error", code), ("error_description", reason)]),
            ErrorFault::Title => LooseJson::object([
                ("type", LooseJson::value("about:blank")),
                ("title", reason),
                ("status", LooseJson::value(&status)),
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
pub(crate) fn written(document: &LooseJson) -> String {
    String::from_utf8_lossy(&document.write(false).bytes(|_| bytes::Bytes::new())).into_owned()
}

/// An error that has another one as its message, as text.
fn passed_on(inner: &str) -> String {
    let error = [("message", inner), ("type", PASSED_ON), ("code", PASSED_ON)];
    let error = error.map(|(name, value)| (name, LooseJson::value(value)));
    written(&LooseJson::object([("error", LooseJson::object(error))]))
}

/// A document as Python prints it.
fn python(json: &LooseJson) -> String {
    match json {
        LooseJson::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", quoted(name), python(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        LooseJson::List(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        LooseJson::Raw(raw) => match (raw.as_str(), json.text()) {
            (_, Some(text)) => quoted(&text),
            ("null", _) => String::from("None"),
            ("true", _) => String::from("True"),
            ("false", _) => String::from("False"),
            (raw, None) => raw.to_owned(),
        },
        LooseJson::Image(..) => String::from("''"),
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
