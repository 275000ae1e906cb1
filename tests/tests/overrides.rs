//! Rules that a user sets over those of the documents.

#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

use seedream::{adapters::*, seedream_client::*, seedream_core::*, *};

const FILE: &str = r#"{
  "ark": {
    "*": { "references": { "max_bytes": 1000 } },
    "doubao-seedream-9-0": { "family": "seedream-4.5", "images": { "max": 20 }, "fields": { "seed": { "support": "refused" } } },
    "doubao-seedream-4-0-250828": {
      "size": { "tiers": ["2K", "3K"], "pixels": { "min": 100, "max": 16777216 } },
      "references": { "max": 2 }
    },
    "doubao-seedream-5-0-pro-260628": { "images": { "max": 4 }, "fields": { "seed": { "support": "honoured" }, "web_search": { "support": "honoured" } } }
  },
  "evolink": { "doubao-seedream-4.5": { "size": { "qualities": ["3K"] }, "fields": { "web_search": { "support": "honoured" } } } }
}"#;

fn rules(provider: &str, model: &str) -> Capabilities {
    let overrides = Overrides::from_json("limits.json", FILE).unwrap();
    overrides.capabilities(&*dialect(provider).unwrap(), &model.into())
}

fn refused(provider: &str, request: &ImageRequest) -> String {
    rules(provider, request.model.as_str()).check(request, Strictness::Strict).unwrap_err().to_string()
}

#[test]
fn a_model_is_added_to_a_family() {
    let request = ImageRequest::new("doubao-seedream-9-0", "20 images of a fox").count(20);
    let checked = rules("ark", "doubao-seedream-9-0").check(&request, Strictness::Strict).unwrap();
    assert_eq!((checked.model().as_str(), checked.warnings().len()), ("doubao-seedream-9-0", 0));
    // The family's own rules hold below it.
    let family = refused("ark", &request.clone().size(Size::pixels(1024, 1024)));
    assert!(family.contains("3686400") && family.contains("volcengine.com"), "{family}");
    let seed = refused("ark", &request.clone().seed(1));
    assert!(seed.contains("does not accept it") && seed.contains("[override: limits.json]"), "{seed}");
    let many = refused("ark", &request.count(21));
    assert!(many.contains("at most 20") && many.contains("[override: limits.json]"), "{many}");
    // Without the file nobody knows it.
    assert_eq!(dialect("ark").unwrap().capabilities(&"doubao-seedream-9-0".into()).standing, Standing::Unknown);
}

#[test]
fn sizes_and_references_are_set_whatever_spelling_a_model_is_asked_for_in() {
    for spelling in ["doubao-seedream-4-0-250828", "seedream-4.0"] {
        let request = ImageRequest::new(spelling, "a fox");
        let rules = rules("ark", spelling);
        for size in ["3K", "16:9@3K", "100x100"] {
            let sized = request.clone().size(size.parse::<Size>().unwrap());
            rules.check(&sized, Strictness::Strict).unwrap_or_else(|error| panic!("{spelling} {size}: {error}"));
        }
        assert!(refused("ark", &request.clone().size(Tier::K1)).contains("[override: limits.json]"));
        let three =
            (0..3).fold(request.clone(), |request, _| request.reference(ImageSource::url("https://a.example/b")));
        assert!(refused("ark", &three).contains("at most 2"));
        let heavy = request.clone().reference(ImageSource::inline("image/png", vec![0; 1001]));
        let heavy = refused("ark", &heavy);
        assert!(heavy.contains("at most 1000") && heavy.contains("[override: limits.json]"), "{heavy}");
    }
    // On evolink a level is a quality.
    let request = ImageRequest::new("seedream-4.5", "a fox").size("16:9@3K".parse::<Size>().unwrap()).web_search(true);
    let checked = rules("evolink", "seedream-4.5").check(&request, Strictness::Strict).unwrap();
    assert_eq!(checked.size().and_then(|size| size.quality), Some(Tier::K3));
    assert!(dialect("evolink").unwrap().capabilities(&request.model).check(&request, Strictness::Strict).is_err());
}

#[test]
fn fields_and_groups_are_switched_on() {
    let request = ImageRequest::new("seedream-5.0-pro", "4 images of a fox").count(4).seed(7).web_search(true);
    let refusals =
        dialect("ark").unwrap().capabilities(&request.model).check(&request, Strictness::Strict).unwrap_err();
    assert_eq!(refusals.violations().len(), 2);
    let pro = rules("ark", "doubao-seedream-5-0-pro-260628");
    let checked = pro.check(&request, Strictness::Strict).unwrap();
    assert_eq!((checked.warnings().len(), checked.ceiling()), (0, 4));
    // The dialect's own range holds.
    assert!(pro.check(&request.seed(-2), Strictness::Strict).unwrap_err().to_string().contains("outside"));
}

#[test]
fn what_cannot_be_read_or_said_is_refused() {
    for (json, told) in [
        ("{\n", ":2:0: this is not JSON: EOF"),
        ("1", r#"the file needs an object of providers, {"<provider>": {…}}"#),
        (r#"{"foo":1}"#, r#"the provider `foo` needs an object of models, {"<model or *>": {…}}"#),
        (r#"{"ark":{"m":1}}"#, r#"ark, m needs an object of rules, such as {"images": {"max": 4}}"#),
        (r#"{"ark":{"m":{"provider":"x"}}}"#, "`provider` identifies the rules and cannot be set"),
        (r#"{"ark":{"m":{"famly":"seedream-4.5"}}}"#, "`famly` is not a rule: use one of family, size, references"),
        (r#"{"ark":{"m":{"size":{"levels":["2K"]}}}}"#, "levels"),
        (r#"{"ark":{"m":{"size":{"pixels":{"min":1,"maximum":2}}}}}"#, "maximum"),
        (r#"{"ark":{"m":{"family":"seedream-9"}}}"#, "seedream-9"),
        (r#"{"ark":{"m":{"fields":{"sead":{"support":"refused"}}}}}"#, "sead"),
        (r#"{"ark":{"m":{"fields":{"seed":{"support":"maybe"}}}}}"#, "maybe"),
        (r#"{"ark":{"m":{"fields":{"prompt":{"support":"refused"}}}}}"#, "prompt"),
        (r#"{"ark":{"m":{"images":{"max":0}}}}"#, "images.max: 0 allows no image: set at least 1"),
        (r#"{"ark":{"m":{"size":{"pixels":{"min":9,"max":8}}}}}"#, "allows no size"),
        (r#"{"ark":{"m":{"size":{"pixels":{"max_aspect":0}}}}}"#, "allows no size"),
        (r#"{"ark":{"*":{"family":"seedream-4.5"}}}"#, "name a model"),
    ] {
        let error = Overrides::from_json("my.json", json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().starts_with("my.json:") && error.message().contains(told), "{error}");
    }
    for json in [
        r#"{"gogogotoken":{"*":{"references":{"max":3}}}}"#,
        r#"{"gogogotoken":{"*":{"fields":{"web_search":{"support":"honoured"}}}}}"#,
    ] {
        let overrides = Overrides::from_json("my.json", json).unwrap();
        let gogogotoken = Client::builder(dialect("gogogotoken").unwrap()).overrides(overrides.clone());
        assert!(gogogotoken.build().unwrap_err().message().contains("documents no member for"));
        // The part of another provider is not read.
        assert!(Client::builder(Ark).overrides(overrides).build().is_ok());
    }
    // The dialect's own largest area is 16777216 pixels.
    for model in ["*", "doubao-seedream-4-5-251128"] {
        let json = serde_json::json!({ "ark": { model: { "size": { "pixels": { "min": 20_000_000 } } } } });
        let overrides = Overrides::from_json("my.json", &json.to_string()).unwrap();
        let error = Client::builder(Ark).overrides(overrides).build().unwrap_err();
        assert!(error.message().contains("allows no size"), "{error}");
    }
}
