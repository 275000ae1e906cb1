//! `seedream mock serve`: the mock as a process of its own.

use seedream_mock::MockServer;

use crate::{
    args::{Callbacks, ContentType, ServeArgs},
    cancel::Cancel,
    exit::{Exit, Failure},
    output::Console,
};

/// Serves until a signal comes. The first line of standard output says where.
///
/// # Errors
/// The port cannot be bound, the address needs a token, or the listener fails.
pub(crate) async fn serve(args: ServeArgs, console: &Console) -> Result<Exit, Failure> {
    let mut builder = MockServer::builder()
        .port(args.port)
        .bind(args.host)
        .validate(args.validate.into())
        .any_content_type(args.content_type == ContentType::Any)
        .keys(args.keys)
        .strict_callbacks(args.callbacks == Callbacks::Strict)
        .faults(args.faults)
        .seed(args.seed);
    if let Some(token) = args.admin_token {
        builder = builder.admin_token(token);
    }
    if let Some(end) = args.task {
        builder = builder.task(end);
    }
    if let Some(seconds) = args.estimated {
        builder = builder.estimated_seconds(seconds);
    }
    if let Some(delay) = args.slow {
        builder = builder.slow(delay);
    }
    if let Some(most) = args.sessions {
        builder = builder.sessions(most);
    }
    if let Some(idle) = args.session_idle {
        builder = builder.session_idle(idle);
    }
    if let Some(entries) = args.journal {
        builder = builder.journal_capacity(entries);
    }
    for profiles in args.profiles {
        builder = builder.profiles(profiles);
    }
    if let Some(folder) = &args.fixtures {
        builder = builder.fixtures(folder).map_err(|error| Failure::usage(error.to_string()))?;
    }
    // Before the line is printed: whoever reads it may end this process at once.
    let cancel = Cancel::on_signals(None)?;
    let mut mock = builder.start().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Failure::usage(format!("{error} (--admin-token)")),
        std::io::ErrorKind::InvalidInput => Failure::usage(error.to_string()),
        _ => Failure::other(format!("the mock cannot listen on {}:{}: {error}", args.host, args.port)),
    })?;
    console.line(&mock.ready_line())?;
    console.note(&format!("mock: serving at {}; end it with Ctrl-C", mock.url()));
    let ended = tokio::select! {
        ended = mock.wait() => Some(ended),
        () = cancel.control().until_cancelled() => None,
    };
    match ended {
        Some(Err(error)) => Err(Failure::other(format!("the mock has failed: {error}"))),
        Some(Ok(())) => Ok(Exit::Ok),
        None => {
            mock.stop().await;
            Ok(Exit::Ok)
        }
    }
}
