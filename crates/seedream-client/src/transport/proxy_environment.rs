//! Which proxy a request goes through, and what to call it in an error.

use std::fmt;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use seedream_core::is_loopback_host;
use url::Url;

/// The rules by which reqwest chooses a proxy, from the same code: upper case before lower case, the scheme's own variable
/// before `ALL_PROXY`, `NO_PROXY`, none at all in a CGI program (`REQUEST_METHOD`), and the system's settings after all these.
#[derive(Debug)]
pub(super) struct ProxyEnvironment {
    matcher: Matcher,
    /// The variables that are set, in the order in which they count.
    variables: Vec<(&'static str, String)>,
}

impl ProxyEnvironment {
    pub(super) fn read() -> Self {
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let variables = names.into_iter().filter_map(|name| Some((name, std::env::var(name).ok()?))).collect();
        Self { matcher: Matcher::from_system(), variables }
    }

    /// The proxy that a request to this place goes through; `url` is the same place.
    pub(super) fn proxy(&self, target: &Uri, url: &Url) -> Option<ChosenProxy> {
        if is_loopback(url) {
            return None;
        }
        let proxy = self.matcher.intercept(target)?;
        // The user name and the password are not part of this.
        let address = proxy.uri().to_string().trim_end_matches('/').to_owned();
        let source = self.variable(target).map_or(ProxySource::System, ProxySource::Variable);
        Some(ChosenProxy { address, source })
    }

    /// The variable that names it; `None` where the system's settings do.
    fn variable(&self, target: &Uri) -> Option<&'static str> {
        let own = if target.scheme_str() == Some("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        [own, "ALL_PROXY"].into_iter().find_map(|wanted| {
            // The first that is set counts, with any value; one that is not a proxy leaves the choice to the next.
            let (name, value) = self.variables.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            Matcher::builder().all(value.as_str()).build().intercept(target).map(|_| *name)
        })
    }
}

/// Whether a request stays on this machine, which no proxy of the environment can reach.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// A proxy that a request goes through, without its user name and password.
#[derive(Clone, Debug)]
pub(super) struct ChosenProxy {
    address: String,
    source: ProxySource,
}

/// What names a proxy.
#[derive(Clone, Copy, Debug)]
enum ProxySource {
    /// The program that made the transport.
    Caller,
    Variable(&'static str),
    System,
}

impl ChosenProxy {
    /// One that the caller names.
    pub(super) fn named(url: &Url) -> Self {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let address = format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default());
        Self { address, source: ProxySource::Caller }
    }

    /// Whether it speaks HTTP, and can respond in place of a plain target.
    pub(super) fn is_http(&self) -> bool {
        self.address.starts_with("http")
    }
}

impl fmt::Display for ChosenProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.address;
        match self.source {
            ProxySource::Caller => write!(f, "the proxy {address}"),
            ProxySource::Variable(name) => write!(f, "the proxy {address} of {name}"),
            ProxySource::System => write!(f, "the proxy {address} of the system's settings"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As [`ProxyEnvironment::read`], without the environment.
    fn environment(variables: &[(&'static str, &str)]) -> ProxyEnvironment {
        let first = |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
        let either = |wanted: &str| {
            Some(first(wanted)).filter(|value| !value.is_empty()).unwrap_or_else(|| first(&wanted.to_ascii_lowercase()))
        };
        let matcher = Matcher::builder().all(either("ALL_PROXY")).http(either("HTTP_PROXY"));
        let matcher = matcher.https(either("HTTPS_PROXY")).no(either("NO_PROXY")).build();
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        ProxyEnvironment { matcher, variables }
    }

    fn told(variables: &[(&'static str, &str)], target: &'static str) -> String {
        let url = Url::parse(target).unwrap();
        environment(variables).proxy(&Uri::from_static(target), &url).map_or_else(String::new, |via| via.to_string())
    }

    #[test]
    fn a_proxy_is_named_by_its_address_and_its_variable() {
        let both = [("HTTP_PROXY", "http://user:s3cret@a:1"), ("ALL_PROXY", "socks5h://user:s3cret@b:2")];
        assert_eq!(told(&both, "http://tiny.example"), "the proxy http://a:1 of HTTP_PROXY");
        assert_eq!(told(&both, "https://tiny.example/v1"), "the proxy socks5h://b:2 of ALL_PROXY");
        assert_eq!(told(&[("https_proxy", "a:1")], "https://tiny.example"), "the proxy http://a:1 of https_proxy");
        assert_eq!(told(&[("https_proxy", "a:1")], "http://tiny.example"), "");
        // What is no proxy does not count.
        let wrong = [("HTTP_PROXY", "ftp://a:1"), ("ALL_PROXY", "http://b:2")];
        assert_eq!(told(&wrong, "http://tiny.example"), "the proxy http://b:2 of ALL_PROXY");
    }

    #[test]
    fn this_machine_and_the_exceptions_have_none() {
        let all = [("ALL_PROXY", "http://a:1"), ("NO_PROXY", "tiny.example,10.0.0.0/8")];
        for target in [
            "http://tiny.example",
            "https://api.tiny.example",
            "http://10.1.2.3",
            "http://127.0.0.1:8080/v1",
            "https://127.9.9.9",
            "http://127.1:8080",
            "http://0.0.0.0:8080",
            "http://[::1]:8080",
            "http://[::ffff:127.0.0.1]",
            "http://localhost",
            "http://LOCALHOST:1",
            "http://mock.localhost",
        ] {
            assert_eq!(told(&all, target), "", "{target}");
        }
        assert!(!told(&all, "http://other.example").is_empty() && !told(&all, "http://localhost.example").is_empty());
    }
}
