//! A request of the journal and its response in the form of a fixture, which a user can keep: without a key, a signed query or the
//! bytes of an image.

use std::collections::BTreeMap;

use seedream_fixtures::RouteName;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::engine::services::Services;
use crate::request::address;
use crate::request::address::{Address, NESTED, RouteQuestion};
use crate::state::journal_entry::{JournalEntry, StoredEntry};

/// What stands for the base64 of an image: a PNG of one pixel. The mock puts a live image there.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGMwTpsJAAICATNWh+JUAAAAAElFTkSuQmCC";

/// The host of the images in a file.
const HOST: &str = "https://images.example";

/// A file for a folder of fixtures.
#[derive(Debug, Serialize)]
pub(crate) struct ExchangeFile {
    /// Where it belongs in the folder: `<provider>/<area>/<case>.json`.
    path: String,
    exchange: Exchange,
}

#[derive(Debug, Serialize)]
struct Exchange {
    operation: &'static str,
    request: Request,
    response: Response,
}

#[derive(Debug, Serialize)]
struct Request {
    method: String,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Response {
    status: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Json(Box<RawValue>),
    Text(String),
    Sse(String),
}

/// The file of an entry.
///
/// # Errors
/// Why there is none.
pub(crate) fn of(services: &Services, entry: &JournalEntry, kept: &StoredEntry) -> Result<ExchangeFile, &'static str> {
    let address = Address::read(&entry.path);
    let provider =
        services.library.provider(address.prefix).filter(|_| entry.kind == "request" && !address.is_nested());
    let provider = provider.ok_or("only requests to a provider are exchanges")?;
    let response = kept.response.as_deref().ok_or("the response is not kept")?;
    let text = response.text(|_| PIXEL.to_owned()).ok_or("the response is too long to be kept, or is no text")?;
    if entry.status == 0 {
        return Err("the connection ended before the response");
    }
    if is_shortened(&entry.body) {
        return Err("the request has texts over 1 KiB, of which the journal keeps the hash only");
    }
    if kept.has_secrets() {
        return Err("the request has a secret member, a key or a signed URL, which the journal does not show");
    }
    let json = match &entry.body {
        Value::Null => None,
        Value::String(_) => return Err("the request is not JSON"),
        body => Some(body.clone()),
    };
    let query = response.query.as_deref().unwrap_or_default();
    let question =
        RouteQuestion { method: &entry.method, path: address.below, query: Some(query), json: Some(&entry.body) };
    let route = address::find(provider, &question).map(|(route, _)| route);
    let (operation, area) = match route.map(|route| route.name) {
        Some(RouteName::Task) => ("poll", "tasks"),
        Some(RouteName::Models) => ("models", "models"),
        Some(RouteName::Credits) => ("credits", "credits"),
        Some(RouteName::Create) | None => ("create", "generate"),
    };
    let area = if entry.status < 400 { area } else { "errors" };
    let text = unsigned(&text);
    let (body, usual) = if response.content_type.starts_with("text/event-stream") {
        (Body::Sse(text), "text/event-stream")
    } else if let Ok(raw) = serde_json::from_str::<&RawValue>(&text) {
        (Body::Json(raw.to_owned()), "application/json")
    } else {
        (Body::Text(text), "text/plain; charset=utf-8")
    };
    let mut headers: BTreeMap<String, String> = response.headers.iter().cloned().collect();
    if response.content_type != usual {
        headers.insert(String::from("content-type"), response.content_type.clone().into_owned());
    }
    let query = route.map(|route| stated(&route.path, query)).filter(|query| !query.is_empty());
    let path = query.map_or_else(|| address.below.to_owned(), |query| format!("{}?{query}", address.below));
    Ok(ExchangeFile {
        path: format!("{}/{area}/request-{}.json", provider.id, entry.ordinal),
        exchange: Exchange {
            operation,
            request: Request { method: entry.method.clone(), path, json },
            response: Response { status: entry.status, headers, body },
        },
    })
}

/// The members of a query that the template of a route states: others may be secret.
fn stated(template: &str, query: &str) -> String {
    let template = template.split_once('?').map_or("", |(_, query)| query);
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let is_stated = |pair: &&str| template.split('&').any(|stated| !stated.is_empty() && name(stated) == name(pair));
    query.split('&').filter(is_stated).collect::<Vec<_>>().join("&")
}

/// Whether a text of a body, or all of it, stands there as hash and length.
fn is_shortened(body: &Value) -> bool {
    match body {
        Value::Object(members) => {
            let hashed = members.len() == 2 && members.contains_key("sha256") && members.contains_key("length");
            hashed || members.values().any(is_shortened)
        }
        Value::Array(items) => items.iter().any(is_shortened),
        _ => false,
    }
}

/// A text without the queries and the host of the mock's image URLs.
fn unsigned(text: &str) -> String {
    let ends = |c: char| matches!(c, '"' | '\\' | '<' | '(' | ')') || c.is_whitespace();
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(NESTED) {
        let start = rest[..at].rfind(ends).map_or(0, |before| before + 1);
        let end = rest[at..].find(ends).map_or(rest.len(), |end| at + end);
        let is_absolute = rest[start..at].contains("://");
        plain.push_str(&rest[..if is_absolute { start } else { at }]);
        plain.push_str(if is_absolute { HOST } else { "" });
        plain.push_str(rest[at..end].split('?').next().unwrap_or_default());
        rest = &rest[end..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lose_their_host_and_their_signature() {
        let text =
            r#"{"url":"http://127.0.0.1:9/s/a/pictures/p/1.png?X-Tos-Signature=1","b":["/pictures/p/2.png?a=b"]} "#;
        let plain = r#"{"url":"https://images.example/pictures/p/1.png","b":["/pictures/p/2.png"]} "#;
        assert_eq!(unsigned(text), plain);
        assert_eq!(unsigned("/pictures/"), "/pictures/");
    }

    #[test]
    fn a_query_keeps_what_its_route_states() {
        assert_eq!(stated("/v1/task?task_id={id}&v=2", "key=sk-secret&v=2&task_id=7"), "v=2&task_id=7");
        assert_eq!(stated("/v1/images/generations", "key=sk-secret"), "");
    }
}
