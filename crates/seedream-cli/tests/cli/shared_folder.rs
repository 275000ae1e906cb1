//! Several processes and providers in one folder, and `resume` of their records.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::Child,
};

use serde_json::{Value, json};

use crate::{
    scripted_server::{Act, Asked, Scripted, files},
    sidecar::sidecar,
    support::{CANARY, RunResult, Workdir, signal},
};

const ENV: [(&str, &str); 3] = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY), ("GOGOGOTOKEN_API_KEY", CANARY)];

const EXACTLY: &[&str] = &["--exactly", "20"];

fn generate(workdir: &Workdir, server: &Scripted, provider: &str, more: &[&str]) -> Child {
    let base = server.base(provider);
    let args = ["generate", "images of a fox", "--provider", provider, "--base-url", &base];
    workdir.spawn(&[&args[..], more].concat(), &ENV)
}

/// The environment with the base URL of each provider.
fn bases(servers: &[(&str, &Scripted)]) -> Vec<(String, String)> {
    let keys = ENV.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
    let places = servers
        .iter()
        .map(|(provider, server)| (format!("{}_BASE_URL", provider.to_ascii_uppercase()), server.base(provider)));
    keys.chain(places).collect()
}

fn run(workdir: &Workdir, args: &[&str], env: &[(String, String)]) -> RunResult {
    let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    workdir.run(args, &env)
}

#[test]
fn two_processes_in_one_folder_replace_no_files() {
    for providers in [["ark", "ark"], ["ark", "gogogotoken"]] {
        let workdir = Workdir::new();
        let servers = [Scripted::start(1000), Scripted::start(2000)];
        let children: Vec<_> = providers
            .iter()
            .zip(&servers)
            .map(|(provider, server)| generate(&workdir, server, provider, EXACTLY))
            .collect();
        for child in children {
            RunResult::of(child.wait_with_output().unwrap()).exits_with(0);
        }
        let left = files(&workdir.path("out"));
        let of = |extension| left.iter().filter(move |(name, _)| name.ends_with(extension));
        let served: BTreeSet<_> = servers.iter().flat_map(Scripted::hashes).collect();
        assert_eq!(of(".png").map(|(_, hash)| hash.clone()).collect::<BTreeSet<_>>(), served);
        assert_eq!((of(".png").count(), of(".json").count(), left.len()), (40, 40, 80), "{left:?}");
        // Each metadata file names a different image.
        let message = of(".json").map(|(name, _)| {
            let sidecar = sidecar(&workdir, &format!("out/{name}"));
            sidecar["images"][0]["sha256"].as_str().unwrap().to_owned()
        });
        assert_eq!(message.collect::<BTreeSet<_>>(), served);
    }
}

#[test]
fn one_refusing_provider_stops_a_parallel_run_but_not_a_fallback() {
    let (workdir, ark, gogo) = (Workdir::new(), Scripted::start(1000), Scripted::start(1000));
    let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
    // The default model of gogogotoken does not allow this size.
    let args = ["generate", "a fox", "--provider", "gogogotoken,ark", "--size", "1024x1024"];
    run(&workdir, &args, &env).exits_with(2).stderr_contains("nothing was sent to ark either");
    assert_eq!((ark.posts(), gogo.posts(), workdir.names("out").len()), (0, 0, 0));
    let ran = run(&workdir, &[&args[..], &["--fallback", "--json"]].concat(), &env);
    ran.exits_with(0).stderr_contains("warning: ark: gogogotoken was tried first and declined (invalid_request): size");
    assert_eq!((ark.posts(), gogo.posts()), (1, 0));
    assert_eq!(workdir.names("out"), ["ark-0.json", "ark-0.png"]);
}

#[test]
fn a_refusal_after_an_earlier_provider_was_sent_to_does_not_exit_with_2() {
    let (workdir, ark, gogo) = (Workdir::new(), Scripted::start(1000), Scripted::start(1000));
    let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
    ark.rule(|_| Act::Status(401));
    let args = ["generate", "a fox", "--provider", "ark,gogogotoken", "--size", "1024x1024", "--fallback"];
    let ran = run(&workdir, &args, &env);
    ran.exits_with(1).stderr_contains("(2 attempts)");
    assert_eq!((ark.posts(), gogo.posts()), (1, 0));
    assert!(!format!("{ran:?}").contains("not sent") && !ran.stderr.contains("othing was sent"), "{ran:#?}");
    assert_eq!(workdir.names("out"), [""; 0]);
}

/// The record of a task whose process was killed.
fn killed_task(workdir: &Workdir, server: &Scripted, out: &str) -> String {
    server.rule(|asked| if asked == Asked::Poll { Act::Hold } else { Act::Serve });
    let mut child = generate(workdir, server, "evolink", &["--out", out]);
    let held = server.held();
    signal(&child, "KILL");
    child.wait().unwrap();
    drop(held);
    server.rule(|_| Act::Serve);
    format!("{out}/evolink-0.job.jsonl")
}

#[test]
fn resume_of_a_fallback_uses_the_last_provider() {
    for held_back in [Asked::Post(1), Asked::Image(0)] {
        let (workdir, ark, gogo) = (Workdir::new(), Scripted::start(1000), Scripted::start(1000));
        let env = bases(&[("ark", &ark), ("gogogotoken", &gogo)]);
        let borrowed: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ark.rule(|_| Act::Status(401));
        gogo.rule(move |asked| if asked == held_back { Act::Hold } else { Act::Serve });
        let mut child = workdir.spawn(&["generate", "a fox", "--provider", "ark,gogogotoken", "--fallback"], &borrowed);
        let held = gogo.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(held);
        gogo.rule(|_| Act::Serve);
        let names = workdir.names("out");
        assert_eq!(names, ["ark-0.job.jsonl"]);
        let ran = run(&workdir, &["resume", "out", "--json"], &env);
        if held_back == Asked::Post(1) {
            ran.exits_with(7).stderr_contains("error: gogogotoken: ").stderr_contains("may have been billed");
            assert_eq!(workdir.names("out"), names);
        } else {
            assert_eq!(ran.exits_with(0).result()["images"][0]["sha256"], gogo.hashes()[0]);
            assert_eq!(workdir.names("out"), ["gogogotoken-0.json", "gogogotoken-0.png"]);
        }
        assert_eq!((ark.posts(), gogo.posts()), (1, 1));
    }
}

#[test]
fn an_uncharged_request_is_reported_and_leaves_no_record() {
    let (workdir, ark) = (Workdir::new(), Scripted::start(1000));
    // The server is rate limited; the process is killed while it waits for the second attempt.
    ark.rule(|_| Act::Status(429));
    let mut child = generate(&workdir, &ark, "ark", &[]);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut message = String::new();
    while !message.contains("(2 of 3)") {
        assert_ne!(stderr.read_line(&mut message).unwrap(), 0, "{message}");
    }
    signal(&child, "KILL");
    child.wait().unwrap();
    let posts = ark.posts();
    let ran = workdir.run(&["resume", "out", "--base-url", &ark.base("ark"), "--json"], &ENV);
    let result = ran.exits_with(1).stderr_contains("nothing was bought").result();
    assert_eq!((&result["charge"], &result["record"]), (&json!("no"), &Value::Null));
    assert_eq!(workdir.names("out"), [""; 0]);
    assert_eq!(ark.posts(), posts);
}

#[test]
fn images_with_expired_urls_are_reported_and_can_be_retried() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    server.rule(|asked| if asked == Asked::Image(0) { Act::Hold } else { Act::Serve });
    let mut child = generate(&workdir, &server, "ark", &[]);
    let held = server.held();
    signal(&child, "KILL");
    child.wait().unwrap();
    drop(held);
    server.rule(|asked| if matches!(asked, Asked::Image(_)) { Act::Status(403) } else { Act::Serve });
    let base = server.base("ark");
    for _ in 0..2 {
        let ran = workdir.run(&["resume", "out", "--base-url", &base, "--json"], &ENV);
        let result = ran.exits_with(3).stderr_contains("seedream resume out/ark-0.json --base-url").result();
        assert_eq!((&result["charge"], &result["failures"][0]["index"]), (&json!("yes"), &json!(0)));
        assert_eq!(workdir.names("out"), ["ark-0.json"]);
        sidecar(&workdir, "out/ark-0.json");
    }
    server.rule(|_| Act::Serve);
    let ran = workdir.run(&["resume", "out", "--base-url", &base, "--json"], &ENV);
    assert_eq!(ran.exits_with(0).result()["images"][0]["sha256"], server.hashes()[0]);
    assert_eq!(server.posts(), 1);
}

#[test]
fn files_that_cannot_be_resumed_are_named_and_not_changed() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    let base = server.base("evolink");
    let record = killed_task(&workdir, &server, "out");
    let whole = fs::read_to_string(workdir.path(&record)).unwrap();
    fs::create_dir(workdir.path("odd")).unwrap();
    fs::create_dir(workdir.path("empty")).unwrap();
    fs::create_dir(workdir.path("odd/folder.job.jsonl")).unwrap();
    let cases = [
        ("odd/damaged.job.jsonl", whole.replacen("\"entry\"", "\"entry", 1), "is damaged in line 1"),
        ("odd/newer.job.jsonl", whole.replace("seedream-job/1", "seedream-job/9"), "use the version that wrote it"),
        ("odd/empty.job.jsonl", String::new(), "is damaged"),
        ("odd/other.json", r#"{"name":"x"}"#.to_owned(), "it does not name the form"),
        ("odd/text.json", "no JSON".to_owned(), "nor a metadata file (.json): not JSON (line 1 column 2)"),
        ("odd/newer.json", r#"{"schema":"seedream-sidecar/9"}"#.to_owned(), "this version reads"),
        ("odd/folder.job.jsonl/x.job.jsonl", String::new(), "is damaged"),
        ("odd/image.png", "PNG".to_owned(), "odd/image.png is neither a job record (.job.jsonl) nor a metadata file"),
    ];
    for (name, text, _) in &cases {
        fs::write(workdir.path(name), text).unwrap();
    }
    let before = files(&workdir.path("odd"));
    for (name, _, message) in &cases {
        let ran = workdir.run(&["resume", name, "--base-url", &base], &ENV);
        ran.exits_with(2).stderr_contains(name).stderr_contains(message);
    }
    workdir
        .run(&["resume", "empty", "--base-url", &base], &ENV)
        .exits_with(2)
        .stderr_contains("empty has nothing to resume");
    workdir
        .run(&["resume", "nowhere", "--base-url", &base], &ENV)
        .exits_with(2)
        .stderr_contains("nowhere is not a file");
    let ran = workdir.run(&["resume", &record, "--base-url", &base, "--out", "elsewhere"], &ENV);
    ran.exits_with(2).stderr_contains("--out applies only to PROVIDER:ID");
    fs::write(workdir.path("latin.json"), [0xff]).unwrap();
    workdir.run(&["resume", "latin.json"], &ENV).exits_with(2).stderr_contains("latin.json cannot be read");
    assert_eq!(files(&workdir.path("odd")), before);
    assert_eq!((server.posts(), server.times(Asked::Poll)), (1, 1));
    assert_eq!(fs::read_to_string(workdir.path(&record)).unwrap(), whole);
}

#[test]
fn the_record_of_a_running_process_is_skipped() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    server.rule(|_| Act::Hold);
    let child = generate(&workdir, &server, "ark", &[]);
    let held = server.held();
    let record = "out/ark-0.job.jsonl";
    for what in [record, "out"] {
        let ran = workdir.run(&["resume", what, "--base-url", &server.base("ark")], &ENV);
        ran.exits_with(2).stderr_contains(record).stderr_contains("is in use by a running process");
    }
    held.serve();
    server.rule(|_| Act::Serve);
    RunResult::of(child.wait_with_output().unwrap()).exits_with(0);
    assert_eq!(server.posts(), 1);
}

#[test]
fn a_damaged_record_does_not_block_the_others() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    let record = killed_task(&workdir, &server, "out");
    fs::write(workdir.path("out/ark-0.job.jsonl"), "damaged").unwrap();
    let ran = workdir.run(&["resume", "out", "--base-url", &server.base("evolink"), "--json"], &ENV);
    let result = ran.exits_with(3).stderr_contains("out/ark-0.job.jsonl is damaged in line 1").result();
    assert_eq!(result["images"][0]["sha256"], server.hashes()[0]);
    assert!(!workdir.path(&record).exists());
    assert_eq!(fs::read(workdir.path("out/ark-0.job.jsonl")).unwrap(), b"damaged");
    assert_eq!(server.posts(), 1);
}

#[test]
fn the_printed_resume_command_fetches_a_failed_image() {
    for more in [&[][..], &["--out", "my images"]] {
        let (workdir, server) = (Workdir::new(), Scripted::start(1000));
        server.rule(|asked| if asked == Asked::Image(1) { Act::Status(403) } else { Act::Serve });
        let count = [&["--count", "3"][..], more].concat();
        let ran = RunResult::of(generate(&workdir, &server, "ark", &count).wait_with_output().unwrap());
        let message =
            ran.exits_with(3).stderr.lines().find_map(|line| line.split_once("run: seedream ")).unwrap().1.to_owned();
        let out = if more.is_empty() { "out" } else { "my images" };
        let path = format!("{out}/ark-0.json");
        let before = sidecar(&workdir, &path);
        assert_eq!((before["failures"][0]["index"].clone(), before["images"].as_array().unwrap().len()), (1.into(), 2));
        server.rule(|_| Act::Serve);
        // The printed command runs in a shell.
        let shell = format!("exec \"$0\" {message}");
        let mut command = std::process::Command::new("/bin/sh");
        command
            .args(["-c", &shell, env!("CARGO_BIN_EXE_seedream")])
            .env_clear()
            .envs(ENV)
            .current_dir(workdir.path("."));
        let ran = RunResult::of(command.output().unwrap());
        ran.exits_with(0);
        let after = sidecar(&workdir, &path);
        assert_eq!((&after["failures"], after["images"].as_array().unwrap().len()), (&json!([]), 3), "{after:#}");
        let saved: Vec<_> = after["images"].as_array().unwrap().iter().map(|image| image["sha256"].clone()).collect();
        assert_eq!(saved, server.hashes());
        let left = files(&workdir.path(out));
        for image in after["images"].as_array().unwrap() {
            let name = image["file"].as_str().unwrap();
            assert_eq!(left.get(name), Some(&image["sha256"].as_str().unwrap().to_owned()), "{name} in {left:?}");
        }
        assert_eq!(left.len(), 4, "{left:?}");
        assert_eq!((server.posts(), server.times(Asked::Image(0))), (1, 1));
        // All images are saved.
        let again = workdir.run(&["resume", &path, "--base-url", &server.base("ark")], &ENV);
        again.exits_with(2).stderr_contains("has nothing to resume");
    }
}

#[test]
fn a_folder_with_records_of_several_providers_is_resumed() {
    let workdir = Workdir::new();
    let servers = [Scripted::start(1000), Scripted::start(1000), Scripted::start(1000), Scripted::start(1000)];
    let providers = ["ark", "gogogotoken", "evolink"];
    for (provider, server) in providers.iter().zip(&servers) {
        let held_back = if *provider == "evolink" { Asked::Poll } else { Asked::Image(0) };
        server.rule(move |asked| if asked == held_back { Act::Hold } else { Act::Serve });
        let mut child = generate(&workdir, server, provider, &[]);
        let held = server.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        drop(held);
        server.rule(|_| Act::Serve);
    }
    servers[3].rule(|_| Act::Hold);
    let child = generate(&workdir, &servers[3], "ark", &[]);
    let held = servers[3].held();
    let named: Vec<_> = providers.into_iter().zip(&servers).collect();
    // A missing key of one provider does not block the others.
    let keyless: Vec<_> = bases(&named).into_iter().filter(|(name, _)| name != "EVOLINK_API_KEY").collect();
    let ran = run(&workdir, &["resume", "out", "--json"], &keyless);
    ran.exits_with(3).stderr_contains("error: out/evolink-0.job.jsonl: ").stderr_contains("EVOLINK_API_KEY");
    let mut results = ran.json()["results"].as_array().unwrap().clone();
    // The base URLs come from the environment, one for each provider.
    let ran = run(&workdir, &["resume", "out", "--json"], &bases(&named));
    ran.exits_with(0).stderr_contains("out/ark-1.job.jsonl is in use by a running process");
    results.push(ran.result());
    let mut delivered: Vec<_> = results.iter().map(|result| result["images"][0]["sha256"].clone()).collect();
    let mut served: Vec<_> = servers[..3].iter().flat_map(Scripted::hashes).map(Value::from).collect();
    delivered.sort_by_key(Value::to_string);
    served.sort_by_key(Value::to_string);
    assert_eq!(delivered, served);
    held.serve();
    servers[3].rule(|_| Act::Serve);
    RunResult::of(child.wait_with_output().unwrap()).exits_with(0);
    assert!(workdir.names("out").iter().all(|name| !name.ends_with(".jsonl")), "{:?}", workdir.names("out"));
    assert!(servers.iter().all(|server| server.posts() == 1));
}

#[test]
fn cancelling_before_the_first_byte_sends_nothing_and_leaves_no_record() {
    let workdir = Workdir::new();
    // The server accepts the connection but does not complete the TLS handshake.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("https://{}/api/v3", server.local_addr().unwrap());
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    let child = workdir.spawn(&args, &ENV);
    let (mut stream, _) = server.accept().unwrap();
    // The TLS handshake has begun, and the record exists.
    stream.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(workdir.names("out"), ["ark-0.job.jsonl"]);
    signal(&child, "INT");
    let ran = RunResult::of(child.wait_with_output().unwrap());
    let result = ran.exits_with(130).result();
    assert_eq!((&result["charge"], &result["record"]), (&json!("no"), &Value::Null), "{ran:#?}");
    assert_eq!(workdir.names("out"), [""; 0], "{ran:#?}");
}
