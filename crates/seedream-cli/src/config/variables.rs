//! The settings of the environment. The variables of each provider are read where they are needed.

use seedream::Size;
use seedream::seedream_client::NameTemplate;

use super::layer::{Found, Layer, Origin};
use crate::{failure::Failure, provider_selection::environment, proxy_url::ProxyUrl};

/// The variables that name proxies, which the transport reads itself.
const PROXY_VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// The variable that names CA certificates.
const CA_VARIABLE: &str = "SSL_CERT_FILE";

/// The settings of the environment.
///
/// # Errors
/// A value is not valid.
pub(super) fn variables() -> Result<Layer, Failure> {
    let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let found = |name: &str| set(name).map(|value| Found { value, origin: Origin::Variable(name.to_owned()) });
    let mut layer = Layer::default();
    if let Some(ids) = found("SEEDREAM_PROVIDER") {
        let ids = ids.try_map(|text| {
            let ids: Vec<_> = text.split(',').map(|id| id.trim().to_owned()).collect();
            let unknown = ids.iter().filter(|id| *id != "all").find_map(|id| seedream::dialect(id).err());
            unknown.map_or(Ok(ids), |error| Err(error.to_string()))
        });
        layer.provider = Some(ids?);
    }
    layer.model = found("SEEDREAM_MODEL");
    if let Some(size) = found("SEEDREAM_SIZE") {
        layer.size = Some(size.try_map(|text| text.trim().parse::<Size>().map_err(|error| error.to_string()))?);
    }
    layer.out = found("SEEDREAM_OUT").map(|Found { value, origin }| Found { value: value.into(), origin });
    if let Some(name) = found("SEEDREAM_NAME") {
        let parse = |text: String| text.parse::<NameTemplate>().map_err(|error| error.message().to_owned());
        layer.name = Some(name.try_map(parse)?);
    }
    let proxy = PROXY_VARIABLES.iter().find_map(|name| found(name));
    layer.proxy = proxy.map(|Found { value, origin }| Found { value: ProxyUrl(value), origin });
    layer.ca_cert = found(CA_VARIABLE).map(|Found { value, origin }| Found { value: value.into(), origin });
    Ok(layer)
}

impl<T> Found<T> {
    /// Makes another value of it.
    ///
    /// # Errors
    /// It is not valid; the message names where it stands.
    fn try_map<U>(self, make: impl FnOnce(T) -> Result<U, String>) -> Result<Found<U>, Failure> {
        let Self { value, origin } = self;
        match make(value) {
            Ok(value) => Ok(Found { value, origin }),
            Err(reason) => Err(Failure::usage(format!("{origin}: {reason}; nothing was sent"))),
        }
    }
}
