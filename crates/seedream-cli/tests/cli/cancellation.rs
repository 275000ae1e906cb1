//! Cancellation keeps paid images and records.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStderr},
};

use crate::support::{CANARY, RunResult, Upstream, Workdir, read_and_respond, read_request, response, signal};

#[test]
fn cancelling_keeps_the_record_of_a_running_task() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("evolink");
    let args = ["generate", "a fox", "--provider", "evolink", "--base-url", &base, "--json"];
    let mut child = workdir.spawn(&args, &[("EVOLINK_API_KEY", "sk-mock-stuck")]);
    let mut stderr = until(&mut child, "accepted and recorded");
    // The record exists before the message is printed.
    let kept = workdir.names("out");
    assert_eq!(kept, ["evolink-0.job.jsonl"]);

    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let ran = RunResult::of(output);
    let result = ran
        .exits_with(130)
        .stderr_contains("may be billed")
        .stderr_contains("seedream resume out/evolink-0.job.jsonl")
        .result();
    assert_eq!((&result["charge"], &result["error"]["kind"]), (&"unknown".into(), &"cancelled".into()));
    assert_eq!(result["record"], "out/evolink-0.job.jsonl");
    assert_eq!(workdir.names("out"), kept);
    assert_eq!(upstream.count("POST"), 1);
}

/// A process that waits for a response.
fn under_way(workdir: &Workdir) -> (Child, TcpStream) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--inline", "--json"];
    let child = workdir.spawn(&args, &[("ARK_API_KEY", CANARY)]);
    let (mut stream, _) = server.accept().unwrap();
    assert_eq!(read_request(&mut stream)["prompt"], "a fox");
    (child, stream)
}

#[test]
fn cancelling_waits_for_a_response_that_may_be_billed() {
    let workdir = Workdir::new();
    let (mut child, stream) = under_way(&workdir);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "waiting for the response");
    let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    // The request is already read.
    response(&stream, &format!(r#"{{"created":1,"data":[{{"b64_json":"{image}"}}]}}"#));
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = RunResult::of(output).exits_with(130).result();
    assert_eq!((&result["delivered"], &result["images"][0]["width"]), (&1.into(), &1.into()));
    assert_eq!(workdir.names("out"), ["ark-0.json", "ark-0.png"]);
}

#[test]
fn an_abandoned_request_may_be_billed() {
    let workdir = Workdir::new();
    let (mut child, _stream) = under_way(&workdir);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "waiting for the response");
    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = RunResult::of(output).exits_with(130).stderr_contains("may have been billed").result();
    assert_eq!((&result["charge"], &result["task"]), (&"unknown".into(), &serde_json::Value::Null));
}

#[test]
fn the_second_ctrl_c_stops_a_download() {
    let workdir = Workdir::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let mut child = workdir.spawn(&args, &[("ARK_API_KEY", CANARY)]);
    let url = format!("{base}/a.png?X-Tos-Signature=s3cret");
    read_and_respond(&server.accept().unwrap().0, &format!(r#"{{"created":1,"data":[{{"url":"{url}"}}]}}"#));
    // The download gets no response.
    let (mut download, _) = server.accept().unwrap();
    read_request(&mut download);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "Ctrl-C again");
    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = RunResult::of(output).exits_with(130).result();
    assert_eq!((&result["failures"][0]["kind"], &result["failures"][0]["url"]), (&"cancelled".into(), &url.into()));
    assert_eq!((&result["delivered"], &result["charge"]), (&1.into(), &"yes".into()));
}

#[test]
fn resume_after_a_kill_fetches_the_task_without_a_purchase() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("evolink");
    let env = [("EVOLINK_API_KEY", CANARY)];
    let mut child = workdir.spawn(&["generate", "a fox", "--provider", "evolink", "--base-url", &base], &env);
    until(&mut child, "accepted and recorded");
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().code(), None);
    let file = format!("out/{}", workdir.names("out").pop().unwrap());
    workdir.run(&["resume", &file, "--base-url", &base], &env).exits_with(0);
    assert_eq!(workdir.names("out"), ["evolink-0.jpg", "evolink-0.json"]);
    assert_eq!(upstream.count("POST"), 1);
}

/// Reads standard error until it contains a text.
#[track_caller]
fn until(child: &mut Child, text: &str) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut message = String::new();
    while !message.contains(text) {
        assert_ne!(stderr.read_line(&mut message).unwrap(), 0, "{message}");
    }
    stderr
}
