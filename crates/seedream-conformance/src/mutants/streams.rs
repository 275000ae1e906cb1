//! Adapters and clients that are wrong about streams.

use seedream_core::{Error, ErrorKind, Input};

use super::dialect::Hooks;
use super::{Mutant, dialect, driver, lost};

pub(super) fn all() -> Vec<Mutant> {
    let n = Hooks::NONE;
    vec![
        dialect(
            "needs-completed",
            "makes an error of a stream without the event that sums up",
            Hooks {
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
        dialect(
            "deaf-to-failures",
            "skips the event of a picture that failed",
            Hooks { hears: |frame| !frame.data.contains("partial_failed"), ..n },
        ),
        driver("needs-done", "takes a stream without `[DONE]` for one that was cut off", |driver| {
            driver.hear = |input| match input {
                Input::StreamEnd => Input::Broken { partial: None, error: lost() },
                other => other,
            };
        }),
        driver("ends-at-a-failure", "ends a stream at the first picture that failed", |driver| {
            driver.hear = |input| match input {
                Input::Frame(frame, _) if frame.data.contains("partial_failed") => Input::StreamEnd,
                other => other,
            };
        }),
    ]
}
