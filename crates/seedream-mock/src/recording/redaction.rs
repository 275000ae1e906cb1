//! What must not be kept of an exchange, and how it is taken out.
//!
//! Three kinds of secrets are covered wherever they stand: the values that the request sent in headers, cookies and queries; the
//! values of members whose names say that they are secret; and what signs a URL. In a response every byte of a secret becomes `*`, so
//! that lengths and places stay what they were; the digits of a number become `1`, so that JSON stays JSON.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
const SECRET_ENDS: [&str; 23] = [
    "accesskey",
    "accesskeyid",
    "apikey",
    "apikeys",
    "authkey",
    "authorization",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "secretid",
    "secretkey",
    "secrets",
    "sessionid",
    "signature",
    "signingkey",
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
            let value = pair.split_once('=').map_or(pair, |(_, value)| value);
            secrets.add(value.as_bytes());
            secrets.add(&percent_decoded(value));
        }
        secrets
    }

    fn add_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers.iter().filter(|(name, _)| !is_plain_header(name.as_str())) {
            let value = value.as_bytes();
            if *name == header::COOKIE {
                self.add_cookies(value);
            } else if *name == header::AUTHORIZATION || *name == header::PROXY_AUTHORIZATION {
                let credentials = value.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
                self.add(credentials);
                // The user and the password of `Basic`.
                let decoded = STANDARD.decode(credentials).unwrap_or_default();
                decoded.split(|byte| *byte == b':').filter(|_| decoded.contains(&b':')).for_each(|part| self.add(part));
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
        if value.len() < SHORTEST || self.values.iter().any(|known| known == value) {
            return;
        }
        self.values.push(value.to_vec());
        // As JSON has it, which may write a slash in two ways.
        let text = String::from_utf8_lossy(value);
        let quoted = serde_json::Value::from(text.as_ref()).to_string();
        let quoted = quoted[1..quoted.len() - 1].to_owned();
        for written in [quoted.replace('/', "\\/"), quoted] {
            if written.as_bytes() != value {
                self.values.push(written.into_bytes());
            }
        }
    }

    /// A text of a response, each byte of a secret covered.
    #[cfg(feature = "record")]
    pub(crate) fn covered(&self, text: &[u8]) -> Vec<u8> {
        let mut covered = text.to_vec();
        for place in self.places(text) {
            let is_quoted = place.start > 0 && text[place.start - 1] == b'"';
            let of_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
            if !is_quoted && text[place.clone()].iter().all(of_number) {
                covered[place].iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'1');
            } else {
                covered[place].fill(b'*');
            }
        }
        covered
    }

    /// The value of a header that names a place, whose query may be secret also where it has no host.
    #[cfg(feature = "record")]
    pub(crate) fn covered_place(&self, value: &[u8]) -> Vec<u8> {
        const HOST: &[u8] = b"http://host";
        if memmem::find(value, b"://").is_some() {
            return self.covered(value);
        }
        self.covered(&[HOST, value].concat()).split_off(HOST.len())
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
        all.extend(pairs(text));
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

/// A text of the journal or of a log without its secrets, as far as they show by themselves: members and parameters with secret names,
/// keys, and what signs a URL.
pub(crate) fn plain(text: &str) -> String {
    String::from_utf8_lossy(&Secrets::default().replaced(text.as_bytes())).into_owned()
}

/// A query value as its reader has it.
fn percent_decoded(value: &str) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::with_capacity(value.len()), value.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.filter(|_| *first == b'%').and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    decoded
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The values of parameters with secret names, as in a form or in a URL without a host.
fn pairs(text: &[u8]) -> Vec<Range<usize>> {
    let pair = |equals: usize| {
        let length = text[..equals].iter().rev().take(LONGEST_NAME + 1).take_while(|byte| is_name(**byte)).count();
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&;,\"'<>\\".contains(byte);
        let value = text[equals + 1..].iter().take_while(|byte| !ends(byte)).count();
        let is_found = (1..=LONGEST_NAME).contains(&length) && is_secret(&text[equals - length..equals]);
        is_found.then_some(equals + 1..equals + 1 + value)
    };
    memchr::memchr_iter(b'=', text).filter_map(pair).collect()
}

/// The values of members with secret names, also of JSON inside a string of JSON. Every quote may begin a name, so that what is
/// broken before does not matter.
fn members(text: &[u8]) -> Vec<Range<usize>> {
    memchr::memchr_iter(b'"', text).flat_map(|quote| member(text, quote + 1)).collect()
}

/// The texts of the value of a member whose name begins here, if it is secret.
fn member(text: &[u8], from: usize) -> Vec<Range<usize>> {
    let length = text[from..].iter().take(LONGEST_NAME + 1).take_while(|byte| is_name(**byte)).count();
    let name = &text[from..from + length];
    if length == 0 || length > LONGEST_NAME || !is_secret(name) {
        return Vec::new();
    }
    let mut at = from + length;
    let skip = |at: &mut usize, what: &[u8], most: usize| {
        let rest = &text[(*at).min(text.len())..];
        let length = rest.iter().take(most).take_while(|byte| what.contains(byte)).count();
        *at += length;
        length
    };
    // The quotes of JSON inside a string have backslashes before them.
    let slashes = skip(&mut at, b"\\", usize::MAX);
    let mut is_next = skip(&mut at, b"\"", 1) == 1;
    skip(&mut at, b" \t\r\n", usize::MAX);
    is_next &= skip(&mut at, b":", 1) == 1;
    skip(&mut at, b" \t\r\n", usize::MAX);
    if is_next && slashes == 0 && matches!(text.get(at), Some(b'[' | b'{')) {
        return nested(text, at);
    }
    is_next &= skip(&mut at, b"\\", usize::MAX) == slashes && skip(&mut at, b"\"", 1) == 1;
    if is_next { vec![string(text, at, slashes)] } else { Vec::new() }
}

/// The rest of a string that begins here.
fn string(text: &[u8], begin: usize, slashes: usize) -> Range<usize> {
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
    begin..end.min(text.len())
}

/// The texts inside of a list or an object that begins here, the names of members aside.
fn nested(text: &[u8], begin: usize) -> Vec<Range<usize>> {
    let (mut found, mut depth, mut at) = (Vec::new(), 0_usize, begin);
    while let Some(byte) = text.get(at) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 1 => break,
            b']' | b'}' => depth -= 1,
            b'"' => {
                let inside = string(text, at + 1, 0);
                at = inside.end;
                let next = text[(at + 1).min(text.len())..].iter().find(|byte| !byte.is_ascii_whitespace());
                if next != Some(&b':') {
                    found.push(inside);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether the value of a header is no secret; its name is in lower case.
pub(crate) fn is_plain_header(name: &str) -> bool {
    PLAIN.contains(&name) || PLAIN_BEGINNINGS.iter().any(|begin| name.starts_with(begin))
}

/// Whether the name of a member or a parameter says that its value is secret.
pub(crate) fn is_secret(name: &[u8]) -> bool {
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
            (
                r#"{"credentials":{"user": "abc", "of":["de\"f",{"g":1}]},"n":"o"}"#,
                r#"{"credentials":{"user": "***", "of":["*****",{"g":1}]},"n":"o"}"#,
            ),
            (r#"{"api_keys":["ab","c"],"n":["d"]}"#, r#"{"api_keys":["**","*"],"n":["d"]}"#),
            (r#"{"secrets":["cut o"#, r#"{"secrets":["*****"#),
            ("api_key=abc&n=1; access_token=d", "api_key=***&n=1; access_token=*"),
            (r#"{"a":"/poll?token=abc\u0026n=1"}"#, r#"{"a":"/poll?token=***\u0026n=1"}"#),
            (r#"{"b64_json":"/9j/token=="}"#, r#"{"b64_json":"/9j/token=*"}"#),
        ] {
            assert_eq!(covered(&none, text), expected);
        }
    }

    #[test]
    fn what_the_request_sent_is_covered_in_every_form() {
        let own = secrets(
            &[("authorization", "Basic Y2FuYXJ5MTpjYW5hcnkvMg=="), ("x-time", "1795000000")],
            Some("q=canary%2F3+4"),
        );
        let text = r#"canary\/2 canary/2 canary/3 4 canary%2F3+4 {"created":1795000000,"id":"1795000000"}"#;
        let expected = r#"********* ******** ********** ************ {"created":1111111111,"id":"**********"}"#;
        assert_eq!(covered(&own, text), expected);
        let place = own.covered_place(b"/next?sig=abc&expires=5");
        assert_eq!(String::from_utf8(place).unwrap(), "/next?sig=***&expires=5");
        assert_eq!(
            plain(r#"{"api_key":"abc","url":"https://a.example/?sig=b"}"#),
            r#"{"api_key":"***","url":"https://a.example/?sig=***"}"#
        );
    }

    #[test]
    fn plain_headers_and_short_values_are_no_secrets() {
        let own = secrets(&[("accept", "application/json"), ("x-n", "12345"), ("x-stainless-os", "MacOS 15")], None);
        assert_eq!(covered(&own, "application/json 12345 MacOS 15"), "application/json 12345 MacOS 15");
    }
}
