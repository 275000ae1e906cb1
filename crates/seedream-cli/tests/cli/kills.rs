//! A process killed at any moment loses no paid image, and resuming does not repeat a purchase.

use std::{
    io::{BufRead as _, BufReader},
    process::Child,
};

use serde_json::Value;

use crate::{
    scripted_server::{Act, Asked, Scripted, files},
    support::{CANARY, RunResult, Workdir, signal},
};

const ENV: [(&str, &str); 3] = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY), ("GOGOGOTOKEN_API_KEY", CANARY)];

/// A way to request a group.
#[derive(Clone, Copy, Debug)]
struct Way {
    provider: &'static str,
    more: &'static [&'static str],
}

const URLS: [Way; 4] = [
    Way { provider: "ark", more: &[] },
    Way { provider: "ark", more: &["--stream"] },
    Way { provider: "gogogotoken", more: &[] },
    Way { provider: "evolink", more: &[] },
];

const INLINE: [Way; 3] = [
    Way { provider: "ark", more: &["--inline"] },
    Way { provider: "ark", more: &["--inline", "--stream"] },
    Way { provider: "gogogotoken", more: &["--inline"] },
];

fn generate(workdir: &Workdir, server: &Scripted, way: Way, count: usize) -> Child {
    let (base, count) = (server.base(way.provider), count.to_string());
    let args = ["generate", "images of a fox", "--provider", way.provider, "--base-url", &base, "--count", &count];
    workdir.spawn(&[&args[..], way.more].concat(), &ENV)
}

fn resume(workdir: &Workdir, server: &Scripted, way: Way) -> RunResult {
    let record = format!("out/{}-0.job.jsonl", way.provider);
    workdir.run(&["resume", &record, "--base-url", &server.base(way.provider), "--json"], &ENV)
}

/// Waits until the whole response is recorded; a stream continues while its first images are fetched.
fn answered(workdir: &Workdir, way: Way) {
    let record = workdir.path(&format!("out/{}-0.job.jsonl", way.provider));
    while !std::fs::read_to_string(&record).unwrap().contains(r#""whole":true"#) {
        std::thread::yield_now();
    }
}

fn kill(mut child: Child) {
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().code(), None);
}

/// Checks that all images are delivered without another purchase, and that only metadata remains next to them.
#[track_caller]
fn delivers_all(workdir: &Workdir, server: &Scripted, way: Way, ran: &RunResult) {
    let result = ran.exits_with(0).result();
    let served = server.hashes();
    let reported: Vec<_> = result["images"].as_array().unwrap().iter().map(|image| image["sha256"].clone()).collect();
    assert_eq!(reported, served, "{way:?}");
    assert_eq!((&result["record"], &result["charge"]), (&Value::Null, &"yes".into()), "{way:?}");
    let mut left = files(&workdir.path("out"));
    let provider = way.provider;
    assert!(left.remove(&format!("{provider}-0.json")).is_some(), "{way:?}: {left:?}");
    for (index, hash) in served.iter().enumerate() {
        assert_eq!(left.remove(&format!("{provider}-{index}.png")).as_ref(), Some(hash), "{way:?}");
    }
    assert!(left.is_empty(), "{way:?}: {left:?}");
    assert_eq!(server.posts(), 1, "{way:?}");
}

/// Checks that another run uses other file names and leaves the existing files unchanged.
#[track_caller]
fn runs_again(workdir: &Workdir, server: &Scripted, way: Way, count: usize) {
    server.rule(|_| Act::Serve);
    let before = files(&workdir.path("out"));
    let earlier = server.images().len();
    let output = generate(workdir, server, way, count).wait_with_output().unwrap();
    RunResult::of(output).exits_with(0);
    let mut after = files(&workdir.path("out"));
    for (name, hash) in &before {
        assert_eq!(after.remove(name).as_ref(), Some(hash), "{way:?}: {name}");
    }
    let mut new: Vec<_> = after.into_iter().filter(|(name, _)| name.ends_with(".png")).map(|(_, hash)| hash).collect();
    let mut made = server.hashes().split_off(earlier.min(server.images().len()));
    if way.provider == "evolink" {
        // The scripted server returns the same task again.
        made = server.hashes();
    }
    new.sort();
    made.sort();
    assert_eq!(new, made, "{way:?}");
}

#[test]
fn a_request_without_a_response_may_be_billed_and_is_not_sent_again() {
    for way in [URLS[0], URLS[1], URLS[2], URLS[3], INLINE[0]] {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        server.rule(|_| Act::Hold);
        let child = generate(&workdir, &server, way, 2);
        let held = server.held();
        assert_eq!(workdir.names("out"), [format!("{}-0.job.jsonl", way.provider)]);
        kill(child);
        drop(held);
        let record = files(&workdir.path("out"));
        for _ in 0..2 {
            let ran = resume(&workdir, &server, way);
            let result = ran.exits_with(7).stderr_contains("may have been billed").result();
            assert_eq!((&result["charge"], &result["delivered"]), (&"unknown".into(), &0.into()), "{way:?}");
            assert_eq!(result["record"], format!("out/{}-0.job.jsonl", way.provider));
            assert_eq!(files(&workdir.path("out")), record, "{way:?}");
        }
        assert_eq!(server.posts(), 1);
        runs_again(&workdir, &server, way, 2);
    }
}

#[test]
fn an_accepted_task_is_resumed() {
    let (workdir, server, way) = (Workdir::new(), Scripted::start(1000), URLS[3]);
    server.rule(|asked| if asked == Asked::Poll { Act::Hold } else { Act::Serve });
    let child = generate(&workdir, &server, way, 3);
    let held = server.held();
    kill(child);
    drop(held);
    server.rule(|_| Act::Serve);
    delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
    runs_again(&workdir, &server, way, 3);
}

#[test]
fn the_images_of_a_recorded_response_are_fetched() {
    for way in URLS {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Hold } else { Act::Serve });
        let child = generate(&workdir, &server, way, 4);
        let held = server.held();
        answered(&workdir, way);
        kill(child);
        drop(held);
        server.rule(|_| Act::Serve);
        delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
        runs_again(&workdir, &server, way, 4);
    }
}

#[test]
fn a_group_interrupted_between_two_images_is_completed() {
    for way in URLS {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        // The fourth image is requested after the first is saved.
        server.rule(|asked| if matches!(asked, Asked::Image(1..)) { Act::Hold } else { Act::Serve });
        let child = generate(&workdir, &server, way, 5);
        let held = [server.held(), server.held(), server.held()];
        assert!(held.iter().any(|held| held.asked == Asked::Image(3)), "{held:?}");
        assert!(workdir.names("out").contains(&format!("{}-0.png", way.provider)));
        answered(&workdir, way);
        kill(child);
        drop(held);
        server.rule(|_| Act::Serve);
        delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
        assert_eq!(server.times(Asked::Image(0)), 1, "{way:?}: what is saved is not fetched again");
        runs_again(&workdir, &server, way, 5);
    }
}

/// The process is killed at an unknown moment while inline images are written.
#[test]
fn received_inline_images_are_saved_and_missing_ones_may_be_billed() {
    for way in INLINE {
        for bytes in [1000, 300_000] {
            let (workdir, server) = (Workdir::new(), Scripted::start(bytes));
            server.rule(|_| Act::Hold);
            let child = generate(&workdir, &server, way, 3);
            server.held().serve();
            kill(child);
            if workdir.path(&format!("out/{}-0.job.jsonl", way.provider)).exists() {
                let ran = resume(&workdir, &server, way);
                match ran.code {
                    0 => delivers_all(&workdir, &server, way, &ran),
                    3 => drop(ran.stderr_contains("the process ended while the response arrived")),
                    _ => drop(ran.exits_with(7).stderr_contains("may have been billed")),
                }
            }
            assert_eq!(server.posts(), 1);
            runs_again(&workdir, &server, way, 3);
        }
    }
}

#[test]
fn metadata_written_before_the_record_ended_is_not_written_twice() {
    let (workdir, server, way) = (Workdir::new(), Scripted::start(1000), URLS[0]);
    server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Hold } else { Act::Serve });
    let child = generate(&workdir, &server, way, 1);
    let held = server.held();
    let record = workdir.path("out/ark-0.job.jsonl");
    let text = std::fs::read_to_string(&record).unwrap();
    held.serve();
    RunResult::of(child.wait_with_output().unwrap()).exits_with(0);
    // The state after a kill just before the record is removed.
    let image = serde_json::json!({
        "entry": "image", "index": 0, "file": "out/ark-0.png", "sha256": server.hashes()[0],
    });
    std::fs::write(&record, format!("{}\n{image}\n", text.trim_end())).unwrap();
    delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
    assert_eq!(server.times(Asked::Image(0)), 1);
}

#[test]
fn an_image_saved_but_not_yet_recorded_is_not_saved_twice() {
    let (workdir, server, way) = (Workdir::new(), Scripted::start(1000), URLS[0]);
    server.rule(|asked| if matches!(asked, Asked::Image(1)) { Act::Hold } else { Act::Serve });
    let child = generate(&workdir, &server, way, 2);
    let held = server.held();
    answered(&workdir, way);
    let record = workdir.path("out/ark-0.job.jsonl");
    // The first image may be recorded, the second is not.
    let text = std::fs::read_to_string(&record).unwrap();
    held.serve();
    RunResult::of(child.wait_with_output().unwrap()).exits_with(0);
    std::fs::remove_file(workdir.path("out/ark-0.json")).unwrap();
    std::fs::write(&record, text).unwrap();
    server.rule(|_| Act::Serve);
    delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
    assert_eq!(server.times(Asked::Image(1)), 2);
}

#[test]
fn unrecorded_inline_images_are_named() {
    let (workdir, server, way) = (Workdir::new(), Scripted::start(1000), INLINE[0]);
    server.rule(|_| Act::Hold);
    let child = generate(&workdir, &server, way, 1);
    let held = server.held();
    kill(child);
    drop(held);
    std::fs::write(workdir.path("out/unsaved-0123.png"), "an image").unwrap();
    resume(&workdir, &server, way).exits_with(7).stderr_contains("they may be of this request: out/unsaved-0123.png");
}

#[test]
fn the_images_of_an_interrupted_stream_are_kept() {
    for way in [URLS[1], INLINE[1]] {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        server.rule(|asked| if matches!(asked, Asked::Post(_)) { Act::HoldAfter(2) } else { Act::Serve });
        let mut child = generate(&workdir, &server, way, 4);
        let held = server.held();
        until(&mut child, "saved out/ark-1.png");
        kill(child);
        drop(held);
        let ran = resume(&workdir, &server, way);
        let result = ran.exits_with(3).stderr_contains("the process ended while the response arrived").result();
        assert_eq!(result["images"].as_array().unwrap().len(), 2, "{result:#}");
        let saved = files(&workdir.path("out"));
        for (index, hash) in server.hashes().iter().take(2).enumerate() {
            assert_eq!(saved.get(&format!("ark-{index}.png")), Some(hash));
        }
        assert_eq!(server.posts(), 1);
    }
}

#[test]
fn each_of_fifteen_images_is_saved_once() {
    for signals in [&["KILL"][..], &["TERM", "KILL"]] {
        for way in [URLS[0], URLS[2], URLS[3]] {
            let (workdir, server) = (Workdir::new(), Scripted::start(1000));
            server.rule(|asked| if matches!(asked, Asked::Image(6..)) { Act::Hold } else { Act::Serve });
            let mut child = generate(&workdir, &server, way, 15);
            // The ninth image is requested after six are saved.
            let held = [server.held(), server.held(), server.held()];
            if signals.len() > 1 {
                signal(&child, "TERM");
                until(&mut child, "cancelled");
            }
            kill(child);
            drop(held);
            // The resuming process is killed too.
            server.rule(|asked| if matches!(asked, Asked::Image(10..)) { Act::Hold } else { Act::Serve });
            let (record, base) = (format!("out/{}-0.job.jsonl", way.provider), server.base(way.provider));
            let child = workdir.spawn(&["resume", &record, "--base-url", &base], &ENV);
            let held = [server.held(), server.held(), server.held()];
            kill(child);
            drop(held);
            server.rule(|_| Act::Serve);
            delivers_all(&workdir, &server, way, &resume(&workdir, &server, way));
            for image in 0..15 {
                let times = server.times(Asked::Image(image));
                let cut = (6..9).contains(&image) || (10..13).contains(&image);
                assert_eq!(times, if cut { 2 } else { 1 }, "{way:?}: image {image}");
            }
        }
    }
}

/// Reads standard error until it contains a text.
#[track_caller]
pub(crate) fn until(child: &mut Child, text: &str) {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut message = String::new();
    while !message.contains(text) {
        assert_ne!(stderr.read_line(&mut message).unwrap(), 0, "{message}");
    }
    // The pipe stays open.
    child.stderr = Some(stderr.into_inner());
}
