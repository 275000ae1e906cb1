//! `seedream mock routes`: the routes and their authentication.

use seedream_fixtures::{ProviderFacts, RouteFacts, providers};
use serde::Serialize;

use crate::{args::ShowArgs, console::Console, exit::Exit, failure::Failure, table::Table};

#[derive(Serialize)]
struct Line<'p> {
    provider: &'p str,
    method: &'p str,
    /// The path on the mock.
    path: String,
    does: &'static str,
    /// Whether a key is needed.
    key: bool,
    evidence: &'static str,
}

impl<'p> Line<'p> {
    fn of(provider: &'p ProviderFacts, route: &'p RouteFacts) -> Self {
        Self {
            provider: &provider.id,
            method: &route.method,
            path: format!("/{}{}", provider.id, route.path),
            does: route.name.as_str(),
            key: route.auth_required.unwrap_or(provider.auth.required),
            evidence: route.source.kind.as_str(),
        }
    }
}

/// Lists the routes.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn routes(args: &ShowArgs, console: &Console) -> Result<Exit, Failure> {
    let lines = providers().iter().flat_map(|provider| provider.routes.iter().map(|route| Line::of(provider, route)));
    let lines: Vec<_> = lines.collect();
    if args.json {
        console.json(&lines)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["PROVIDER", "METHOD", "PATH", "FOR", "KEY", "EVIDENCE"]);
    for Line { provider, method, path, does, key, evidence } in lines {
        let key = if key { "bearer" } else { "optional" };
        let cells = [provider, method, &path, does, key, evidence];
        table.row(cells.iter().map(ToString::to_string).collect());
    }
    console.data(&format!(
        "{table}\nprefix a path with /s/<session> to use a session; use `seedream mock ctl` for the admin routes, and \
         `seedream mock profiles` for the relays that `--profile` puts before a provider"
    ))?;
    Ok(Exit::Ok)
}
