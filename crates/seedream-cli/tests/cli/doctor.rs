//! `seedream doctor`.

use std::{fs, io::Write as _, net::TcpListener, thread};

use serde_json::Value;

use crate::{
    support::{CANARY, RunResult, Upstream, Workdir, closed},
    tls_server::{Authority, TlsServer, Validity},
};

const KEY: (&str, &str) = ("ARK_API_KEY", CANARY);

/// Runs it for one provider.
fn doctor(workdir: &Workdir, base: &str, flags: &[&str], env: &[(&str, &str)]) -> RunResult {
    workdir.run(&[&["doctor", "--provider", "ark", "--base-url", base, "--json"], flags].concat(), env)
}

/// The check with this name: its result, its detail and what to do.
fn found(ran: &RunResult, check: &str) -> (String, String, String) {
    let json = ran.json();
    let all = json["checks"].as_array().unwrap();
    let one = all.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("{check}: {json:#}"));
    let text = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
    (text("result"), text("detail"), text("remedy"))
}

/// Checks that one thing is a problem, with these words in its detail and in what to do, and everything else is not.
#[track_caller]
fn only_problem(ran: &RunResult, check: &str, detail: &str, remedy: &str) {
    ran.exits_with(1);
    let (result, told, to_do) = found(ran, check);
    assert_eq!(result, "problem", "{ran:#?}");
    assert!(told.contains(detail) && to_do.contains(remedy), "{ran:#?}");
    let json = ran.json();
    let problems = json["checks"].as_array().unwrap().iter().filter(|one| one["result"] == "problem").count();
    assert_eq!(problems, 1, "{json:#}");
}

#[test]
fn nothing_is_to_be_done_where_all_is_well_and_nothing_is_bought() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let ran = doctor(&workdir, &upstream.base("ark"), &[], &[KEY]);
    ran.exits_with(0);
    assert_eq!(found(&ran, "key").1, "set, from ARK_API_KEY");
    assert!(found(&ran, "endpoint").1.contains(" responds (HTTP "));
    assert!(found(&ran, "account").1.starts_with("the key is accepted; models: "));
    assert_eq!(found(&ran, "folder").1, "out can be made");
    assert_eq!((upstream.count("POST"), workdir.names(".")), (0, Vec::new()));
    let text = workdir.run(&["doctor", "--provider", "ark", "--base-url", &upstream.base("ark")], &[KEY]);
    text.exits_with(0).stdout_contains("account   ark       ok      the key is accepted; models: ");
    // A provider without a list of models has no free request.
    let base = upstream.base("opeai");
    let ran =
        workdir.run(&["doctor", "--provider", "opeai", "--base-url", &base, "--json"], &[("OPEAI_API_KEY", CANARY)]);
    assert_eq!(found(ran.exits_with(0), "account").0, "not_checked");
}

#[test]
fn a_key_that_is_missing_wrong_or_not_printed_is_told() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let ran = workdir.run(&["doctor", "--json"], &[]);
    only_problem(&ran, "key", "no provider has a key", "set one of ");
    let ran = workdir.run(&["doctor", "--provider", "evolink", "--json"], &[]);
    only_problem(&ran, "key", "no API key is set", "set EVOLINK_API_KEY");
    upstream.fault("on=models status=401");
    let ran = doctor(&workdir, &upstream.base("ark"), &[], &[KEY]);
    only_problem(&ran, "account", "", "take a valid key from the provider's console and set it in ARK_API_KEY");
    fs::write(workdir.path("own.toml"), "[providers.ark]\nkey_command = ['false']\n").unwrap();
    let ran = doctor(&workdir, &upstream.base("ark"), &[], &[("SEEDREAM_CONFIG", "own.toml")]);
    only_problem(&ran, "key", "`false` failed with exit status: 1", "correct own.toml:2");
    fs::write(workdir.path("own.toml"), "size = 1\n").unwrap();
    let ran = workdir.run(&["doctor", "--json"], &[("SEEDREAM_CONFIG", "own.toml")]);
    assert!(found(ran.exits_with(1), "configuration").1.starts_with("own.toml:1: `size`"), "{ran:#?}");
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_told_with_what_is_in_the_way() {
    let workdir = Workdir::new();
    let (dead, proxy) = (closed(), closed());
    let ran = doctor(&workdir, &format!("http://{dead}/api/v3"), &[], &[KEY]);
    only_problem(&ran, "endpoint", &format!("could not connect to http://{dead}"), "check the base URL");
    let way = format!("http://user:s3cret@{proxy}");
    let ran = doctor(&workdir, "http://ark.example/api/v3", &["--proxy", &way], &[KEY]);
    only_problem(&ran, "endpoint", &format!("through the proxy http://{proxy}"), "the proxy is that of --proxy");
    assert!(!ran.stdout.contains("s3cret"));
    let ca = Authority::new("Harbour CA");
    let server = TlsServer::start(&ca, "localhost", Validity::Now, |_| Vec::new());
    let ran = doctor(&workdir, &format!("https://localhost:{}/api/v3", server.port), &[], &[KEY]);
    only_problem(&ran, "endpoint", "issued by Harbour CA, which this machine does not trust", "--ca-cert");
}

/// A server that responds to every request with this time.
fn with_date(date: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/api/v3", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let body = r#"{"data":[]}"#;
            crate::support::read_request(&mut stream);
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
            drop(write!(stream, "{head}\r\ndate: {date}\r\n\r\n{body}"));
        }
    });
    base
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let workdir = Workdir::new();
    let ran = doctor(&workdir, &with_date("Thu, 01 Jan 1970 00:00:00 GMT"), &[], &[KEY]);
    only_problem(&ran, "clock", " s ahead of the endpoint", "set the clock");
    let ran = doctor(&workdir, &with_date("Wed, 01 Jan 4070 00:00:00 GMT"), &[], &[KEY]);
    only_problem(&ran, "clock", " s behind the endpoint", "set the clock");
    let now = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&jiff::Timestamp::now()).unwrap();
    let ran = doctor(&workdir, &with_date(now.leak()), &[], &[KEY]);
    assert_eq!(found(&ran, "clock").0, "ok", "{ran:#?}");
}

#[test]
fn a_folder_that_cannot_be_written_and_unfinished_jobs_are_told() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    fs::write(workdir.path("file"), "").unwrap();
    let mut folders = vec!["file", "file/below"];
    if cfg!(target_os = "linux") {
        // Read-only for everybody, root included.
        folders.push("/proc/sys");
    }
    for folder in folders {
        let ran = doctor(&workdir, &base, &["--out", folder], &[KEY]);
        only_problem(&ran, "folder", &format!("{folder} cannot be written"), "name another folder with --out");
    }
    // The process ends before the response of a paid request.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let args =
        ["generate", "x", "--provider", "ark", "--base-url", &format!("http://{}/v1", mute.local_addr().unwrap())];
    let mut child = workdir.spawn(&args, &[KEY]);
    let (mut stream, _) = mute.accept().unwrap();
    crate::support::read_request(&mut stream);
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = doctor(&workdir, &base, &[], &[KEY]);
    only_problem(&ran, "jobs", "unfinished in out: 1", "seedream resume 'out'");
    let json: Value = ran.json();
    assert!(json["checks"].as_array().unwrap().len() >= 6, "{json:#}");
}
