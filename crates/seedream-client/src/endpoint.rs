//! Where requests go, and with which key.

mod api_key;
mod dialect_paths;
mod pasted_url_and_key;

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Uri, header};
use seedream_core::{Dialect, Error, ErrorKind, Result, Warning, WarningKind, redact};
use url::Url;

pub(crate) use self::dialect_paths::{is_relay, not_found_advice};
pub use self::{api_key::ApiKey, pasted_url_and_key::bare_key};

/// A provider's base URL and the key that opens it. Its `Debug` shows no key.
#[derive(Clone)]
pub struct Endpoint {
    base: String,
    url: Url,
    key: Option<ApiKey>,
    warnings: Vec<Warning>,
}

impl Endpoint {
    /// An endpoint without a key: some relays need none.
    ///
    /// What is unmistakable is corrected, and [`Endpoint::warnings`] says so: quotes and blanks around the URL are left out, and
    /// without a scheme `http` is taken for this machine and `https` for every other. A slash at the end is taken off.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is not a plain `http` or `https` URL: a query, a fragment and a user name have no
    /// meaning in a base URL.
    pub fn new(base_url: &str) -> Result<Self> {
        let (url, fixes) = read(base_url)?;
        Ok(Self::at(url, &fixes))
    }

    /// The same for one provider: its own path at the end of the URL (`…/v1/images/generations`, `…/v1/tasks/<id>`) is cut off
    /// too, as is a version with which that path begins.
    ///
    /// # Errors
    /// As [`Endpoint::new`], and [`ErrorKind::Config`] where the provider's documented base URL names a version and this one
    /// does not.
    pub fn of(dialect: &dyn Dialect, base_url: &str) -> Result<Self> {
        let (mut url, mut fixes) = read(base_url)?;
        if let Some(cut) = dialect_paths::cut_off(dialect, &mut url) {
            fixes.push(format!("{cut} at its end is added to every request and is cut off"));
        }
        let place = Self::at(url, &fixes);
        dialect_paths::has_version(dialect, &place.base)?;
        Ok(place)
    }

    fn at(url: Url, fixes: &[String]) -> Self {
        let base = url.as_str().trim_end_matches('/').to_owned();
        let message = || redact(&format!("the base URL is read as {base}: {}", fixes.join("; ")));
        let warnings = if fixes.is_empty() { Vec::new() } else { vec![rewritten(message())] };
        Self { base, url, key: None, warnings }
    }

    /// Sets the key. Quotes and blanks around it and a `Bearer ` before it are left out, with a warning; the newline of a file is
    /// taken off without one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is empty, or holds something that cannot stand in a header.
    pub fn with_key(mut self, key: impl Into<ApiKey>) -> Result<Self> {
        let given = key.into();
        let (bare, changed) = pasted_url_and_key::clean_key(given.expose());
        if bare.is_empty() {
            return Err(config("key", "the key is empty"));
        }
        let key = ApiKey::from(bare);
        bearer(&key)?;
        if changed {
            let message = "the key is used without the quotes, the blanks or the `Bearer ` that stand around it";
            self.warnings.push(rewritten(message.to_owned()));
        }
        self.key = Some(key);
        Ok(self)
    }

    /// What was corrected in the base URL and the key. No warning shows the key.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The same endpoint without its key.
    pub(crate) fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// The base URL, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Whether a URL has this endpoint's scheme, host and port.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        self.url.origin() == url.origin()
    }

    /// The endpoint of a task: its own base URL with this key, if that is the same place.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is another: a task file must not steer the key to a host that was not configured.
    pub(crate) fn for_task(&self, base_url: &str) -> Result<Self> {
        let other = Self::new(base_url)?;
        if !self.is_origin_of(&other.url) {
            let (theirs, ours) = (&other.base, &self.base);
            let message = format!(
                "the task was accepted at {theirs}, and this client is set up for {ours}: set its base URL to {theirs} to collect it"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(Self { key: self.key.clone(), warnings: self.warnings.clone(), ..other })
    }

    /// The key, where it is long enough not to be found in ordinary words.
    pub(crate) fn secret(&self) -> Option<&str> {
        const SHORT: usize = 8;
        self.key.as_ref().map(ApiKey::expose).filter(|key| key.len() >= SHORT)
    }

    /// The body of a refusal without the key, which some gateways repeat in the message of a 401. A success is never touched:
    /// the URL of an image may hold anything.
    pub(crate) fn scrub(&self, body: Bytes) -> Bytes {
        const SMALL: usize = 64 << 10;
        let Some(key) = self.secret() else { return body };
        if body.len() > SMALL {
            return body;
        }
        match std::str::from_utf8(&body) {
            Ok(text) if text.contains(key) => text.replace(key, "…").into(),
            _ => body,
        }
    }

    /// Puts the base URL before the request's path, and the key at its edge.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the path is not valid: a bug of an adapter.
    pub(crate) fn address(&self, request: &mut http::Request<Bytes>) -> Result<()> {
        *request.uri_mut() = self.uri(request.uri())?;
        if let Some(key) = &self.key {
            request.headers_mut().insert(header::AUTHORIZATION, bearer(key)?);
        }
        Ok(())
    }

    /// The absolute form of a path below the base URL.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is not such a path.
    pub(crate) fn uri(&self, path: &Uri) -> Result<Uri> {
        let relative = path.authority().is_none() && path.path().starts_with('/');
        let path = path.path_and_query().filter(|_| relative);
        let joined = path.and_then(|path| Uri::try_from([&self.base, path.as_str()].concat()).ok());
        joined.ok_or_else(|| Error::new(ErrorKind::Config, "the adapter wrote a path that is not below its base URL"))
    }
}

/// # Errors
/// [`ErrorKind::Config`] that repeats nothing of the text, which may hold a password.
fn read(base_url: &str) -> Result<(Url, Vec<String>)> {
    pasted_url_and_key::base_url(base_url).map_err(|reason| config("base_url", &format!("the base URL {reason}")))
}

/// An error of a setting, which [`Error::param`] names.
fn config(setting: &str, message: &str) -> Error {
    Error::new(ErrorKind::Config, message).with_param(setting.to_owned())
}

/// The warnings of several places, each once.
pub(crate) fn warnings(places: &[Endpoint]) -> Vec<Warning> {
    let mut all: Vec<Warning> = Vec::new();
    for warning in places.iter().flat_map(Endpoint::warnings) {
        if !all.contains(warning) {
            all.push(warning.clone());
        }
    }
    all
}

fn rewritten(message: String) -> Warning {
    Warning::new(WarningKind::Rewritten, None, message)
}

/// Sensitive, so that no log of headers shows it and HTTP/2 does not index it.
fn bearer(key: &ApiKey) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
        .map_err(|_| config("key", "the key holds a character that cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { "set" } else { "none" };
        f.debug_struct("Endpoint").field("base_url", &self.base).field("key", &key).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_plain() {
        for (given, base) in [
            ("https://api.example/", "https://api.example"),
            (" https://api.example/v1/ ", "https://api.example/v1"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://API.example:443/v1", "https://api.example/v1"),
        ] {
            assert_eq!(Endpoint::new(given).unwrap().base_url(), base);
        }
        for given in ["", "api", "ftp://a", "https://u:s3cret@a", "https://a?s3cret", "https://a#b", "file:///etc"] {
            let error = Endpoint::new(given).unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::Config, Some("base_url")), "{given}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_key_is_added_at_the_edge_and_shown_nowhere() {
        let endpoint = Endpoint::new("https://a.example/v1").unwrap().with_key("canary-key\n").unwrap();
        let mut request = http::Request::get("/tasks/1?x=%2F").body(Bytes::new()).unwrap();
        endpoint.address(&mut request).unwrap();
        assert_eq!(request.uri(), "https://a.example/v1/tasks/1?x=%2F");
        assert_eq!(request.headers()["authorization"], "Bearer canary-key");
        assert!(!format!("{request:?}{endpoint:?}").contains("canary"));
        let pasted = Endpoint::new("https://a.example").unwrap().with_key("\"Bearer canary-key\"").unwrap();
        let mut request = http::Request::get("/").body(Bytes::new()).unwrap();
        pasted.address(&mut request).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer canary-key");
        assert_eq!((endpoint.warnings().len(), pasted.warnings().len()), (0, 1));
        assert!(!format!("{:?}", pasted.warnings()).contains("canary"));
        for key in ["", " \n", "canary\nkey", "\"\"", "Bearer "] {
            let error = Endpoint::new("https://a").unwrap().with_key(key).unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::Config, Some("key")));
            assert!(!format!("{error}{error:?}").contains("canary"));
        }
    }

    #[test]
    fn a_path_with_a_host_of_its_own_is_refused() {
        let endpoint = Endpoint::new("https://a.example").unwrap();
        for path in ["https://evil.example/x", "*"] {
            assert_eq!(endpoint.uri(&path.parse().unwrap()).unwrap_err().kind(), ErrorKind::Config, "{path}");
        }
    }

    #[test]
    fn a_task_is_asked_for_at_its_own_base_url_of_the_same_origin_only() {
        let endpoint = Endpoint::new("https://a.example").unwrap().with_key("k").unwrap();
        assert_eq!(endpoint.for_task("https://a.example:443/v1").unwrap().base_url(), "https://a.example/v1");
        for other in ["https://b.example", "http://a.example", "https://a.example:444", "https://a.example@b.example"] {
            assert_eq!(endpoint.for_task(other).unwrap_err().kind(), ErrorKind::Config, "{other}");
        }
        let message = endpoint.for_task("https://b.example/v1").unwrap_err();
        assert!(message.message().ends_with("set its base URL to https://b.example/v1 to collect it"), "{message}");
    }
}
