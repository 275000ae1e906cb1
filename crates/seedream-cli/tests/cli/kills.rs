//! A process that is killed at any moment loses nothing that was paid for, and nothing is bought a second time.

use std::{
    io::{BufRead as _, BufReader},
    process::Child,
};

use serde_json::Value;

use crate::{
    scripted::{Act, Asked, Scripted, files},
    support::{CANARY, Place, Ran, signal},
};

const ENV: [(&str, &str); 3] = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY), ("GOGOGOTOKEN_API_KEY", CANARY)];

/// How a group is asked for.
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

fn generate(place: &Place, server: &Scripted, way: Way, count: usize) -> Child {
    let (base, count) = (server.base(way.provider), count.to_string());
    let args = ["generate", "images of a fox", "--provider", way.provider, "--base-url", &base, "--count", &count];
    place.spawn(&[&args[..], way.more].concat(), &ENV)
}

fn resume(place: &Place, server: &Scripted, way: Way) -> Ran {
    let record = format!("out/{}-0.job.jsonl", way.provider);
    place.run(&["resume", &record, "--base-url", &server.base(way.provider), "--json"], &ENV)
}

/// Waits until all of the response is on record: a stream goes on while its first images are fetched.
fn answered(place: &Place, way: Way) {
    let record = place.path(&format!("out/{}-0.job.jsonl", way.provider));
    while !std::fs::read_to_string(&record).unwrap().contains(r#""whole":true"#) {
        std::thread::yield_now();
    }
}

fn kill(mut child: Child) {
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().code(), None);
}

/// All images were delivered, nothing was bought, and nothing but a sidecar is beside them.
#[track_caller]
fn delivers_all(place: &Place, server: &Scripted, way: Way, ran: &Ran) {
    let result = ran.ends(0).result();
    let served = server.hashes();
    let reported: Vec<_> = result["images"].as_array().unwrap().iter().map(|image| image["sha256"].clone()).collect();
    assert_eq!(reported, served, "{way:?}");
    assert_eq!((&result["record"], &result["charge"]), (&Value::Null, &"yes".into()), "{way:?}");
    let mut left = files(&place.path("out"));
    let provider = way.provider;
    assert!(left.remove(&format!("{provider}-0.json")).is_some(), "{way:?}: {left:?}");
    for (index, hash) in served.iter().enumerate() {
        assert_eq!(left.remove(&format!("{provider}-{index}.png")).as_ref(), Some(hash), "{way:?}");
    }
    assert!(left.is_empty(), "{way:?}: {left:?}");
    assert_eq!(server.posts(), 1, "{way:?}");
}

/// Another run takes other names, and what was there keeps its bytes.
#[track_caller]
fn runs_again(place: &Place, server: &Scripted, way: Way, count: usize) {
    server.rule(|_| Act::Serve);
    let before = files(&place.path("out"));
    let earlier = server.images().len();
    let output = generate(place, server, way, count).wait_with_output().unwrap();
    Ran::of(output).ends(0);
    let mut after = files(&place.path("out"));
    for (name, hash) in &before {
        assert_eq!(after.remove(name).as_ref(), Some(hash), "{way:?}: {name}");
    }
    let mut new: Vec<_> = after.into_iter().filter(|(name, _)| name.ends_with(".png")).map(|(_, hash)| hash).collect();
    let mut made = server.hashes().split_off(earlier.min(server.images().len()));
    if way.provider == "evolink" {
        // The scripted task is the same again.
        made = server.hashes();
    }
    new.sort();
    made.sort();
    assert_eq!(new, made, "{way:?}");
}

#[test]
fn a_request_without_a_response_may_have_been_billed_and_is_never_sent_again() {
    for way in [URLS[0], URLS[1], URLS[2], URLS[3], INLINE[0]] {
        let (place, server) = (Place::new(), Scripted::start(1000));
        server.rule(|_| Act::Hold);
        let child = generate(&place, &server, way, 2);
        let held = server.held();
        assert_eq!(place.names("out"), [format!("{}-0.job.jsonl", way.provider)]);
        kill(child);
        drop(held);
        let record = files(&place.path("out"));
        for _ in 0..2 {
            let ran = resume(&place, &server, way);
            let result = ran.ends(7).says("may have been billed").result();
            assert_eq!((&result["charge"], &result["delivered"]), (&"unknown".into(), &0.into()), "{way:?}");
            assert_eq!(result["record"], format!("out/{}-0.job.jsonl", way.provider));
            assert_eq!(files(&place.path("out")), record, "{way:?}");
        }
        assert_eq!(server.posts(), 1);
        runs_again(&place, &server, way, 2);
    }
}

#[test]
fn a_task_that_was_accepted_is_collected() {
    let (place, server, way) = (Place::new(), Scripted::start(1000), URLS[3]);
    server.rule(|asked| if asked == Asked::Poll { Act::Hold } else { Act::Serve });
    let child = generate(&place, &server, way, 3);
    let held = server.held();
    kill(child);
    drop(held);
    server.rule(|_| Act::Serve);
    delivers_all(&place, &server, way, &resume(&place, &server, way));
    runs_again(&place, &server, way, 3);
}

#[test]
fn a_response_of_which_no_image_was_fetched_is_fetched() {
    for way in URLS {
        let (place, server) = (Place::new(), Scripted::start(1000));
        server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Hold } else { Act::Serve });
        let child = generate(&place, &server, way, 4);
        let held = server.held();
        answered(&place, way);
        kill(child);
        drop(held);
        server.rule(|_| Act::Serve);
        delivers_all(&place, &server, way, &resume(&place, &server, way));
        runs_again(&place, &server, way, 4);
    }
}

#[test]
fn a_group_that_was_cut_between_two_images_is_completed() {
    for way in URLS {
        let (place, server) = (Place::new(), Scripted::start(1000));
        // The fourth is asked for once the first is saved.
        server.rule(|asked| if matches!(asked, Asked::Image(1..)) { Act::Hold } else { Act::Serve });
        let child = generate(&place, &server, way, 5);
        let held = [server.held(), server.held(), server.held()];
        assert!(held.iter().any(|held| held.asked == Asked::Image(3)), "{held:?}");
        assert!(place.names("out").contains(&format!("{}-0.png", way.provider)));
        answered(&place, way);
        kill(child);
        drop(held);
        server.rule(|_| Act::Serve);
        delivers_all(&place, &server, way, &resume(&place, &server, way));
        assert_eq!(server.times(Asked::Image(0)), 1, "{way:?}: what is saved is not fetched again");
        runs_again(&place, &server, way, 5);
    }
}

/// Inline images are on their way to the disk at an unknown moment when the process is killed: whichever it is, nothing is lost.
#[test]
fn inline_images_that_arrived_are_delivered_and_others_may_have_been_billed() {
    for way in INLINE {
        for bytes in [1000, 300_000] {
            let (place, server) = (Place::new(), Scripted::start(bytes));
            server.rule(|_| Act::Hold);
            let child = generate(&place, &server, way, 3);
            server.held().serve();
            kill(child);
            if place.path(&format!("out/{}-0.job.jsonl", way.provider)).exists() {
                let ran = resume(&place, &server, way);
                match ran.code {
                    0 => delivers_all(&place, &server, way, &ran),
                    3 => drop(ran.says("the process ended while the response arrived")),
                    _ => drop(ran.ends(7).says("may have been billed")),
                }
            }
            assert_eq!(server.posts(), 1);
            runs_again(&place, &server, way, 3);
        }
    }
}

#[test]
fn metadata_that_was_written_before_the_end_of_the_record_is_not_written_twice() {
    let (place, server, way) = (Place::new(), Scripted::start(1000), URLS[0]);
    server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Hold } else { Act::Serve });
    let child = generate(&place, &server, way, 1);
    let held = server.held();
    let record = place.path("out/ark-0.job.jsonl");
    let text = std::fs::read_to_string(&record).unwrap();
    held.serve();
    Ran::of(child.wait_with_output().unwrap()).ends(0);
    // As a kill leaves it that comes just before the record goes.
    let image = serde_json::json!({
        "entry": "image", "index": 0, "file": "out/ark-0.png", "sha256": server.hashes()[0],
    });
    std::fs::write(&record, format!("{}\n{image}\n", text.trim_end())).unwrap();
    delivers_all(&place, &server, way, &resume(&place, &server, way));
    assert_eq!(server.times(Asked::Image(0)), 1);
}

#[test]
fn an_image_that_was_saved_and_not_yet_recorded_is_not_saved_twice() {
    let (place, server, way) = (Place::new(), Scripted::start(1000), URLS[0]);
    server.rule(|asked| if matches!(asked, Asked::Image(1)) { Act::Hold } else { Act::Serve });
    let child = generate(&place, &server, way, 2);
    let held = server.held();
    answered(&place, way);
    let record = place.path("out/ark-0.job.jsonl");
    // The first image may be on record by now, and the second is not.
    let text = std::fs::read_to_string(&record).unwrap();
    held.serve();
    Ran::of(child.wait_with_output().unwrap()).ends(0);
    std::fs::remove_file(place.path("out/ark-0.json")).unwrap();
    std::fs::write(&record, text).unwrap();
    server.rule(|_| Act::Serve);
    delivers_all(&place, &server, way, &resume(&place, &server, way));
    assert_eq!(server.times(Asked::Image(1)), 2);
}

#[test]
fn inline_images_of_a_response_that_is_not_on_record_are_told_of() {
    let (place, server, way) = (Place::new(), Scripted::start(1000), INLINE[0]);
    server.rule(|_| Act::Hold);
    let child = generate(&place, &server, way, 1);
    let held = server.held();
    kill(child);
    drop(held);
    std::fs::write(place.path("out/unsaved-0123.png"), "an image").unwrap();
    resume(&place, &server, way).ends(7).says("they may be of this request: out/unsaved-0123.png");
}

#[test]
fn the_images_of_a_stream_that_was_cut_are_kept() {
    for way in [URLS[1], INLINE[1]] {
        let (place, server) = (Place::new(), Scripted::start(1000));
        server.rule(|asked| if matches!(asked, Asked::Post(_)) { Act::HoldAfter(2) } else { Act::Serve });
        let mut child = generate(&place, &server, way, 4);
        let held = server.held();
        until(&mut child, "saved out/ark-1.png");
        kill(child);
        drop(held);
        let ran = resume(&place, &server, way);
        let result = ran.ends(3).says("the process ended while the response arrived").result();
        assert_eq!(result["images"].as_array().unwrap().len(), 2, "{result:#}");
        let saved = files(&place.path("out"));
        for (index, hash) in server.hashes().iter().take(2).enumerate() {
            assert_eq!(saved.get(&format!("ark-{index}.png")), Some(hash));
        }
        assert_eq!(server.posts(), 1);
    }
}

#[test]
fn each_of_fifteen_images_is_collected_once() {
    for signals in [&["KILL"][..], &["TERM", "KILL"]] {
        for way in [URLS[0], URLS[2], URLS[3]] {
            let (place, server) = (Place::new(), Scripted::start(1000));
            server.rule(|asked| if matches!(asked, Asked::Image(6..)) { Act::Hold } else { Act::Serve });
            let mut child = generate(&place, &server, way, 15);
            // The ninth is asked for once six are saved.
            let held = [server.held(), server.held(), server.held()];
            if signals.len() > 1 {
                signal(&child, "TERM");
                until(&mut child, "cancelled");
            }
            kill(child);
            drop(held);
            // What collects is killed too.
            server.rule(|asked| if matches!(asked, Asked::Image(10..)) { Act::Hold } else { Act::Serve });
            let (record, base) = (format!("out/{}-0.job.jsonl", way.provider), server.base(way.provider));
            let child = place.spawn(&["resume", &record, "--base-url", &base], &ENV);
            let held = [server.held(), server.held(), server.held()];
            kill(child);
            drop(held);
            server.rule(|_| Act::Serve);
            delivers_all(&place, &server, way, &resume(&place, &server, way));
            for image in 0..15 {
                let times = server.times(Asked::Image(image));
                let cut = (6..9).contains(&image) || (10..13).contains(&image);
                assert_eq!(times, if cut { 2 } else { 1 }, "{way:?}: image {image}");
            }
        }
    }
}

/// Reads standard error until it says something.
#[track_caller]
fn until(child: &mut Child, text: &str) {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains(text) {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "{told}");
    }
    // The pipe stays open.
    child.stderr = Some(stderr.into_inner());
}
