//! A request that is ready to send: checked, and encoded once.

use std::fmt;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{Checked, Dialect, Effective, ProviderId, Result};

/// A [`Checked`] and the HTTP request that [`Dialect::encode`] made of it. A request is encoded only here: a plan shows these bytes,
/// and each attempt of an [`Operation`](crate::Operation) sends them.
#[derive(Clone)]
pub struct Encoded {
    provider: ProviderId,
    checked: Checked,
    request: http::Request<Bytes>,
}

impl Encoded {
    /// Encodes a checked request.
    ///
    /// # Errors
    /// As [`Dialect::encode`].
    pub fn new(dialect: &dyn Dialect, checked: Checked) -> Result<Self> {
        let request = dialect.encode(&checked)?;
        Ok(Self { provider: dialect.descriptor().id.clone(), checked, request })
    }

    /// The provider of the dialect.
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The checked request.
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The HTTP request: method, path below the base URL, headers and body, without the key. A clone shares the body.
    pub fn request(&self) -> &http::Request<Bytes> {
        &self.request
    }

    /// The members of the body; empty if it is not a JSON object.
    pub fn members(&self) -> Map<String, Value> {
        serde_json::from_slice(self.request.body()).unwrap_or_default()
    }

    /// The effective request at the provider.
    pub fn effective(&self, dialect: &dyn Dialect) -> Effective {
        dialect.effective(&self.checked, self.members())
    }

    /// Converts into the checked request and drops the body.
    pub fn into_checked(self) -> Checked {
        self.checked
    }
}

/// Shows the size of the body, not its content.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("provider", &self.provider)
            .field("checked", &self.checked)
            .field("method", self.request.method())
            .field("path", self.request.uri())
            .field("body_bytes", &self.request.body().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, ImageRequest, Strictness, operation::Words};

    fn encoded(prompt: &str) -> Result<Encoded> {
        let request = ImageRequest::new("m", prompt);
        Encoded::new(&Words::ALL, Words::ALL.capabilities(&request.model).check(&request, Strictness::Strict)?)
    }

    #[test]
    fn what_the_provider_makes_of_it_is_read_from_the_encoded_body() {
        let prepared = encoded(r#"{"prompt": "a lighthouse"}"#).unwrap();
        let effective = prepared.effective(&Words::ALL);
        assert_eq!(effective.body["prompt"], "a lighthouse");
        assert_eq!(effective.max_images, Some(1));
        assert_eq!(prepared.into_checked().model().as_str(), "m");
    }

    #[test]
    fn a_body_that_is_no_object_has_no_members() {
        assert!(encoded("a lighthouse").unwrap().members().is_empty());
    }

    #[test]
    fn what_the_dialect_cannot_encode_is_an_error() {
        assert_eq!(encoded("cannot be said").unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn its_debug_form_says_how_large_the_body_is_and_not_what_it_holds() {
        let request = ImageRequest::new("m", "p");
        let checked = Words::ALL.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
        let body = Bytes::from("AAAA".repeat(1000));
        let prepared =
            Encoded { provider: "words".into(), checked, request: http::Request::post("/make").body(body).unwrap() };
        let shown = format!("{prepared:?}");
        assert!(shown.contains("body_bytes: 4000") && !shown.contains("AAAA"), "{shown}");
    }
}
