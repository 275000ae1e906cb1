//! One minimal server on the loopback: one thread per connection, and responses that are prepared in advance.

use std::{
    collections::HashMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::Result;

/// The size of one image in a response of base64.
pub(crate) const PICTURE: usize = 16_000_000;

/// How often a task is asked for until it is done.
pub(crate) const POLLS: usize = 2;

/// What all of them can read: Ark's answer with the members that async-openai misses otherwise.
const USAGE: &str = r#""usage":{"generated_images":1,"input_tokens":0,"output_tokens":16384,"total_tokens":16384,"input_tokens_details":{"text_tokens":0,"image_tokens":0}}"#;

/// An image's URL, as long as a signed one is.
const URL: &str = "https://ark-content-generation-v2-cn-beijing.tos-cn-beijing.volces.com/doubao-seedream-4-0/0217636688001234567890abcdef0123456789abcdef01234567_0.jpeg?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=AKLTexample%2F20251120%2Fcn-beijing%2Ftos%2Frequest&X-Tos-Date=20251120T200000Z&X-Tos-Expires=86400&X-Tos-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef&X-Tos-SignedHeaders=host";

/// It answers at `/<what>/<numbers>`, whatever stands behind that:
/// `/images/<n>` with so many URLs, `/base64/<n>` with so many images, `/events/<n>/<bytes>` with a stream of so many events
/// of one image each, and `/tasks` to every second poll of a task that it is done.
pub(crate) struct Server {
    url: String,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let ready = Arc::new(Ready::new());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let ready = ready.clone();
                std::thread::spawn(move || ready.converse(&socket));
            }
        });
        Ok(Self { url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// What is answered.
struct Ready {
    /// The pixels of an image.
    base64: String,
    /// Whole answers, by path.
    responses: Mutex<HashMap<String, Arc<[u8]>>>,
    /// How often each task was asked for.
    polls: Mutex<HashMap<String, usize>>,
}

impl Ready {
    fn new() -> Self {
        Self {
            base64: STANDARD.encode(pixels(PICTURE - BEGINNING)),
            responses: Mutex::default(),
            polls: Mutex::default(),
        }
    }

    /// Answers until the other side goes away.
    fn converse(&self, socket: &TcpStream) {
        let mut reader = BufReader::new(socket);
        let _ = socket.set_nodelay(true);
        while let Ok(Some(path)) = read(&mut reader) {
            if self.response(&path, socket).is_err() {
                return;
            }
        }
    }

    fn response(&self, path: &str, mut socket: &TcpStream) -> io::Result<()> {
        let mut words = path.split('/').skip(1);
        let what = words.next().unwrap_or_default();
        let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match what {
            "pictures" => socket.write_all(&self.whole(path, || images(number()))),
            "base64" => self.base64(number(), socket),
            "events" => self.events(number(), number(), socket),
            "tasks" => socket.write_all(self.poll(path).as_bytes()),
            _ => socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    /// A response that was made once.
    fn whole(&self, path: &str, body: impl FnOnce() -> String) -> Arc<[u8]> {
        let mut responses = self.responses.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || json(&body()).into_bytes().into();
        responses.entry(path.to_owned()).or_insert_with(make).clone()
    }

    fn base64(&self, images: usize, mut socket: &TcpStream) -> io::Result<()> {
        let (open, close) = ("{\"b64_json\":\"", "\",\"size\":\"1024x768\"}");
        let (head, tail) = ("{\"created\":1763668800,\"data\":[", &format!("],{USAGE}}}"));
        let item = open.len() + BEGINNING / 3 * 4 + self.base64.len() + close.len();
        let length = head.len() + tail.len() + images * item + images.saturating_sub(1);
        write!(socket, "{}{head}", json_head(length))?;
        for number in 0..images {
            let comma = if number > 0 { "," } else { "" };
            let beginning = STANDARD.encode(beginning(number as u8));
            for part in [comma, open, &beginning, &self.base64, close] {
                socket.write_all(part.as_bytes())?;
            }
        }
        socket.write_all(tail.as_bytes())
    }

    /// The form is OpenAI's, which all of them can read; the base64 of an event has so many bytes.
    fn events(&self, events: usize, bytes: usize, mut socket: &TcpStream) -> io::Result<()> {
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
        for number in 0..events {
            socket.write_all(event_head().as_bytes())?;
            // Each its own: the client keeps one of equal images.
            let beginning = STANDARD.encode(beginning(number.to_le_bytes()[0]));
            socket.write_all(beginning.as_bytes())?;
            let mut left = (bytes / 4 * 4).saturating_sub(beginning.len());
            while left > 0 {
                let part = left.min(self.base64.len() / 4 * 4 - 4);
                socket.write_all(&self.base64.as_bytes()[..part])?;
                left -= part;
            }
            socket.write_all(EVENT_TAIL.as_bytes())?;
        }
        socket.write_all(b"data: [DONE]\n\n")?;
        socket.shutdown(std::net::Shutdown::Write)
    }

    fn poll(&self, path: &str) -> String {
        let polls = {
            let mut polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
            let polls = polls.entry(path.to_owned()).or_default();
            *polls += 1;
            *polls
        };
        let id = path.rsplit('/').next().unwrap_or_default();
        let state = if polls % POLLS == 0 {
            format!(r#""progress":100,"status":"completed","results":["{URL}"]"#)
        } else {
            r#""progress":45,"status":"processing""#.to_owned()
        };
        json(&format!(
            r#"{{"created":1763668800,"id":"{id}","model":"doubao-seedream-4.5","object":"image.generation.task",{state},"task_info":{{"can_cancel":true}},"type":"image"}}"#
        ))
    }
}

/// What an event begins with.
pub(crate) fn event_head() -> String {
    format!(
        "event: image_generation.completed\ndata: {{\"type\":\"image_generation.completed\",\"created_at\":1763668800,\"size\":\"2048x2048\",\"quality\":\"high\",\"background\":\"opaque\",\"output_format\":\"png\",{USAGE},\"b64_json\":\""
    )
}

/// What it ends with.
pub(crate) const EVENT_TAIL: &str = "\"}\n\n";

/// A PNG of 1024 x 768, whose pixels are noise.
pub(crate) fn image(bytes: usize) -> Vec<u8> {
    [beginning(0), pixels(bytes - BEGINNING)].concat()
}

/// How many bytes an image has before its pixels: a multiple of 3, so that its base64 is that of both parts.
const BEGINNING: usize = 48;

/// An image before its pixels, with its number: two equal images of one response are one.
fn beginning(number: u8) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", b"\0\0\x04\0\0\0\x03\0\x08\x02\0\0\0");
    chunk(&mut png, b"tEXt", &[b'n', 0, number]);
    png
}

/// The rest of an image.
fn pixels(bytes: usize) -> Vec<u8> {
    let mut noise = 1u64;
    // Each chunk has twelve bytes beside its data.
    let mut pixels = vec![0; bytes - 24];
    pixels.fill_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    });
    let mut png = Vec::with_capacity(bytes);
    chunk(&mut png, b"IDAT", &pixels);
    chunk(&mut png, b"IEND", b"");
    png
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(name);
    checksum.update(data);
    let length = u32::try_from(data.len()).expect("a chunk is smaller than 4 GiB");
    png.extend_from_slice(&length.to_be_bytes());
    png.extend_from_slice(name);
    png.extend_from_slice(data);
    png.extend_from_slice(&checksum.finalize().to_be_bytes());
}

fn images(count: usize) -> String {
    let item = format!(r#"{{"url":"{URL}","size":"2048x2048"}}"#);
    let items = vec![item; count].join(",");
    format!(r#"{{"model":"doubao-seedream-4-0-250828","created":1763668800,"data":[{items}],{USAGE}}}"#)
}

fn json(body: &str) -> String {
    json_head(body.len()) + body
}

fn json_head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
}

/// Reads one request, and returns its path; `None` at the end.
fn read(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<String>> {
    let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line)? > 0 {
        match line.split_once(' ') {
            Some((_, rest)) if path.is_empty() => {
                path = rest.split(' ').next().unwrap_or_default().to_owned();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length:") => {
                length = value.trim().parse().unwrap_or(0);
            }
            _ if line == "\r\n" => {
                io::copy(&mut reader.take(length), &mut io::sink())?;
                return Ok(Some(path));
            }
            _ => {}
        }
        line.clear();
    }
    Ok(None)
}
