//! The laws on the command line.

use crate::support::{CANARY, Place, Ran, Upstream};

#[test]
fn the_adapters_of_ours_hold_and_the_table_fits_a_terminal() {
    let place = Place::new();
    let files = ["--json", "report.json", "--junit", "report.xml", "--html", "report.html"];
    let ran = place.run(&[&["conformance", "run"], &files[..]].concat(), &[]);
    let lines: Vec<_> = ran.ends(0).stdout.lines().collect();
    assert!(lines[0].starts_with("LAW") && lines.iter().all(|line| line.chars().count() <= 100), "{ran:#?}");
    assert!(!ran.stdout.contains("FAIL"), "{ran:#?}");
    let report: seedream_conformance::Report =
        serde_json::from_str(&std::fs::read_to_string(place.path("report.json")).unwrap()).unwrap();
    assert_eq!((report.exit_code(), report.faults.len(), report.filter.as_deref()), (0, 0, None));
    let junit = std::fs::read_to_string(place.path("report.xml")).unwrap();
    assert!(junit.starts_with("<?xml") && junit.matches("<testcase ").count() == report.cases.len());
    assert_eq!(std::fs::read_to_string(place.path("report.html")).unwrap(), report.to_html());
}

#[test]
fn nothing_that_ran_is_no_success_and_a_part_says_so() {
    let place = Place::new();
    assert!(place.run(&["conformance", "run", "--run", "nothing/**"], &[]).ends(4).stdout.contains("partial"));
    let part = place.run(&["conformance", "run", "--run", "claims/ark"], &[]);
    assert!(part.ends(0).stdout.contains("partial: only claims/ark"));
    place.run(&["conformance", "run", "--run", "a**"], &[]).ends(2);
}

#[test]
fn a_known_failure_that_does_not_fail_fails() {
    let place = Place::new();
    let known = |case: &str, until: &str| {
        let list = format!(r#"[{{"case": "{case}", "reason": "a test", "until": "{until}"}}]"#);
        std::fs::write(place.path("known.json"), list).unwrap();
        place.run(&["conformance", "run", "--provider", "gogogotoken", "--known", "known.json"], &[])
    };
    let stale = known("claims/gogogotoken/provider", "2999-01-01");
    assert!(stale.ends(1).stdout.contains("STALE claims/gogogotoken/provider"), "{stale:#?}");
    assert!(known("claims/nobody/**", "2999-01-01").ends(1).stdout.contains("there is no such case"));
    assert!(known("claims/gogogotoken/**", "2020-01-01").ends(1).stdout.contains("which has passed"));
    std::fs::write(place.path("known.json"), "[{}]").unwrap();
    place
        .run(&["conformance", "run", "--provider", "gogogotoken", "--known", "known.json"], &[])
        .ends(2)
        .says("known.json");
}

/// Judges the adapter of `tests/stranger`, as it is or with a part of it broken.
fn judged(broken: Option<(&str, &str)>) -> Ran {
    let place = Place::new();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger/adapter.py");
    let mut program = std::fs::read_to_string(own).unwrap();
    if let Some((part, other)) = broken {
        assert!(program.contains(part), "{part}");
        program = program.replacen(part, other, 1);
    }
    std::fs::write(place.path("adapter.py"), program).unwrap();
    let path = std::env::var("PATH").unwrap();
    place.run(&["conformance", "run", "--exec", "python3 adapter.py", "--json", "-"], &[("PATH", &path)])
}

#[test]
fn a_program_in_python_is_judged_by_every_law() {
    let report: seedream_conformance::Report = serde_json::from_str(&judged(None).ends(0).stdout).unwrap();
    // What its reader does not promise is skipped, as is a law for which its document gives no ground.
    let skipped = report.cases.iter().filter_map(|case| case.reason.as_deref());
    let skipped: Vec<_> = skipped.filter(|reason| !reason.contains("is_lenient")).collect();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    let other_limit = judged(Some(("3686400", "3686401")));
    assert!(other_limit.ends(1).stdout.contains("size.pixels: expected Some((3686400"));
}

/// Judges the Python adapter of an invented provider by the facts of its own folder.
fn harbour(more: &[&str]) -> Ran {
    let stranger = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger");
    let (program, facts) = (format!("python3 {stranger}/harbour.py"), format!("{stranger}/fixtures"));
    let of_its_own = ["conformance", "run", "--exec", &program, "--fixtures", &facts];
    let path = std::env::var("PATH").unwrap();
    Place::new().run(&[&of_its_own, more].concat(), &[("PATH", &path)])
}

#[test]
fn a_program_of_an_invented_provider_is_judged_by_facts_of_its_own() {
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stranger/requirements.json");
    let whole = harbour(&["--requirements", requirements]);
    assert!(whole.ends(0).stdout.contains("cases  206 pass, 16 skip"), "{whole:#?}");
    let unsaid = harbour(&[]);
    assert!(
        unsaid.ends(4).stdout.contains("as many cases as ran are {\"cases\":{\"harbour\":{\"claims\":3,"),
        "{unsaid:#?}"
    );
}

#[test]
fn what_runs_a_case_again_names_the_program_and_its_facts() {
    let ran = harbour(&["--run", "encode/harbour/generate/plain", "--json", "-"]);
    let report: seedream_conformance::Report = serde_json::from_str(&ran.ends(0).stdout).unwrap();
    let case = report.cases.iter().find(|case| case.name == "encode/harbour/generate/plain").unwrap();
    assert!(case.command.starts_with("seedream conformance run --exec 'python3 "), "{}", case.command);
    assert!(case.command.contains("/fixtures' --run 'encode/harbour/generate/plain'"), "{}", case.command);
}

#[test]
fn a_program_that_cannot_be_judged_ends_with_3() {
    let question = "    question = json.loads(line)";
    let ends = judged(Some((question, &format!("{question}\n    question[\"id\"] > 9 and sys.exit(7)"))));
    assert!(ends.ends(3).stdout.contains("(exit code 7)"), "{}", ends.stdout);
    let other_form = judged(Some((r#""images": ["#, r#""pictures": ["#)));
    assert!(other_form.ends(3).stdout.contains("unknown field `pictures`"));
    let nobody = judged(Some((r#""id": "gogogotoken""#, r#""id": "nobody""#)));
    assert!(nobody.ends(3).stderr.contains("no facts of the provider `nobody`"));
}

#[test]
fn every_rule_of_the_documents_has_a_case_or_a_reason_and_every_line_a_rule() {
    let place = Place::new();
    let ran = place.run(&["conformance", "trace"], &[]);
    assert!(ran.ends(0).stdout.ends_with("gaps 0\n"), "{ran:#?}");
    for line in
        ["002  191          002-size-product", "evolink/errors/pixels-too-few (", "no case: ", "claims/evolink/doubao-"]
    {
        assert!(ran.stdout.contains(line), "{line}: {ran:#?}");
    }
}

#[test]
fn lint_names_the_file_and_what_is_wrong_with_it() {
    let place = Place::new();
    assert!(place.run(&["conformance", "lint"], &[]).ends(0).stdout.ends_with(", 0 faults\n"));
    let area = place.path("mine/ark/generate");
    std::fs::create_dir_all(&area).unwrap();
    place.run(&["conformance", "lint", "mine"], &[]).ends(2).says("<provider>/<area>/<case>.json");
    std::fs::write(
        area.join("a.json"),
        r#"{"source": {"kind": "documented"}, "response": {"status": 200, "text": ""}}"#,
    )
    .unwrap();
    let ran = place.run(&["conformance", "lint", "mine"], &[]);
    assert!(
        ran.ends(1).stdout.contains("ark/generate/a.json:1: a documented source names its document and lines"),
        "{ran:#?}"
    );
    std::fs::write(area.join("b.json"), "{\n  \"sauce\": {}\n}").unwrap();
    let ran = place.run(&["conformance", "lint", "mine"], &[]);
    assert!(ran.ends(1).stdout.contains("b.json:2: unknown field `sauce`"), "{ran:#?}");
}

#[test]
fn drift_ends_with_1_on_a_difference_and_with_2_on_a_file_that_is_none() {
    let place = Place::new();
    let file =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evolink/openapi.json")).unwrap();
    let drift = |name: &str, text: &str, args: &[&str]| {
        std::fs::write(place.path(name), text).unwrap();
        place.run(&[&["conformance", "drift"], args].concat(), &[])
    };
    let same = drift("openapi.json", &file, &["--openapi", "openapi.json"]);
    assert_eq!(same.ends(0).stdout, "differences 0\n");
    let less =
        drift("openapi.json", &file.replace("\"maximum\": 15", "\"maximum\": 9"), &["--openapi", "openapi.json"]);
    assert!(
        less.ends(1).stdout.starts_with("breaking  request.n.maximum: the fixtures say 15, now it is 9\n"),
        "{less:#?}"
    );
    drift("openapi.json", "{", &["--openapi", "openapi.json"]).ends(2).says("openapi.json");
    drift("openapi.json", "{}", &["--openapi", "openapi.json"]).ends(2).says("--provider");
    drift("page.txt", "", &["--document", "page.txt"]).ends(2).says("--provider");
    drift("page.txt", "", &["--document", "page.txt", "--provider", "opeai"]).ends(1);
    drift("one.json", "{}", &["--exchange", "one.json", "--provider", "ark"]).ends(2).says("one.json");
    place.run(&["conformance", "drift"], &[]).ends(2).says("--openapi");
}

#[test]
fn live_against_a_mock_records_what_it_saw_and_without_a_key_asks_nobody() {
    let place = Place::new();
    let upstream = Upstream::start();
    let mock = upstream.base("gogogotoken").replace("/gogogotoken", "");
    let live =
        |args: &[&str]| place.run(&[&["conformance", "run", "--live"], args].concat(), &[("ARK_API_KEY", CANARY)]);
    // This mock knows every key, so the wrong one is told of.
    let ran = live(&["--mock", &mock, "--provider", "ark", "--record", "seen"]);
    assert!(ran.ends(1).stdout.contains("FAIL  ark/wrong-key\n  error.kind: expected authentication"), "{ran:#?}");
    assert!(ran.stdout.contains("pass  ark/illegal-size") && ran.stdout.contains("pass  ark/models"), "{ran:#?}");
    assert_eq!(place.names("seen/ark/errors"), ["live-illegal-size.json", "live-wrong-key.json"]);
    assert!(!std::fs::read_to_string(place.path("seen/ark/errors/live-illegal-size.json")).unwrap().contains(CANARY));
    let drift = ["conformance", "drift", "--provider", "ark", "--exchange", "seen/ark/errors/live-illegal-size.json"];
    place.run(&drift, &[]).ends(0);

    let nobody = place.run(&["conformance", "run", "--live"], &[]);
    assert!(nobody.ends(4).stdout.contains("skip  evolink: there is no key for it"), "{nobody:#?}");
    place.run(&["conformance", "run", "--live", "--provider", "evolink"], &[]).ends(2).says("EVOLINK_API_KEY");
    live(&["--json", "report.json"]).ends(2);
    place.run(&["conformance", "run", "--record", "seen"], &[]).ends(2).says("--live");
}

#[test]
fn preflight_holds_over_http_against_a_mock_that_is_running_elsewhere() {
    let place = Place::new();
    let upstream = Upstream::start();
    let mock = upstream.base("gogogotoken").replace("/gogogotoken", "");
    let run = |url: &str| {
        place.run(&["conformance", "run", "--mock", url, "--provider", "gogogotoken", "--json", "report.json"], &[])
    };
    assert!(run(&mock).ends(0).stdout.contains("partial: only preflight"));
    let report: seedream_conformance::Report =
        serde_json::from_str(&std::fs::read_to_string(place.path("report.json")).unwrap()).unwrap();
    let refused = |name: &str| name.contains("/errors/size-too-small");
    let sent = report.cases.iter().filter(|entry| !refused(&entry.name)).count();
    assert_eq!((report.cases.len(), upstream.count("POST")), (14, sent));
}
