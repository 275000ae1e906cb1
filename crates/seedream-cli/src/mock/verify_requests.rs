//! `seedream mock verify`: checks which requests a running mock received.

use serde_json::{Map, Value};

use super::admin_client::AdminClient;
use crate::{args::VerifyArgs, console::Console, exit::Exit, failure::Failure};

/// Prints the verdict; exits with 1 if the requests are not as expected.
///
/// # Errors
/// The pattern is not JSON, or as [`AdminClient::send`].
pub(crate) async fn verify(args: &VerifyArgs, console: &Console) -> Result<Exit, Failure> {
    let client = AdminClient::new(&args.mock, console)?;
    let mut body = Map::new();
    if let Some(pattern) = &args.pattern {
        let pattern = serde_json::from_str(pattern).map_err(|error| {
            Failure::usage(format!("--match is not JSON: {error}; write '{{\"method\":\"POST\"}}'"))
        })?;
        body.insert("match".to_owned(), pattern);
    }
    for (name, number) in [("count", args.count), ("at_least", args.at_least), ("at_most", args.at_most)] {
        if let Some(number) = number {
            body.insert(name.to_owned(), number.into());
        }
    }
    let route = match &args.wait {
        Some(time) => {
            body.insert("timeout".to_owned(), time.as_str().into());
            "wait"
        }
        None => "verify",
    };
    let verdict = client.post(route, &args.filter.query(), &body.into()).await?;
    if args.mock.json {
        console.json(&verdict)?;
    } else {
        console.data(&described(&verdict))?;
    }
    Ok(if verdict["satisfied"] == true { Exit::Ok } else { Exit::Other })
}

/// The verdict as text.
fn described(verdict: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let status = if verdict["satisfied"] == true { "ok" } else { "not as expected" };
    let mut lines = vec![format!("{status}: expected {}, found {}", text(&verdict["expected"]), verdict["matched"])];
    for miss in verdict["nearest"].as_array().into_iter().flatten() {
        let [ordinal, method, path, status] = ["ordinal", "method", "path", "status"].map(|name| text(&miss[name]));
        lines.push(format!("nearest: request {ordinal}, {method} {path}, response {status}"));
        for differs in miss["differs"].as_array().into_iter().flatten() {
            let value = |name: &str| differs.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
            lines.push(format!(
                "  {}: expected {}, got {}",
                text(&differs["field"]),
                value("expected"),
                value("actual")
            ));
        }
    }
    lines.join("\n")
}
