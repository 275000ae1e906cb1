//! The requests of the library over the transport of this client: one TLS, one set of roots and proxies.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService},
};
use seedream_core::ErrorKind;

use super::storage_error::Fault;
use crate::transport::{Reached, Transport, TransportError};

/// How long a request may take: the largest has 8 MiB.
const LIMIT: Duration = Duration::from_secs(180);

/// How much of the body of a refusal is looked at for its code.
const REFUSAL: usize = 16 << 10;

/// The checksum that a response states, in base64.
#[derive(Clone, Debug)]
pub(super) struct StatedSha256(pub(super) String);

/// Sends with a transport of this client.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) Arc<dyn Transport>);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    /// A refusal is an error with its code alone: the text of a store may repeat a key.
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let exchange = async {
            let response = self.0.send(http::Request::from_parts(parts, bytes)).await?;
            let (head, body) = response.into_parts();
            Ok((head, body.collect().await?.to_bytes()))
        };
        let (mut head, body) = match tokio::time::timeout(LIMIT, exchange).await {
            Ok(exchanged) => exchanged.map_err(|error| lost(&error))?,
            Err(_) => {
                let fault = Fault::Lost(format!("no response within {} s", LIMIT.as_secs()));
                return Err(HttpError::new(HttpErrorKind::Timeout, fault));
            }
        };
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if !head.status.is_success() {
            let region = header("x-amz-bucket-region").filter(|_| head.status.is_redirection() || head.status == 400);
            let fault = Fault::Refused { status: head.status.as_u16(), code: code(&body), region };
            let again = head.status.is_server_error() || matches!(head.status.as_u16(), 408 | 429);
            let kind = if again { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
            return Err(HttpError::new(kind, fault));
        }
        if let Some(stated) = header("x-amz-checksum-sha256") {
            head.extensions.insert(StatedSha256(stated));
        }
        Ok(HttpResponse::from_parts(head, body.into()))
    }
}

fn lost(error: &TransportError) -> HttpError {
    let kind = match (error.kind(), error.reached()) {
        (ErrorKind::Config, _) => HttpErrorKind::Unknown,
        (_, Reached::NotSent) => HttpErrorKind::Connect,
        (ErrorKind::Timeout, _) => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, Fault::Lost(error.sentence()))
}

/// What is between `<Code>` and `</Code>`, where that is one word.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(REFUSAL)]);
    let inner = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = inner.map(|(code, _)| code.trim()).unwrap_or_default();
    let is_word = code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if is_word { code.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_refusal_is_one_word() {
        let refusal = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        for (body, word) in [
            (refusal, "SignatureDoesNotMatch"),
            ("<Code> a b </Code>", ""),
            ("<Code>x", ""),
            ("", ""),
            ("<html>not found</html>", ""),
        ] {
            assert_eq!(code(body.as_bytes()), word);
        }
    }
}
