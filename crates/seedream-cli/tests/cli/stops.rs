//! Ctrl-C keeps what is paid.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStderr},
};

use crate::support::{CANARY, Place, Ran, Upstream, read_and_respond, read_request, response, signal};

#[test]
fn a_task_that_is_under_way_is_kept() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let args = ["generate", "a fox", "--provider", "evolink", "--base-url", &base, "--json"];
    let mut child = place.spawn(&args, &[("EVOLINK_API_KEY", "sk-mock-stuck")]);
    let mut stderr = until(&mut child, "was accepted");
    // The file is there before anybody is told.
    let kept = place.names("out");
    assert_eq!(kept, ["evolink-0.job.jsonl"]);

    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let ran = Ran::of(output);
    let result = ran.ends(130).says("may be billed").says("seedream resume out/evolink-0.job.jsonl").result();
    assert_eq!((&result["charge"], &result["error"]["kind"]), (&"unknown".into(), &"cancelled".into()));
    assert_eq!(result["record"], "out/evolink-0.job.jsonl");
    assert_eq!(place.names("out"), kept);
    assert_eq!(upstream.count("POST"), 1);
}

/// A request that was sent and has no response yet.
fn under_way(place: &Place) -> (Child, TcpStream) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--inline", "--json"];
    let child = place.spawn(&args, &[("ARK_API_KEY", CANARY)]);
    let (mut stream, _) = server.accept().unwrap();
    assert_eq!(read_request(&mut stream)["prompt"], "a fox");
    (child, stream)
}

#[test]
fn a_response_that_may_be_paid_is_waited_for() {
    let place = Place::new();
    let (mut child, stream) = under_way(&place);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "waiting for the answer");
    let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    // The request is read already: the response needs no other.
    response(&stream, &format!(r#"{{"created":1,"data":[{{"b64_json":"{image}"}}]}}"#));
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = Ran::of(output).ends(130).result();
    assert_eq!((&result["delivered"], &result["images"][0]["width"]), (&1.into(), &1.into()));
    assert_eq!(place.names("out"), ["ark-0.json", "ark-0.png"]);
}

#[test]
fn a_request_that_was_sent_and_is_given_up_may_be_billed() {
    let place = Place::new();
    let (mut child, _stream) = under_way(&place);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "waiting for the answer");
    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = Ran::of(output).ends(130).says("may have been billed").result();
    assert_eq!((&result["charge"], &result["task"]), (&"unknown".into(), &serde_json::Value::Null));
}

#[test]
fn an_image_that_is_still_fetched_is_waited_for_until_the_second_ctrl_c() {
    let place = Place::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let mut child = place.spawn(&args, &[("ARK_API_KEY", CANARY)]);
    let url = format!("{base}/a.png?X-Tos-Signature=s3cret");
    read_and_respond(&server.accept().unwrap().0, &format!(r#"{{"created":1,"data":[{{"url":"{url}"}}]}}"#));
    // The download is under way and gets no response.
    let (mut download, _) = server.accept().unwrap();
    read_request(&mut download);
    signal(&child, "INT");
    let mut stderr = until(&mut child, "Ctrl-C again");
    signal(&child, "INT");
    let mut output = child.wait_with_output().unwrap();
    stderr.read_to_end(&mut output.stderr).unwrap();
    let result = Ran::of(output).ends(130).result();
    assert_eq!((&result["failures"][0]["kind"], &result["failures"][0]["url"]), (&"cancelled".into(), &url.into()));
    assert_eq!((&result["delivered"], &result["charge"]), (&1.into(), &"yes".into()));
}

#[test]
fn a_client_killed_within_a_task_loses_nothing_and_resume_buys_nothing() {
    let (place, upstream) = (Place::new(), Upstream::start());
    let base = upstream.base("evolink");
    let env = [("EVOLINK_API_KEY", CANARY)];
    let mut child = place.spawn(&["generate", "a fox", "--provider", "evolink", "--base-url", &base], &env);
    until(&mut child, "was accepted");
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().code(), None);
    let file = format!("out/{}", place.names("out").pop().unwrap());
    place.run(&["resume", &file, "--base-url", &base], &env).ends(0);
    assert_eq!(place.names("out"), ["evolink-0.jpg", "evolink-0.json"]);
    assert_eq!(upstream.count("POST"), 1);
}

/// Reads standard error until it says something.
#[track_caller]
fn until(child: &mut Child, text: &str) -> BufReader<ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains(text) {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "{told}");
    }
    stderr
}
