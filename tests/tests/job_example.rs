//! The example of the evolink crate against the mock: by itself, and killed at the moments at which something may be lost.
#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use seedream_mock::{MockServer, TaskEnd};
use sha2::{Digest as _, Sha256};

#[path = "../../crates/seedream-evolink/examples/job.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is a program")]
mod example;

/// What the paths of images have.
const PICTURE: &str = "/pictures/";

const PROMPT: &str = "two views of a lighthouse, 2 images";

/// Whether a request is to be held, by its first line.
type Holds = fn(&str) -> bool;

/// Passes requests on to a mock, and holds those that a test wants to be unanswered.
struct Gate {
    url: String,
    shared: Arc<Shared>,
    held: Receiver<String>,
}

struct Shared {
    mock: String,
    holds: Mutex<Option<Holds>>,
    /// The request lines that came.
    lines: Mutex<Vec<String>>,
    /// The SHA-256 of every image that was delivered.
    images: Mutex<BTreeSet<String>>,
    /// Connections without a response.
    open: Mutex<Vec<TcpStream>>,
    held: Sender<String>,
}

impl Gate {
    /// `holds` gets the first line of a request.
    fn before(mock: &MockServer, holds: Holds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (held, holding) = channel();
        let shared = Arc::new(Shared {
            mock: mock.address().to_string(),
            holds: Mutex::new(Some(holds)),
            lines: Mutex::default(),
            images: Mutex::default(),
            open: Mutex::default(),
            held,
        });
        let serving = shared.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (serving, connection) = (serving.clone(), connection.unwrap());
                thread::spawn(move || serving.pass(connection));
            }
        });
        Self { url, shared, held: holding }
    }

    fn open(&self) {
        *self.shared.holds.lock().unwrap() = None;
    }

    fn count(&self, method: &str) -> usize {
        self.shared.lines.lock().unwrap().iter().filter(|line| line.starts_with(method)).count()
    }
}

impl Shared {
    fn pass(&self, mut client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some((_, value)) = line.to_ascii_lowercase().split_once("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                head.push_str("connection: close\r\n\r\n");
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let line = head.lines().next().unwrap().to_owned();
        self.lines.lock().unwrap().push(line.clone());
        if self.holds.lock().unwrap().is_some_and(|holds| holds(&line)) {
            self.open.lock().unwrap().push(client);
            // The test may have ended.
            let _ = self.held.send(line);
            return;
        }
        let mut mock = TcpStream::connect(&self.mock).unwrap();
        mock.write_all(head.as_bytes()).unwrap();
        mock.write_all(&body).unwrap();
        let mut response = Vec::new();
        mock.read_to_end(&mut response).unwrap();
        if line.contains(PICTURE) {
            let body = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            self.images.lock().unwrap().insert(hex(&response[body..]));
        }
        // A client that was killed takes nothing.
        let _ = client.write_all(&response);
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The SHA-256 of every file of images.
fn images(folder: &Path) -> BTreeSet<String> {
    let images = names(folder).into_iter().filter(|name| name.ends_with(".jpg") || name.ends_with(".png"));
    images.map(|name| hex(&fs::read(folder.join(name)).unwrap())).collect()
}

/// Runs as a process of its own where the environment says where to, so that it can be killed.
#[tokio::test]
async fn the_example_leaves_images_and_metadata_and_no_record() {
    if let (Ok(url), Ok(folder)) = (std::env::var("EXAMPLE_URL"), std::env::var("EXAMPLE_FOLDER")) {
        example::run("sk-any", Some(&url), PROMPT, &folder).await.unwrap();
        return;
    }
    let (mock, folder) = (MockServer::start().await.unwrap(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    example::run("sk-any", mock.base_url("evolink").as_deref(), PROMPT, out.to_str().unwrap()).await.unwrap();
    assert_eq!(names(&out), ["evolink-0.jpg", "evolink-0.json", "evolink-1.jpg"]);
    assert_eq!(mock.journal().iter().filter(|entry| entry.method == "POST").count(), 1);
}

/// Kills the example once the gate holds a request and it has told this, runs it again, and gives back what that leaves.
fn killed(holds: Holds, told: &str) -> (Gate, tempfile::TempDir, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mock = runtime.block_on(MockServer::builder().task(TaskEnd::Polls(1)).start()).unwrap();
    let (gate, folder) = (Gate::before(&mock, holds), tempfile::tempdir().unwrap());
    let url = format!("{}/evolink", gate.url);
    let name = "the_example_leaves_images_and_metadata_and_no_record";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env("EXAMPLE_URL", &url).env("EXAMPLE_FOLDER", folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    gate.held.recv().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(told.is_empty() || lines.any(|line| line.unwrap().contains(told)), "{told}");
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    let record = folder.path().join("evolink-0.job.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    runtime.block_on(example::run("sk-any", Some(&url), PROMPT, folder.path().to_str().unwrap())).unwrap();
    (gate, folder, text)
}

#[test]
fn killed_before_the_response_the_record_says_what_may_have_been_billed() {
    let (gate, folder, record) = killed(|line| line.starts_with("POST"), "");
    assert!(record.contains(r#""entry":"intent""#) && !record.contains("accepted"), "{record}");
    assert_eq!(names(folder.path()), ["evolink-0.job.jsonl", "evolink-0.jpg", "evolink-0.json", "evolink-1.jpg"]);
    assert_eq!(gate.count("POST"), 2, "the one that was killed, and that of the second run");
}

#[test]
fn killed_after_the_task_was_accepted_both_images_are_collected() {
    let (gate, folder, record) = killed(|line| line.contains("/tasks/"), "accepted ");
    assert!(record.contains(r#""entry":"accepted""#) && !record.contains("answered"), "{record}");
    collected(&gate, folder.path());
}

#[test]
fn killed_before_an_image_was_fetched_both_are_collected() {
    let (gate, folder, record) = killed(|line| line.contains(PICTURE), "accepted ");
    assert!(record.contains(r#""entry":"answered""#), "{record}");
    collected(&gate, folder.path());
}

#[test]
fn killed_between_two_images_both_are_collected() {
    let (gate, folder, record) = killed(|line| line.contains(PICTURE) && line.contains("-1-"), "saved ");
    assert!(record.contains(r#""entry":"answered""#), "{record}");
    collected(&gate, folder.path());
}

/// Two images of the run that was killed and two of the second, each as it was served, and one purchase each.
#[track_caller]
fn collected(gate: &Gate, folder: &Path) {
    let saved = images(folder);
    assert_eq!(saved.len(), 4, "{:?}", names(folder));
    assert_eq!(saved, *gate.shared.images.lock().unwrap());
    assert_eq!(names(folder).iter().filter(|name| name.ends_with(".json")).count(), 2);
    assert!(!names(folder).iter().any(|name| name.ends_with(".jsonl") || name.starts_with("unsaved-")));
    assert_eq!(gate.count("POST"), 2, "one of each run: nothing is bought twice");
}
