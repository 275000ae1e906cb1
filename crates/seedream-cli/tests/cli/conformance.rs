//! `seedream conformance`.

use crate::support::{CANARY, RunResult, Upstream, Workdir};

#[test]
fn the_built_in_adapters_pass_and_the_table_fits_a_terminal() {
    let workdir = Workdir::new();
    let files = ["--json", "report.json", "--junit", "report.xml", "--html", "report.html"];
    let ran = workdir.run(&[&["conformance", "run"], &files[..]].concat(), &[]);
    let lines: Vec<_> = ran.exits_with(0).stdout.lines().collect();
    assert!(lines[0].starts_with("LAW") && lines.iter().all(|line| line.chars().count() <= 100), "{ran:#?}");
    assert!(!ran.stdout.contains("FAIL"), "{ran:#?}");
    let report: seedream_conformance::Report =
        serde_json::from_str(&std::fs::read_to_string(workdir.path("report.json")).unwrap()).unwrap();
    assert_eq!((report.exit_code(), report.faults.len(), report.filter.as_deref()), (0, 0, None));
    let junit = std::fs::read_to_string(workdir.path("report.xml")).unwrap();
    assert!(junit.starts_with("<?xml") && junit.matches("<testcase ").count() == report.cases.len());
    assert_eq!(std::fs::read_to_string(workdir.path("report.html")).unwrap(), report.to_html());
}

#[test]
fn an_empty_run_fails_and_a_filtered_run_is_marked_partial() {
    let workdir = Workdir::new();
    let nothing = workdir.run(&["conformance", "run", "--run", "nothing/**"], &[]);
    assert!(nothing.exits_with(4).stdout.contains("partial"));
    nothing.stderr_contains(
        "error: --run nothing/**: no case has this name; names are <law>/<provider>/…, such as decode/ark",
    );
    std::fs::write(workdir.path("afile"), "x").unwrap();
    std::fs::write(workdir.path("list"), "[]").unwrap();
    for (flag, file, told) in [
        ("--requirements", "afile", "--requirements afile:1:1: not JSON; write {\"set\": \"mine\", \"cases\":"),
        ("--known", "afile", "--known afile:1:1: not JSON; write [{\"case\":"),
        ("--requirements", "list", "; write {\"set\": \"mine\","),
    ] {
        let ran = workdir.run(&["conformance", "run", "--run", "decode/ark", flag, file], &[]);
        ran.exits_with(2).stderr_contains(told);
    }
    let part = workdir.run(&["conformance", "run", "--run", "claims/ark"], &[]);
    assert!(part.exits_with(0).stdout.contains("partial: only claims/ark"));
    workdir.run(&["conformance", "run", "--run", "a**"], &[]).exits_with(2);
}

#[test]
fn a_known_failure_that_passes_fails_the_run() {
    let workdir = Workdir::new();
    let known = |case: &str, until: &str| {
        let list = format!(r#"[{{"case": "{case}", "reason": "a test", "until": "{until}"}}]"#);
        std::fs::write(workdir.path("known.json"), list).unwrap();
        workdir.run(&["conformance", "run", "--provider", "gogogotoken", "--known", "known.json"], &[])
    };
    let stale = known("claims/gogogotoken/provider", "2999-01-01");
    assert!(stale.exits_with(1).stdout.contains("STALE claims/gogogotoken/provider"), "{stale:#?}");
    assert!(known("claims/nobody/**", "2999-01-01").exits_with(1).stdout.contains("there is no such case"));
    assert!(known("claims/gogogotoken/**", "2020-01-01").exits_with(1).stdout.contains("which has passed"));
    std::fs::write(workdir.path("known.json"), "[{}]").unwrap();
    workdir
        .run(&["conformance", "run", "--provider", "gogogotoken", "--known", "known.json"], &[])
        .exits_with(2)
        .stderr_contains("known.json");
}

/// Runs the suite on the adapter of `tests/stranger`, unchanged or with one part replaced.
fn stranger(broken: Option<(&str, &str)>) -> RunResult {
    let workdir = Workdir::new();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger/adapter.py");
    let mut program = std::fs::read_to_string(own).unwrap();
    if let Some((part, other)) = broken {
        assert!(program.contains(part), "{part}");
        program = program.replacen(part, other, 1);
    }
    std::fs::write(workdir.path("adapter.py"), program).unwrap();
    let path = std::env::var("PATH").unwrap();
    workdir.run(&["conformance", "run", "--exec", "python3 adapter.py", "--json", "-"], &[("PATH", &path)])
}

#[test]
fn an_external_python_adapter_runs_every_law() {
    let report: seedream_conformance::Report = serde_json::from_str(&stranger(None).exits_with(0).stdout).unwrap();
    // Cases beyond the promises of its reader are skipped, and laws without documented facts.
    let skipped = report.cases.iter().filter_map(|case| case.reason.as_deref());
    let skipped: Vec<_> = skipped.filter(|reason| !reason.contains("is_lenient")).collect();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    let other_limit = stranger(Some(("3686400", "3686401")));
    assert!(other_limit.exits_with(1).stdout.contains("size.pixels: expected Some((3686400"));
}

/// Runs the suite on the Python adapter of a fictional provider with the facts in its folder.
fn harbour(more: &[&str]) -> RunResult {
    let stranger = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger");
    let (program, facts) = (format!("python3 {stranger}/harbour.py"), format!("{stranger}/fixtures"));
    let of_its_own = ["conformance", "run", "--exec", &program, "--fixtures", &facts];
    let path = std::env::var("PATH").unwrap();
    Workdir::new().run(&[&of_its_own, more].concat(), &[("PATH", &path)])
}

#[test]
fn an_external_adapter_of_a_new_provider_uses_its_own_facts() {
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger/requirements.json");
    let whole = harbour(&["--requirements", requirements]);
    assert!(whole.exits_with(0).stdout.contains("cases  212 pass, 16 skip"), "{whole:#?}");
    let unsaid = harbour(&[]);
    assert!(
        unsaid.exits_with(4).stdout.contains("as many cases as ran are {\"cases\":{\"harbour\":{\"claims\":4,"),
        "{unsaid:#?}"
    );
}

#[test]
fn the_command_of_a_case_names_the_adapter_and_its_facts() {
    let ran = harbour(&["--run", "encode/harbour/generate/plain", "--json", "-"]);
    let report: seedream_conformance::Report = serde_json::from_str(&ran.exits_with(0).stdout).unwrap();
    let case = report.cases.iter().find(|case| case.name == "encode/harbour/generate/plain").unwrap();
    assert!(case.command.starts_with("seedream conformance run --exec 'python3 "), "{}", case.command);
    assert!(case.command.contains("/fixtures' --run 'encode/harbour/generate/plain'"), "{}", case.command);
}

#[test]
fn an_adapter_that_cannot_run_exits_with_3() {
    let question = "    question = json.loads(line)";
    let ends = stranger(Some((question, &format!("{question}\n    question[\"id\"] > 9 and sys.exit(7)"))));
    assert!(ends.exits_with(3).stdout.contains("(exit code 7)"), "{}", ends.stdout);
    let other_form = stranger(Some((r#""images": ["#, r#""pictures": ["#)));
    assert!(other_form.exits_with(3).stdout.contains("unknown field `pictures`"));
    let nobody = stranger(Some((r#""id": "gogogotoken""#, r#""id": "nobody""#)));
    assert!(nobody.exits_with(3).stderr.contains("no facts for the provider `nobody`"));
}

#[test]
fn every_documented_rule_has_a_case_or_a_reason() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["conformance", "trace"], &[]);
    assert!(ran.exits_with(0).stdout.ends_with("gaps 0\n"), "{ran:#?}");
    for line in
        ["002  191          002-size-product", "evolink/errors/pixels-too-few (", "no case: ", "claims/evolink/doubao-"]
    {
        assert!(ran.stdout.contains(line), "{line}: {ran:#?}");
    }
}

#[test]
fn the_rules_of_an_external_adapter_are_traced_by_its_own_facts() {
    let stranger = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger");
    let (program, facts) = (format!("python3 {stranger}/harbour.py"), format!("{stranger}/fixtures"));
    let path = std::env::var("PATH").unwrap();
    let workdir = Workdir::new();
    let ran = workdir.run(&["conformance", "trace", "--exec", &program, "--fixtures", &facts], &[("PATH", &path)]);
    assert!(ran.exits_with(0).stdout.contains("harbour-seed") && ran.stdout.ends_with("gaps 0\n"), "{ran:#?}");
    assert!(!ran.stdout.contains("evolink"), "{ran:#?}");
    for command in ["trace", "mutants"] {
        let nothing = workdir.run(&["conformance", command, "--exec", "no-such-program"], &[]);
        assert!(nothing.exits_with(3).stderr.contains("no-such-program"), "{nothing:#?}");
        workdir.run(&["conformance", command, "--fixtures", &facts], &[]).exits_with(2).stderr_contains("--exec");
    }
}

#[test]
fn lint_names_the_file_and_the_problem() {
    let workdir = Workdir::new();
    assert!(workdir.run(&["conformance", "lint"], &[]).exits_with(0).stdout.ends_with(", 0 problems\n"));
    let area = workdir.path("mine/ark/generate");
    std::fs::create_dir_all(&area).unwrap();
    workdir.run(&["conformance", "lint", "mine"], &[]).exits_with(2).stderr_contains("<provider>/<area>/<case>.json");
    std::fs::write(
        area.join("a.json"),
        r#"{"source": {"kind": "documented"}, "response": {"status": 200, "text": ""}}"#,
    )
    .unwrap();
    let ran = workdir.run(&["conformance", "lint", "mine"], &[]);
    assert!(
        ran.exits_with(1).stdout.contains("ark/generate/a.json:1: a documented source names its document and lines"),
        "{ran:#?}"
    );
    std::fs::write(area.join("b.json"), "{\n  \"sauce\": {}\n}").unwrap();
    let ran = workdir.run(&["conformance", "lint", "mine"], &[]);
    assert!(ran.exits_with(1).stdout.contains("b.json:2: unknown field `sauce`"), "{ran:#?}");
}

#[test]
fn drift_exits_with_1_on_a_difference_and_with_2_on_an_invalid_file() {
    let workdir = Workdir::new();
    let file =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evolink/openapi.json")).unwrap();
    let drift = |name: &str, text: &str, args: &[&str]| {
        std::fs::write(workdir.path(name), text).unwrap();
        workdir.run(&[&["conformance", "drift"], args].concat(), &[])
    };
    let same = drift("openapi.json", &file, &["--openapi", "openapi.json"]);
    assert_eq!(same.exits_with(0).stdout, "differences 0\n");
    let less =
        drift("openapi.json", &file.replace("\"maximum\": 15", "\"maximum\": 9"), &["--openapi", "openapi.json"]);
    assert!(
        less.exits_with(1).stdout.starts_with("breaking  request.n.maximum: the fixtures say 15, now it is 9\n"),
        "{less:#?}"
    );
    drift("openapi.json", "{", &["--openapi", "openapi.json"]).exits_with(2).stderr_contains("openapi.json");
    drift("openapi.json", "{}", &["--openapi", "openapi.json"]).exits_with(2).stderr_contains("--provider");
    drift("page.txt", "", &["--document", "page.txt"]).exits_with(2).stderr_contains("--provider");
    drift("page.txt", "", &["--document", "page.txt", "--provider", "opeai"]).exits_with(1);
    drift("one.json", "{}", &["--exchange", "one.json", "--provider", "ark"]).exits_with(2).stderr_contains("one.json");
    workdir.run(&["conformance", "drift"], &[]).exits_with(2).stderr_contains("--openapi");
}

#[test]
fn live_records_exchanges_and_skips_providers_without_a_key() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let mock = upstream.base("gogogotoken").replace("/gogogotoken", "");
    let live =
        |args: &[&str]| workdir.run(&[&["conformance", "run", "--live"], args].concat(), &[("ARK_API_KEY", CANARY)]);
    // This mock accepts every key, so the case with a wrong key fails.
    let ran = live(&["--mock", &mock, "--provider", "ark", "--record", "seen"]);
    assert!(
        ran.exits_with(1).stdout.contains("FAIL  ark/wrong-key\n  error.kind: expected authentication"),
        "{ran:#?}"
    );
    assert!(ran.stdout.contains("pass  ark/illegal-size") && ran.stdout.contains("pass  ark/models"), "{ran:#?}");
    assert_eq!(workdir.names("seen/ark/errors"), ["live-illegal-size.json", "live-wrong-key.json"]);
    assert!(!std::fs::read_to_string(workdir.path("seen/ark/errors/live-illegal-size.json")).unwrap().contains(CANARY));
    let drift = ["conformance", "drift", "--provider", "ark", "--exchange", "seen/ark/errors/live-illegal-size.json"];
    workdir.run(&drift, &[]).exits_with(0);

    let nobody = workdir.run(&["conformance", "run", "--live"], &[]);
    assert!(nobody.exits_with(4).stdout.contains("skip  evolink: no key is set"), "{nobody:#?}");
    workdir
        .run(&["conformance", "run", "--live", "--provider", "evolink"], &[])
        .exits_with(2)
        .stderr_contains("EVOLINK_API_KEY");
    live(&["--json", "report.json"]).exits_with(2);
    workdir.run(&["conformance", "run", "--record", "seen"], &[]).exits_with(2).stderr_contains("--live");
}

#[test]
fn preflight_passes_over_http_against_a_running_mock() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let mock = upstream.base("gogogotoken").replace("/gogogotoken", "");
    let run = |url: &str| {
        workdir.run(&["conformance", "run", "--mock", url, "--provider", "gogogotoken", "--json", "report.json"], &[])
    };
    assert!(run(&mock).exits_with(0).stdout.contains("partial: only preflight"));
    let report: seedream_conformance::Report =
        serde_json::from_str(&std::fs::read_to_string(workdir.path("report.json")).unwrap()).unwrap();
    let refused = |name: &str| name.contains("/errors/size-too-small");
    let sent = report.cases.iter().filter(|entry| !refused(&entry.name)).count();
    assert_eq!((report.cases.len(), upstream.count("POST")), (14, sent));
}
