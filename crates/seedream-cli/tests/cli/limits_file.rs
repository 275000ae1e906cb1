//! `--limits`.

use crate::support::{Upstream, Workdir};

const LIMITS: &str = r#"{"ark":{"doubao-seedream-9-0":{"family":"seedream-4.5","images":{"max":2}}}}"#;

#[test]
fn a_limits_file_overrides_the_built_in_rules() {
    let workdir = Workdir::new();
    std::fs::write(workdir.path("limits.json"), LIMITS).unwrap();
    let model = ["--provider", "ark", "--model", "doubao-seedream-9-0", "--limits", "limits.json"];
    let plan = workdir.run(&[&["plan", "2 images of a fox", "--count", "2", "--json"][..], &model].concat(), &[]);
    assert_eq!(plan.exits_with(0).json()["plans"][0]["warnings"], serde_json::json!([]));
    workdir
        .run(&[&["plan", "3 images of a fox", "--count", "3"][..], &model].concat(), &[])
        .exits_with(2)
        .stderr_contains("at most 2 per request")
        .stderr_contains("[override: limits.json]");
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let refused = [&["generate", "3 images of a fox", "--count", "3", "--base-url", &base][..], &model].concat();
    workdir.run(&refused, &[("ARK_API_KEY", "k")]).exits_with(2).stderr_contains("[override: limits.json]");

    let models =
        workdir.run(&["models", "--provider", "ark", "--limits", "limits.json", "--json"], &[]).exits_with(0).json();
    let added = models["models"].as_array().unwrap().iter().find(|model| model["id"] == "doubao-seedream-9-0").unwrap();
    assert_eq!((&added["family"], &added["capabilities"]["images"]["max"]), (&"seedream-4.5".into(), &2.into()));
    assert_eq!((&added["source"]["document"], &added["source"]["kind"]), (&"limits.json".into(), &"override".into()));
}

#[test]
fn an_invalid_limits_file_is_refused() {
    let workdir = Workdir::new();
    std::fs::write(workdir.path("a.json"), r#"{"ark":{"m":{"familly":"x"}}}"#).unwrap();
    std::fs::write(workdir.path("b.json"), r#"{"arc":{}}"#).unwrap();
    std::fs::write(workdir.path("d.json"), "{\"ark\": {").unwrap();
    for (file, message) in [
        ("a.json", "--limits a.json: ark, m: `familly` is not a rule: use one of family, size,"),
        ("b.json", "--limits b.json: there is no provider `arc`"),
        ("c.json", "--limits c.json"),
        ("d.json", "--limits d.json:1:9: this is not JSON"),
    ] {
        workdir.run(&["models", "--limits", file], &[]).exits_with(2).stderr_contains(message);
    }
}
