//! The arguments of every command that sends to a provider or a bucket.

use std::{convert::Infallible, path::PathBuf};

use clap::Args;

use crate::proxy_url::ProxyUrl;

/// How providers are reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConnectionArgs {
    /// Proxy for everything but this machine itself: http://, https://, socks5:// or socks5h://; the proxy variables, NO_PROXY too, then do not apply
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub(crate) proxy: Option<ProxyUrl>,
    /// PEM file of CA certificates to trust besides the system's; a PostgreSQL ledger takes them from SSL_CERT_FILE only
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Profile of the configuration file; see `seedream config show --help`
    #[arg(long, value_name = "NAME")]
    pub(crate) config_profile: Option<String>,
}

/// An error here would repeat the password, so the URL is checked later.
fn proxy(text: &str) -> Result<ProxyUrl, Infallible> {
    Ok(ProxyUrl(text.to_owned()))
}
