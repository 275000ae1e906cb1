//! moto, a server that speaks S3, in a process of its own.
#![allow(clippy::print_stderr, reason = "a test says why it did not run")]

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running server, which ends when this is dropped.
pub(crate) struct Moto {
    child: Child,
    address: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// Starts a server; `None`, with a message, where it is not installed.
    ///
    /// # Panics
    /// It is not installed and `SEEDREAM_REQUIRE_SERVERS` is 1, or it does not start.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// Starts a server that refuses all keys.
    #[allow(dead_code, reason = "not each of the packages that share this file calls it")]
    pub(crate) fn refusing() -> Option<Self> {
        Self::with(&[("INITIAL_NO_AUTH_ACTION_COUNT", "0")])
    }

    fn with(variables: &[(&str, &str)]) -> Option<Self> {
        let program = program();
        if !program.exists() {
            let message = format!("there is no {}: run tests/servers/install", program.display());
            assert!(env::var("SEEDREAM_REQUIRE_SERVERS").as_deref() != Ok("1"), "{message}");
            eprintln!("not run: {message}");
            return None;
        }
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", "0"]).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.find_map(|line| line.unwrap().split_once("http://").map(|(_, address)| address.to_owned()));
        // The server writes a line for each request.
        std::thread::spawn(move || lines.for_each(drop));
        let address = ready.expect("moto starts");
        Some(Self { child, address: address.trim_end_matches('/').to_owned() })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn create_bucket(&self, name: &str) {
        let (status, body) = self.exchange("PUT", &format!("/{name}"));
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }

    /// The keys of a bucket, sorted.
    pub(crate) fn keys(&self, bucket: &str) -> Vec<String> {
        self.texts(&format!("/{bucket}?list-type=2"), "Key")
    }

    /// The ids of the uploads of a bucket that are open.
    pub(crate) fn uploads(&self, bucket: &str) -> Vec<String> {
        self.texts(&format!("/{bucket}?uploads"), "UploadId")
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Vec<u8> {
        let (status, body) = self.exchange("GET", &format!("/{bucket}/{}", key.replace('=', "%3D")));
        assert_eq!(status, 200, "{key}");
        body
    }

    /// The texts of the elements of a name in a list.
    fn texts(&self, path: &str, element: &str) -> Vec<String> {
        let (status, body) = self.exchange("GET", path);
        assert_eq!(status, 200, "{path}");
        let text = String::from_utf8(body).unwrap();
        let tag = format!("<{element}>");
        let parts = text.split(&tag).skip(1);
        let mut texts: Vec<_> = parts.map(|part| part[..part.find('<').unwrap()].to_owned()).collect();
        texts.sort();
        texts
    }

    fn exchange(&self, method: &str, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: {host}\r\nauthorization: AWS any:key\r\ncontent-length: 0\r\n\r\n"
        )
        .unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        let end = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(response[..end].to_vec()).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), response.split_off(end + 4))
    }
}

/// The program that `tests/servers/install` installs.
fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target));
    target.join("servers/bin/moto_server")
}
