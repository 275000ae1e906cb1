//! The file of a recorded exchange: what came, without its secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use seedream_fixtures::{
    FactSource, OperationKind, RecordedBody, RecordedImage, RecordedRequest, RecordedResponse, RecordedWire,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::content_decoding::{DecodedBody, decode};
use crate::record::kept_headers;
use crate::recording::image_urls;
use crate::recording::redaction::Secrets;
use crate::recording::request_form::RequestForm;

/// What is written of an exchange, in the form of fixtures.
#[derive(Debug, Serialize)]
pub(crate) struct ExchangeFile {
    pub(crate) source: FactSource,
    pub(crate) operation: OperationKind,
    pub(crate) request: RecordedRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<RecordedResponse>,
    pub(crate) wire: RecordedWire,
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct ReceivedResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body as it came, coded if it was.
    pub(crate) body: Vec<u8>,
    /// How it came; coding and images are still unknown.
    pub(crate) wire: RecordedWire,
}

/// The URLs of images in a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundUrl {
    /// With its signature, as it is fetched.
    pub(crate) url: String,
    /// As it stands in the body that is kept.
    pub(crate) kept: String,
}

impl ExchangeFile {
    /// Adds a response, and returns the URLs of its images, which are still to be fetched: those that the request did not send.
    ///
    /// # Errors
    /// Why the response cannot be kept: nobody knows what it holds.
    pub(crate) fn add(
        &mut self,
        received: ReceivedResponse,
        secrets: &Secrets,
        sent: &[u8],
        ids: &[String],
    ) -> Result<Vec<FoundUrl>, String> {
        let ReceivedResponse { status, headers, body, mut wire } = received;
        let coding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let (plain, coded) = match decode(coding, &body) {
            DecodedBody::Plain => (body, None),
            DecodedBody::Coded { coding, bytes } => {
                wire.coding = Some(coding);
                (bytes, Some(body))
            }
            DecodedBody::Unreadable(why) => return Err(why),
        };
        let kept = secrets.covered(&plain);
        let found = if status.is_success() && self.has_images() { urls(&plain, &kept, sent) } else { Vec::new() };
        wire.coded = coded.filter(|_| kept == plain && found.is_empty()).map(|coded| STANDARD.encode(coded));
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.response = Some(RecordedResponse {
            status: status.as_u16(),
            headers: kept_headers::of_response(&headers, secrets, ids),
            body: form(kept, content_type),
        });
        self.wire = wire;
        Ok(found)
    }

    /// Whether its response may name images.
    fn has_images(&self) -> bool {
        matches!(self.operation, OperationKind::Create | OperationKind::Poll | OperationKind::Other)
    }

    /// Adds what came of the images, in the order in which the body names them.
    pub(crate) fn add_images(&mut self, images: Vec<RecordedImage>) {
        self.wire.images = images;
    }
}

/// A request in the form of a file.
pub(crate) fn request_file(form: &RequestForm, request: &Request<Bytes>, secrets: &Secrets) -> RecordedRequest {
    let mut file = RecordedRequest {
        method: form.method.clone(),
        path: form.path.clone(),
        headers: kept_headers::of_request(request.headers(), secrets),
        ..RecordedRequest::default()
    };
    match String::from_utf8(form.bytes.clone()) {
        Ok(text) if text.is_empty() => {}
        Ok(text) => match raw_json(text) {
            Ok(raw) => file.json = Some(raw),
            Err(text) => file.text = Some(text),
        },
        Err(error) => file.base64 = Some(STANDARD.encode(error.as_bytes())),
    }
    file
}

/// A text as raw JSON, if it is JSON and nothing stands around it: a file keeps neither.
fn raw_json(text: String) -> Result<Box<RawValue>, String> {
    if text.trim() != text {
        return Err(text);
    }
    RawValue::from_string(text.clone()).map_err(|_| text)
}

/// The URLs of a body, once for each time that they stand in it.
fn urls(plain: &[u8], kept: &[u8], sent: &[u8]) -> Vec<FoundUrl> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let known: Vec<String> =
        image_urls::find(sent).into_iter().map(|place| image_urls::unescaped(&text(&sent[place]))).collect();
    let places = image_urls::find(plain).into_iter();
    let found = places
        .map(|place| FoundUrl { url: image_urls::unescaped(&text(&plain[place.clone()])), kept: text(&kept[place]) });
    found.filter(|found| !known.contains(&found.url)).collect()
}

/// A body in the form in which a file shows most of it.
fn form(body: Vec<u8>, content_type: &str) -> RecordedBody {
    match String::from_utf8(body) {
        Ok(text) if content_type.starts_with("text/event-stream") => RecordedBody::Sse(text),
        Ok(text) => raw_json(text).map_or_else(RecordedBody::Text, RecordedBody::Json),
        Err(error) => RecordedBody::Base64(STANDARD.encode(error.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_the_same_request_again() {
        let provider = seedream_fixtures::providers().first().unwrap();
        for body in ["", r#"{"a":1}"#, " {\"a\":1}\n", "a=b", r#"{"a":1,"a":2}"#] {
            let request = Request::post("http://mock/x").body(Bytes::from(body)).unwrap();
            let none = Secrets::default();
            let form = RequestForm::of(provider, "/x", &request, &none);
            let file = request_file(&form, &request, &none);
            assert_eq!(RequestForm::recorded(&file).key(), form.key(), "{body}");
        }
    }
}
