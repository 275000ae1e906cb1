//! `--out s3://…` and `seedream storage`, against moto, a real server.

#[path = "../../../seedream-client/tests/client/storage/moto.rs"]
pub(crate) mod moto;
mod proxy;

use std::{fs, path::Path, process::Child};

use serde_json::Value;

use self::{
    moto::Moto,
    proxy::{Proxy, Way},
};
use crate::{
    kills::until,
    scripted_server::{Scripted, sha256},
    support::{CANARY, RunResult, Workdir, closed, signal},
};

/// More than a part of an upload.
const LARGE: usize = 15_000_000;

/// The variables for a store, whose keys are canaries.
fn env(store: &str) -> [(&'static str, String); 6] {
    [
        ("ARK_API_KEY", CANARY.to_owned()),
        ("AWS_ACCESS_KEY_ID", format!("{CANARY}-id")),
        ("AWS_SECRET_ACCESS_KEY", format!("{CANARY}-secret")),
        ("AWS_SESSION_TOKEN", format!("{CANARY}-token")),
        ("AWS_ENDPOINT_URL_S3", store.to_owned()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ]
}

fn spawn(workdir: &Workdir, store: &str, args: &[&str]) -> Child {
    let env = env(store);
    workdir.spawn(args, &env.each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn run(workdir: &Workdir, store: &str, args: &[&str]) -> RunResult {
    RunResult::of(spawn(workdir, store, args).wait_with_output().unwrap())
}

fn generate<'a>(base: &'a str, count: &'a str) -> Vec<&'a str> {
    let out = "s3://pictures/foxes";
    let args = ["generate", "images of a fox", "--provider", "ark", "--base-url", base, "--count", count];
    [&args[..], &["--out", out, "--spool", "spool", "--json", "-v"]].concat()
}

/// No file below the folder has a key.
#[track_caller]
fn no_key_is_on_disk(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_key_is_on_disk(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let has_key = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!has_key, "{} has a key", path.display());
        }
    }
}

fn started() -> Option<Moto> {
    let moto = Moto::start()?;
    moto.create_bucket("pictures");
    Some(moto)
}

/// The images of a result are objects, and what the provider delivered.
#[track_caller]
fn are_objects(moto: &Moto, server: &Scripted, result: &Value) {
    let images = result["images"].as_array().unwrap();
    let keys: Vec<_> = images
        .iter()
        .map(|image| image["saved_url"].as_str().unwrap().strip_prefix("s3://pictures/").unwrap())
        .collect();
    let hashes: Vec<_> = keys.iter().map(|key| sha256(&moto.object("pictures", key))).collect();
    assert_eq!(hashes, server.hashes(), "{result:#}");
    assert!(keys.iter().all(|key| key.starts_with("foxes/") && key.ends_with(".png")), "{keys:?}");
}

#[test]
fn a_group_and_a_large_image_are_in_the_bucket() {
    let Some(moto) = started() else { return };
    for (count, bytes) in [("6", 1000), ("1", LARGE)] {
        let (workdir, server) = (Workdir::new(), Scripted::start(bytes));
        let ran = run(&workdir, &moto.url(), &generate(&server.base("ark"), count));
        ran.exits_with(0).stderr_contains("images wait in spool until s3://pictures/foxes has them, proven by ETag");
        let result = ran.result();
        are_objects(&moto, &server, &result);
        let sidecar = result["sidecar"]["saved_url"].as_str().unwrap().strip_prefix("s3://pictures/").unwrap();
        let metadata: Value = serde_json::from_slice(&moto.object("pictures", sidecar)).unwrap();
        assert_eq!(metadata["images"][0]["saved_url"], result["images"][0]["saved_url"]);
        assert_eq!((workdir.names("spool"), workdir.names("."), server.posts()), (vec![], vec!["spool".to_owned()], 1));
        assert_eq!(moto.uploads("pictures").len(), 0);
    }
}

#[test]
fn a_batch_goes_to_a_bucket_and_its_ledger_names_the_objects() {
    let Some(moto) = started() else { return };
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    fs::write(workdir.path("jobs.jsonl"), "{\"id\": \"a/b\", \"prompt\": \"a fox\"}\n{\"prompt\": \"a cat\"}\n")
        .unwrap();
    let base = server.base("ark");
    let args = [
        "batch",
        "jobs.jsonl",
        "--provider",
        "ark",
        "--base-url",
        &base,
        "--out",
        "s3://pictures",
        "--concurrency",
        "1",
    ];
    for _ in 0..2 {
        run(&workdir, &moto.url(), &args).exits_with(0).stderr_contains("images wait in jobs.jsonl.ledger.spool until");
        assert_eq!((server.posts(), moto.keys("pictures").len()), (2, 4));
    }
    let results = fs::read_to_string(workdir.path("jobs.jsonl.results.jsonl")).unwrap();
    let first: Value = serde_json::from_str(results.lines().next().unwrap()).unwrap();
    let url = first["outcome"]["images"][0]["saved_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("s3://pictures/jobs.jsonl/a/b-"), "{url}");
    assert_eq!(sha256(&moto.object("pictures", &url["s3://pictures/".len()..])), server.hashes()[0]);
    let exported = workdir.run(&["jobs", "export", "--ledger", "jobs.jsonl.ledger"], &[]);
    exported.exits_with(0).stdout_contains(&url);
    assert_eq!(workdir.names("jobs.jsonl.ledger.spool"), [""; 0]);
}

#[test]
fn what_cannot_take_images_is_refused_before_anything_is_bought() {
    let (workdir, server) = (Workdir::new(), Scripted::start(1000));
    let base = server.base("ark");
    let generate = |store: &str, more: &[&str]| {
        let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base];
        run(&workdir, store, &[&args[..], more].concat())
    };
    let bucket = |out| ["--out", out, "--spool", "spool"];
    let none = "http://127.0.0.1:9";
    for (more, message) in [
        (&bucket("gs://pictures")[..], "gs:// and az://, are not supported"),
        (&bucket("s3://"), "the bucket is missing: write s3://BUCKET"),
        (&bucket("s3://pictures/a?b"), "leave it out"),
        (&["--spool", "spool"], "--spool applies only to --out s3://BUCKET/PREFIX"),
        (&["--out", "s3://pictures"], "--spool is missing, and neither XDG_STATE_HOME nor HOME is set"),
    ] {
        generate(none, more).exits_with(2).stderr_contains(message).stderr_contains("nothing was sent");
    }
    let keyless = workdir.run(
        &[&["generate", "a fox", "--provider", "ark", "--base-url", &base], &bucket("s3://pictures")[..]].concat(),
        &[("ARK_API_KEY", CANARY)],
    );
    keyless.exits_with(2).stderr_contains("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    let nowhere = format!("http://{}", closed());
    generate(&nowhere, &bucket("s3://pictures")).exits_with(2).stderr_contains("check AWS_ENDPOINT_URL_S3");
    let (Some(moto), Some(refusing)) = (Moto::start(), Moto::refusing()) else { return };
    let missing = generate(&moto.url(), &bucket("s3://pictures"));
    missing
        .exits_with(2)
        .stderr_contains("NoSuchBucket; create the bucket")
        .stderr_contains("nothing was sent to a provider");
    generate(&refusing.url(), &bucket("s3://pictures")).exits_with(2).stderr_contains("HTTP 403");
    assert_eq!((server.posts(), workdir.names("spool")), (0, vec![]));
}

#[test]
fn a_kill_during_an_upload_loses_nothing_and_resume_writes_the_same_object() {
    let Some(moto) = started() else { return };
    for (bytes, held) in [(1000, "PUT"), (1000, "HEAD"), (LARGE, "PUT part")] {
        let (workdir, server) = (Workdir::new(), Scripted::start(bytes));
        let proxy = Proxy::start(&moto);
        proxy.rule(move |name| {
            if name.starts_with(&format!("{held} ")) && name.ends_with("-0.png") { Way::Hold } else { Way::Forward }
        });
        let (base, before) = (server.base("ark"), moto.keys("pictures"));
        let mut child = spawn(&workdir, &proxy.url(), &generate(&base, "1"));
        let name = proxy.held();
        signal(&child, "KILL");
        child.wait().unwrap();
        let uploads = usize::from(held == "PUT part");
        assert_eq!(moto.uploads("pictures").len(), uploads);
        assert_eq!(workdir.names("spool").iter().filter(|name| name.ends_with(".upload")).count(), uploads);
        no_key_is_on_disk(&workdir.path("."));
        proxy.rule(|_| Way::Forward);
        // The record names the bucket.
        let ran = run(&workdir, &proxy.url(), &["resume", "spool", "--base-url", &base, "--json"]);
        let result = ran.exits_with(0).result();
        are_objects(&moto, &server, &result);
        let url = result["images"][0]["saved_url"].as_str().unwrap();
        assert!(name.ends_with(&url["s3://pictures/".len()..]), "{name} is not {url}");
        assert_eq!((workdir.names("spool"), server.posts()), (vec![], 1));
        assert_eq!((moto.keys("pictures").len(), moto.uploads("pictures").len()), (before.len() + 2, 0));
    }
}

#[test]
fn a_store_that_does_not_respond_is_given_up_at_the_second_signal() {
    let Some(moto) = started() else { return };
    for held in ["-0.png", ".json"] {
        let (workdir, server, proxy) = (Workdir::new(), Scripted::start(1000), Proxy::start(&moto));
        proxy.rule(move |name| if name.starts_with("PUT ") && name.ends_with(held) { Way::Hold } else { Way::Forward });
        let base = server.base("ark");
        let mut child = spawn(&workdir, &proxy.url(), &generate(&base, "1"));
        proxy.held();
        signal(&child, "TERM");
        until(&mut child, "cancelled: saving");
        signal(&child, "TERM");
        let ran = RunResult::of(child.wait_with_output().unwrap());
        ran.exits_with(130).stderr_contains("cancelled before it was saved");
        proxy.rule(|_| Way::Forward);
        let ran = run(&workdir, &proxy.url(), &["resume", "spool", "--base-url", &base, "--json"]);
        are_objects(&moto, &server, &ran.exits_with(0).result());
        assert_eq!((workdir.names("spool"), server.posts()), (vec![], 1));
    }
}

#[test]
fn an_image_that_a_store_does_not_take_waits_and_the_printed_command_sends_it() {
    let Some(moto) = started() else { return };
    for (refusal, message) in [(Way::Status(403), "HTTP 403"), (Way::Cut, "the connection was lost")] {
        let (workdir, server, proxy) = (Workdir::new(), Scripted::start(100_000), Proxy::start(&moto));
        proxy.rule(move |name| if name.starts_with("PUT ") && name.ends_with(".png") { refusal } else { Way::Forward });
        let base = server.base("ark");
        let ran = run(&workdir, &proxy.url(), &generate(&base, "2"));
        ran.exits_with(3).stderr_contains(message).stderr_contains("it waits in spool/waiting-");
        let command =
            ran.stderr.lines().find_map(|line| line.split_once("to fetch the rest, run: seedream ")).unwrap().1;
        proxy.rule(|_| Way::Forward);
        let args: Vec<_> = command.split(' ').chain(["--json"]).collect();
        let fetched = server.times(crate::scripted_server::Asked::Image(0));
        let result = run(&workdir, &proxy.url(), &args).exits_with(0).result();
        are_objects(&moto, &server, &result);
        assert_eq!((workdir.names("spool"), server.posts()), (vec![], 1));
        assert_eq!(server.times(crate::scripted_server::Asked::Image(0)), fetched, "it was on the disk");
    }
}

#[test]
fn a_busy_store_and_a_cut_connection_are_tried_again() {
    let Some(moto) = started() else { return };
    for first in [Way::Status(503), Way::Cut] {
        let (workdir, server, proxy) = (Workdir::new(), Scripted::start(100_000), Proxy::start(&moto));
        let was_seen = std::sync::atomic::AtomicBool::new(false);
        proxy.rule(move |name| {
            let is_it = name.starts_with("PUT ") && name.ends_with(".png");
            if is_it && !was_seen.swap(true, std::sync::atomic::Ordering::SeqCst) { first } else { Way::Forward }
        });
        let result = run(&workdir, &proxy.url(), &generate(&server.base("ark"), "1")).exits_with(0).result();
        are_objects(&moto, &server, &result);
    }
}

#[test]
fn a_ledger_keeps_what_waits_and_the_same_batch_sends_it() {
    let Some(moto) = started() else { return };
    let (workdir, server, proxy) = (Workdir::new(), Scripted::start(1000), Proxy::start(&moto));
    proxy.rule(|name| if name.starts_with("PUT ") && name.ends_with(".png") { Way::Status(403) } else { Way::Forward });
    fs::write(workdir.path("jobs.jsonl"), "{\"id\": \"fox\", \"prompt\": \"a fox\"}\n{\"prompt\": \"a cat\"}\n")
        .unwrap();
    let base = server.base("ark");
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--concurrency", "1"];
    let to_bucket = [&args[..], &["--out", "s3://pictures"]].concat();
    let ran = run(&workdir, &proxy.url(), &to_bucket);
    ran.exits_with(3).stderr_contains("an image could not be saved; lines that were not sent: 1");
    assert_eq!((server.posts(), workdir.names("jobs.jsonl.ledger.spool").len()), (1, 1));
    no_key_is_on_disk(&workdir.path("."));
    // Without the bucket the waiting image would be left out.
    let resume = ["jobs", "resume", "--ledger", "jobs.jsonl.ledger", "--provider", "ark", "--base-url", &base];
    let ran = run(&workdir, &proxy.url(), &resume);
    ran.exits_with(2).stderr_contains("resume it with that output (--out s3://pictures)");
    proxy.rule(|_| Way::Forward);
    run(&workdir, &proxy.url(), &to_bucket).exits_with(0);
    assert_eq!(
        (server.posts(), moto.keys("pictures").len(), workdir.names("jobs.jsonl.ledger.spool").len()),
        (2, 4, 0)
    );
}

#[test]
fn a_check_prints_each_step() {
    let Some(moto) = started() else { return };
    let workdir = Workdir::new();
    let checked = run(&workdir, &moto.url(), &["storage", "check", "s3://pictures/foxes"]);
    insta::assert_snapshot!(checked.exits_with(0).stdout);
    let json = run(&workdir, &moto.url(), &["storage", "check", "s3://pictures", "--json"]).exits_with(0).json();
    assert_eq!((&json["url"], &json["steps"][0]["step"]), (&"s3://pictures".into(), &"put".into()));
    let refused = run(&workdir, &moto.url(), &["storage", "check", "s3://nowhere"]);
    refused.exits_with(1).stdout_contains("NoSuchBucket").stderr_contains("s3://nowhere cannot take images");
    run(&workdir, &moto.url(), &["storage", "check", "az://pictures"]).exits_with(2).stderr_contains("not supported");
    assert_eq!(moto.keys("pictures"), [""; 0]);
}
