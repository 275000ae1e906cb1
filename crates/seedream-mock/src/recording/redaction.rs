//! What must not be kept of an exchange, and how it is taken out.
//!
//! Three kinds of secrets are covered wherever they stand: the values that the request sent in headers, cookies and queries; the
//! values of members whose names say that they are secret; and what signs a URL. In a response every byte of a secret becomes `*`, so
//! that lengths and places stay what they were.

use std::ops::Range;

use http::{HeaderMap, header};
use memchr::memmem;

use crate::recording::image_urls;

/// Headers whose values are no secrets: they describe the connection and the content, and are sent by every client.
const PLAIN: [&str; 11] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "host",
    "transfer-encoding",
];

/// What SDKs and browsers say of themselves: `x-stainless-lang: python`.
const PLAIN_BEGINNINGS: [&str; 2] = ["sec-", "x-stainless-"];

/// Shorter values stand in too many texts by chance.
const SHORTEST: usize = 8;

/// How long the name of a member may be that is looked at.
const LONGEST_NAME: usize = 40;

/// The ends of the names of secret members, without `-` and `_`, in lower case.
const SECRET_ENDS: [&str; 11] = [
    "accesskey",
    "accesskeyid",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "password",
    "secret",
    "secretkey",
    "signature",
    "token",
];

/// What stands for a secret in a request, whose length may change.
const COVER: &[u8] = b"***";

/// The secrets of one exchange.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    values: Vec<Vec<u8>>,
}

impl Secrets {
    /// The secrets that a request sends.
    pub(crate) fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let mut secrets = Self::default();
        secrets.add_headers(headers);
        for pair in query.unwrap_or_default().split('&') {
            secrets.add(pair.split_once('=').map_or(pair, |(_, value)| value).as_bytes());
        }
        secrets
    }

    fn add_headers(&mut self, headers: &HeaderMap) {
        let plain = |name: &str| PLAIN.contains(&name) || PLAIN_BEGINNINGS.iter().any(|begin| name.starts_with(begin));
        for (name, value) in headers.iter().filter(|(name, _)| !plain(name.as_str())) {
            let value = value.as_bytes();
            if *name == header::COOKIE {
                self.add_cookies(value);
            } else if *name == header::AUTHORIZATION || *name == header::PROXY_AUTHORIZATION {
                self.add(value.rsplit(|byte| *byte == b' ').next().unwrap_or_default());
            }
            self.add(value.trim_ascii());
        }
    }

    /// Adds the cookies that a response sets.
    #[cfg(feature = "record")]
    pub(crate) fn add_response(&mut self, headers: &HeaderMap) {
        headers.get_all(header::SET_COOKIE).iter().for_each(|value| self.add_cookies(value.as_bytes()));
    }

    fn add_cookies(&mut self, pairs: &[u8]) {
        for pair in pairs.split(|byte| *byte == b';') {
            self.add(pair.splitn(2, |byte| *byte == b'=').last().unwrap_or_default().trim_ascii());
        }
    }

    fn add(&mut self, value: &[u8]) {
        if value.len() >= SHORTEST && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_vec());
        }
    }

    /// A text of a response, each byte of a secret covered.
    #[cfg(feature = "record")]
    pub(crate) fn covered(&self, text: &[u8]) -> Vec<u8> {
        let mut covered = text.to_vec();
        for place in self.places(text) {
            covered[place].fill(b'*');
        }
        covered
    }

    /// A text of a request, each secret replaced: two clients with keys of their own send the same.
    pub(crate) fn replaced(&self, text: &[u8]) -> Vec<u8> {
        let mut replaced = Vec::with_capacity(text.len());
        let mut from = 0;
        for place in self.places(text) {
            replaced.extend_from_slice(&text[from..place.start]);
            replaced.extend_from_slice(COVER);
            from = place.end;
        }
        replaced.extend_from_slice(&text[from..]);
        replaced
    }

    /// The places of all secrets of a text, in order and apart.
    fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut all: Vec<Range<usize>> = Vec::new();
        for value in &self.values {
            all.extend(memmem::find_iter(text, value).map(|at| at..at + value.len()));
        }
        all.extend(members(text));
        all.extend(keys(text));
        for url in image_urls::find(text) {
            all.extend(image_urls::secrets(text, &url));
        }
        all.retain(|place| !place.is_empty());
        all.sort_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(all.len());
        for place in all {
            match apart.last_mut() {
                Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        apart
    }
}

/// The values of members with secret names, also of JSON inside a string of JSON. Every quote may begin a name, so that what is
/// broken before does not matter.
fn members(text: &[u8]) -> Vec<Range<usize>> {
    memchr::memchr_iter(b'"', text).filter_map(|quote| member(text, quote + 1)).collect()
}

fn member(text: &[u8], from: usize) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length = text[from..].iter().take(LONGEST_NAME + 1).take_while(|byte| is_name(byte)).count();
    let name = &text[from..from + length];
    if length == 0 || length > LONGEST_NAME || !is_secret(name) {
        return None;
    }
    let mut at = from + length;
    let mut skip = |what: &[u8], most: usize| {
        let rest = &text[at.min(text.len())..];
        let length = rest.iter().take(most).take_while(|byte| what.contains(byte)).count();
        at += length;
        length
    };
    // The quotes of JSON inside a string have backslashes before them.
    let slashes = skip(b"\\", usize::MAX);
    let mut is_next = skip(b"\"", 1) == 1;
    skip(b" \t\r\n", usize::MAX);
    is_next &= skip(b":", 1) == 1;
    skip(b" \t\r\n", usize::MAX);
    is_next &= skip(b"\\", usize::MAX) == slashes && skip(b"\"", 1) == 1;
    if !is_next {
        return None;
    }
    let begin = at;
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' => break,
            // The end of a string inside a string, or an escape.
            b'\\' if slashes > 0 && text.get(end + slashes) == Some(&b'"') => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    Some(begin..end.min(text.len()))
}

fn is_secret(name: &[u8]) -> bool {
    let plain: String = name
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    plain == "key" || SECRET_ENDS.iter().any(|end| plain.ends_with(end))
}

/// Keys that a text names by their form: `sk-…`, and what follows `Bearer`.
fn keys(text: &[u8]) -> Vec<Range<usize>> {
    let is_key =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=');
    let behind = |at: usize| at + text[at..].iter().take_while(|byte| is_key(byte)).count();
    let mut found = Vec::new();
    for at in memmem::find_iter(text, b"sk-") {
        // Not inside of a word such as `task-`.
        let begins = at == 0 || !text[at - 1].is_ascii_alphanumeric();
        let place = at..behind(at);
        if begins && place.len() >= 3 + SHORTEST {
            found.push(place);
        }
    }
    for word in [&b"Bearer "[..], b"bearer "] {
        found.extend(memmem::find_iter(text, word).map(|at| at + word.len()..behind(at + word.len())));
    }
    found
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn secrets(headers: &[(&'static str, &'static str)], query: Option<&str>) -> Secrets {
        let pairs = headers.iter();
        let map = pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        Secrets::of(&map, query)
    }

    fn covered(secrets: &Secrets, text: &str) -> String {
        String::from_utf8(secrets.covered(text.as_bytes())).unwrap()
    }

    #[test]
    fn what_the_request_sent_is_covered_wherever_it_stands() {
        let own = secrets(
            &[("authorization", "Bearer canary-1"), ("cookie", "a=canary-2; b=canary-3"), ("x-any", "canary-4")],
            Some("q=canary-5&page=2"),
        );
        let text = "canary-1 canary-2 canary-3 canary-4 canary-5 page 2";
        assert_eq!(covered(&own, text), "******** ******** ******** ******** ******** page 2");
        assert_eq!(own.replaced(b"x canary-1 y"), b"x *** y");
    }

    #[test]
    fn members_with_secret_names_are_covered_in_any_text() {
        let none = Secrets::default();
        for (text, expected) in [
            (r#"{"api_key": "abc", "n": 1}"#, r#"{"api_key": "***", "n": 1}"#),
            (r#"{"X-Api-Key":"a\"bc","b":"c"}"#, r#"{"X-Api-Key":"*****","b":"c"}"#),
            (r#"{"a":"{\"access_token\":\"abc\",\"n\":1}"}"#, r#"{"a":"{\"access_token\":\"***\",\"n\":1}"}"#),
            (r#"broken" {"password":"cut of"#, r#"broken" {"password":"******"#),
            (
                r#"{"usage":{"output_tokens":4096,"total_tokens":"4096"}}"#,
                r#"{"usage":{"output_tokens":4096,"total_tokens":"4096"}}"#,
            ),
            (r#"{"message":"the key sk-abcdefgh is wrong"}"#, r#"{"message":"the key *********** is wrong"}"#),
            (r#"{"id":"task-unified-1"}"#, r#"{"id":"task-unified-1"}"#),
            (r#"{"token":""}"#, r#"{"token":""}"#),
        ] {
            assert_eq!(covered(&none, text), expected);
        }
    }

    #[test]
    fn plain_headers_and_short_values_are_no_secrets() {
        let own = secrets(&[("accept", "application/json"), ("x-n", "12345"), ("x-stainless-os", "MacOS 15")], None);
        assert_eq!(covered(&own, "application/json 12345 MacOS 15"), "application/json 12345 MacOS 15");
    }
}
