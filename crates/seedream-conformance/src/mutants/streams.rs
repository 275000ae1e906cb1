//! Adapters and clients that are wrong about streams.

use seedream_core::{Error, ErrorKind, Input};

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter, client, lost};

pub(super) fn all() -> Vec<Mutant> {
    let n = AdapterHooks::NONE;
    vec![
        adapter(
            "needs-completed",
            "returns an error for a stream without the final event",
            AdapterHooks {
                read: |generation, response| {
                    let is_stream = response.body.is_empty();
                    if is_stream && generation.usage.is_empty() {
                        return Err(Error::from_response(
                            ErrorKind::MalformedResponse,
                            "no `completed` came",
                            response,
                        ));
                    }
                    Ok(generation)
                },
                ..n
            },
        ),
        adapter(
            "deaf-to-failures",
            "skips the event of a failed image",
            AdapterHooks { keeps_event: |frame| !frame.data.contains("partial_failed"), ..n },
        ),
        client("needs-done", "treats a stream without `[DONE]` as truncated", |hooks| {
            hooks.input = |input| match input {
                Input::StreamEnd => Input::Broken { partial: None, error: lost() },
                other => other,
            };
        }),
        client("ends-at-a-failure", "ends a stream at the first failed image", |hooks| {
            hooks.input = |input| match input {
                Input::Frame(frame, _) if frame.data.contains("partial_failed") => Input::StreamEnd,
                other => other,
            };
        }),
    ]
}
