//! `seedream mock serve`: runs the mock until a signal ends it.

use seedream_mock::MockServer;

use crate::{
    args::ServeArgs, console::Console, exit::Exit, failure::Failure, provider_selection::environment, signals::Cancel,
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
    let (host, port, fixtures) = (args.host, args.port, args.fixtures.clone());
    let (tls, ca_file) = (args.tls, args.ca_file.clone());
    let mut builder = MockServer::builder().settings(args.settings()).bind(host).port(port).tls(tls);
    if let Some(folder) = fixtures {
        builder = builder.fixtures(folder).map_err(|error| Failure::usage(format!("--fixtures {error}")))?;
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
            mock.stop().await;
            Ok(Exit::Ok)
        }
    }
}
