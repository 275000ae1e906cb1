//! The provider files and the exchanges are written apart; here they meet.

use bytes::Bytes;
use seedream_fixtures::{ExpectedPreflight, RecordedExchange};
use seedream_mock::{CallbackReach, Engine, Settings};

use crate::engine_calls::{now, request};

/// Whether an exchange's request was accepted, as far as it says.
fn accepted(exchange: &RecordedExchange) -> Option<bool> {
    match (&exchange.response, exchange.preflight) {
        (Some(response), _) => Some(response.status < 300),
        (None, Some(ExpectedPreflight::Refused)) => Some(false),
        (None, _) => Some(true),
    }
}

/// The rules of provider.json accept what the exchanges show accepted and refuse, with the same status, what they show
/// refused.
#[test]
fn the_rules_agree_with_every_exchange() {
    let engine = Engine::new(Settings { callbacks: CallbackReach::Strict, ..Settings::default() });
    let (mut asked, mut differing) = (0, Vec::new());
    for exchange in seedream_fixtures::exchanges() {
        let Some(provider) = seedream_fixtures::provider(exchange.provider()) else { continue };
        let Some(sent) = exchange.request.as_ref() else { continue };
        let Some(body) = sent.json.as_ref() else { continue };
        if !provider.routes.iter().any(|route| route.method == sent.method && route.path == sent.path) {
            continue;
        }
        asked += 1;
        // What withholds an image is answered by the rules alone, never from an exchange; no request has so many.
        let path = format!("/{}{}", provider.id, sent.path);
        let mut request = request(&sent.method, &path, Some("sk-test"), Bytes::from(body.get().to_owned()));
        request.headers_mut().insert("x-mock-fault", http::HeaderValue::from_static("moderate=99"));
        let script = engine.handle(now(), &request);
        assert_eq!(script.header("x-mock-fixture"), Some("-"));
        let refused_alike = script.status < 300 || exchange.response.as_ref().is_none_or(|r| r.status == script.status);
        if Some(script.status < 300) != accepted(exchange) || !refused_alike {
            differing.push(format!("{}: {} {:?}", exchange.id(), script.status, script.header("x-mock-violation")));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(asked > 100, "only {asked} exchanges were asked");
}
