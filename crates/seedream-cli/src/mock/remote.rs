//! A mock that runs somewhere, asked over its admin routes.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use seedream::seedream_client::{ReqwestTransport, Transport as _};
use serde_json::Value;

use crate::{
    args::{FilterArgs, PlaceArgs},
    exit::{Exit, Failure},
    keys::{environment, mock_url},
    output::Console,
};

/// Where a mock runs, which of its sessions is meant, and what lets us in.
#[derive(Debug)]
pub(crate) struct Remote {
    admin: String,
    session: Option<String>,
    token: Option<String>,
    transport: ReqwestTransport,
}

impl Remote {
    /// The mock that the flags or the environment name.
    ///
    /// # Errors
    /// [`Exit::Usage`] where neither does.
    pub(crate) fn of(place: &PlaceArgs, console: &Console) -> Result<Self, Failure> {
        let said = place.at.clone().map(|url| ("--at", url));
        let said = said.or_else(|| Some(("SEEDREAM_MOCK_URL", environment("SEEDREAM_MOCK_URL")?)));
        let (what, url) = said.ok_or_else(|| {
            Failure::usage("which mock? name the `url` of its ready line with --at, or in SEEDREAM_MOCK_URL")
        })?;
        let url = mock_url(what, &url, console)?;
        let root = url.trim_end_matches("/__mock/v1");
        Ok(Self {
            admin: format!("{root}/__mock/v1"),
            session: place.session.clone(),
            token: place.admin_token.clone().or_else(|| environment("SEEDREAM_MOCK_TOKEN")),
            transport: ReqwestTransport::new(),
        })
    }

    /// Asks.
    ///
    /// # Errors
    /// As [`Remote::send`].
    pub(crate) async fn get(&self, route: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.send("GET", route, query, None).await
    }

    /// Tells.
    ///
    /// # Errors
    /// As [`Remote::send`].
    pub(crate) async fn post(&self, route: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Failure> {
        self.send("POST", route, query, Some(body)).await
    }

    /// Sends one request about the session, and reads what the mock says.
    ///
    /// # Errors
    /// Nobody answers there ([`Exit::Network`]), the token is wrong ([`Exit::Key`]), or the mock refuses and says why
    /// ([`Exit::Usage`]).
    pub(crate) async fn send(
        &self,
        method: &str,
        route: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let session = self.session.as_deref().map(|session| ("session", session));
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
            request.map_err(|error| Failure::usage(format!("{} is no place of a mock: {error}", self.admin)))?;
        let lost = |error: &dyn std::fmt::Display| Failure {
            exit: Exit::Network,
            message: format!("no mock answers at {}: {error}", self.admin),
        };
        let response = self.transport.send(request).await.map_err(|error| lost(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        if status.is_success() {
            return value.ok_or_else(|| lost(&"what answers there is no mock"));
        }
        let told = value.as_ref().and_then(|value| value["error"]["message"].as_str()).unwrap_or("it is no mock");
        let exit = if status == http::StatusCode::UNAUTHORIZED { Exit::Key } else { Exit::Usage };
        let hint = if exit == Exit::Key { " (--admin-token, or SEEDREAM_MOCK_TOKEN)" } else { "" };
        Err(Failure { exit, message: format!("the mock answers {}: {told}{hint}", status.as_u16()) })
    }
}

impl FilterArgs {
    /// The members of a query.
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

/// Percent-encoded as far as a query needs it.
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
    fn a_query_carries_any_text() {
        assert_eq!(encoded("2026-11-20T10:00:00+01:00"), "2026-11-20T10:00:00%2B01:00");
        assert_eq!(encoded("a b&c=%/ä*"), "a%20b%26c%3D%25/%C3%A4*");
    }
}
