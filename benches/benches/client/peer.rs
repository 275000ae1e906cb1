//! The libraries that are measured, each made once a process, and what a person would write with the bare ones.

use std::sync::Arc;

use async_openai::config::OpenAIConfig;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use seedream::adapters::Ark;
use seedream::{Client, ClientBuilder, ImageRequest};
use serde::{Deserialize, Serialize};

use crate::Result;

pub(crate) const KEY: &str = "sk-bench-0123456789";
pub(crate) const MODEL: &str = "doubao-seedream-4-0-250828";
pub(crate) const PROMPT: &str = "a lighthouse in fog, seen from the sea";

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Peer {
    Hyper,
    Reqwest,
    Openai,
    Ours,
}

impl Peer {
    pub(crate) const ALL: [Self; 4] = [Self::Reqwest, Self::Hyper, Self::Openai, Self::Ours];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Hyper => "hyper + serde_json",
            Self::Reqwest => "reqwest + serde_json",
            Self::Openai => "async-openai",
            Self::Ours => "this client",
        }
    }
}

/// One thread, as an entry has it.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// hyper with a pool of connections.
pub(crate) type Hyper = Box<Pool<HttpConnector, Full<Bytes>>>;

pub(crate) fn hyper() -> Hyper {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Box::new(Pool::builder(TokioExecutor::new()).build(connector))
}

/// A reqwest that needs no certificates.
pub(crate) fn reqwest() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).build()?)
}

/// async-openai over such a reqwest: one of its own would look for certificates.
pub(crate) fn openai(url: &str, http: reqwest::Client) -> async_openai::Client<OpenAIConfig> {
    let config = OpenAIConfig::new().with_api_base(url).with_api_key(KEY);
    async_openai::Client::build(http, config)
}

/// This client, with everything switched on that is on by default.
pub(crate) fn ours(url: &str) -> ClientBuilder {
    // Ark's base URLs name a version, which the server here does not read.
    Client::builder(Ark).base_url(format!("{url}/v1")).key(KEY)
}

pub(crate) fn our_request() -> ImageRequest {
    ImageRequest::new(MODEL, PROMPT)
}

pub(crate) fn openai_request() -> async_openai::types::images::CreateImageRequest {
    use async_openai::types::images::{CreateImageRequest, ImageModel};

    let model = ImageModel::Other(MODEL.to_owned());
    CreateImageRequest { prompt: PROMPT.to_owned(), model, ..CreateImageRequest::default() }
}

/// What is posted with the bare libraries.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    pub(crate) prompt: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) image: &'a [String],
}

impl Request<'static> {
    pub(crate) const PLAIN: Self = Self { model: MODEL, prompt: PROMPT, image: &[] };
}

/// What is read with the bare libraries: just what a program needs, and nothing is kept for whom something goes wrong.
#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) data: Vec<Item>,
    #[expect(dead_code, reason = "read as a program would")]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(crate) struct Item {
    pub(crate) url: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read as a program would")]
struct Usage {
    generated_images: u32,
    output_tokens: u64,
    total_tokens: u64,
}

/// A POST of hyper's.
pub(crate) fn post(url: &str, body: &impl Serialize) -> Result<http::Request<Full<Bytes>>> {
    Ok(http::Request::post(url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .header(http::header::AUTHORIZATION, format!("Bearer {KEY}"))
        .body(Full::new(serde_json::to_vec(body)?.into()))?)
}
