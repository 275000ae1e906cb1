//! One callback: checked, searched for ids of tasks, responded to.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};

use super::webhooks::Webhooks;

/// The most bytes of a callback. One with 15 signed URLs has about ten thousand.
pub(super) const LARGEST: usize = 64 << 10;

impl Webhooks {
    /// Responds to a callback. One of up to 64 KiB gets an empty 200, whatever it holds; a path without the token does not exist.
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        if let Some(refused) = self.refuse(&head) {
            return refused;
        }
        if body.len() > LARGEST {
            return response(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let body = percent_decoded(&body);
        // Nothing but ids is taken from the body.
        for word in body.split(|byte| !is_word(*byte)).filter_map(|word| std::str::from_utf8(word).ok()) {
            self.0.expected.hint(word);
        }
        // The same for every body: which tasks are expected is not told.
        response(StatusCode::OK)
    }

    /// The response to a callback that is refused by its head, so that a server need not read its body: 404 without the token, 405
    /// for anything but a POST, 413 for a body that is too large.
    pub fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        // The token comes first: without it, this path is like any other that does not exist.
        let given = head.uri.path().rsplit('/').next().unwrap_or_default();
        if !self.0.token.is(given) {
            return Some(response(StatusCode::NOT_FOUND));
        }
        if head.method != Method::POST {
            let mut refused = response(StatusCode::METHOD_NOT_ALLOWED);
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return Some(refused);
        }
        let stated = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        stated.is_some_and(|bytes: u64| bytes > LARGEST as u64).then(|| response(StatusCode::PAYLOAD_TOO_LARGE))
    }
}

/// An empty response.
pub(super) fn response(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Whether a byte belongs to a word: everything but the punctuation of JSON and of forms. So an id counts only where it is all of a
/// value, and not within a URL or a longer id.
fn is_word(byte: u8) -> bool {
    !(byte.is_ascii_whitespace() || byte.is_ascii_control() || br#""'\&=,:;{}[]()"#.contains(&byte))
}

/// A form with its percent-encoded bytes decoded; anything else as it is.
fn percent_decoded(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.contains(&b'%') {
        return body.into();
    }
    let digit = |at: usize| char::from(*body.get(at)?).to_digit(16);
    let (mut decoded, mut at) = (Vec::with_capacity(body.len()), 0);
    while let Some(&byte) = body.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_all_of_a_value() {
        let words = |body: &str| {
            let body = percent_decoded(body.as_bytes()).into_owned();
            let words = body.split(|byte| !is_word(*byte)).filter(|word| !word.is_empty());
            words.map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        for body in [
            r#"{"id":"t-1"}"#,
            r#"[{"data":{"task_id":"t-1","n":1}}]"#,
            r#"{"id":"t-1",}"#,
            r#"{"payload":"{\"id\":\"t-1\"}"}"#,
            "task_id=t-1&status=completed",
            "payload=%7B%22task_id%22%3A%22t-1%22%7D",
            "t-1",
        ] {
            assert!(words(body).contains(&"t-1".to_owned()), "{body}");
        }
        for body in
            [r#"{"id":"t-1/../t-1"}"#, r#"{"id":"t-1?x"}"#, r#"{"id":"t-1x"}"#, r#"{"url":"https://a/t-1"}"#, "%"]
        {
            assert!(!words(body).contains(&"t-1".to_owned()), "{body}");
        }
    }
}
