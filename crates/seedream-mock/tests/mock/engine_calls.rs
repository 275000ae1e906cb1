//! Calling the engine without a socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use seedream_mock::{Engine, Script, Settings};
use serde_json::Value;

/// A time all tests agree on.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

pub(crate) fn engine() -> Engine {
    Engine::new(Settings::default())
}

pub(crate) fn request(method: &str, path: &str, key: Option<&str>, body: impl Into<Bytes>) -> http::Request<Bytes> {
    let mut request = http::Request::builder().method(method).uri(format!("http://mock{path}"));
    if method == "POST" {
        request = request.header("content-type", "application/json");
    }
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request.body(body.into()).unwrap()
}

/// A POST of JSON with an ordinary key.
pub(crate) fn post(engine: &Engine, path: &str, body: &Value) -> Script {
    engine.handle(now(), &request("POST", path, Some("sk-test"), body.to_string()))
}

/// A POST of JSON with some key.
pub(crate) fn post_as(engine: &Engine, key: &str, path: &str, body: &Value) -> Script {
    engine.handle(now(), &request("POST", path, Some(key), body.to_string()))
}

pub(crate) fn json(script: &Script) -> Value {
    serde_json::from_slice(&script.body()).unwrap()
}

/// Where a provider creates images: its first such route, as the mock serves it.
pub(crate) fn create_path(provider: &str) -> String {
    let provider = seedream_fixtures::provider(provider).unwrap();
    let route = provider.routes.iter().find(|route| route.name == seedream_fixtures::RouteName::Create).unwrap();
    format!("/{}{}", provider.id, route.path)
}

/// A POST of JSON with an ordinary key and a fault in its header.
pub(crate) fn post_with(engine: &Engine, fault: &str, path: &str, body: &Value) -> Script {
    let mut request = request("POST", path, Some("sk-test"), body.to_string());
    request.headers_mut().insert("x-mock-fault", http::HeaderValue::from_bytes(fault.as_bytes()).unwrap());
    engine.handle(now(), &request)
}

/// The colours of a PNG, as its header names them.
pub(crate) const RGB: u8 = 2;
pub(crate) const RGBA: u8 = 6;

/// An image as a data URI: the header of a PNG of 100 by 100 pixels, filled up to a length with something.
pub(crate) fn inline_png(colours: u8, bytes: usize) -> String {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x64\0\0\0\x64\x08".to_vec();
    file.extend([colours, 0, 0, 0]);
    file.resize(bytes.max(file.len()), 0xff);
    format!("data:image/png;base64,{}", STANDARD.encode(file))
}

/// A GET with an ordinary key.
pub(crate) fn get(engine: &Engine, path: &str) -> Script {
    engine.handle(now(), &request("GET", path, Some("sk-test"), ""))
}
