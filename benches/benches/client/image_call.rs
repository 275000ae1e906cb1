//! One call that buys images as URLs, as a person would write it with each library.

use http_body_util::BodyExt as _;
use seedream::{ImageProvider as _, ImageRequest};

use crate::{
    Result,
    peer::{self, Answer, Hyper, KEY, Peer, Request},
};

/// A peer with its connections.
pub(crate) enum Caller {
    Hyper { client: Hyper, url: String },
    Reqwest { client: reqwest::Client, url: String },
    Openai(async_openai::Client<async_openai::config::OpenAIConfig>),
    Ours(seedream::Client),
}

impl Caller {
    pub(crate) fn new(peer: Peer, base: &str) -> Result<Self> {
        let url = format!("{base}/images/generations");
        Ok(match peer {
            Peer::Hyper => Self::Hyper { client: peer::hyper(), url },
            Peer::Reqwest => Self::Reqwest { client: peer::reqwest()?, url },
            Peer::Openai => Self::Openai(peer::openai(base, peer::reqwest()?)),
            Peer::Ours => Self::Ours(peer::ours(base).build()?),
        })
    }

    /// Asks for the usual image; how many came.
    pub(crate) async fn call(&self) -> Result<usize> {
        match self {
            Self::Hyper { client, url } => {
                let response = client.request(peer::post(url, &Request::PLAIN)?).await?;
                if !response.status().is_success() {
                    return Err(response.status().to_string().into());
                }
                let body = response.into_body().collect().await?.to_bytes();
                Ok(count(&serde_json::from_slice(&body)?))
            }
            Self::Reqwest { client, url } => posted(client, url, &Request::PLAIN).await,
            Self::Openai(client) => Ok(client.images().generate(peer::openai_request()).await?.data.len()),
            Self::Ours(client) => generated(client, peer::our_request()).await,
        }
    }
}

/// One call with reqwest and serde_json.
pub(crate) async fn posted(client: &reqwest::Client, url: &str, request: &Request<'_>) -> Result<usize> {
    let response = client.post(url).bearer_auth(KEY).json(request).send().await?;
    Ok(count(&response.error_for_status()?.json().await?))
}

/// One call with this client.
pub(crate) async fn generated(client: &seedream::Client, request: ImageRequest) -> Result<usize> {
    Ok(client.generate(request).await?.images().count())
}

fn count(response: &Answer) -> usize {
    response.data.iter().filter(|item| !item.url.is_empty()).count()
}
