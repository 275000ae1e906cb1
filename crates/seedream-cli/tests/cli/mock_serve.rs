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
