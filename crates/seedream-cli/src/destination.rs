//! Where requests go: to the providers, to a base URL, or to the built-in mock.

use std::sync::Arc;

use seedream::seedream_client::Endpoint;
use seedream::seedream_core::Dialect;
use seedream::{Client, ClientBuilder};
use seedream_mock::{MockServer, MockServerBuilder};

use crate::{config::Settings, console::Console, failure::Failure};

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
    /// The providers' endpoints, or those in the environment and in files.
    Providers(Settings),
    /// The base URL that the user gave.
    BaseUrl(String, Settings),
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
        settings: &Settings,
        console: &Console,
    ) -> Result<Self, Failure> {
        if base_url.is_some_and(|url| url.trim().is_empty()) {
            return Err(Failure::usage("--base-url is empty; write a URL, or leave the flag out"));
        }
        let Some(mock) = mock else {
            return Ok(match base_url {
                Some(url) => Self::BaseUrl(url.to_owned(), settings.clone()),
                None => Self::Providers(settings.clone()),
            });
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
        if let Self::BaseUrl(url, _) = self { Some(url) } else { None }
    }

    /// A client builder for a provider, with endpoint and key.
    ///
    /// # Errors
    /// The provider has no key, or the proxy or the CA certificates cannot be used.
    pub(crate) fn client(&self, dialect: &Arc<dyn Dialect>) -> Result<ClientBuilder, Failure> {
        let id = &dialect.descriptor().id;
        let with_key = |url: Option<&str>, settings: &Settings| {
            settings.run_key_command(dialect.descriptor())?;
            let is_url = |name: &str| dialect.descriptor().base_url_variables.iter().any(|variable| variable == name);
            let lookup = |name: &str| url.filter(|_| is_url(name)).map(str::to_owned).or_else(|| settings.lookup(name));
            let builder = seedream::from_lookup(id, lookup)
                .map_err(|error| Failure::usage(format!("{error}, or use --mock, which needs no key")))?;
            settings.connect(builder)
        };
        match self {
            Self::Providers(settings) => with_key(None, settings),
            Self::BaseUrl(url, settings) => with_key(Some(url), settings),
            Self::Mock(mock) => {
                let base = mock.base_url(id);
                let base = base.ok_or_else(|| Failure::other(format!("the built-in mock does not support {id}")))?;
                Ok(Client::builder(dialect.clone()).base_url(base).key(MOCK_KEY))
            }
        }
    }
}
