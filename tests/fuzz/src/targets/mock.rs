//! The mock: any request gets a response, and what a fault writes, a fault reads.

use bytes::Bytes;
use http::Request;
use seedream_mock::{Engine, Fault, Script, Settings, parse_faults};

/// The most requests of one input.
const MOST: usize = 4;

/// Requests in the form of HTTP with a line of `%%` between them, or faults behind `fault `.
pub fn run(input: &[u8]) {
    if let Some(text) = input.strip_prefix(b"fault ") {
        if let Ok(text) = std::str::from_utf8(text) {
            faults(text);
        }
        return;
    }
    let requests: Vec<_> = parts(input).take(MOST).filter_map(request).collect();
    if requests.is_empty() {
        return;
    }
    // Two engines, so that what one responses hangs on nothing but what it was asked.
    let engines = [Engine::new(Settings::default()), Engine::new(Settings::default())];
    for (second, request) in (0..).zip(&requests) {
        let now = jiff::Timestamp::from_second(1_800_000_000 + second).expect("it is a time");
        let scripts = engines.each_ref().map(|engine| engine.handle(now, request));
        let [first, second] = scripts.each_ref().map(told);
        assert_eq!(first, second, "equal requests get equal scripts");
        assert!((200..1000).contains(&first.0), "{} is no status of a response", first.0);
    }
}

/// What a client would see, with the images not rendered.
fn told(script: &Script) -> (u16, String, Vec<Bytes>) {
    let render = |image: &seedream_mock::TestImage| Bytes::from(format!("{image:?}"));
    let body = script.chunks.iter().map(|chunk| chunk.bytes(render)).collect();
    (script.status, format!("{:?} {:?} {:?}", script.headers, script.end, script.delay), body)
}

fn faults(text: &str) {
    let Ok(faults) = parse_faults(text) else { return };
    for fault in faults {
        let written = fault.to_string();
        if written.is_empty() {
            assert_eq!(fault, Fault::default(), "only what does nothing has no words");
            continue;
        }
        assert_eq!(written.parse().as_ref(), Ok(&fault), "{written}");
        let json = serde_json::to_value(&fault).expect("a fault is an object");
        assert_eq!(Fault::from_json(&json).as_ref(), Ok(&fault), "{json}");
    }
}

fn parts(mut input: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BETWEEN: &[u8] = b"\n%%\n";
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let end = memchr::memmem::find(input, BETWEEN);
        over = end.is_none();
        let part = &input[..end.unwrap_or(input.len())];
        input = end.map_or(&[], |end| &input[end + BETWEEN.len()..]);
        Some(part)
    })
}

/// `POST /path`, headers in lines, a blank line, and the body.
fn request(text: &[u8]) -> Option<Request<Bytes>> {
    let end = memchr::memmem::find(text, b"\n\n");
    let head = std::str::from_utf8(&text[..end.unwrap_or(text.len())]).ok()?;
    let body = end.map_or(&[][..], |end| &text[end + 2..]);
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value);
    }
    request.body(Bytes::copy_from_slice(body)).ok()
}
