//! Which URLs may be fetched.

use seedream_core::{Error, ErrorKind, Result, is_public_host};
use url::Url;

use crate::Endpoint;

/// The rules for one endpoint's responses.
#[derive(Debug)]
pub(super) struct UrlPolicy {
    endpoint: Endpoint,
    allow_http: bool,
    /// The names of proxies, which may resolve to any address.
    proxies: Vec<String>,
}

/// How a URL that may be fetched is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DownloadRoute {
    /// It is at the endpoint itself, whose address the user chose.
    Own,
    /// Its name must resolve to public addresses.
    Public,
}

/// Reads a URL as a browser would, so that `http:\\127.1` is judged as what it would reach.
pub(super) fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| refused(&format!("it cannot be read: {error}")))
}

impl UrlPolicy {
    pub(super) fn new(endpoint: Endpoint, allow_http: bool) -> Self {
        let variables = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
        let values = variables.iter().flat_map(|name| [(*name).to_owned(), name.to_ascii_lowercase()]);
        let proxies = values.filter_map(|name| std::env::var(name).ok()).filter_map(|value| proxy_name(&value));
        Self { endpoint, allow_http, proxies: proxies.collect() }
    }

    /// Judges a URL by what is written in it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where it is refused. The message does not repeat it.
    pub(super) fn check(&self, url: &Url) -> Result<DownloadRoute> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a user name or a password"));
        }
        if self.endpoint.is_origin_of(url) {
            return Ok(DownloadRoute::Own);
        }
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            "http" => return Err(refused("it is not https")),
            _ => return Err(refused("it is neither https nor http")),
        }
        let host = url.host_str().unwrap_or_default();
        if !is_public_host(host) {
            return Err(refused("its host is not public"));
        }
        // A proxy's name is let through the resolver, so that nothing but the proxy may be reached by it.
        if self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(host)) {
            return Err(refused("its host is the proxy"));
        }
        Ok(DownloadRoute::Public)
    }

    /// Puts one proxy in the place of those of the environment.
    #[cfg(feature = "reqwest")]
    pub(super) fn use_proxy(&mut self, proxy: &str) {
        self.proxies = vec![proxy.to_owned()];
    }

    #[cfg(feature = "reqwest")]
    pub(super) fn proxies(&self) -> &[String] {
        &self.proxies
    }
}

/// The host of a proxy as environment variables hold it, with or without a scheme.
fn proxy_name(value: &str) -> Option<String> {
    let value = value.trim();
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Url::parse(&with_scheme).ok()?.host_str().map(str::to_owned)
}

pub(super) fn refused(reason: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the result URL is not fetched: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow_http: bool) -> UrlPolicy {
        let mut policy = UrlPolicy::new(Endpoint::new("http://127.0.0.1:8080/v1").unwrap(), allow_http);
        policy.proxies = vec!["proxy.example".into()];
        policy
    }

    #[test]
    fn public_places_and_the_endpoint_itself_are_fetched() {
        for (url, route) in [
            ("https://tos.example/a.png?X-Tos-Signature=1", DownloadRoute::Public),
            ("https://tos.example:8443/a.png", DownloadRoute::Public),
            ("https://8.8.8.8/a.png", DownloadRoute::Public),
            ("https://[2606:4700::1111]/a.png", DownloadRoute::Public),
            ("http://127.0.0.1:8080/images/1.png", DownloadRoute::Own),
            ("HTTP://127.0.0.1:8080/other/path", DownloadRoute::Own),
        ] {
            assert_eq!(policy(false).check(&parse(url).unwrap()).unwrap(), route, "{url}");
        }
        let http = parse("http://tos.example/a.png").unwrap();
        assert_eq!(policy(true).check(&http).unwrap(), DownloadRoute::Public);
        assert!(policy(false).check(&http).is_err());
    }

    #[test]
    fn hostile_urls_are_refused_whatever_their_spelling() {
        for url in [
            "",
            "/relative.png",
            "//tos.example/a.png",
            "file:///etc/passwd",
            "ftp://tos.example/a.png",
            "gopher://tos.example/",
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
            "https://localhost/a",
            "https://db.localhost/a",
            "https://127.0.0.1/a",
            "https://127.1/a",
            "https://2130706433/a",
            "https://0x7f000001/a",
            "https://0177.0.0.1/a",
            "https://①②⑦.0.0.1/a",
            "https://169.254.169.254/latest/meta-data/",
            "https://metadata.google.internal/",
            "https://10.0.0.1/a",
            "https://100.64.0.1/a",
            "https://[::1]/a",
            "https://[::ffff:169.254.169.254]/a",
            "https://[64:ff9b::7f00:1]/a",
            "https://[fd00::1]/a",
            "https://0.0.0.0/a",
            "https://user@tos.example/a",
            "https://u:p@tos.example/a",
            "http://u:p@127.0.0.1:8080/a",
            "https://proxy.example/a",
            "http://127.0.0.1:8081/other-port",
            "https://127.0.0.1:8080/other-scheme",
            "http://127.0.0.1/other-port",
            r"https:\\127.0.0.1\a",
            "https://tos.example@127.0.0.1/a",
        ] {
            for allow_http in [false, true] {
                let judged = parse(url).and_then(|url| policy(allow_http).check(&url));
                assert_eq!(judged.map_err(|error| error.kind()), Err(ErrorKind::Unsupported), "{url}");
            }
        }
    }

    #[test]
    fn proxies_are_known_by_name() {
        for (value, name) in
            [("http://u:p@proxy.corp:3128", "proxy.corp"), ("proxy:8080", "proxy"), ("socks5h://s", "s")]
        {
            assert_eq!(proxy_name(value).as_deref(), Some(name));
        }
    }
}
