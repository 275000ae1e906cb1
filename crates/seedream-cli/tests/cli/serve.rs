//! The mock as a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Place, get, signal};

#[test]
fn the_first_line_says_where_it_is_and_a_signal_ends_it() {
    let place = Place::new();
    for name in ["TERM", "INT"] {
        let mut child = place.spawn(&["mock", "serve", "--task", "polls=2", "--seed", "7"], &[]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&ready["event"], &ready["pid"]), (&"ready".into(), &child.id().into()));
        let url = ready["url"].as_str().unwrap();
        assert_eq!(ready["providers"]["ark"], format!("{url}/ark/api/v3"));
        let (status, health) = get(&format!("{url}/__mock/v1/health"));
        assert_eq!((status, &health["status"]), (200, &"ok".into()));

        let told = Instant::now();
        signal(&child, name);
        let status = child.wait().unwrap();
        assert!(told.elapsed() < Duration::from_secs(1), "{name}: {:?}", told.elapsed());
        assert_eq!(status.code(), Some(0), "{name}");
        let mut rest = String::new();
        assert_eq!(stdout.read_line(&mut rest).unwrap(), 0, "only one line is data: {rest}");
    }
}
