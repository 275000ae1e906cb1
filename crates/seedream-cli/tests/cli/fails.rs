//! Failures: exit codes, charges, and no repeated purchase.

use std::net::TcpListener;

use crate::support::{CANARY, RunResult, Upstream, Workdir, read_and_respond, redacted};

#[test]
fn a_refused_size_is_not_sent() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("evolink");
    let args = ["generate", "a fox", "--provider", "evolink", "--size", "1024x1024", "--base-url", &base, "--json"];
    let ran = workdir.run(&args, &[("EVOLINK_API_KEY", CANARY)]);
    ran.exits_with(2).stderr_contains("3686400").stderr_contains("1920x1920").stderr_contains("--fit");
    assert_eq!(upstream.count("POST") + upstream.count("GET"), 0);
    insta::assert_json_snapshot!("refused_size", redacted(ran.result()));
    assert_eq!(workdir.names("."), [""; 0], "a refused run leaves no folder");
}

#[test]
fn a_missing_key_error_names_the_variable_and_the_mock() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["generate", "a fox", "--provider", "evolink"], &[]);
    ran.exits_with(2).stderr_contains("EVOLINK_API_KEY").stderr_contains("--mock");
    workdir
        .run(&["generate", "a fox"], &[])
        .exits_with(2)
        .stderr_contains("EVOLINK_API_KEY")
        .stderr_contains("AIO_API_KEY")
        .stderr_contains("--mock");
    workdir
        .run(&["resume", "evolink:task-1"], &[])
        .exits_with(2)
        .stderr_contains("EVOLINK_API_KEY")
        .stderr_contains("--mock");
    let two = [("ARK_API_KEY", CANARY), ("OPEAI_API_KEY", CANARY)];
    workdir.run(&["generate", "a fox"], &two).exits_with(2).stderr_contains("--provider ark,opeai");
}

#[test]
fn provider_errors_have_their_exit_codes() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let args = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--json"];
    for (key, code, charge) in [
        ("sk-mock-401", 5, "no"),
        ("sk-mock-402", 6, "no"),
        ("sk-mock-403", 5, "no"),
        ("sk-mock-500", 7, "unknown"),
        ("sk-mock-reset", 7, "unknown"),
    ] {
        let before = upstream.count("POST");
        let ran = workdir.run(&args, &[("ARK_API_KEY", key)]);
        let result = ran.exits_with(code).result();
        assert_eq!((&result["charge"], &result["error"]["charge"]), (&charge.into(), &charge.into()), "{key}");
        assert_eq!(upstream.count("POST"), before + 1, "{key} was sent once");
    }
}

#[test]
fn the_most_expensive_failure_decides_the_exit_code() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let (ark, opeai) = (upstream.base("ark"), upstream.base("opeai"));
    let env = [
        ("ARK_API_KEY", "sk-mock-401"),
        ("ARK_BASE_URL", &ark),
        ("OPEAI_API_KEY", "sk-mock-reset"),
        ("OPEAI_BASE_URL", &opeai),
    ];
    let ran = workdir.run(&["generate", "a fox", "--provider", "ark,opeai"], &env);
    ran.exits_with(7)
        .stderr_contains("error: ark:")
        .stderr_contains("error: opeai:")
        .stderr_contains("may have been billed");
}

#[test]
fn a_refused_connection_is_not_charged() {
    let workdir = Workdir::new();
    // Port 1 is privileged and unused, so no other test can bind it.
    let base = "http://127.0.0.1:1/v1";
    let args = ["generate", "a fox", "--provider", "ark", "--deadline", "300ms", "--base-url", base, "--json"];
    let ran = workdir.run(&args, &[("ARK_API_KEY", CANARY)]);
    assert_eq!(ran.exits_with(9).result()["charge"], "no");
}

#[test]
fn an_unsaved_image_keeps_its_url() {
    let workdir = Workdir::new();
    let url = "http://elsewhere.example/a.png?X-Tos-Signature=s3cret&X-Tos-Date=20261120T200000Z&X-Tos-Expires=86400";
    let body = format!(r#"{{"created":1,"model":"m","data":[{{"url":"{url}"}}],"usage":{{"generated_images":1}}}}"#);
    for json in [true, false] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/v1", server.local_addr().unwrap());
        let mut args = vec!["generate", "a fox", "--provider", "ark", "--base-url", &base];
        args.extend(json.then_some("--json"));
        let child = workdir.spawn(&args, &[("ARK_API_KEY", CANARY)]);
        read_and_respond(&server.accept().unwrap().0, &body);
        let ran = RunResult::of(child.wait_with_output().unwrap());
        ran.exits_with(3).stderr_contains("failed: ark: image 0").stderr_contains("not https");
        if json {
            let result = ran.result();
            assert_eq!((&result["delivered"], &result["failures"][0]["url"]), (&1.into(), &url.into()));
            assert_eq!(result["failures"][0]["expires_at"], "2026-11-21T20:00:00Z");
            assert_eq!(result["charge"], "yes");
        } else {
            assert!(ran.stdout.contains(url) && ran.stdout.contains("2026-11-21T20:00:00Z"), "{ran:#?}");
        }
    }
}

#[test]
fn an_interrupted_upload_reports_its_size_and_a_remedy() {
    let workdir = Workdir::new();
    // The header of a PNG of 512 x 512 pixels, followed by padding.
    let mut image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x02\0\x08\x02\0\0\0\0\0\0\0".to_vec();
    image.resize(3_000_000, 7);
    std::fs::write(workdir.path("large.png"), image).unwrap();
    let args = ["generate", "a fox [[mock: reset@request]]", "--mock", "--provider", "ark", "--image", "large.png"];
    let ran = workdir.run(&args, &[]);
    ran.exits_with(7)
        .stderr_contains("the request has 4.0 MB")
        .stderr_contains("a smaller reference image, or its URL, may pass");
    ran.stderr_contains("the request may have been billed, so it was not sent again");
}
