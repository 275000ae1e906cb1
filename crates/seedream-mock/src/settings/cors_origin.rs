//! The origins whose pages may use the mock.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// The hosts of this machine, as they stand in an origin.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whose pages may use the mock: those of one origin, `https://app.example:8443`, or `*` for all. Pages of this machine
/// (`localhost`, `127.0.0.1`, `[::1]`) always may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsOrigin(String);

impl CorsOrigin {
    /// Whether a page of this origin may use the mock.
    pub(crate) fn admits(&self, origin: &str) -> bool {
        self.0 == "*" || self.0 == origin
    }
}

/// Whether an origin is this machine, at any port.
pub(crate) fn is_loopback(origin: &str) -> bool {
    let Some(place) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else { return false };
    let port = |rest: &str| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    LOOPBACK.iter().any(|host| place.strip_prefix(host).is_some_and(port))
}

impl fmt::Display for CorsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CorsOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self(text.to_owned()));
        }
        let wrong = || {
            format!(
                "`{text}` is not an origin: write https://app.example or http://app.example:8080, without a path, or *"
            )
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong());
        };
        // A browser writes no path, no user and no default port, and an origin in small letters.
        let extra = authority.as_str().contains('@') || authority.host().is_empty() || text.ends_with('/');
        if extra || uri.path().len() > 1 || uri.query().is_some() {
            return Err(wrong());
        }
        let host = authority.host().to_ascii_lowercase();
        Ok(Self(match (scheme, authority.port_u16()) {
            (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
            (_, Some(port)) => format!("{scheme}://{host}:{port}"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_a_browser_does() {
        for (text, origin) in [
            ("*", "*"),
            ("https://App.Example", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://app.example:8080", "http://app.example:8080"),
        ] {
            assert_eq!(text.parse::<CorsOrigin>().map(|origin| origin.to_string()).as_deref(), Ok(origin));
        }
        for text in [
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/x",
            "https://u@app.example",
            "ftp://x",
            "null",
        ] {
            let error = text.parse::<CorsOrigin>().unwrap_err();
            assert!(error.contains("without a path"), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for origin in [
            "http://localhost",
            "http://localhost:5173",
            "http://127.0.0.1:80",
            "http://[::1]:3000",
            "https://localhost",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://localhost.example",
            "http://localhost:80.example",
            "http://127.0.0.1.example",
            "http://example/localhost",
            "file://localhost",
            "http://localhost:1@example",
            "http://127.0.0.10",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
