//! Models and limits of the user's own.

use crate::support::{Place, Upstream};

const LIMITS: &str = r#"{"ark":{"doubao-seedream-9-0":{"family":"seedream-4.5","images":{"max":2}}}}"#;

#[test]
fn a_limits_file_holds_over_the_documents() {
    let place = Place::new();
    std::fs::write(place.path("limits.json"), LIMITS).unwrap();
    let model = ["--provider", "ark", "--model", "doubao-seedream-9-0", "--limits", "limits.json"];
    let plan = place.run(&[&["plan", "2 images of a fox", "--count", "2", "--json"][..], &model].concat(), &[]);
    assert_eq!(plan.ends(0).json()["plans"][0]["warnings"], serde_json::json!([]));
    place
        .run(&[&["plan", "3 images of a fox", "--count", "3"][..], &model].concat(), &[])
        .ends(2)
        .says("at most 2 per request")
        .says("[override: limits.json]");
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let refused = [&["generate", "3 images of a fox", "--count", "3", "--base-url", &base][..], &model].concat();
    place.run(&refused, &[("ARK_API_KEY", "k")]).ends(2).says("[override: limits.json]");

    let models = place.run(&["models", "--provider", "ark", "--limits", "limits.json", "--json"], &[]).ends(0).json();
    let added = models["models"].as_array().unwrap().iter().find(|model| model["id"] == "doubao-seedream-9-0").unwrap();
    assert_eq!((&added["family"], &added["capabilities"]["images"]["max"]), (&"seedream-4.5".into(), &2.into()));
    assert_eq!((&added["source"]["document"], &added["source"]["kind"]), (&"limits.json".into(), &"override".into()));
}

#[test]
fn a_limits_file_that_is_wrong_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("a.json"), r#"{"ark":{"m":{"familly":"x"}}}"#).unwrap();
    std::fs::write(place.path("b.json"), r#"{"arc":{}}"#).unwrap();
    for (file, told) in [("a.json", "familly"), ("b.json", "there is no provider `arc`"), ("c.json", "c.json")] {
        place.run(&["models", "--limits", file], &[]).ends(2).says(told);
    }
}
