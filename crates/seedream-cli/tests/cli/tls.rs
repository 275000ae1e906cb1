//! A provider behind a CA that this machine does not know, as in a company's network.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::{
    support::{CANARY, RunResult, Upstream, Workdir},
    tls_server::{Authority, TlsServer, Validity},
};

/// A server with TLS in front of a mock, with its CA in `ca.pem`.
fn in_front_of(upstream: &Upstream, provider: &str, workdir: &Workdir, validity: Validity) -> (TlsServer, String) {
    let ca = Authority::new("Harbour CA");
    fs::write(workdir.path("ca.pem"), &ca.pem).unwrap();
    let base = upstream.base(provider);
    let (host, path) = base.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let host = host.to_owned();
    let server = TlsServer::start(&ca, "localhost", validity, move |request| {
        let mut stream = TcpStream::connect(&host).unwrap();
        let (head, body) = request.split_at(request.windows(2).position(|two| two == b"\r\n").unwrap());
        stream.write_all(&[head, b"\r\nconnection: close", body].concat()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        response
    });
    let base = format!("https://localhost:{}/{path}", server.port);
    (server, base)
}

/// Every command that sends to a provider.
#[test]
fn each_command_trusts_the_ca_that_is_named_and_no_other() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let (server, ark) = in_front_of(&upstream, "ark", &workdir, Validity::Now);
    fs::write(workdir.path("jobs.jsonl"), "{\"prompt\":\"x\",\"inline\":true}\n").unwrap();
    let evolink = ark.replace("/ark/api/v3", "/evolink");
    let root = ark.replace("/ark/api/v3", "");
    let trusted = |ran: &RunResult| !ran.stderr.contains("Harbour CA, which this machine does not trust");
    for args in [
        &["generate", "x", "--inline", "--provider", "ark", "--base-url", &ark][..],
        &["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &ark],
        &["jobs", "resume", "--ledger", "jobs.jsonl.ledger", "--provider", "ark", "--base-url", &ark],
        &["models", "--live", "--provider", "ark", "--base-url", &ark],
        &["doctor", "--provider", "ark", "--base-url", &ark],
        &["resume", "evolink:task-1", "--base-url", &evolink, "--deadline", "5s"],
        &["conformance", "run", "--live", "--provider", "ark", "--mock", &root],
    ] {
        let env = [("ARK_API_KEY", CANARY), ("EVOLINK_API_KEY", CANARY)];
        let before = server.requests();
        let sends = !args.starts_with(&["jobs"]);
        if sends {
            let ran = workdir.run(args, &env);
            assert!(ran.code != 0 && !trusted(&ran) || ran.stdout.contains("does not trust"), "{args:?}: {ran:#?}");
            assert_eq!(server.requests(), before, "{args:?}");
            if args.starts_with(&["batch"]) {
                // What did not leave is tried again.
                workdir.run(&[args, &["--retry-failed", "--ca-cert", "ca.pem"]].concat(), &env).exits_with(0);
                continue;
            }
        }
        let ran = workdir.run(&[args, &["--ca-cert", "ca.pem"]].concat(), &env);
        assert!(trusted(&ran) && !ran.stdout.contains("does not trust"), "{args:?}: {ran:#?}");
        assert!(!sends || server.requests() > before, "{args:?}: {ran:#?}");
        if args[0] == "generate" || args[0] == "models" {
            ran.exits_with(0);
        }
    }
}

#[test]
fn the_ca_comes_from_the_variable_or_a_file_too() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let (_server, ark) = in_front_of(&upstream, "ark", &workdir, Validity::Now);
    let args = ["generate", "x", "--inline", "--provider", "ark", "--base-url", &ark];
    fs::create_dir(workdir.path("conf")).unwrap();
    fs::copy(workdir.path("ca.pem"), workdir.path("conf/ca.pem")).unwrap();
    fs::write(workdir.path("conf/own.toml"), "ca_cert = 'ca.pem'\n").unwrap();
    for env in [("SSL_CERT_FILE", "ca.pem"), ("SEEDREAM_CONFIG", "conf/own.toml")] {
        workdir.run(&args, &[("ARK_API_KEY", CANARY), env]).exits_with(0);
    }
}

#[test]
fn an_expired_certificate_is_told_apart() {
    let (workdir, upstream) = (Workdir::new(), Upstream::start());
    let (_server, ark) = in_front_of(&upstream, "ark", &workdir, Validity::Past);
    let args = ["generate", "x", "--provider", "ark", "--base-url", &ark, "--ca-cert", "ca.pem", "--json"];
    let ran = workdir.run(&args, &[("ARK_API_KEY", CANARY)]);
    ran.exits_with(9).stderr_contains("the certificate of localhost expired at 1976-01-01T00:00:00Z, and it is ");
    ran.stderr_contains("chain: server of localhost < Harbour CA");
    assert_eq!(ran.result()["charge"], "no");
    let (_server, ark) = in_front_of(&upstream, "ark", &workdir, Validity::Future);
    let args = ["generate", "x", "--provider", "ark", "--base-url", &ark, "--ca-cert", "ca.pem"];
    workdir.run(&args, &[("ARK_API_KEY", CANARY)]).exits_with(9).stderr_contains("is not valid before 4095-01-01");
}
