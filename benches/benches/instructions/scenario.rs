//! What is counted.

use std::{fs, hint::black_box, process::Command, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use seedream::adapters::Ark;
use seedream::seedream_core::{Dialect as _, Response, TaskId, Timestamp, sse::Parser};
use seedream::{Client, ImageProvider as _, ImageRequest, Strictness};
use seedream_mock::{Engine, Settings};

use crate::{
    Result,
    canned_clients::{CHUNK, Unread, client, polled},
    response_bodies::{self, IMAGE},
};

/// What is counted: a name, the smaller number of units, what a unit is, and how such an input is made.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) n: usize,
    pub(crate) unit: &'static str,
    make: fn(usize) -> Result<Input>,
}

/// What is done.
enum Input {
    /// Reads a response, by a client that has Ark's adapter.
    Whole(Bytes),
    /// Reads a stream of events, by the same client.
    Stream(Bytes),
    /// Reads a response, by a client whose adapter cannot read it: all that is counted is the client itself.
    Unread(Bytes),
    /// Reads a stream of events, by the parser alone.
    Parser(Bytes),
    /// Checks a request and encodes it, so many times.
    Encode(usize),
    /// Decodes a small response, so many times.
    Decode(usize),
    /// Generates an image by a client, so many times.
    Call(Client, usize),
    /// Polls a task until it is done.
    Poll(Client),
    /// Has the mock's engine respond to a small generation, so many times.
    Engine(Box<(Engine, Request<Bytes>)>, usize),
}

/// A small response of Ark's.
const SMALL: &str = r#"{"model":"doubao-seedream-4-0-250828","created":1763668800,"data":[{"url":"https://ark-content.example/a.jpeg?X-Tos-Signature=0123456789abcdef","size":"2048x2048"}],"usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384}}"#;

pub(crate) const ALL: [Scenario; 15] = [
    image("base64", |n| Ok(Input::Whole(response_bodies::body(n, IMAGE, &response_bodies::plain)))),
    image("escaped", |n| Ok(Input::Whole(response_bodies::body(n, IMAGE, &response_bodies::escaped)))),
    image("lines", |n| Ok(Input::Whole(response_bodies::body(n, IMAGE, &response_bodies::lines)))),
    image("url-safe", |n| Ok(Input::Whole(response_bodies::body(n, IMAGE, &response_bodies::url_safe)))),
    image("mixed", |n| Ok(Input::Whole(response_bodies::body(n, IMAGE, &response_bodies::mixed)))),
    image("events", |n| Ok(Input::Stream(response_bodies::events(n)))),
    of("small-events", 500, "events", |n| Ok(Input::Stream(response_bodies::small_events(n)))),
    of("parser", 5000, "events", |n| Ok(Input::Parser(response_bodies::small_events(n)))),
    of("words", 1000, "items", |n| Ok(Input::Unread(response_bodies::words(n)))),
    of("put-back", 500, "images of 1 KiB", |n| {
        Ok(Input::Unread(response_bodies::body(n, 1 << 10, &response_bodies::plain)))
    }),
    of("encode", 200, "requests", |n| Ok(Input::Encode(n))),
    of("decode", 200, "responses", |n| Ok(Input::Decode(n))),
    of("call", 200, "calls", |n| {
        Ok(Input::Call(client(Ark, "application/json", &Bytes::from_static(SMALL.as_bytes()))?, n))
    }),
    of("poll", 200, "polls", |n| Ok(Input::Poll(polled(n)?))),
    of("engine", 200, "generations", |n| {
        Ok(Input::Engine(Box::new((Engine::new(Settings::default()), generation()?)), n))
    }),
];

const fn of(name: &'static str, n: usize, unit: &'static str, make: fn(usize) -> Result<Input>) -> Scenario {
    Scenario { name, n, unit, make }
}

const fn image(name: &'static str, make: fn(usize) -> Result<Input>) -> Scenario {
    of(name, 4, "images of 256 KiB", make)
}

/// A small generation, as a client sends it to the mock.
fn generation() -> Result<Request<Bytes>> {
    let body = r#"{"model":"doubao-seedream-4-0-250828","prompt":"a lighthouse in fog, seen from the sea","size":"2048x2048"}"#;
    let request = Request::post("/ark/api/v3/images/generations")
        .header("host", "127.0.0.1:40000")
        .header("accept", "*/*")
        .header("user-agent", "bench")
        .header("authorization", "Bearer sk-bench-0123456789")
        .header("content-type", "application/json");
    Ok(request.body(Bytes::from_static(body.as_bytes()))?)
}

impl Scenario {
    /// The instructions that so many units take.
    pub(crate) fn count(&self, units: usize) -> Result<u64> {
        Ok(self.measure(units, 2)?.saturating_sub(self.measure(units, 1)?))
    }

    /// Those of a process that does it so many times.
    fn measure(&self, units: usize, times: usize) -> Result<u64> {
        let file = tempfile::NamedTempFile::new()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", &format!("--callgrind-out-file={}", file.path().display())])
            .arg(std::env::current_exe()?)
            .args(["--one", self.name, &units.to_string(), &times.to_string()])
            .output()
            .map_err(|error| format!("valgrind: {error}"))?;
        if !output.status.success() {
            return Err(format!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr)).into());
        }
        let counts = fs::read_to_string(file.path())?;
        let total =
            counts.lines().find_map(|line| line.strip_prefix("summary: ")).ok_or("callgrind counted nothing")?;
        Ok(total.trim().parse()?)
    }

    /// Does it so many times.
    pub(crate) fn run(&self, units: usize, times: usize) -> Result<()> {
        let input = (self.make)(units)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async {
            for _ in 0..times {
                once(&input).await?;
            }
            Ok(())
        })
    }
}

async fn once(input: &Input) -> Result<()> {
    let request = || ImageRequest::new("doubao-seedream-4-0-250828", "a lighthouse in fog, seen from the sea");
    match input {
        Input::Whole(body) => {
            client(Ark, "application/json", body)?.generate(request()).await?;
        }
        Input::Stream(body) => {
            client(Ark, "text/event-stream", body)?.generate(request().stream(true)).await?;
        }
        Input::Unread(body) => {
            let error = client(Unread, "application/json", body)?.generate(request()).await.err();
            let error = error.ok_or("it was read")?;
            assert_eq!(error.body().map(Bytes::len), Some(body.len()), "{error}");
        }
        Input::Parser(body) => {
            let mut parser = Parser::new();
            for chunk in body.chunks(CHUNK) {
                black_box(parser.feed(black_box(chunk)));
            }
        }
        Input::Encode(times) => {
            let request = request().size(seedream::Size::pixels(2048, 2048));
            for _ in 0..*times {
                let checked = Ark.capabilities(&request.model).check(black_box(&request), Strictness::Strict)?;
                black_box(Ark.encode(&checked)?);
            }
        }
        Input::Decode(times) => {
            let request = request();
            let checked = Ark.capabilities(&request.model).check(&request, Strictness::Strict)?;
            for _ in 0..*times {
                let response = Response::new(StatusCode::OK, HeaderMap::new(), SMALL, Timestamp::UNIX_EPOCH);
                black_box(Ark.decode(&checked, black_box(&response))?);
            }
        }
        Input::Call(client, times) => {
            for _ in 0..*times {
                black_box(client.generate(request()).await?);
            }
        }
        Input::Poll(client) => {
            client.collect(client.task(TaskId::new("task-unified-1")?)).await?;
        }
        Input::Engine(pair, times) => {
            let (engine, request) = &**pair;
            for _ in 0..*times {
                let script =
                    engine.handle(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000), request);
                assert_eq!(script.status, 200);
            }
        }
    }
    Ok(())
}
