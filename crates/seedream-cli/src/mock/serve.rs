//! `seedream mock serve`: runs the mock until a signal ends it.

use std::path::Path;

use seedream_fixtures::{FixtureLibrary, load_dir};
use seedream_mock::{MockServer, RecordOptions, ReplayReport};

use super::record;
use crate::{
    args::{OnMissWord, ServeArgs},
    console::Console,
    exit::Exit,
    failure::Failure,
    provider_selection::environment,
    signals::Cancel,
};

/// Serves until a signal arrives. The first line of standard output is the ready line.
///
/// # Errors
/// The port cannot be bound, the address requires a token, or the listener fails.
pub(crate) async fn serve(mut args: ServeArgs, console: &Console) -> Result<Exit, Failure> {
    let in_environment = || environment("SEEDREAM_MOCK_TOKEN").filter(|token| !token.is_empty());
    args.admin_token = args.admin_token.or_else(in_environment);
    if !args.host.is_loopback() && args.admin_token.is_none() {
        return Err(Failure::usage(format!(
            "--host {} is not loopback, so other machines can reach the admin routes: set --admin-token TOKEN, or use --host \
             127.0.0.1",
            args.host
        )));
    }
    let (host, port, fixtures, strict) = (args.host, args.port, args.fixtures.clone(), args.strict);
    let (tls, ca_file) = (args.tls, args.ca_file.clone());
    let proxy = proxy(&args)?;
    let mut builder = MockServer::builder().settings(args.settings()).bind(host).port(port).tls(tls);
    if let Some(folder) = fixtures {
        builder = builder.fixtures(folder).map_err(|error| Failure::usage(format!("--fixtures {error}")))?;
    }
    if let Some(options) = proxy {
        builder = builder.record(options).map_err(|error| record::unusable(&error))?;
    }
    // The handlers exist before the ready line, whose reader may send a signal at once.
    let cancel = Cancel::on_signals(None)?;
    let mut mock = builder.start().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::usage(error.to_string()),
        _ => Failure::other(format!("the mock cannot listen on {host}:{port}: {error}")),
    })?;
    if let Some((file, pem)) = ca_file.zip(mock.ca_pem()) {
        std::fs::write(&file, pem)
            .map_err(|error| Failure::other(format!("--ca-file {} cannot be written: {error}", file.display())))?;
    }
    console.line(&mock.ready_line())?;
    console.note(&format!("mock: serving at {}; press Ctrl-C to stop", mock.url()));
    let ended = tokio::select! {
        ended = mock.wait() => Some(ended),
        () = cancel.control().until_cancelled() => None,
    };
    match ended {
        Some(Err(error)) => Err(Failure::other(format!("the mock failed: {error}"))),
        Some(Ok(())) => Ok(Exit::Ok),
        None => {
            let report = mock.replay_report();
            if mock.recording().is_some() {
                record::finish(mock, &cancel, console).await?;
            } else {
                mock.stop().await;
            }
            Ok(if strict { judged(&report, console) } else { Exit::Ok })
        }
    }
}

/// What is needed to send misses to an upstream.
///
/// # Errors
/// Something of it is missing, or it is there without `--on-miss proxy`.
fn proxy(args: &ServeArgs) -> Result<Option<RecordOptions>, Failure> {
    let (upstream, budget) = match (args.on_miss, &args.upstream, args.budget) {
        (Some(OnMissWord::Proxy), Some(upstream), Some(budget)) => (upstream.clone(), budget),
        (Some(OnMissWord::Proxy), ..) => {
            return Err(Failure::usage(
                "--on-miss proxy sends requests that may buy images: set --upstream URL and --budget N",
            ));
        }
        (_, Some(_), _) => return Err(Failure::usage("--upstream is for --on-miss proxy; set both, or neither")),
        _ => return Ok(None),
    };
    // The flag requires the folder.
    let folder = args.fixtures.clone().unwrap_or_default();
    let provider = args.provider.clone().or_else(|| only_provider(&folder)).ok_or_else(|| {
        Failure::usage(format!("--fixtures {}: it has not exactly one provider; set --provider", folder.display()))
    })?;
    let ca_certificates = record::certificates(args.ca_cert.as_deref())?;
    Ok(Some(RecordOptions { provider, upstream, budget, folder, ca_certificates }))
}

/// The only provider of a folder that can be read.
fn only_provider(folder: &Path) -> Option<String> {
    let library: FixtureLibrary = load_dir(folder).ok()?;
    let mut providers: Vec<&str> = library.exchanges().iter().map(|exchange| exchange.provider()).collect();
    providers.dedup();
    match providers.as_slice() {
        [provider] => Some((*provider).to_owned()),
        _ => None,
    }
}

/// Names what was missed and what was never asked for.
fn judged(report: &ReplayReport, console: &Console) -> Exit {
    let ReplayReport { missed, more_missed, unplayed } = report;
    for miss in missed {
        console.note(&format!("missed: {miss}"));
    }
    if *more_missed > 0 {
        console.note(&format!("missed: {more_missed} more requests"));
    }
    for id in unplayed {
        console.note(&format!("never asked for: {id}"));
    }
    if missed.is_empty() && unplayed.is_empty() { Exit::Ok } else { Exit::Other }
}
