//! Answering inside a wiremock server, for tests that already run one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wiremock::{Request, Respond, ResponseTemplate};

use crate::engine::Engine;
use crate::response::script::{Script, ScriptEnd};
use crate::state::clock::Clock;
use crate::state::journal_entry::JournalEntry;
use crate::state::ledger::LedgerEntry;

/// Responds to the requests of a wiremock server as the mock does: `respond_with(MockServer::builder().responder())`. Mount it for any
/// path, so that it also serves the images and the polls that its responses lead to. Clones are the same mock.
///
/// wiremock plays a status, headers, a delay and a whole body. So a stream comes in one piece once its last image is due,
/// delays go by the machine's time, no callback is sent, and the clock has no admin route (move the [`Clock`] that the
/// builder was given). What wiremock cannot play at all (`reset`, `close`, `stall`, `drip`, `length`, `stream=no-end`, downloads with `image=cut`
/// or `close-every`) gets
/// 501 and the code `mock_beyond_wiremock`, so that no test passes because its fault did not happen.
#[derive(Debug, Clone)]
pub struct Responder {
    engine: Arc<Engine>,
    clock: Clock,
}

impl Responder {
    pub(crate) fn new(engine: Engine, clock: Clock) -> Self {
        Self { engine: Arc::new(engine), clock }
    }

    /// The journal of all sessions.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.engine.journal(None)
    }

    /// The ledger of all sessions.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.engine.ledger(self.clock.timestamp(), None)
    }
}

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let target = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let mut asked = http::Request::new(Bytes::copy_from_slice(&request.body));
        *asked.method_mut() = request.method.clone();
        // What came over HTTP is a target that HTTP allows.
        *asked.uri_mut() = target.parse().unwrap_or_default();
        *asked.headers_mut() = request.headers.clone();
        template(&self.engine.handle(self.clock.timestamp(), &asked))
    }
}

fn template(script: &Script) -> ResponseTemplate {
    let slowed = script.stall.is_some() || script.drip.is_some() || script.repeats.is_some();
    let beyond = script.end != ScriptEnd::Complete || slowed || script.wrong_length || script.until_close;
    if beyond {
        let message = "wiremock cannot end, stall or slow down a response at a byte, nor send one without an end: use MockServer for this fault";
        return template(&Script::json(501, &crate::response::error::mock_error("mock_beyond_wiremock", message)));
    }
    let delay = script.chunks.iter().fold(script.delay, |delay: Duration, chunk| delay.saturating_add(chunk.after));
    let mut template = ResponseTemplate::new(script.status).set_body_bytes(script.body()).set_delay(delay);
    for (name, value) in &script.headers {
        template = template.append_header(name, value);
    }
    template
}
