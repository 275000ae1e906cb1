//! Where requests go: to the providers, to a base URL, or to the built-in mock.

use std::sync::Arc;

use seedream::seedream_client::Endpoint;
use seedream::seedream_core::Dialect;
use seedream::{Client, ClientBuilder};
use seedream_mock::{MockServer, MockServerBuilder};

use crate::{console::Console, failure::Failure, provider_selection::environment};

/// The key for the built-in mock, which accepts any.
const MOCK_KEY: &str = "embedded-mock";

/// The URL of a running mock, without a slash at its end.
///
/// # Errors
/// The URL is not valid; `option` names the flag or variable that holds it.
pub(crate) fn mock_url(option: &str, url: &str, console: &Console) -> Result<String, Failure> {
    let endpoint = Endpoint::new(url).map_err(|error| Failure::usage(format!("{option}: {}", error.message())))?;
    for warning in endpoint.warnings() {
        console.note(&format!("warning: {option}: {warning}"));
    }
    Ok(endpoint.base_url().to_owned())
}

/// Where requests go.
#[derive(Debug)]
pub(crate) enum Destination {
    /// The providers' endpoints, or those in the environment.
    Providers,
    /// The base URL that the user gave.
    BaseUrl(String),
    /// A mock in this process.
    Mock(MockServer),
}

impl Destination {
    /// Opens the destination that the flags select, and announces a mock.
    ///
    /// # Errors
    /// The mock cannot bind a port, or the base URL is blank: an unset shell variable must not select the provider.
    pub(crate) async fn open(
        mock: Option<MockServerBuilder>,
        base_url: Option<&str>,
        console: &Console,
    ) -> Result<Self, Failure> {
        if base_url.is_some_and(|url| url.trim().is_empty()) {
            return Err(Failure::usage("--base-url is empty; write a URL, or leave the flag out"));
        }
        let Some(mock) = mock else {
            return Ok(base_url.map_or(Self::Providers, |url| Self::BaseUrl(url.to_owned())));
        };
        let mock = mock.start().await;
        let mock = mock.map_err(|error| Failure::other(format!("cannot start the built-in mock: {error}")))?;
        let url = mock.url();
        console
            .note(&format!("mock: all requests go to the built-in mock at {url}; nothing is billed, no key is used"));
        Ok(Self::Mock(mock))
    }

    /// Whether it is the built-in mock.
    pub(crate) fn is_mock(&self) -> bool {
        matches!(self, Self::Mock(_))
    }

    /// The base URL that the user gave.
    pub(crate) fn base_url(&self) -> Option<&str> {
        if let Self::BaseUrl(url) = self { Some(url) } else { None }
    }

    /// A client builder for a provider, with endpoint and key.
    ///
    /// # Errors
    /// The provider has no key.
    pub(crate) fn client(&self, dialect: &Arc<dyn Dialect>) -> Result<ClientBuilder, Failure> {
        let id = &dialect.descriptor().id;
        let with_key = |url: Option<&str>| {
            let is_url = |name: &str| dialect.descriptor().base_url_variables.iter().any(|variable| variable == name);
            let lookup = |name: &str| url.filter(|_| is_url(name)).map(str::to_owned).or_else(|| environment(name));
            seedream::from_lookup(id, lookup)
                .map_err(|error| Failure::usage(format!("{error}, or use --mock, which needs no key")))
        };
        match self {
            Self::Providers => with_key(None),
            Self::BaseUrl(url) => with_key(Some(url)),
            Self::Mock(mock) => {
                let base = mock.base_url(id);
                let base = base.ok_or_else(|| Failure::other(format!("the built-in mock does not support {id}")))?;
                Ok(Client::builder(dialect.clone()).base_url(base).key(MOCK_KEY))
            }
        }
    }
}
