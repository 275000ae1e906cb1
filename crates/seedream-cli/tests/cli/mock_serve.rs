//! `mock serve`.

use std::{
    io::{BufRead as _, BufReader},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Workdir, get, signal};

#[test]
fn the_first_line_has_the_urls_and_a_signal_ends_the_mock() {
    let workdir = Workdir::new();
    for name in ["TERM", "INT"] {
        let mut child = workdir.spawn(&["mock", "serve", "--task", "polls=2", "--seed", "7"], &[]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&ready["event"], &ready["pid"]), (&"ready".into(), &child.id().into()));
        let url = ready["url"].as_str().unwrap();
        assert_eq!(ready["providers"]["ark"], format!("{url}/ark/api/v3"));
        let (status, health) = get(&format!("{url}/__mock/v1/health"));
        assert_eq!((status, &health["status"]), (200, &"ok".into()));

        let signalled = Instant::now();
        signal(&child, name);
        let status = child.wait().unwrap();
        assert!(signalled.elapsed() < Duration::from_secs(1), "{name}: {:?}", signalled.elapsed());
        assert_eq!(status.code(), Some(0), "{name}");
        let mut rest = String::new();
        assert_eq!(stdout.read_line(&mut rest).unwrap(), 0, "only one line is data: {rest}");
    }
}

/// A flag that nobody finds is as good as none.
#[test]
fn the_mocks_readme_has_every_flag_of_serve_in_its_table() {
    let readme = include_str!("../../../seedream-mock/README.md");
    let (_, table) = readme.split_once("### Flags").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let help = Workdir::new().run(&["mock", "serve", "--help"], &[]);
    let flags =
        help.stdout.lines().filter_map(|line| line.trim_start().split([' ', '=']).find(|word| word.starts_with("--")));
    let missing: Vec<&str> = flags
        .filter(|flag| !["--help", "--verbose"].contains(flag))
        .filter(|flag| !table.contains(&format!("`{flag}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(help.stdout.contains("--on-miss"), "{}", help.stdout);
}

#[test]
fn a_mock_with_tls_is_trusted_by_the_file_of_its_authority() {
    let workdir = Workdir::new();
    let mut child = workdir.spawn(&["mock", "serve", "--tls", "--ca-file", "ca.pem"], &[]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = ready["url"].as_str().unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{line}");
    let pem = std::fs::read_to_string(workdir.path("ca.pem")).unwrap();
    assert_eq!(ready["ca"], pem);

    let ran = workdir.run(&["mock", "ca", "--at", url], &[]);
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&ran.exits_with(0).stdout), squeezed(&pem));
    assert_eq!(workdir.run(&["mock", "health", "--at", url], &[]).exits_with(0).stdout, "ok: a mock with TLS\n");
    let plain = url.replace("https", "http");
    assert!(workdir.run(&["mock", "ca", "--at", &plain], &[]).exits_with(2).stderr.contains("mock serve --tls"));

    let trusting = [("SSL_CERT_FILE", "ca.pem"), ("ARK_API_KEY", "sk-anything")];
    let base = ready["providers"]["ark"].as_str().unwrap();
    let generate = ["generate", "a kite over TLS", "--provider", "ark", "--base-url", base, "--out", "out"];
    workdir.run(&generate, &trusting).exits_with(0);
    assert_eq!(workdir.names("out").iter().filter(|name| !name.ends_with(".json")).count(), 1);
    let journal = workdir.run(&["mock", "ctl", "journal", "--at", url, "--json"], &trusting).exits_with(0).json();
    // The request and the download of its image.
    assert_eq!(journal["count"], 2, "{journal:#}");
    assert_eq!(workdir.run(&["mock", "ctl", "journal", "--at", url], &[]).code, 9, "nobody else trusts it");
    drop(child.kill());
    drop(child.wait());
}

#[test]
fn the_token_may_stand_in_the_environment() {
    let workdir = Workdir::new();
    let token = [("SEEDREAM_MOCK_TOKEN", "tok")];
    let mut child = workdir.spawn(&["mock", "serve", "--host", "0.0.0.0"], &token);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let at = ["mock", "ctl", "sessions", "--at", ready["url"].as_str().unwrap()];
    workdir.run(&at, &token).exits_with(0);
    workdir.run(&at, &[]).exits_with(5);
    drop(child.kill());
    drop(child.wait());
}
