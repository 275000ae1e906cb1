//! The upstream: what a client sent goes there as it is.

use std::error::Error as _;
use std::io;

use bytes::Bytes;
use http::{Request, Response, header};
use reqwest::{Body, Client, Url};
use seedream_fixtures::WireEnd;

use crate::record::http_client;
use crate::record::http_client::ExtraRoots;
use crate::record::kept_headers;

/// A base URL and the client for it.
#[derive(Debug)]
pub(crate) struct Upstream {
    base: Url,
    client: Client,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// Nothing was sent.
    NotSent(String),
    /// The connection was lost after something was sent.
    Lost(WireEnd),
}

impl Upstream {
    /// # Errors
    /// It is not an `http` or `https` URL, has a user, a query or a fragment, or TLS cannot be set up.
    pub(crate) fn new(base: &str, roots: &ExtraRoots) -> Result<Self, String> {
        let wrong = |why: &str| format!("the upstream is not a base URL: {why}; write https://HOST/PATH");
        let base = Url::parse(base.trim_end_matches('/')).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("its scheme is neither http nor https"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("a key belongs into the client, not into the URL"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("it has a query or a fragment"));
        }
        let client = http_client::builder(&base, roots)?.build().map_err(|error| error.without_url().to_string())?;
        Ok(Self { base, client })
    }

    /// The base URL.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether a URL leads to the host of the upstream.
    pub(crate) fn is_at(&self, url: &Url) -> bool {
        let place =
            |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
        place(url) == place(&self.base)
    }

    /// Sends a request to a path below the base URL. reqwest adds `accept: */*` to a request without it, which means the same.
    pub(crate) async fn send(&self, path: &str, request: &Request<Bytes>) -> Result<Response<Body>, SendFailure> {
        let not_sent = |error: &dyn std::fmt::Display| SendFailure::NotSent(error.to_string());
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let url = Url::parse(&format!("{}{path}{query}", self.base()));
        let url = url.map_err(|_| not_sent(&"the path cannot be sent"))?;
        let mut sent = reqwest::Request::new(request.method().clone(), url);
        *sent.headers_mut() = kept_headers::passed_on(request.headers());
        // Both are of the connection to the upstream.
        sent.headers_mut().remove(header::HOST);
        sent.headers_mut().remove(header::CONTENT_LENGTH);
        if !request.body().is_empty() || request.headers().contains_key(header::CONTENT_LENGTH) {
            *sent.body_mut() = Some(request.body().clone().into());
        }
        match self.client.execute(sent).await {
            Ok(response) => Ok(response.into()),
            Err(error) if error.is_connect() || error.is_builder() => {
                // The URL may hold a query.
                let error = error.without_url();
                let cause = std::iter::successors(error.source(), |cause| (*cause).source()).last();
                Err(not_sent(&cause.map_or_else(|| error.to_string(), ToString::to_string)))
            }
            Err(error) => Err(SendFailure::Lost(ending(&error))),
        }
    }
}

/// How a connection was lost.
pub(crate) fn ending(error: &reqwest::Error) -> WireEnd {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let mut kinds = causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    if kinds.any(|kind| kind == io::ErrorKind::ConnectionReset) { WireEnd::Reset } else { WireEnd::Closed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_holds_no_secret() {
        let error = |url: &str| Upstream::new(url, &ExtraRoots::default()).unwrap_err();
        for (url, why) in [
            ("ark.example/api", "relative URL without a base"),
            ("ftp://ark.example", "neither http nor https"),
            ("https://sk-secret@ark.example", "a key belongs into the client"),
            ("https://ark.example/?key=sk-secret", "a query"),
        ] {
            assert!(error(url).contains(why) && !error(url).contains("sk-secret"), "{}", error(url));
        }
        let upstream = Upstream::new("http://127.0.0.1:9/api/v3/", &ExtraRoots::default()).unwrap();
        assert_eq!(upstream.base(), "http://127.0.0.1:9/api/v3");
        assert!(upstream.is_at(&Url::parse("http://127.0.0.1:9/pictures").unwrap()));
        assert!(!upstream.is_at(&Url::parse("http://127.0.0.1:10/pictures").unwrap()));
    }
}
