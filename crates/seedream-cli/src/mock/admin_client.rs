//! A client for the admin routes of a running mock.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use seedream::seedream_client::{ReqwestTransport, Transport as _};
use serde_json::Value;

use crate::{
    args::{FilterArgs, RunningMockArgs},
    console::Console,
    destination::mock_url,
    exit::Exit,
    failure::Failure,
    provider_selection::environment,
};

/// The URL, session and token of a running mock.
#[derive(Debug)]
pub(crate) struct AdminClient {
    admin: String,
    session: Option<String>,
    token: Option<String>,
    transport: ReqwestTransport,
}

impl AdminClient {
    /// A client for the mock in the flags or the environment.
    ///
    /// # Errors
    /// [`Exit::Usage`] if neither has a URL.
    pub(crate) fn new(args: &RunningMockArgs, console: &Console) -> Result<Self, Failure> {
        let url = args.at.clone().map(|url| ("--at", url));
        let url = url.or_else(|| Some(("SEEDREAM_MOCK_URL", environment("SEEDREAM_MOCK_URL")?)));
        let (option, url) = url.ok_or_else(|| {
            Failure::usage("no mock selected: set --at or SEEDREAM_MOCK_URL to the `url` of its ready line")
        })?;
        let url = mock_url(option, &url, console)?;
        let root = url.trim_end_matches("/__mock/v1");
        Ok(Self {
            admin: format!("{root}/__mock/v1"),
            session: args.session.clone(),
            token: args.admin_token.clone().or_else(|| environment("SEEDREAM_MOCK_TOKEN")),
            transport: ReqwestTransport::new(),
        })
    }

    /// The root URL of the mock.
    pub(crate) fn root(&self) -> &str {
        self.admin.trim_end_matches("/__mock/v1")
    }

    /// Sends a GET request.
    ///
    /// # Errors
    /// As [`AdminClient::send`].
    pub(crate) async fn get(&self, route: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.send("GET", route, query, None).await
    }

    /// Sends a POST request.
    ///
    /// # Errors
    /// As [`AdminClient::send`].
    pub(crate) async fn post(&self, route: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Failure> {
        self.send("POST", route, query, Some(body)).await
    }

    /// Sends a request for the session and returns the JSON response.
    ///
    /// # Errors
    /// No mock responds ([`Exit::Network`]), the token is wrong ([`Exit::Key`]), or the mock refuses the request
    /// ([`Exit::Usage`]).
    pub(crate) async fn send(
        &self,
        method: &str,
        route: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let (status, value) = self.exchange(method, route, self.session.as_deref(), query, body).await?;
        if status.is_success() {
            return value.ok_or_else(|| self.unreachable("the response is not from a mock"));
        }
        let message = value
            .as_ref()
            .and_then(|value| value["error"]["message"].as_str())
            .unwrap_or("the response is not from a mock");
        let exit = if status == StatusCode::UNAUTHORIZED { Exit::Key } else { Exit::Usage };
        let hint = if exit == Exit::Key { "; set --admin-token or SEEDREAM_MOCK_TOKEN" } else { "" };
        Err(Failure { exit, message: format!("the mock responded with {}: {message}{hint}", status.as_u16()) })
    }

    /// The health of the mock; `None` if it wants a token that it did not get.
    ///
    /// # Errors
    /// No mock responds ([`Exit::Network`]).
    pub(crate) async fn health(&self) -> Result<Option<Value>, Failure> {
        let (status, value) = self.exchange("GET", "health", None, &[], None).await?;
        let value = value.unwrap_or_default();
        match status {
            StatusCode::OK if value["status"] == "ok" && value["exchanges"].is_number() => Ok(Some(value)),
            StatusCode::UNAUTHORIZED if value["error"]["code"] == "mock_admin_token" => Ok(None),
            status => {
                Err(self.unreachable(&format!("the response, with status {}, is not from a mock", status.as_u16())))
            }
        }
    }

    async fn exchange(
        &self,
        method: &str,
        route: &str,
        session: Option<&str>,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(StatusCode, Option<Value>), Failure> {
        let session = session.map(|session| ("session", session));
        let pairs: Vec<_> =
            session.iter().chain(query).map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let uri = format!("{}/{route}?{}", self.admin, pairs.join("&"));
        let mut request = http::Request::builder().method(method).uri(uri.trim_end_matches('?'));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Bytes::from(body));
        let request =
            request.map_err(|error| Failure::usage(format!("{} is not a valid mock URL: {error}", self.admin)))?;
        let response = self.transport.send(request).await.map_err(|error| self.unreachable(&error.to_string()))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| self.unreachable(&error.to_string()))?.to_bytes();
        Ok((status, serde_json::from_slice(&body).ok()))
    }

    fn unreachable(&self, why: &str) -> Failure {
        Failure {
            exit: Exit::Network,
            message: format!("no mock responds at {}: {why}; start one with `seedream mock serve`", self.admin),
        }
    }
}

impl FilterArgs {
    /// The query parameters.
    pub(crate) fn query(&self) -> Vec<(&'static str, &str)> {
        let Self { provider, method, path, status, model, fixture, billed, since } = self;
        let all = [
            ("provider", provider),
            ("method", method),
            ("path", path),
            ("status", status),
            ("model", model),
            ("fixture", fixture),
            ("billed", billed),
            ("since", since),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// Percent-encodes a query value.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~*/:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_percent_encoded() {
        assert_eq!(encoded("2026-11-20T10:00:00+01:00"), "2026-11-20T10:00:00%2B01:00");
        assert_eq!(encoded("a b&c=%/ä*"), "a%20b%26c%3D%25/%C3%A4*");
    }
}
