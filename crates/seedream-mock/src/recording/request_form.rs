//! A request as a recording has it, and when two of them are the same.

use bytes::Bytes;
use http::Request;
use seedream_fixtures::{ProviderFacts, RecordedRequest};
use serde_json::Value;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash;
use crate::json::path;
use crate::recording::redaction::Secrets;

/// A request without its secrets.
#[derive(Debug, Clone)]
pub(crate) struct RequestForm {
    pub(crate) method: String,
    /// The path on the provider's host, with its query.
    pub(crate) path: String,
    /// The body, if it is JSON.
    pub(crate) json: Option<Value>,
    pub(crate) bytes: Vec<u8>,
}

impl RequestForm {
    /// Reads a request whose path below the provider's prefix is this.
    pub(crate) fn of(provider: &ProviderFacts, below: &str, request: &Request<Bytes>, secrets: &Secrets) -> Self {
        let bytes = secrets.replaced(request.body());
        let query = request.uri().query().filter(|query| !query.is_empty()).map(|query| plain_query(provider, query));
        Self {
            method: request.method().as_str().to_owned(),
            path: query.map_or_else(|| below.to_owned(), |query| format!("{below}?{query}")),
            json: serde_json::from_slice(&bytes).ok(),
            bytes,
        }
    }

    /// Reads a recorded request.
    pub(crate) fn recorded(request: &RecordedRequest) -> Self {
        let RecordedRequest { method, path, json, text, base64, .. } = request;
        let json = json.as_ref().map(|raw| raw.get().as_bytes().to_vec());
        let text = text.as_ref().map(|text| text.as_bytes().to_vec());
        let base64 = base64.as_ref().and_then(|base64| STANDARD.decode(base64).ok());
        let bytes = json.or(text).or(base64).unwrap_or_default();
        Self { method: method.clone(), path: path.clone(), json: serde_json::from_slice(&bytes).ok(), bytes }
    }

    /// What equal requests have in common: the order of members and of the query, and members that are `null`, do not matter.
    pub(crate) fn key(&self) -> String {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut members: Vec<&str> = query.split('&').collect();
        members.sort_unstable();
        let body = match &self.json {
            Some(Value::Object(body)) => Value::Object(path::without_nulls(body).into_owned()).to_string(),
            Some(other) => other.to_string(),
            None => String::from_utf8_lossy(&self.bytes).into_owned(),
        };
        format!("{} {path}?{} {}", self.method, members.join("&"), hash::full(body.as_bytes()))
    }

    /// The whole as one value, for comparing.
    pub(crate) fn value(&self) -> Value {
        let text = || Value::from(String::from_utf8_lossy(&self.bytes).into_owned());
        let body = match &self.json {
            Some(Value::Object(body)) => Value::Object(path::without_nulls(body).into_owned()),
            Some(other) => other.clone(),
            None if self.bytes.is_empty() => Value::Null,
            None => text(),
        };
        serde_json::json!({ "method": self.method, "path": self.path, "body": body })
    }
}

/// A query whose values are replaced, except those that a route of the provider has.
fn plain_query(provider: &ProviderFacts, query: &str) -> String {
    let stated = |pair: &str, name: &str| {
        let routes = provider.routes.iter().filter_map(|route| route.path.split_once('?'));
        let mut members = routes.flat_map(|(_, members)| members.split('&'));
        members.any(|member| member == pair || member.strip_suffix("={id}") == Some(name))
    };
    let plain = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if !stated(pair, name) => format!("{name}=***"),
        None if !pair.is_empty() => String::from("***"),
        _ => pair.to_owned(),
    };
    query.split('&').map(plain).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str, query: &str, key: &str) -> RequestForm {
        let request = Request::post(format!("http://mock/x{query}")).header("authorization", format!("Bearer {key}"));
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let secrets = Secrets::of(request.headers(), request.uri().query());
        RequestForm::of(seedream_fixtures::providers().first().unwrap(), "/x", &request, &secrets)
    }

    #[test]
    fn order_nulls_and_keys_make_no_difference() {
        let one = form(r#"{"a":1,"b":{"c":null,"d":2},"key":"sk-1"}"#, "?a=1&b=2", "sk-one-one");
        let two = form(r#"{"b":{"d":2}, "a":1, "e":null, "key":"sk-22"}"#, "?b=3&a=4", "sk-two");
        assert_eq!(one.key(), two.key());
        assert_ne!(one.key(), form(r#"{"a":2,"b":{"d":2},"key":"x"}"#, "?a=1&b=2", "sk-one-one").key());
        assert_eq!(one.path, "/x?a=***&b=***");
    }
}
