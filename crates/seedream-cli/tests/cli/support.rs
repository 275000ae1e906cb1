//! Runs the binary in a temporary folder against a mock in the test process.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use seedream_mock::{MockServer, TaskEnd};
use serde_json::Value;

/// A key that must never be printed.
pub(crate) const CANARY: &str = "sk-canary-0123456789";

/// A temporary working directory for the binary.
pub(crate) struct Workdir(tempfile::TempDir);

/// The exit code and output of a run.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workdir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(dir)) else { return Vec::new() };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The binary in this directory, with only the given environment variables.
    pub(crate) fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seedream"));
        command.args(args).env_clear().envs(env.iter().copied()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str], env: &[(&str, &str)]) -> RunResult {
        RunResult::of(self.command(args, env).output().unwrap())
    }

    /// Runs the binary with a limit on the file size.
    #[cfg(unix)]
    pub(crate) fn run_limited(&self, kib: u32, args: &[&str], env: &[(&str, &str)]) -> RunResult {
        // The unit of `ulimit -f` is 512 bytes.
        let limit = format!("ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &limit, env!("CARGO_BIN_EXE_seedream")]).args(args);
        command.env_clear().envs(env.iter().copied()).current_dir(self.0.path());
        RunResult::of(command.output().unwrap())
    }

    pub(crate) fn spawn(&self, args: &[&str], env: &[(&str, &str)]) -> Child {
        self.command(args, env).spawn().unwrap()
    }
}

impl RunResult {
    pub(crate) fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!format!("{ran:?}").contains(CANARY), "a key was printed: {ran:#?}");
        assert!(!ran.stderr.contains("X-Tos-Signature"), "a signed query was printed: {ran:#?}");
        ran
    }

    #[track_caller]
    pub(crate) fn exits_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn stderr_contains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "`{text}` is missing: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn stdout_contains(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "`{text}` is missing: {self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The single result of `generate` or `resume`.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let mut json = self.json();
        assert_eq!(json["results"].as_array().map(Vec::len), Some(1), "{json:#}");
        json["results"][0].take()
    }
}

/// A mock in the test process.
pub(crate) struct Upstream {
    server: MockServer,
    _runtime: tokio::runtime::Runtime,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        Self::with(TaskEnd::Polls(1))
    }

    pub(crate) fn with(task: TaskEnd) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(MockServer::builder().task(task).start()).unwrap();
        Self { server, _runtime: runtime }
    }

    pub(crate) fn base(&self, provider: &str) -> String {
        self.server.base_url(provider).unwrap()
    }

    /// Adds faults for later requests.
    pub(crate) fn fault(&self, faults: &str) {
        self.server.default_session().add_faults(seedream_mock::parse_faults(faults).unwrap());
    }

    /// The bodies of all POSTs.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.server.journal().iter().filter(|entry| entry.method == "POST").map(|entry| entry.body.clone()).collect()
    }

    /// The number of requests with a method.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.server.journal().iter().filter(|entry| entry.method == method).count()
    }
}

/// The value with its variable parts replaced.
pub(crate) fn redacted(mut value: Value) -> Value {
    redact(&mut value);
    value
}

fn redact(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), &*value) {
                    (
                        "sha256" | "bytes" | "elapsed_ms" | "expires_at" | "begun_at" | "created" | "submitted_at"
                        | "job" | "endpoint" | "after_ms" | "place" | "request_id" | "id",
                        Value::String(_) | Value::Number(_),
                    ) => {
                        *value = format!("[{name}]").into();
                    }
                    _ => redact(value),
                }
            }
        }
        _ => {}
    }
}

/// Checks that an image on disk matches the report, and returns its size.
#[track_caller]
pub(crate) fn opens(dir: &Path, image: &Value) -> (u64, u64) {
    let path = dir.join(image["file"].as_str().unwrap());
    let size = imagesize::size(&path).unwrap();
    let reported = (image["width"].as_u64().unwrap(), image["height"].as_u64().unwrap());
    assert_eq!((size.width as u64, size.height as u64), reported);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), image["bytes"].as_u64().unwrap());
    assert_eq!(image["sha256"].as_str().unwrap().len(), 64);
    reported
}

impl Upstream {
    /// The body of the last POST.
    pub(crate) fn sent(&self) -> Value {
        let journal = self.server.journal();
        journal.iter().rev().find(|entry| entry.method == "POST").unwrap().body.clone()
    }
}

/// An address without a listener.
pub(crate) fn closed() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Reads one request and returns its body.
pub(crate) fn read_request(stream: &mut TcpStream) -> Value {
    read_message(&mut BufReader::new(stream)).1
}

/// Reads one request and responds with JSON.
pub(crate) fn read_and_respond(stream: &TcpStream, body: &str) {
    read_message(&mut BufReader::new(stream));
    response(stream, body);
}

/// Responds to a request that was read.
pub(crate) fn response(mut stream: &TcpStream, body: &str) {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
}

/// Sends a GET request and returns status and body.
pub(crate) fn get(url: &str) -> (u16, Value) {
    exchange("GET", url, "")
}

/// Sends a POST request with JSON and returns the body.
pub(crate) fn post(url: &str, body: &Value) -> Value {
    let (status, body) = exchange("POST", url, &body.to_string());
    assert_eq!(status, 200, "{body}");
    body
}

pub(crate) fn exchange(method: &str, url: &str, body: &str) -> (u16, Value) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sk-any\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let (first, body) = read_message(&mut BufReader::new(stream));
    (first.split_whitespace().nth(1).unwrap().parse().unwrap(), body)
}

/// Reads the first line and the JSON body of an HTTP message.
fn read_message(from: &mut impl BufRead) -> (String, Value) {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        first.get_or_insert_with(|| line.to_owned());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    (first.unwrap_or_default(), serde_json::from_slice(&body).unwrap_or_default())
}

/// Checks a value against the part of a schema at a JSON pointer.
#[track_caller]
pub(crate) fn assert_valid(schema: &str, pointer: &str, value: &Value) {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let schema: Value = serde_json::from_str(schema).unwrap();
    let id = schema["$id"].as_str().unwrap_or("schema.json").to_owned();
    compiler.add_resource(&id, schema).unwrap();
    let schema = compiler.compile(&format!("{id}#{pointer}"), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(value, schema) {
        panic!("{error:#}\n{value:#}");
    }
}
