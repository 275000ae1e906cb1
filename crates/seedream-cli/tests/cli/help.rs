//! Help texts and usage errors.

use crate::support::Workdir;

#[test]
fn every_command_has_help() {
    let workdir = Workdir::new();
    let mock = [
        "",
        " serve",
        " record",
        " check",
        " routes",
        " evidence",
        " faults",
        " profiles",
        " ca",
        " health",
        " verify",
        " ctl",
    ];
    let ctl = ["sessions", "clock", "faults", "tasks", "journal", "ledger", "callbacks", "settings", "reset"];
    let mock = mock.into_iter().map(str::to_owned).chain(ctl.iter().map(|name| format!(" ctl {name}")));
    let mock = mock.map(|words| format!("mock{words}"));
    let conformance = ["", " run", " drift", " mutants"].map(|words| format!("conformance{words}"));
    let jobs = ["", " list", " show", " resume", " resolve", " export"].map(|words| format!("jobs{words}"));
    let others = [
        "",
        "generate",
        "plan",
        "resume",
        "batch",
        "spend",
        "models",
        "config",
        "config show",
        "doctor",
        "completions",
        "man",
    ]
    .map(str::to_owned);
    let storage = ["storage", "storage check"].map(str::to_owned);
    let storage = storage.into_iter().filter(|_| cfg!(feature = "storage"));
    for words in others.into_iter().chain(jobs).chain(storage).chain(mock).chain(conformance) {
        let args: Vec<_> = words.split_whitespace().chain(["--help"]).collect();
        let ran = workdir.run(&args, &[]);
        ran.exits_with(0);
        assert_eq!(ran.stderr, "");
        insta::assert_snapshot!(format!("help {words}").trim().replace(' ', "-"), ran.stdout);
    }
}

#[test]
fn usage_errors_go_to_standard_error_and_exit_with_2() {
    let workdir = Workdir::new();
    for (args, message) in [
        (&["generate"][..], "<PROMPT>"),
        (&["generate", "x", "--size", "5K"], "1K, 1.5K, 2K, 3K, 4K"),
        (&["generate", "x", "--provider", "openai"], "gogogotoken"),
        (&["generate", "x", "--mock", "--base-url", "http://a"], "cannot be used with"),
        (&["generate", "x", "--deadline", "soon"], "90s, 10m, 1h30m, or a number of seconds"),
        (&["generate", "x", "--mock", "--extra", "style=vivid"], "quotes"),
        (&["generate", "x", "--mock", "--size", "4K", "--tier", "2K"], "--tier 2K contradicts --size 4K"),
        (&["generate", "x", "--mock", "--image", "no-such-file.png"], "no-such-file.png"),
        (
            &["mock", "serve", "--host", "0.0.0.0"],
            "--host 0.0.0.0 is not loopback, so other machines can reach the admin routes",
        ),
        (
            &["mock", "serve", "--fixtures", "nofolder"],
            "--fixtures nofolder: there is no such folder; name a folder of",
        ),
        (&["mock", "serve", "--task", "soon"], "polls=3, time=5s or hand"),
        (&["mock", "serve", "--fault", "explode"], "explode is not a fault; `seedream mock faults` lists them"),
        (&["mock", "ctl", "sessions"], "SEEDREAM_MOCK_URL"),
        (&["mock", "verify", "--count", "1", "--at-most", "2"], "cannot be used with"),
        (&["mock", "verify", "--at", "http://a", "--match", "{"], "--match is not JSON"),
        (&["mock", "ctl", "--at", "http://a", "tasks", "some-id"], "--complete"),
        (&["mock", "ctl", "--at", "http://a", "reset", "all"], "journal, ledger, faults"),
        (&["resume", "nothing"], "PROVIDER:ID"),
    ] {
        let ran = workdir.run(args, &[]);
        ran.exits_with(2).stderr_contains(message);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(workdir.names("."), [""; 0]);
}
