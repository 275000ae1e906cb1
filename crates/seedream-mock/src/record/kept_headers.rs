//! The headers that a recording keeps: these, and no other.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};

use crate::recording::redaction::Secrets;

/// Of a request.
const REQUEST: [&str; 2] = ["accept", "content-type"];

/// Of a response; the provider's own ids of requests are kept too. `content-length` and `transfer-encoding` are in the framing.
const RESPONSE: [&str; 20] = [
    "accept-ranges",
    "allow",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "location",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-request-id",
    "x-should-retry",
];

/// The headers of one connection, which a proxy does not pass on (RFC 9110, 7.6.1).
const HOP: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The kept headers of a request.
pub(crate) fn of_request(headers: &HeaderMap, secrets: &Secrets) -> BTreeMap<String, String> {
    kept(headers, secrets, |name| REQUEST.contains(&name))
}

/// The kept headers of a response.
pub(crate) fn of_response(headers: &HeaderMap, secrets: &Secrets, ids: &[String]) -> BTreeMap<String, String> {
    let is_id = |name: &str| ids.iter().any(|id| id.eq_ignore_ascii_case(name));
    kept(headers, secrets, |name| RESPONSE.contains(&name) || is_id(name))
}

fn kept(headers: &HeaderMap, secrets: &Secrets, keeps: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| keeps(name.as_str())) {
        let value = match name.as_str() {
            "location" => secrets.covered_place(value.as_bytes()),
            _ => secrets.covered(value.as_bytes()),
        };
        let Ok(value) = String::from_utf8(value) else { continue };
        let all = kept.entry(name.as_str().to_owned()).or_default();
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(&value);
    }
    kept
}

/// The headers that go on to the other side: all but those of the connection, and those that it names.
pub(crate) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all("connection").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> =
        named.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    let stays = |name: &HeaderName| HOP.contains(&name.as_str()) || named.iter().any(|hop| hop == name.as_str());
    let on = headers.iter().filter(|(name, _)| !stays(name));
    on.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = headers.iter();
        pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_known_headers_are_kept() {
        let headers = map(&[("accept", "*/*"), ("authorization", "Bearer k"), ("cookie", "c=1"), ("x-new", "v")]);
        let kept = of_request(&headers, &Secrets::default());
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["accept"]);
        let headers = map(&[("set-cookie", "s"), ("x-request-id", "1"), ("x-own-id", "2"), ("server", "x")]);
        let kept = of_response(&headers, &Secrets::default(), &["X-Own-Id".into()]);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["x-own-id", "x-request-id"]);
    }

    #[test]
    fn the_headers_of_a_connection_stay_on_it() {
        let headers = map(&[("connection", "close, X-Hop"), ("x-hop", "1"), ("te", "trailers"), ("x-end", "2")]);
        assert_eq!(passed_on(&headers), map(&[("x-end", "2")]));
    }
}
