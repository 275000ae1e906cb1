//! `seedream mock record`: records a real upstream until a signal ends it.

use std::io;
use std::path::Path;

use seedream_mock::{MockServer, RecordOptions, RecordingSummary};

use crate::{args::RecordArgs, console::Console, exit::Exit, failure::Failure, signals::Cancel};

/// Records until a signal arrives. The first line of standard output is the ready line, the last one the summary.
///
/// # Errors
/// The upstream or the folder cannot be used, the port cannot be bound, or the listener fails.
pub(crate) async fn record(args: RecordArgs, console: &Console) -> Result<Exit, Failure> {
    let RecordArgs { provider, upstream, budget, out, port, ca_cert } = args;
    let ca_certificates = certificates(ca_cert.as_deref())?;
    let options = RecordOptions { provider, upstream: upstream.clone(), budget, folder: out.clone(), ca_certificates };
    let builder = MockServer::builder().port(port).record(options).map_err(|error| unusable(&error))?;
    // The handlers exist before the ready line, whose reader may send a signal at once.
    let cancel = Cancel::on_signals(None)?;
    let started = builder.start().await;
    let mut mock = started.map_err(|error| Failure::other(format!("cannot listen on 127.0.0.1:{port}: {error}")))?;
    console.line(&mock.ready_line())?;
    let place = out.display();
    console.note(&format!("recording {upstream} in {place}, at most {budget} images; press Ctrl-C to stop"));
    let ended = tokio::select! {
        ended = mock.wait() => Some(ended),
        () = cancel.control().until_cancelled() => None,
    };
    if let Some(Err(error)) = ended {
        return Err(Failure::other(format!("the recorder failed: {error}")));
    }
    finish(mock, &cancel, console).await?;
    Ok(Exit::Ok)
}

/// Waits for what is under way, and prints the summary. A second signal ends the wait.
///
/// # Errors
/// Standard output cannot be written.
pub(super) async fn finish(mock: MockServer, cancel: &Cancel, console: &Console) -> Result<(), Failure> {
    let under_way = mock.recording().map_or(0, |summary| summary.under_way);
    if under_way > 0 {
        console.note(&format!(
            "waiting for {under_way} exchanges, which may have been paid for; press Ctrl-C again to leave them"
        ));
    }
    tokio::select! {
        () = mock.end_recording() => {}
        () = cancel.until_signalled_twice() => {}
    }
    let summary = mock.recording().unwrap_or_default();
    mock.stop().await;
    for failure in &summary.failures {
        console.note(&format!("warning: {failure}"));
    }
    console.line(&described(&summary))
}

fn described(summary: &RecordingSummary) -> String {
    let RecordingSummary { exchanges, images, failures, reserved, budget, refused, under_way } = summary;
    let mut text = format!("recorded: exchanges {exchanges}, images {images}; budget: {reserved} of {budget} images");
    for (count, what) in [
        (*refused as usize, "requests refused beyond it"),
        (*under_way, "exchanges left, whose outcome is unknown"),
        (failures.len(), "failures"),
    ] {
        if count > 0 {
            text.push_str(&format!("; {count} {what}"));
        }
    }
    text
}

/// The PEM text of CA certificates that are trusted besides the system's.
///
/// # Errors
/// The file cannot be read.
pub(super) fn certificates(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    std::fs::read(file).map_err(|error| {
        Failure::usage(format!("--ca-cert: {} cannot be read: {error}; name a PEM file", file.display()))
    })
}

/// Why nothing can be recorded.
pub(super) fn unusable(error: &io::Error) -> Failure {
    Failure::usage(error.to_string())
}
