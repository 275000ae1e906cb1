//! A proxy in front of a store that can hold, cut or refuse a request.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use super::moto::Moto;

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Forward,
    /// Nothing follows until the process ends; the test gets its name.
    Hold,
    /// The connection ends in the middle of the body.
    Cut,
    Status(u16),
}

type Rule = Box<dyn Fn(&str) -> Way + Send>;

/// A running proxy. A request is called `PUT /bucket/key`, and `PUT part /bucket/key` if it is a part.
pub(super) struct Proxy {
    address: String,
    rule: Arc<Mutex<Rule>>,
    held: mpsc::Receiver<String>,
}

impl Proxy {
    pub(super) fn start(moto: &Moto) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let store = moto.url().trim_start_matches("http://").to_owned();
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_| Way::Forward)));
        let (sender, held) = mpsc::channel();
        let rules = rule.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (rules, store, sender) = (rules.clone(), store.clone(), sender.clone());
                thread::spawn(move || serve(stream.unwrap(), &rules, &store, &sender));
            }
        });
        Self { address, rule, held }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets how later requests are handled.
    pub(super) fn rule(&self, rule: impl Fn(&str) -> Way + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// Waits for a held request and returns its name.
    pub(super) fn held(&self) -> String {
        self.held.recv().unwrap()
    }
}

/// Serves one request; the connection ends after it. The process may end at any time.
fn serve(mut stream: TcpStream, rule: &Mutex<Rule>, store: &str, held: &mpsc::Sender<String>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        let name = line.to_ascii_lowercase();
        if let Some(value) = name.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if !name.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let (method, rest) = head.split_once(' ')?;
    let (target, _) = rest.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let part = if query.contains("partNumber") { " part" } else { "" };
    let name = format!("{method}{part} {path}");
    let way = (rule.lock().unwrap())(&name);
    let mut body = vec![0; if matches!(way, Way::Cut) { length / 2 } else { length }];
    reader.read_exact(&mut body).ok()?;
    match way {
        Way::Forward => {
            let mut to = TcpStream::connect(store).ok()?;
            to.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).ok()?;
            to.write_all(&body).ok()?;
            let mut response = Vec::new();
            to.read_to_end(&mut response).ok()?;
            stream.write_all(&response).ok()
        }
        Way::Hold => {
            held.send(name).ok()?;
            // Until the other end is gone.
            stream.read_to_end(&mut body).ok().map(drop)
        }
        Way::Cut => None,
        Way::Status(status) => {
            let head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).ok()
        }
    }
}
