//! A server whose responses each test can hold, break or release.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// A POST, counted from 1.
    Post(usize),
    /// A poll of a task.
    Poll,
    /// An image, counted from 0 over all responses.
    Image(usize),
}

/// How the server handles a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Serve,
    /// Nothing is sent; the test gets the connection.
    Hold,
    /// Sends this many images of the response, then the test gets the connection.
    HoldAfter(usize),
    Status(u16),
}

/// A request that waits until this is dropped.
pub(crate) struct Held {
    pub(crate) asked: Asked,
    stream: TcpStream,
    request: Request,
    state: Arc<State>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.fmt(f)
    }
}

impl Held {
    /// Sends the response.
    pub(crate) fn serve(self) {
        self.state.serve(self.asked, &self.request, &self.stream, None);
    }

    /// Sends an error.
    pub(crate) fn refuse(self, status: u16) {
        refuse(&self.stream, status);
    }
}

fn refuse(stream: &TcpStream, status: u16) {
    let body = json!({ "error": { "code": "x", "message": "scripted" } }).to_string();
    send(stream, &format!("{status} Scripted"), "application/json", body.as_bytes());
}

#[derive(Debug)]
struct Request {
    path: String,
    body: Value,
}

type Rule = Box<dyn Fn(Asked) -> Act + Send>;

struct State {
    address: SocketAddr,
    bytes: usize,
    posts: Mutex<usize>,
    /// The images of all responses.
    images: Mutex<Vec<Arc<Vec<u8>>>>,
    asked: Mutex<BTreeMap<Asked, usize>>,
    rule: Mutex<Rule>,
    held: Mutex<mpsc::Sender<Held>>,
}

/// A server with the dialects of ark, gogogotoken and evolink at separate paths. Each image is unique.
pub(crate) struct Scripted {
    state: Arc<State>,
    held: mpsc::Receiver<Held>,
}

impl Scripted {
    /// Starts a server with images of about this size.
    pub(crate) fn start(bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (sender, held) = mpsc::channel();
        let state = Arc::new(State {
            address: listener.local_addr().unwrap(),
            bytes,
            posts: Mutex::default(),
            images: Mutex::default(),
            asked: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Act::Serve)),
            held: Mutex::new(sender),
        });
        let there = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, stream) = (there.clone(), stream.unwrap());
                thread::spawn(move || state.response(stream));
            }
        });
        Self { state, held }
    }

    pub(crate) fn base(&self, provider: &str) -> String {
        let path = if provider == "ark" { "/ark/api/v3" } else { &format!("/{provider}/v1") };
        let path = if provider == "evolink" { "/evolink" } else { path };
        format!("http://{}{path}", self.state.address)
    }

    /// Sets how later requests are handled.
    pub(crate) fn rule(&self, rule: impl Fn(Asked) -> Act + Send + 'static) {
        *self.state.rule.lock().unwrap() = Box::new(rule);
    }

    /// Waits for a held request.
    pub(crate) fn held(&self) -> Held {
        self.held.recv().unwrap()
    }

    pub(crate) fn posts(&self) -> usize {
        *self.state.posts.lock().unwrap()
    }

    /// The number of requests of a kind.
    pub(crate) fn times(&self, asked: Asked) -> usize {
        self.state.asked.lock().unwrap().get(&asked).copied().unwrap_or_default()
    }

    /// The billed images.
    pub(crate) fn images(&self) -> Vec<Arc<Vec<u8>>> {
        self.state.images.lock().unwrap().clone()
    }

    /// The SHA-256 of each billed image, in order.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.images().iter().map(|image| sha256(image)).collect()
    }

    /// The last path segment of an image URL.
    pub(crate) fn name(index: usize) -> String {
        format!("/images/{index}.png")
    }
}

impl State {
    fn response(self: Arc<Self>, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let Some((method, path, body)) = read(&mut reader) else { return };
        let asked = match (&*method, path.rsplit_once("/images/").and_then(|(_, name)| name.split_once('.'))) {
            ("POST", _) => {
                let mut posts = self.posts.lock().unwrap();
                *posts += 1;
                Asked::Post(*posts)
            }
            (_, Some((number, _))) => Asked::Image(number.parse().unwrap()),
            _ => Asked::Poll,
        };
        *self.asked.lock().unwrap().entry(asked).or_default() += 1;
        let act = (self.rule.lock().unwrap())(asked);
        let request = Request { path, body };
        let hold = |state: Arc<Self>, stream, request| {
            let sender = self.held.lock().unwrap().clone();
            // The test may have ended.
            let _ = sender.send(Held { asked, stream, request, state });
        };
        match act {
            Act::Serve => self.serve(asked, &request, &stream, None),
            Act::Hold => hold(self.clone(), stream, request),
            Act::HoldAfter(images) => {
                self.serve(asked, &request, &stream, Some(images));
                hold(self.clone(), stream, request);
            }
            Act::Status(status) => refuse(&stream, status),
        }
    }

    fn serve(&self, asked: Asked, request: &Request, stream: &TcpStream, only: Option<usize>) {
        if let Asked::Image(index) = asked {
            let image = self.images.lock().unwrap()[index].clone();
            return send(stream, "200 OK", "image/png", &image);
        }
        let json = |value: Value| send(stream, "200 OK", "application/json", value.to_string().as_bytes());
        let body = &request.body;
        if request.path.starts_with("/evolink") {
            let task = |status: &str, more: Value| {
                let mut task = json!({
                    "created": 1795908006, "id": "task-unified-1", "model": "doubao-seedream-4.5", "object": "image.generation.task",
                    "progress": 0, "status": status, "task_info": { "can_cancel": true, "estimated_time": 1 }, "type": "image",
                });
                task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                task
            };
            if asked == Asked::Poll {
                let all: Vec<_> = (0..self.images.lock().unwrap().len()).map(|index| self.url(index)).collect();
                return json(task("completed", json!({ "progress": 100, "results": all })));
            }
            self.make(body["n"].as_u64().unwrap_or(1));
            return json(task("pending", json!({})));
        }
        let group = &body["sequential_image_generation_options"]["max_images"];
        let count = group.as_u64().or(body["n"].as_u64()).unwrap_or(1);
        let made = self.make(count);
        let inline = body["response_format"] == "b64_json";
        let item = |index: usize| {
            if inline {
                let image = self.images.lock().unwrap()[index].clone();
                json!({ "b64_json": STANDARD.encode(&*image) })
            } else {
                json!({ "url": self.url(index) })
            }
        };
        let usage = json!({ "generated_images": count, "output_tokens": 1, "total_tokens": 1 });
        if body["stream"] == true {
            let events = made.clone().map(|index| {
                let mut event = json!({
                    "type": "image_generation.partial_succeeded", "model": body["model"], "created": 1795908006,
                    "image_index": index - made.start,
                });
                event.as_object_mut().unwrap().extend(item(index).as_object().unwrap().clone());
                format!("event: image_generation.partial_succeeded\ndata: {event}\n\n")
            });
            let mut text: String = events.take(only.unwrap_or(usize::MAX)).collect();
            if only.is_none() {
                let end = json!({ "type": "image_generation.completed", "model": body["model"], "created": 1795908006, "usage": usage });
                text.push_str(&format!("event: image_generation.completed\ndata: {end}\n\ndata: [DONE]\n\n"));
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            // The process may have ended.
            let _ = (&*stream).write_all([head.as_bytes(), text.as_bytes()].concat().as_slice());
            return;
        }
        let data: Vec<_> = made.map(item).collect();
        json(json!({ "model": body["model"], "created": 1795908006, "data": data, "usage": usage }));
    }

    fn url(&self, index: usize) -> String {
        format!("http://{}{}", self.address, Scripted::name(index))
    }

    /// Bills a number of images.
    fn make(&self, count: u64) -> std::ops::Range<usize> {
        let mut images = self.images.lock().unwrap();
        let start = images.len();
        for _ in 0..count {
            let image = image(images.len(), self.bytes);
            images.push(Arc::new(image));
        }
        start..images.len()
    }
}

/// Reads the method, path and body of a request.
fn read(from: &mut BufReader<TcpStream>) -> Option<(String, String, Value)> {
    let (mut first, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if first.is_empty() {
            line.clone_into(&mut first);
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    let mut words = first.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.next()?, serde_json::from_slice(&body).unwrap_or_default()))
}

fn send(mut stream: &TcpStream, status: &str, media_type: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    // The process may have ended.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

/// A PNG of one pixel, unique for each number, with padding.
fn image(number: usize, bytes: usize) -> Vec<u8> {
    let tiny = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let tiny = STANDARD.decode(tiny).unwrap();
    // After the signature and the header.
    let (head, rest) = tiny.split_at(33);
    let noise = (0..bytes).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ number as u8);
    let chunk: Vec<u8> = b"paDd".iter().copied().chain(number.to_be_bytes()).chain(noise).collect();
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    [head, &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), rest].concat()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of each file of a folder, by name.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| (name(&path), sha256(&std::fs::read(&path).unwrap()))).collect()
}
