//! Fetching the images of a response, at once and without credentials.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{CONTENT_TYPE, LOCATION};
use http_body_util::BodyExt as _;
use reqwest::{Client, Url};

use crate::record::http_client;
use crate::record::http_client::ExtraRoots;
use crate::record::public_address::{PublicNames, is_public};
use crate::record::upstream::Upstream;

/// The largest image.
const LARGEST: usize = 64 * 1024 * 1024;

/// How long one download may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// The pauses before another download of an image that was paid for: a store may have it a moment later.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

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
    roots: ExtraRoots,
    public_http: OnceLock<Client>,
    public_https: OnceLock<Client>,
    own: OnceLock<Client>,
}

/// Why an image did not come.
struct Failure {
    fetched: FetchedImage,
    /// Whether it may come later.
    is_passing: bool,
}

impl Failure {
    fn lasting(why: impl Into<String>) -> Self {
        Self { fetched: FetchedImage { failure: Some(why.into()), ..FetchedImage::default() }, is_passing: false }
    }

    fn passing(why: impl Into<String>) -> Self {
        Self { is_passing: true, ..Self::lasting(why) }
    }
}

impl ImageFetcher {
    pub(crate) fn new(roots: ExtraRoots) -> Self {
        Self { roots, ..Self::default() }
    }

    /// Fetches an image, several times if it does not come.
    pub(crate) async fn fetch(&self, upstream: &Upstream, url: &str) -> FetchedImage {
        let mut pauses = PAUSES.into_iter();
        loop {
            let failure = match tokio::time::timeout(PATIENCE, self.get(upstream, url)).await {
                Ok(Ok(fetched)) => return fetched,
                Ok(Err(failure)) => failure,
                Err(_) => Failure::passing(format!("the download took longer than {} s", PATIENCE.as_secs())),
            };
            match pauses.next().filter(|_| failure.is_passing) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return failure.fetched,
            }
        }
    }

    async fn get(&self, upstream: &Upstream, url: &str) -> Result<FetchedImage, Failure> {
        let mut url = Url::parse(url).map_err(|_| Failure::lasting("it is no URL"))?;
        let mut redirects = 0;
        let response = loop {
            // The URL may hold what the client sent in secret.
            let response = self.client(upstream, &url)?.get(url.clone()).send().await.map_err(|error| lost(&error))?;
            let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection());
            match location.and_then(|location| url.join(location.to_str().ok()?).ok()) {
                Some(next) if redirects < REDIRECTS => url = next,
                _ => break response,
            }
            redirects += 1;
        };
        let status = response.status().as_u16();
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let head = FetchedImage { status: Some(status), media_type, ..FetchedImage::default() };
        if status != 200 {
            // A store may answer with 403 or 404 as long as an object is not there.
            let is_passing = matches!(status, 403 | 404 | 408 | 425 | 429 | 500..);
            let failure = Some(format!("its download responds with {status}"));
            return Err(Failure { fetched: FetchedImage { failure, ..head }, is_passing });
        }
        let mut body = http::Response::<reqwest::Body>::from(response).into_body();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| lost(&error))?.into_data() else { continue };
            bytes.extend_from_slice(&data);
            if bytes.len() > LARGEST {
                return Err(Failure::lasting(format!("it is larger than {} MiB", LARGEST >> 20)));
            }
        }
        Ok(FetchedImage { bytes: Some(bytes.freeze()), ..head })
    }

    /// The client for a URL of an image, or of a redirect to one.
    fn client(&self, upstream: &Upstream, url: &Url) -> Result<&Client, Failure> {
        let is_own = upstream.is_at(url);
        if !is_own && !is_public(url) {
            return Err(Failure::lasting("its host is neither public nor the upstream's"));
        }
        let cell = match (is_own, url.scheme()) {
            (true, _) => &self.own,
            (false, "http") => &self.public_http,
            (false, _) => &self.public_https,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let builder = http_client::builder(url, &self.roots).map_err(Failure::lasting)?;
        let builder = if is_own { builder } else { builder.dns_resolver(PublicNames) };
        let made = builder.build().map_err(|error| Failure::lasting(error.without_url().to_string()))?;
        Ok(cell.get_or_init(|| made))
    }
}

fn lost(error: &reqwest::Error) -> Failure {
    Failure::passing(if error.is_connect() { "its host cannot be reached" } else { "the connection was lost" })
}
