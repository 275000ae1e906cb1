//! Verbose runs print no key, prompt, signature or base64 data.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use seedream_mock::TaskEnd;

use crate::support::{RunResult, Upstream, Workdir};

/// It does not look like a key, so only code that knows it can redact it.
const KEY: &str = "kanarienvogel.0123456789";
const PROMPT: &str = "2 images of a canary-prompt";
const SIGNED: &str = "https://pictures.example.com/a.png?X-Tos-Signature=canary-signature&token=canary-signature";

/// Texts that must not be printed: the key, the prompt, signatures, and the base64 starts of a PNG, a JPEG and the reference.
const CANARIES: [&str; 7] =
    [KEY, "canary-prompt", "canary-signature", "X-Tos-Signature", "iVBORw0KGgo", "/9j/", "Y2FuYXJ5LXBpY3R1cmU"];

const VARIABLES: [&str; 5] =
    ["GOGOGOTOKEN_API_KEY", "AIEARTH_API_KEY", "EVOLINK_API_KEY", "ARK_API_KEY", "OPEAI_API_KEY"];

/// Runs a command with `-v` and checks that it prints no secret.
#[track_caller]
fn run_without_secrets(workdir: &Workdir, args: &[&str]) -> RunResult {
    let env = VARIABLES.map(|name| (name, KEY));
    let ran = workdir.run(&[args, &["-v"]].concat(), &env);
    for canary in CANARIES {
        assert!(!ran.stderr.contains(canary), "`{canary}` in {args:?}: {ran:#?}");
        // JSON output and the table of unsaved images contain URLs.
        let url = canary.to_ascii_lowercase().contains("signature");
        let data = ran.stdout.split_once("NOT SAVED").map_or(&*ran.stdout, |(results, _)| results);
        assert!((url && args.contains(&"--json")) || !data.contains(canary), "`{canary}` in {args:?}: {ran:#?}");
    }
    ran
}

#[test]
fn successful_runs_print_no_secret() {
    let workdir = Workdir::new();
    // A file with a PNG header; the mock does not decode it.
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x08\0\0\0\x08\0\x08\x02\0\0\0canary-picture".as_slice(), &[0; 100]];
    std::fs::write(workdir.path("reference.png"), png.concat()).unwrap();
    let upstream = Upstream::with(TaskEnd::Polls(2));
    let both = [SIGNED, "reference.png"];
    for (provider, images, flags) in [
        ("gogogotoken", &[][..], &[][..]),
        ("aiearth", &both, &[]),
        ("evolink", &both[..1], &[]),
        ("ark", &both, &["--stream"]),
        ("ark", &both, &["--stream", "--inline"]),
        ("ark", &both, &["--inline"]),
        ("opeai", &both, &["--inline"]),
    ] {
        let base = upstream.base(provider);
        let mut args = vec!["generate", PROMPT, "--provider", provider, "--base-url", &base, "--check", "lenient"];
        args.extend(["--count", "2"].iter().chain(flags));
        args.extend(images.iter().flat_map(|image| ["--image", image]));
        let ran = run_without_secrets(&workdir, &args);
        ran.exits_with(0)
            .stderr_contains("operation{")
            .stderr_contains("attempt{")
            .stderr_contains(&format!("provider=\"{provider}\""))
            .stderr_contains("outcome=\"ok\"");
        args.push("--json");
        run_without_secrets(&workdir, &args).exits_with(0);
    }
    run_without_secrets(
        &workdir,
        &["models", "--provider", "aiearth", "--base-url", &upstream.base("aiearth"), "--live"],
    )
    .exits_with(0);
}

#[test]
fn failed_runs_print_no_secret() {
    let workdir = Workdir::new();
    let ark = |base: &str, flags: &[&str]| {
        let args = ["generate", PROMPT, "--provider", "ark", "--base-url", base, "--deadline", "2s"];
        run_without_secrets(&workdir, &[&args, flags].concat())
    };
    // A refused connection, and a request refused before sending.
    ark("http://127.0.0.1:1/v1", &[]).exits_with(9);
    ark("http://127.0.0.1:1/v1", &["--size", "1x1", "--image", SIGNED, "--callback-url", SIGNED]).exits_with(2);
    ark(&format!("http://canary-prompt:{KEY}@127.0.0.1:1/v1"), &[]).exits_with(2);
    ark(&format!("http://127.0.0.1:1/v1/{}", &SIGNED[29..]), &[]).exits_with(2);
    ark("http://127.0.0.1:1/v1", &["--image", "data:image/png;base64,Y2FuYXJ5LXBpY3R1cmU!"]).exits_with(2);

    // Images that cannot be fetched: forbidden, missing, and not an image.
    for url in [SIGNED.replace("https", "http"), SIGNED.replace("pictures.example.com", "127.0.0.1")] {
        let (base, server) = gateway(1, move |_| (200, format!(r#"{{"created":1,"data":[{{"url":"{url}"}}]}}"#)));
        ark(&base, &[]).exits_with(3).stderr_contains("download{");
        server.join().unwrap();
    }
    // A gateway that redirects to a signed URL, and responses that are truncated, empty or not JSON.
    for (status, body) in [
        (307, ""),
        (502, "<html>X-Tos-Signature=canary-signature</html>"),
        (200, "{\"data\":[{\"b64_json\":\"iVBORw0KGgo"),
    ] {
        let (base, server) = gateway(1, move |_| (status, body.to_owned()));
        assert_ne!(ark(&base, &[]).code, 0);
        server.join().unwrap();
    }
}

#[test]
fn a_key_and_a_url_quoted_by_a_gateway_are_not_printed() {
    let workdir = Workdir::new();
    for status in [400, 401, 429, 500] {
        let quote = move |request: &str| {
            let key = request.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization")).unwrap();
            let message = format!("you sent {key} and {SIGNED}; your key {KEY} is not valid");
            (status, serde_json::json!({ "error": { "code": "InvalidParameter", "message": message } }).to_string())
        };
        let (base, server) = gateway(1, quote);
        let args = ["generate", PROMPT, "--provider", "ark", "--base-url", &base, "--deadline", "300ms"];
        run_without_secrets(&workdir, &args).stderr_contains("you sent");
        run_without_secrets(&workdir, &[&args[..], &["--json"]].concat());
        drop(server);
    }
}

/// A server for a number of requests.
fn gateway(requests: usize, response: impl Fn(&str) -> (u16, String) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let serve = move || {
        for _ in 0..requests {
            let (stream, _) = listener.accept().unwrap();
            let request = read(&stream);
            let (status, body) = response(&request);
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nlocation: {SIGNED}");
            write!(&stream, "{head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        }
    };
    (base, std::thread::spawn(serve))
}

/// The head and the body of a request.
fn read(stream: &TcpStream) -> String {
    let (mut reader, mut text, mut length) = (BufReader::new(stream), String::new(), 0);
    while !text.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "the request ended early: {text}");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    text + &String::from_utf8(body).unwrap()
}
