//! Checks a provider: its key, the way to its endpoint, the clock, and whether it takes the key.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use seedream::seedream_client::{Departure, Transport as _};
use seedream::seedream_core::{Dialect, Error, ErrorKind, Timestamp};

use super::findings::{Finding, Findings};
use crate::{config::Settings, destination::Destination, failure::Failure, provider_selection::environment};

/// How long a response may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How far the clock may be wrong, in seconds. Stores refuse requests that are signed 15 minutes off.
const MOST_SKEW: i64 = 300;

/// Checks one provider. Nothing that is sent can be billed.
pub(super) async fn check(
    dialect: &Arc<dyn Dialect>,
    destination: &Destination,
    settings: &Settings,
    findings: &mut Findings,
) {
    let descriptor = dialect.descriptor();
    let id = Some(descriptor.id.as_str());
    let configured = settings.key(&descriptor.id).map(|found| found.origin.to_string());
    let is_set =
        |name: &&std::borrow::Cow<'static, str>| environment(name).is_some_and(|value| !value.trim().is_empty());
    let from = descriptor.key_variables.iter().find(is_set).map(ToString::to_string).or(configured);
    if let Err(Failure { message, .. }) = settings.transport() {
        return findings.add(Finding::problem("connection", id, &message, "correct the proxy or the CA certificates"));
    }
    let builder = match (destination.client(dialect), &from) {
        (Ok(builder), Some(from)) => {
            findings.add(Finding::ok("key", id, &format!("set, from {from}")));
            builder
        }
        (Ok(builder), None) => {
            findings.add(Finding::ok("key", id, "none; this endpoint may need none"));
            builder
        }
        (Err(Failure { message, .. }), from) => {
            let remedy = match from {
                Some(from) => format!("correct {from}"),
                None => format!("set {}", descriptor.key_variables.join(" or ")),
            };
            return findings.add(Finding::problem("key", id, &message, &remedy));
        }
    };
    let client = match builder.build() {
        Ok(client) => client,
        Err(error) => {
            return findings.add(Finding::problem("endpoint", id, error.message(), "correct the base URL or the key"));
        }
    };
    for warning in client.warnings() {
        findings.add(Finding::problem("endpoint", id, &warning.to_string(), "correct the base URL"));
    }
    if !reach(client.base_url(), settings, id, findings).await {
        return;
    }
    if dialect.catalog().is_none() {
        let detail = "this provider has no request that is free: the key is tried by the first purchase";
        return findings.add(Finding::not_checked("account", id, detail));
    }
    findings.add(match client.models().await {
        Ok(models) => Finding::ok("account", id, &format!("the key is accepted; models: {}", models.len())),
        Err(error) => Finding::problem("account", id, &error.to_string(), &remedy(&error, from.as_deref())),
    });
}

/// Sends a GET without a key to the endpoint; whether anything responds there.
async fn reach(base_url: &str, settings: &Settings, id: Option<&str>, findings: &mut Findings) -> bool {
    let departure = Departure::default();
    let (sent, way) = (get(base_url, settings, &departure).await, departure.proxy().map(str::to_owned));
    let through = way.map(|proxy| format!(", through {proxy}")).unwrap_or_default();
    let response = match sent {
        Ok(response) => response,
        Err(message) => {
            let proxy = settings.proxy().map(|found| format!("; the proxy is that of {}", found.origin));
            let remedy = format!("check the base URL, the network, --proxy and --ca-cert{}", proxy.unwrap_or_default());
            findings.add(Finding::problem("endpoint", id, &message, &remedy));
            return false;
        }
    };
    let status = response.status().as_u16();
    findings.add(Finding::ok("endpoint", id, &format!("{base_url} responds (HTTP {status}){through}")));
    let date = response.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    findings.add(match date.map(|date| Timestamp::now().unix_seconds() - date.as_second()) {
        None => Finding::not_checked("clock", id, "the endpoint states no time"),
        Some(skew) if skew.abs() <= MOST_SKEW => Finding::ok("clock", id, &format!("differs by {} s", skew.abs())),
        Some(skew) => {
            let side = if skew > 0 { "ahead of" } else { "behind" };
            let detail = format!("this machine is {} s {side} the endpoint", skew.abs());
            Finding::problem("clock", id, &detail, "set the clock: certificates and signed URLs depend on it")
        }
    });
    true
}

/// # Errors
/// Why nothing responded, in a sentence.
async fn get(
    url: &str,
    settings: &Settings,
    departure: &Departure,
) -> Result<http::Response<seedream::seedream_client::ResponseBody>, String> {
    let transport = settings.transport().map_err(|failure| failure.message)?;
    let agent = concat!("seedream/", env!("CARGO_PKG_VERSION"));
    let request = http::Request::get(url).header(http::header::USER_AGENT, agent);
    let request = request.extension(departure.clone()).body(Bytes::new());
    let request = request.map_err(|error| format!("{url} cannot be sent to: {error}"))?;
    match tokio::time::timeout(PATIENCE, transport.send(request)).await {
        Ok(sent) => sent.map_err(|error| Error::from(error).message().to_owned()),
        Err(_) => Err(format!("{url} does not respond within {} s", PATIENCE.as_secs())),
    }
}

/// What to do about a refusal of the list of models.
fn remedy(error: &Error, key: Option<&str>) -> String {
    match error.kind() {
        ErrorKind::Authentication | ErrorKind::PermissionDenied => {
            format!("take a valid key from the provider's console and set it in {}", key.unwrap_or("its variable"))
        }
        ErrorKind::Balance | ErrorKind::QuotaExhausted => "add balance in the provider's console".to_owned(),
        ErrorKind::RateLimited => "wait, and try again".to_owned(),
        ErrorKind::Server | ErrorKind::Overloaded => {
            "try again later; if it stays so, check that the base URL is the provider's".to_owned()
        }
        ErrorKind::Transport | ErrorKind::Timeout => "try again; it may be the network or the provider".to_owned(),
        _ => "check that the base URL is the provider's; images may be generated all the same".to_owned(),
    }
}
