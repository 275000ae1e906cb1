//! How many instructions reading a response takes, counted by valgrind: the same on every run, whatever else the machine does.
//!
//! `cargo bench -p seedream-benches --bench instructions`, or with the names of some [`SCENARIOS`] behind `--`. Needs `valgrind` on
//! the path. Every scenario runs under `valgrind --tool=callgrind` with an input of `n` units and with one of `2n`, once and twice
//! in a process each; the difference between twice and once is what is counted, so that starting up and making the input are not.
//! Prints both counts and their ratio, writes them to `target/bench/instructions.json`, and fails where the ratio is above
//! [`MOST`]: what is read in one pass takes twice as many instructions for twice the input.
//!
//! `valgrind --tool=callgrind --dump-instr=no <this program> --one base64 8 1` runs one of them by hand, for `callgrind_annotate`.

use std::{error::Error, fmt, fs, hint::black_box, io::Write as _, path::Path, process::Command, sync::Arc};

use async_trait::async_trait;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use seedream::adapters::Ark;
use seedream::seedream_client::{ResponseBody, Transport, TransportError};
use seedream::seedream_core::{Capabilities, Checked, Descriptor, Dialect, Effective, Response, sse::Parser};
use seedream::{Client, ErrorKind, ImageProvider as _, ImageRequest, ModelId};
use seedream_core::Decoded;
use serde_json::{Map, Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The largest ratio of the instructions for twice the input to those for the input.
const MOST: f64 = 2.2;

/// How a response arrives, in bytes.
const CHUNK: usize = 16 << 10;

/// An image in a response, in bytes.
const IMAGE: usize = 256 << 10;

/// What is counted: a name, the smaller number of units, what a unit is, and how such an input is made.
struct Scenario {
    name: &'static str,
    n: usize,
    unit: &'static str,
    make: fn(usize) -> Input,
}

/// What is read.
enum Input {
    /// A response, by a client that has Ark's adapter.
    Whole(Bytes),
    /// A stream of events, by the same client.
    Stream(Bytes),
    /// A response, by a client whose adapter takes it for unreadable: all that is counted is the client itself.
    Unread(Bytes),
    /// A stream of events, by the parser alone.
    Parser(Bytes),
}

const SCENARIOS: [Scenario; 10] = [
    Scenario { name: "base64", n: 4, unit: "images of 256 KiB", make: |n| Input::Whole(body(n, IMAGE, &plain)) },
    Scenario { name: "escaped", n: 4, unit: "images of 256 KiB", make: |n| Input::Whole(body(n, IMAGE, &escaped)) },
    Scenario { name: "lines", n: 4, unit: "images of 256 KiB", make: |n| Input::Whole(body(n, IMAGE, &lines)) },
    Scenario { name: "url-safe", n: 4, unit: "images of 256 KiB", make: |n| Input::Whole(body(n, IMAGE, &url_safe)) },
    Scenario { name: "mixed", n: 4, unit: "images of 256 KiB", make: |n| Input::Whole(body(n, IMAGE, &mixed)) },
    Scenario { name: "events", n: 4, unit: "images of 256 KiB", make: |n| Input::Stream(events(n)) },
    Scenario { name: "small-events", n: 500, unit: "events", make: |n| Input::Stream(small_events(n)) },
    Scenario { name: "parser", n: 5000, unit: "events", make: |n| Input::Parser(small_events(n)) },
    Scenario { name: "words", n: 1000, unit: "items", make: |n| Input::Unread(words(n)) },
    Scenario { name: "put-back", n: 500, unit: "images of 1 KiB", make: |n| Input::Unread(body(n, 1 << 10, &plain)) },
];

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [one, name, units, times] = &arguments[..]
        && one == "--one"
    {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).ok_or("no such scenario")?;
        return scenario.run(units.parse()?, times.parse()?);
    }
    if cfg!(debug_assertions) {
        return Ok(());
    }
    let chosen = |scenario: &&Scenario| arguments.is_empty() || arguments.iter().any(|name| name == scenario.name);
    let (mut report, mut steep) = (Vec::new(), Vec::new());
    for scenario in SCENARIOS.iter().filter(chosen) {
        let (one, two) = (scenario.count(scenario.n)?, scenario.count(scenario.n * 2)?);
        let growth = two as f64 / one as f64;
        let Scenario { name, n, unit, .. } = scenario;
        say(&format!("{name:<14}{n:>6} {unit:<18}{one:>14}   twice as many {two:>14}   {growth:.2}x"));
        report.push(json!({ "scenario": name, "n": n, "unit": unit, "of_n": one, "of_2n": two, "growth": growth }));
        if growth > MOST {
            steep.push(*name);
        }
    }
    if report.is_empty() {
        return Err(
            format!("no such scenario; there are {}", SCENARIOS.map(|scenario| scenario.name).join(", ")).into()
        );
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&target)?;
    let path = target.join("instructions.json");
    fs::write(&path, serde_json::to_string_pretty(&json!({ "scenarios": report }))?)?;
    say(&format!("written to {}", path.display()));
    match &steep[..] {
        [] => Ok(()),
        steep => {
            Err(format!("more than {MOST} times the instructions for twice the input: {}", steep.join(", ")).into())
        }
    }
}

impl Scenario {
    /// The instructions that reading an input of so many units takes.
    fn count(&self, units: usize) -> Result<u64> {
        Ok(self.measure(units, 2)?.saturating_sub(self.measure(units, 1)?))
    }

    /// Those of a process that reads it so many times.
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

    /// Reads an input so many times.
    fn run(&self, units: usize, times: usize) -> Result<()> {
        let input = (self.make)(units);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async {
            for _ in 0..times {
                read(&input).await?;
            }
            Ok(())
        })
    }
}

async fn read(input: &Input) -> Result<()> {
    let request = ImageRequest::new("doubao-seedream-4-0-250828", "a lighthouse");
    match input {
        Input::Whole(body) => {
            client(Ark, "application/json", body)?.generate(request).await?;
        }
        Input::Stream(body) => {
            client(Ark, "text/event-stream", body)?.generate(request.stream(true)).await?;
        }
        Input::Unread(body) => {
            let error = client(Unread, "application/json", body)?.generate(request).await.err();
            let error = error.ok_or("it was read")?;
            assert_eq!(error.body().map(Bytes::len), Some(body.len()), "{error}");
        }
        Input::Parser(body) => {
            let mut parser = Parser::new();
            for chunk in body.chunks(CHUNK) {
                black_box(parser.feed(black_box(chunk)));
            }
        }
    }
    Ok(())
}

fn client(dialect: impl Dialect, content_type: &'static str, body: &Bytes) -> Result<Client> {
    let transport = Arc::new(Canned { content_type, body: body.clone() });
    Ok(Client::builder(dialect).key("sk-bench-0123456789").seed(1).transport(transport).build()?)
}

/// Sends nothing, and has this response to everything.
#[derive(Debug)]
struct Canned {
    content_type: &'static str,
    body: Bytes,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, _: http::Request<Bytes>) -> std::result::Result<http::Response<ResponseBody>, TransportError> {
        let starts = (0..self.body.len()).step_by(CHUNK);
        let chunks: Vec<_> = starts.map(|at| self.body.slice(at..self.body.len().min(at + CHUNK))).collect();
        let frames = stream::iter(chunks.into_iter().map(|chunk| Ok(http_body::Frame::data(chunk))));
        let mut response = http::Response::new(ResponseBody::new(StreamBody::new(frames)));
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(self.content_type));
        Ok(response)
    }
}

/// Ark's adapter, which can read no response.
struct Unread;

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unread")
    }
}

impl Dialect for Unread {
    fn descriptor(&self) -> &'static Descriptor {
        Ark.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Ark.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> seedream::Result<http::Request<Bytes>> {
        Ark.encode(request)
    }

    fn decode(&self, _: &Checked, response: &Response) -> seedream::Result<Decoded> {
        Err(seedream::Error::from_response(ErrorKind::MalformedResponse, "unread", response))
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Ark.effective(request, members)
    }
}

/// Noise that begins as a PNG does.
fn image(seed: usize, bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\0\0\0\x03\0\x08\x02\0\0\0\xcf\x3e\x3c\xc2".to_vec();
    let mut noise = seed as u64 + 1;
    png.resize_with(bytes, || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    });
    png
}

fn plain(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// As PHP writes it.
fn escaped(bytes: &[u8]) -> String {
    plain(bytes).replace('/', "\\/")
}

/// As encoders for e-mail write it.
fn lines(bytes: &[u8]) -> String {
    plain(bytes).as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\\r\\n").collect()
}

fn url_safe(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// `-` beside `/`.
fn mixed(bytes: &[u8]) -> String {
    plain(bytes).replace('+', "-")
}

fn body(images: usize, bytes: usize, encode: &dyn Fn(&[u8]) -> String) -> Bytes {
    let item = |seed| format!(r#"{{"b64_json":"{}","size":"1024x768"}}"#, encode(&image(seed, bytes)));
    let items: Vec<_> = (0..images).map(item).collect();
    let items = items.join(",");
    format!(r#"{{"created":1763668800,"data":[{items}],"usage":{{"generated_images":{images}}}}}"#).into()
}

fn events(images: usize) -> Bytes {
    let event = |seed| {
        format!(
            "event: image_generation.partial_succeeded\ndata: {{\"type\":\"image_generation.partial_succeeded\",\"image_index\":{seed},\"b64_json\":\"{}\",\"size\":\"1024x768\"}}\n\n",
            plain(&image(seed, IMAGE))
        )
    };
    ((0..images).map(event).collect::<String>() + "data: [DONE]\n\n").into()
}

/// Events of a link each, without the index of the image.
fn small_events(count: usize) -> Bytes {
    let event = |seed| {
        format!(
            "data: {{\"type\":\"image_generation.partial_succeeded\",\"url\":\"https://images.example/{seed}.png\"}}\n\n"
        )
    };
    ((0..count).map(event).collect::<String>() + "data: [DONE]\n\n").into()
}

/// A response of links and words.
fn words(items: usize) -> Bytes {
    let item = |seed| {
        format!(
            r#"{{"url":"https:\/\/images.example\/{seed}.png?X-Tos-Signature=0123456789abcdef","size":"1024x768","revised_prompt":"a lighthouse in fog,\nseen \"from\" the sea","index":{seed}}}"#
        )
    };
    let items: Vec<_> = (0..items).map(item).collect();
    format!(r#"{{"created":1763668800,"data":[{}],"usage":{{"generated_images":1}}}}"#, items.join(",")).into()
}

/// Writes a line.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
