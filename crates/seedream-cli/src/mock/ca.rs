//! `seedream mock ca`: the certificate that clients of a mock with TLS have to trust.

use http::Uri;

use super::admin_client::AdminClient;
use crate::{args::RunningMockArgs, console::Console, exit::Exit, failure::Failure};

/// Prints the certificate as PEM.
///
/// # Errors
/// As [`certificate`].
pub(super) async fn ca(args: &RunningMockArgs, console: &Console) -> Result<Exit, Failure> {
    let client = AdminClient::new(args, console)?;
    let pem = certificate(client.root()).await?;
    if args.json {
        console.json(&serde_json::json!({ "ca": pem }))?;
    } else {
        console.data(pem.trim_end())?;
    }
    Ok(Exit::Ok)
}

/// The certificate, as PEM, of the authority of a mock on this machine.
///
/// # Errors
/// The URL is not `https` or not of this machine ([`Exit::Usage`]), or no mock with TLS answers ([`Exit::Network`]).
pub(super) async fn certificate(url: &str) -> Result<String, Failure> {
    let uri: Uri = url.parse().map_err(|error| Failure::usage(format!("{url} is not a URL: {error}")))?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("https"));
    let host = host.ok_or_else(|| {
        Failure::usage(format!("{url} is not https: start the mock with `seedream mock serve --tls` and name its URL"))
    })?;
    let presented = seedream_mock::presented_ca(host, uri.port_u16().unwrap_or(443)).await;
    presented.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::usage(error.to_string()),
        _ => Failure { exit: Exit::Network, message: format!("no mock with TLS responds at {url}: {error}") },
    })
}
