//! Processes and providers side by side, what is resumed of each, and what is not.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::Child,
};

use serde_json::{Value, json};

use crate::{
    scripted::{Act, Asked, Scripted, files},
    sidecar::sidecar,
    support::{CANARY, Place, Ran, signal},
};

const ENV: [(&str, &str); 3] = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY), ("GOGOGOTOKEN_API_KEY", CANARY)];

const EXACTLY: &[&str] = &["--exactly", "20"];

fn generate(place: &Place, server: &Scripted, provider: &str, more: &[&str]) -> Child {
    let base = server.base(provider);
    let args = ["generate", "images of a fox", "--provider", provider, "--base-url", &base];
    place.spawn(&[&args[..], more].concat(), &ENV)
}

/// Where each provider is asked.
fn bases(servers: &[(&str, &Scripted)]) -> Vec<(String, String)> {
    let keys = ENV.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
    let places = servers
        .iter()
        .map(|(provider, server)| (format!("{}_BASE_URL", provider.to_ascii_uppercase()), server.base(provider)));
    keys.chain(places).collect()
}

fn run(place: &Place, args: &[&str], env: &[(String, String)]) -> Ran {
    let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    place.run(args, &env)
}

#[test]
fn two_processes_in_one_folder_replace_nothing() {
    for providers in [["ark", "ark"], ["ark", "gogogotoken"]] {
        let place = Place::new();
        let servers = [Scripted::start(1000), Scripted::start(2000)];
        let children: Vec<_> = providers
            .iter()
            .zip(&servers)
            .map(|(provider, server)| generate(&place, server, provider, EXACTLY))
            .collect();
        for child in children {
            Ran::of(child.wait_with_output().unwrap()).ends(0);
        }
        let left = files(&place.path("out"));
        let of = |extension| left.iter().filter(move |(name, _)| name.ends_with(extension));
        let served: BTreeSet<_> = servers.iter().flat_map(Scripted::hashes).collect();
        assert_eq!(of(".png").map(|(_, hash)| hash.clone()).collect::<BTreeSet<_>>(), served);
        assert_eq!((of(".png").count(), of(".json").count(), left.len()), (40, 40, 80), "{left:?}");
        // Each sidecar tells of an image of its own.
        let told = of(".json").map(|(name, _)| {
            let sidecar = sidecar(&place, &format!("out/{name}"));
            sidecar["images"][0]["sha256"].as_str().unwrap().to_owned()
        });
        assert_eq!(told.collect::<BTreeSet<_>>(), served);
    }
}

#[test]
fn where_one_provider_refuses_a_request_none_is_sent_it_and_under_fallback_the_next_makes_it() {
    let (place, ark, gogo) = (Place::new(), Scripted::start(1000), Scripted::start(1000));
    let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
    // gogogotoken's own model makes no image as small as that.
    let args = ["generate", "a fox", "--provider", "gogogotoken,ark", "--size", "1024x1024"];
    run(&place, &args, &env).ends(2).says("nothing was sent to ark either");
    assert_eq!((ark.posts(), gogo.posts(), place.names("out").len()), (0, 0, 0));
    let ran = run(&place, &[&args[..], &["--fallback", "--json"]].concat(), &env);
    ran.ends(0).says("warning: ark: gogogotoken was tried first and declined (invalid_request): size");
    assert_eq!((ark.posts(), gogo.posts()), (1, 0));
    assert_eq!(place.names("out"), ["ark-0.json", "ark-0.png"]);
}

#[test]
fn the_exit_code_does_not_say_that_nothing_was_sent_where_a_provider_before_was_asked() {
    let (place, ark, gogo) = (Place::new(), Scripted::start(1000), Scripted::start(1000));
    let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
    ark.rule(|_| Act::Status(401));
    let args = ["generate", "a fox", "--provider", "ark,gogogotoken", "--size", "1024x1024", "--fallback"];
    let ran = run(&place, &args, &env);
    ran.ends(1).says("(2 attempts)");
    assert_eq!((ark.posts(), gogo.posts()), (1, 0));
    assert!(!format!("{ran:?}").contains("not sent") && !ran.stderr.contains("othing was sent"), "{ran:#?}");
    assert_eq!(place.names("out"), [""; 0]);
}

/// The record of a task whose process was killed.
fn killed_task(place: &Place, server: &Scripted, out: &str) -> String {
    server.rule(|asked| if asked == Asked::Poll { Act::Hold } else { Act::Serve });
    let mut child = generate(place, server, "evolink", &["--out", out]);
    let held = server.held();
    signal(&child, "KILL");
    child.wait().unwrap();
    drop(held);
    server.rule(|_| Act::Serve);
    format!("{out}/evolink-0.job.jsonl")
}

#[test]
fn of_a_fallback_the_provider_is_resumed_that_was_sent_to_last() {
    for held_back in [Asked::Post(1), Asked::Image(0)] {
        let (place, ark, gogo) = (Place::new(), Scripted::start(1000), Scripted::start(1000));
        let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
        let borrowed: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ark.rule(|_| Act::Status(401));
        gogo.rule(move |asked| if asked == held_back { Act::Hold } else { Act::Serve });
        let mut child = place.spawn(&["generate", "a fox", "--provider", "ark,gogogotoken", "--fallback"], &borrowed);
        let held = gogo.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(held);
        gogo.rule(|_| Act::Serve);
        let names = place.names("out");
        assert_eq!(names, ["ark-0.job.jsonl"]);
        let ran = run(&place, &["resume", "out", "--json"], &env);
        if held_back == Asked::Post(1) {
            ran.ends(7).says("error: gogogotoken: ").says("may have been billed");
            assert_eq!(place.names("out"), names);
        } else {
            assert_eq!(ran.ends(0).result()["images"][0]["sha256"], gogo.hashes()[0]);
            assert_eq!(place.names("out"), ["gogogotoken-0.json", "gogogotoken-0.png"]);
        }
        assert_eq!((ark.posts(), gogo.posts()), (1, 1));
    }
}

#[test]
fn what_nothing_was_paid_for_is_told_and_leaves_no_record() {
    let (place, ark) = (Place::new(), Scripted::start(1000));
    // It is busy, and the process is killed while it waits for the second attempt.
    ark.rule(|_| Act::Status(429));
    let mut child = generate(&place, &ark, "ark", &[]);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("attempt 2 follows") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "{told}");
    }
    signal(&child, "KILL");
    child.wait().unwrap();
    let posts = ark.posts();
    let ran = place.run(&["resume", "out", "--base-url", &ark.base("ark"), "--json"], &ENV);
    let result = ran.ends(1).says("nothing was bought").result();
    assert_eq!((&result["charge"], &result["record"]), (&json!("no"), &Value::Null));
    assert_eq!(place.names("out"), [""; 0]);
    assert_eq!(ark.posts(), posts);
}

#[test]
fn images_whose_urls_have_ended_are_told_and_can_be_tried_again() {
    let (place, server) = (Place::new(), Scripted::start(1000));
    server.rule(|asked| if asked == Asked::Image(0) { Act::Hold } else { Act::Serve });
    let mut child = generate(&place, &server, "ark", &[]);
    let held = server.held();
    signal(&child, "KILL");
    child.wait().unwrap();
    drop(held);
    server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Status(403) } else { Act::Serve });
    let base = server.base("ark");
    for _ in 0..2 {
        let ran = place.run(&["resume", "out", "--base-url", &base, "--json"], &ENV);
        let result = ran.ends(3).says("seedream resume out/ark-0.json --base-url").result();
        assert_eq!((&result["charge"], &result["failures"][0]["index"]), (&json!("yes"), &json!(0)));
        assert_eq!(place.names("out"), ["ark-0.json"]);
        sidecar(&place, "out/ark-0.json");
    }
    server.rule(|_| Act::Serve);
    let ran = place.run(&["resume", "out", "--base-url", &base, "--json"], &ENV);
    assert_eq!(ran.ends(0).result()["images"][0]["sha256"], server.hashes()[0]);
    assert_eq!(server.posts(), 1);
}

#[test]
fn what_cannot_be_resumed_is_named_and_left_as_it_is() {
    let (place, server) = (Place::new(), Scripted::start(1000));
    let base = server.base("evolink");
    let record = killed_task(&place, &server, "out");
    let whole = fs::read_to_string(place.path(&record)).unwrap();
    fs::create_dir(place.path("odd")).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    fs::create_dir(place.path("odd/folder.job.jsonl")).unwrap();
    let cases = [
        ("odd/damaged.job.jsonl", whole.replacen("\"entry\"", "\"entry", 1), "is damaged in line 1"),
        ("odd/newer.job.jsonl", whole.replace("seedream-job/1", "seedream-job/9"), "use the version that wrote it"),
        ("odd/empty.job.jsonl", String::new(), "is damaged"),
        ("odd/other.json", r#"{"name":"x"}"#.to_owned(), "it does not name the form"),
        ("odd/text.json", "no JSON".to_owned(), "it is not JSON"),
        ("odd/newer.json", r#"{"schema":"seedream-sidecar/9"}"#.to_owned(), "this version reads"),
        ("odd/folder.job.jsonl/x.job.jsonl", String::new(), "is damaged"),
        ("odd/image.png", "PNG".to_owned(), "it is no record of a job"),
    ];
    for (name, text, _) in &cases {
        fs::write(place.path(name), text).unwrap();
    }
    let before = files(&place.path("odd"));
    for (name, _, told) in &cases {
        let ran = place.run(&["resume", name, "--base-url", &base], &ENV);
        ran.ends(2).says(name).says(told);
    }
    place.run(&["resume", "empty", "--base-url", &base], &ENV).ends(2).says("empty has nothing to resume");
    place.run(&["resume", "nowhere", "--base-url", &base], &ENV).ends(2).says("nowhere is no file or folder");
    let ran = place.run(&["resume", &record, "--base-url", &base, "--out", "elsewhere"], &ENV);
    ran.ends(2).says("--out is for PROVIDER:ID");
    fs::write(place.path("latin.json"), [0xff]).unwrap();
    place.run(&["resume", "latin.json"], &ENV).ends(2).says("latin.json: it cannot be read");
    assert_eq!(files(&place.path("odd")), before);
    assert_eq!((server.posts(), server.times(Asked::Poll)), (1, 1));
    assert_eq!(fs::read_to_string(place.path(&record)).unwrap(), whole);
}

#[test]
fn the_record_of_a_process_that_runs_is_left_alone() {
    let (place, server) = (Place::new(), Scripted::start(1000));
    server.rule(|_| Act::Hold);
    let child = generate(&place, &server, "ark", &[]);
    let held = server.held();
    let record = "out/ark-0.job.jsonl";
    for what in [record, "out"] {
        let ran = place.run(&["resume", what, "--base-url", &server.base("ark")], &ENV);
        ran.ends(2).says(record).says("belongs to a process that is running");
    }
    held.serve();
    server.rule(|_| Act::Serve);
    Ran::of(child.wait_with_output().unwrap()).ends(0);
    assert_eq!(server.posts(), 1);
}

#[test]
fn a_damaged_record_does_not_keep_the_others_from_being_collected() {
    let (place, server) = (Place::new(), Scripted::start(1000));
    let record = killed_task(&place, &server, "out");
    fs::write(place.path("out/ark-0.job.jsonl"), "damaged").unwrap();
    let ran = place.run(&["resume", "out", "--base-url", &server.base("evolink"), "--json"], &ENV);
    let result = ran.ends(3).says("out/ark-0.job.jsonl is damaged in line 1").result();
    assert_eq!(result["images"][0]["sha256"], server.hashes()[0]);
    assert!(!place.path(&record).exists());
    assert_eq!(fs::read(place.path("out/ark-0.job.jsonl")).unwrap(), b"damaged");
    assert_eq!(server.posts(), 1);
}

#[test]
fn an_image_that_failed_is_fetched_by_the_command_that_is_told() {
    for more in [&[][..], &["--out", "my images"]] {
        let (place, server) = (Place::new(), Scripted::start(1000));
        server.rule(|asked| if asked == Asked::Image(1) { Act::Status(403) } else { Act::Serve });
        let count = [&["--count", "3"][..], more].concat();
        let ran = Ran::of(generate(&place, &server, "ark", &count).wait_with_output().unwrap());
        let told = ran.ends(3).stderr.lines().find_map(|line| line.split_once("with: seedream ")).unwrap().1.to_owned();
        let out = if more.is_empty() { "out" } else { "my images" };
        let path = format!("{out}/ark-0.json");
        let before = sidecar(&place, &path);
        assert_eq!((before["failures"][0]["index"].clone(), before["images"].as_array().unwrap().len()), (1.into(), 2));
        server.rule(|_| Act::Serve);
        // As a shell takes it.
        let shell = format!("exec \"$0\" {told}");
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", &shell, env!("CARGO_BIN_EXE_seedream")]).env_clear().envs(ENV).current_dir(place.path("."));
        let ran = Ran::of(command.output().unwrap());
        ran.ends(0);
        let after = sidecar(&place, &path);
        assert_eq!((&after["failures"], after["images"].as_array().unwrap().len()), (&json!([]), 3), "{after:#}");
        let saved: Vec<_> = after["images"].as_array().unwrap().iter().map(|image| image["sha256"].clone()).collect();
        assert_eq!(saved, server.hashes());
        let left = files(&place.path(out));
        for image in after["images"].as_array().unwrap() {
            let name = image["file"].as_str().unwrap();
            assert_eq!(left.get(name), Some(&image["sha256"].as_str().unwrap().to_owned()), "{name} in {left:?}");
        }
        assert_eq!(left.len(), 4, "{left:?}");
        assert_eq!((server.posts(), server.times(Asked::Image(0))), (1, 1));
        // There is nothing left to do.
        let again = place.run(&["resume", &path, "--base-url", &server.base("ark")], &ENV);
        again.ends(2).says("has nothing to resume");
    }
}

#[test]
fn a_folder_is_collected_whoever_made_it_and_what_runs_is_told() {
    let place = Place::new();
    let servers = [Scripted::start(1000), Scripted::start(1000), Scripted::start(1000), Scripted::start(1000)];
    let providers = ["ark", "gogogotoken", "evolink"];
    for (provider, server) in providers.iter().zip(&servers) {
        let held_back = if *provider == "evolink" { Asked::Poll } else { Asked::Image(0) };
        server.rule(move |asked| if asked == held_back { Act::Hold } else { Act::Serve });
        let mut child = generate(&place, server, provider, &[]);
        let held = server.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(held);
        server.rule(|_| Act::Serve);
    }
    servers[3].rule(|_| Act::Hold);
    let child = generate(&place, &servers[3], "ark", &[]);
    let held = servers[3].held();
    let named: Vec<_> = providers.into_iter().zip(&servers).collect();
    // Where one has no key, the others are collected.
    let keyless: Vec<_> = bases(&named).into_iter().filter(|(name, _)| name != "EVOLINK_API_KEY").collect();
    let ran = run(&place, &["resume", "out", "--json"], &keyless);
    ran.ends(3).says("error: out/evolink-0.job.jsonl: ").says("EVOLINK_API_KEY");
    let mut results = ran.json()["results"].as_array().unwrap().clone();
    // A record alone does not decide where a key goes, and a folder has several places.
    let ran = run(&place, &["resume", "out", "--json"], &bases(&named));
    ran.ends(0).says("out/ark-1.job.jsonl belongs to a process that is running");
    results.push(ran.result());
    let mut delivered: Vec<_> = results.iter().map(|result| result["images"][0]["sha256"].clone()).collect();
    let mut served: Vec<_> = servers[..3].iter().flat_map(Scripted::hashes).map(Value::from).collect();
    delivered.sort_by_key(Value::to_string);
    served.sort_by_key(Value::to_string);
    assert_eq!(delivered, served);
    held.serve();
    servers[3].rule(|_| Act::Serve);
    Ran::of(child.wait_with_output().unwrap()).ends(0);
    assert!(place.names("out").iter().all(|name| !name.ends_with(".jsonl")), "{:?}", place.names("out"));
    assert!(servers.iter().all(|server| server.posts() == 1));
}

#[test]
fn cancelled_before_its_first_byte_nothing_is_sent_and_no_record_remains() {
    let place = Place::new();
    // The connection is made, and its encryption never is.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}/api/v3", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let child = place.spawn(&args, &ENV);
    let (mut stream, _) = server.accept().unwrap();
    // Its hello is there, and so is the record.
    stream.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(place.names("out"), ["ark-0.job.jsonl"]);
    signal(&child, "INT");
    let ran = Ran::of(child.wait_with_output().unwrap());
    let result = ran.ends(130).result();
    assert_eq!((&result["charge"], &result["record"]), (&json!("no"), &Value::Null), "{ran:#?}");
    assert_eq!(place.names("out"), [""; 0], "{ran:#?}");
}
