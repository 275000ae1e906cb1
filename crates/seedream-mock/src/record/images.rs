//! Fetching the images of a response, at once and without credentials.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use reqwest::{Client, Url, redirect};

use crate::record::http_client;
use crate::record::public_address::{PublicNames, is_public};
use crate::record::upstream::Upstream;

/// The largest image.
const LARGEST: usize = 64 * 1024 * 1024;

/// How long one image may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// What came of the download of an image.
#[derive(Debug, Clone, Default)]
pub(crate) struct FetchedImage {
    pub(crate) status: Option<u16>,
    pub(crate) media_type: Option<String>,
    /// The whole file, where it came whole with a 200.
    pub(crate) bytes: Option<bytes::Bytes>,
    pub(crate) failure: Option<String>,
}

/// Fetches images from public hosts and from the host of the upstream.
#[derive(Debug, Default)]
pub(crate) struct ImageFetcher {
    public_http: OnceLock<Client>,
    public_https: OnceLock<Client>,
    own: OnceLock<Client>,
}

impl ImageFetcher {
    /// Fetches an image.
    pub(crate) async fn fetch(&self, upstream: &Upstream, url: &str) -> FetchedImage {
        let failed = |failure| FetchedImage { failure: Some(failure), ..FetchedImage::default() };
        match tokio::time::timeout(PATIENCE, self.get(upstream, url)).await {
            Ok(fetched) => fetched.unwrap_or_else(failed),
            Err(_) => failed(format!("the download took longer than {} s", PATIENCE.as_secs())),
        }
    }

    async fn get(&self, upstream: &Upstream, url: &str) -> Result<FetchedImage, String> {
        let url = Url::parse(url).map_err(|_| String::from("it is no URL"))?;
        let is_own = upstream.is_at(&url);
        if !is_own && !is_public(&url) {
            return Err(String::from("its host is neither public nor the upstream's"));
        }
        let cell = match (is_own, url.scheme()) {
            (true, _) => &self.own,
            (false, "http") => &self.public_http,
            (false, _) => &self.public_https,
        };
        let client = match cell.get() {
            Some(client) => client,
            None => {
                let made = client(&url, is_own)?;
                cell.get_or_init(|| made)
            }
        };
        // The URL may hold what the client sent in secret.
        let lost = |error: reqwest::Error| {
            String::from(if error.is_connect() { "its host cannot be reached" } else { "the connection was lost" })
        };
        let response = client.get(url).send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let head = FetchedImage { status: Some(status), media_type, ..FetchedImage::default() };
        if status != 200 {
            return Ok(FetchedImage { failure: Some(format!("its download responds with {status}")), ..head });
        }
        let mut body = http::Response::<reqwest::Body>::from(response).into_body();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
            bytes.extend_from_slice(&data);
            if bytes.len() > LARGEST {
                return Err(format!("it is larger than {} MiB", LARGEST >> 20));
            }
        }
        Ok(FetchedImage { bytes: Some(bytes.freeze()), ..head })
    }
}

/// A client for images of public hosts, or for those of the upstream, whose redirects are not followed.
fn client(url: &Url, is_own: bool) -> Result<Client, String> {
    let mut builder = http_client::builder(url, !is_own)?;
    if !is_own {
        let follow = redirect::Policy::custom(|attempt| {
            if attempt.previous().len() > REDIRECTS || !is_public(attempt.url()) {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        builder = builder.redirect(follow).dns_resolver(PublicNames);
    }
    builder.build().map_err(|error| error.without_url().to_string())
}
