//! HTTP responses, as adapters read them.

use std::{collections::HashMap, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{ImageData, Timestamp, json};

/// An HTTP response: its head, its body, and the base64 images that were extracted from the body while it arrived.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; each long base64 string is replaced by the token of a blob.
    pub body: Bytes,
    /// Whether the body is truncated. Truncated JSON is closed after its last complete member ([`Response::mended`]).
    pub truncated: bool,
    /// Whether the body was not valid JSON and was repaired ([`Response::mended`]).
    pub repaired: bool,
    /// When the response arrived, by the system clock.
    pub received_at: Timestamp,
    blobs: Blobs,
}

/// The images that were extracted from a body, by their tokens.
#[derive(Clone, Debug, Default)]
pub struct Blobs(HashMap<String, ImageData>);

impl Blobs {
    /// Adds an image.
    pub fn insert(&mut self, token: impl Into<String>, data: ImageData) {
        self.0.insert(token.into(), data);
    }

    /// The image whose token is in a string of the body: the token is the whole string, or is in quotes inside it if the JSON is
    /// invalid and the string extends past its end.
    pub fn get(&self, token: &str) -> Option<&ImageData> {
        if self.is_empty() {
            return None;
        }
        self.0.get(token).or_else(|| token.split('"').find_map(|part| self.0.get(part)))
    }

    /// All images with their tokens, in arbitrary order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ImageData)> {
        self.0.iter().map(|(token, data)| (token.as_str(), data))
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Response {
    /// Creates a complete response.
    pub fn new(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>, received_at: Timestamp) -> Self {
        Self {
            status,
            headers,
            body: body.into(),
            truncated: false,
            repaired: false,
            received_at,
            blobs: Blobs::default(),
        }
    }

    /// Adds the images that were extracted from the body.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Blobs) -> Self {
        self.blobs = blobs;
        self
    }

    /// Returns the response with valid JSON as its body: invalid JSON is repaired, and truncated JSON is closed after its last
    /// complete member. [`Response::truncated`] and [`Response::repaired`] are set. A body that is not JSON is unchanged.
    #[must_use]
    pub fn mended(mut self) -> Self {
        if !json::is_meant(&self.body) || json::is_strict(&self.body) {
            return self;
        }
        if let Some(document) = json::read(&self.body) {
            self.truncated |= document.cut;
            self.repaired |= document.repaired;
            // Several values in a row are one response: the decoder separates them.
            if document.cut || self.body[document.length..].trim_ascii().is_empty() {
                self.body = document.value.to_string().into();
            }
        }
        self
    }

    /// Whether the body is neither truncated nor repaired.
    pub fn is_whole(&self) -> bool {
        !self.truncated && !self.repaired
    }

    /// The images that were extracted from the body.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The provider's request id: `x-request-id` (Ark, aiearth) or `X-Oneapi-Request-Id` (new-api relays).
    pub fn request_id(&self) -> Option<String> {
        ["x-request-id", "x-oneapi-request-id", "x-tt-logid"]
            .iter()
            .find_map(|name| self.header(name))
            .map(str::to_owned)
    }

    /// The requested wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
    ///
    /// A date is relative to the response's `Date`, so a wrong local clock does not matter.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Some(ms) = self.header("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok()) {
            return seconds(ms / 1000.0);
        }
        let text = self.header("retry-after")?.trim();
        if let Ok(number) = text.parse::<f64>() {
            return seconds(number);
        }
        let at = Timestamp::from_http_date(text)?;
        let now = self.header("date").and_then(Timestamp::from_http_date).unwrap_or(self.received_at);
        Some(at.duration_since(now))
    }

    /// The header `x-should-retry`, if present.
    pub fn should_retry(&self) -> Option<bool> {
        match self.header("x-should-retry")? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

impl fmt::Debug for Response {
    /// Shows the size of the body, not its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("truncated", &self.truncated)
            .field("repaired", &self.repaired)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(headers: &[(&'static str, &'static str)]) -> Response {
        let headers = headers.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect();
        let at = "2026-11-20T20:00:00Z".parse().unwrap();
        Response::new(StatusCode::TOO_MANY_REQUESTS, headers, "", at)
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        for (headers, expected) in [
            (&[("retry-after", "7")][..], Some(7000)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after-ms", "250"), ("retry-after", "7")], Some(250)),
            (&[("retry-after", "Fri, 20 Nov 2026 20:00:09 GMT")], Some(9000)),
            (&[("retry-after", "Fri, 20 Nov 2026 19:00:00 GMT")], Some(0)),
            (
                &[("retry-after", "Fri, 20 Nov 2026 21:00:09 GMT"), ("date", "Fri, 20 Nov 2026 21:00:00 GMT")],
                Some(9000),
            ),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "1e400")], None),
            (&[], None),
        ] {
            assert_eq!(response(headers).retry_after(), expected.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn a_token_is_found_in_a_string_that_extends_past_its_end() {
        let mut blobs = Blobs::default();
        blobs.insert("0123456789abcdef", ImageData::Bytes("image".into()));
        let body = json::read(br#"{"b64_json":"0123456789abcdef".png"}"#).unwrap().value;
        assert!(blobs.get(body["b64_json"].as_str().unwrap()).is_some());
        assert!(blobs.get("0123456789abcdef.png").is_none() && blobs.get("").is_none());
    }

    #[test]
    fn request_ids_are_found_under_their_names() {
        assert_eq!(response(&[("X-Oneapi-Request-Id", "a")]).request_id().as_deref(), Some("a"));
        assert_eq!(response(&[("x-request-id", "b")]).request_id().as_deref(), Some("b"));
    }
}
