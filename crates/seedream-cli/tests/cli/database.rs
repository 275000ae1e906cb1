//! Ledgers in a database: the same commands, from several folders as from several machines.

use serde_json::json;

use crate::{
    postgres::Postgres,
    support::{CANARY, RunResult, Upstream, Workdir},
};

const LINES: &str =
    "{\"id\": \"kite\", \"prompt\": \"a kite over dunes\"}\n{\"prompt\": \"a fox\"}\n{\"prompt\": \"a fox\"}\n";

/// Runs a command on one of several machines.
fn run(machine: &Workdir, args: &[&str]) -> RunResult {
    let state = machine.path("state");
    let env = [("ARK_API_KEY", CANARY), ("PGPASSWORD", "pg-s3cret"), ("XDG_STATE_HOME", state.to_str().unwrap())];
    let run = machine.run(args, &env);
    assert!(!run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"), "{}{}", run.stdout, run.stderr);
    run
}

#[test]
fn machines_share_a_batch_in_a_database() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.url_of_new_database() + "&password=url-s3cret";
    let (one, two, upstream) = (Workdir::new(), Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--ledger", &url];
    for machine in [&one, &two] {
        std::fs::write(machine.path("jobs.jsonl"), LINES).unwrap();
    }
    run(&one, &["spend", "--ledger", &url]).exits_with(2).stderr_contains("has no ledger");
    run(&one, &args).exits_with(0).stdout_contains("settled  3").stdout_contains("ledger: postgres://postgres@/");
    for machine in [&one, &two] {
        run(machine, &args).exits_with(0).stdout_contains("settled  3");
    }
    assert_eq!(upstream.count("POST"), 3);
    let jobs = run(&two, &["jobs", "list", "--ledger", &url, "--json"]).exits_with(0).json();
    assert_eq!((jobs.as_array().unwrap().len(), &jobs[0]["job"]), (3, &json!("jobs.jsonl/kite")));
    let spent = run(&two, &["spend", "--ledger", &url, "--csv"]);
    assert!(spent.exits_with(0).stdout.contains("settled,3,"), "{}", spent.stdout);
    run(&two, &["jobs", "show", "jobs.jsonl/kite", "--ledger", &url]).exits_with(0);
    run(&two, &["jobs", "show", "none", "--ledger", &url])
        .exits_with(2)
        .stderr_contains("--ledger postgres://postgres@/");
    let fox = ["generate", "a fox", "--provider", "ark", "--base-url", &base, "--ledger", &url];
    run(&two, &fox).exits_with(0);
    let exported = run(&one, &["jobs", "export", "--ledger", &url]);
    assert_eq!(exported.exits_with(0).stdout.lines().count(), 4);
    run(&one, &["jobs", "resume", "--ledger", &url, "--provider", "ark", "--base-url", &base]).exits_with(0);
}

#[test]
fn after_a_failover_a_batch_sends_nothing_until_that_is_accepted() {
    let Some(server) = Postgres::shared() else { return };
    let (machine, upstream) = (Workdir::new(), Upstream::start());
    let (base, url) = (upstream.base("ark"), server.url_of_new_database());
    let args = ["batch", "jobs.jsonl", "--provider", "ark", "--base-url", &base, "--ledger", &url];
    std::fs::write(machine.path("jobs.jsonl"), "{\"prompt\": \"a fox\"}\n").unwrap();
    run(&machine, &args).exits_with(0);
    server.psql(&url, "UPDATE seedream_ledger.ledger SET timeline = '00000009'");
    std::fs::write(machine.path("jobs.jsonl"), LINES).unwrap();
    run(&machine, &args).exits_with(1).stderr_contains("--accept-failover");
    assert_eq!(upstream.count("POST"), 1);
    run(&machine, &["spend", "--ledger", &url]).exits_with(0).stdout_contains("settled");
    run(&machine, &[&args[..], &["--accept-failover"]].concat()).exits_with(0);
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn a_server_that_cannot_be_reached_and_a_url_that_cannot_be_read_send_nothing() {
    let (machine, upstream) = (Workdir::new(), Upstream::start());
    let base = upstream.base("ark");
    let with =
        |url: &str| run(&machine, &["generate", "a fox", "--provider", "ark", "--base-url", &base, "--ledger", url]);
    with("postgres://me:s3cret@127.0.0.1:1/x").exits_with(2).stderr_contains("postgres://me@127.0.0.1:1/x");
    with("postgres://me:a@s3cret@127.0.0.1/x").exits_with(2).stderr_contains("cannot be read");
    assert_eq!(upstream.count("POST"), 0);
}
