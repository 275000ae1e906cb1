//! Seedream 5.5, layers and BytePlus: what is sent, what is refused before it is sent, and what it can cost.

#![allow(clippy::unwrap_used, reason = "tests")]

use seedream::{seedream_client::*, seedream_core::*, *};
use serde_json::{Value, json};

const MODEL: &str = "dola-seedream-5-5-261028";
const BYTEPLUS: &str = "https://ark.ap-southeast.bytepluses.com/api/v3";

fn plan_at(provider: &str, request: &ImageRequest) -> Result<Plan> {
    Client::builder(dialect(provider).unwrap()).build()?.plan(request)
}

fn plan(request: &ImageRequest) -> Result<Plan> {
    plan_at("ark", request)
}

fn body(plan: &Plan) -> Value {
    serde_json::from_str(plan.body.get()).unwrap()
}

fn costs(plan: &Plan) -> Vec<&str> {
    plan.warnings.iter().filter(|warning| warning.kind == WarningKind::Cost).map(|w| w.message.as_str()).collect()
}

fn asked(model: &str) -> ImageRequest {
    ImageRequest::new(model, "a lighthouse in fog")
}

fn apart(model: &str) -> ImageRequest {
    asked(model).reference(ImageSource::url("https://example.com/poster.png")).extra("layer_decomposition", true)
}

/// The refusals of a request, and that nothing else than what is named stands in its way.
fn refused(request: &ImageRequest, words: &str) {
    let error = plan(request).unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::InvalidRequest, Charge::No));
    assert_eq!(error.violations().len(), 1, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn byteplus_takes_its_own_ids_as_they_are_given() {
    let ark = dialect("ark").unwrap();
    let site = &ark.descriptor().sites[0];
    assert_eq!((&*site.name, &*site.base_url), ("BytePlus", BYTEPLUS));
    for id in [
        "seedream-4-0-250828",
        "seedream-4-5-251128",
        "seedream-5-0-260128",
        "dola-seedream-5-0-pro-260628",
        "dola-seedream-5-0-flash-260915",
        MODEL,
    ] {
        assert!(site.models.contains(&id.into()), "{id}");
        let client = Client::builder(ark.clone()).base_url(BYTEPLUS).build().unwrap();
        let plan = client.plan(&asked(id)).unwrap();
        assert_eq!((plan.url.as_str(), plan.warnings.len()), (&*format!("{BYTEPLUS}/images/generations"), 0), "{id}");
        assert_eq!(body(&plan), json!({ "model": id, "prompt": "a lighthouse in fog" }));
    }
    let list = ark.catalog().unwrap().models_request();
    assert_eq!((list.method(), list.uri().path()), (&http::Method::GET, "/models"));
}

#[test]
fn resellers_take_the_bare_id_and_no_other_is_made_up() {
    assert_eq!(body(&plan(&asked("seedream-5-5-261028")).unwrap())["model"], "seedream-5-5-261028");
    // Nothing is known of it, so it is neither checked nor turned into BytePlus's.
    let unknown = plan(&asked("doubao-seedream-5-5-261028")).unwrap();
    assert_eq!(body(&unknown)["model"], "doubao-seedream-5-5-261028");
    assert_eq!(unknown.warnings[0].kind, WarningKind::UnknownModel);
    let ark = dialect("ark").unwrap();
    let ids = ark.descriptor().models.iter().flat_map(|m| [&m.id].into_iter().chain(&m.aliases));
    assert!(ids.into_iter().all(|id| !id.as_str().contains("doubao-seedream-5-5")));
}

#[test]
fn its_limits_are_checked_before_anything_is_sent() {
    let references = |count| {
        (0..count).fold(asked(MODEL), |r, n| r.reference(ImageSource::url(format!("https://example.com/{n}.png"))))
    };
    for size in ["1K", "1.5K", "2K", "2496x1664", "16:9@1.5K"] {
        plan(&asked(MODEL).size(size.parse::<Size>().unwrap())).unwrap();
    }
    plan(&references(10)).unwrap();
    refused(&references(11), "at most 10");
    refused(&asked(MODEL).size(Tier::K3), "no tier 3K");
    refused(&asked(MODEL).count(2), "one image per request");
    refused(&asked(MODEL).stream(true), "does not accept it");
    refused(&asked(MODEL).prompt_mode(PromptMode::Fast), "does not take `fast`");
    // The members are refused whatever they say, so what happens anyway is not said.
    for model in [MODEL, "dola-seedream-5-0-flash-260915"] {
        let plan = plan(&asked(model).count(1).stream(false)).unwrap();
        assert_eq!(body(&plan), json!({ "model": model, "prompt": "a lighthouse in fog" }));
    }
    for member in ["sequential_image_generation", "stream"] {
        refused(&asked(MODEL).extra(member, "disabled"), "set that field instead");
    }
}

#[test]
fn a_background_is_one_of_three_and_goes_with_neither_transparent_jpeg_nor_layers() {
    let background = |value: &str| asked(MODEL).extra("background", value);
    for value in ["auto", "transparent", "opaque"] {
        assert_eq!(body(&plan(&background(value)).unwrap())["background"], value);
        plan(&background(value).format(OutputFormat::Png)).unwrap();
        refused(&apart(MODEL).extra("background", value), "remove one of them");
    }
    for value in ["auto", "opaque"] {
        plan(&background(value).format(OutputFormat::Jpeg)).unwrap();
    }
    refused(&background("transparent").format(OutputFormat::Jpeg), "use png");
    refused(&background("white"), "auto, transparent, opaque");
    refused(&asked(MODEL).extra("background", true), "auto, transparent, opaque");
    refused(&asked("seedream-5-0-260128").extra("background", "opaque"), "remove it");
    refused(&asked("dola-seedream-5-0-pro-260628").extra("background", "auto"), "opaque, transparent");
}

#[test]
fn a_plan_never_counts_fewer_images_than_layers_may_be_billed() {
    let whole = plan(&apart(MODEL)).unwrap();
    assert_eq!(whole.max_images, 100);
    assert!(costs(&whole)[0].contains("the cost is not bounded"), "{:?}", whole.warnings);
    // A member that may lower it is passed on and changes no count.
    let lowered = plan(&apart(MODEL).extra("max_layers", 3)).unwrap();
    assert_eq!((lowered.max_images, &body(&lowered)["max_layers"]), (100, &json!(3)));
    assert_eq!(costs(&lowered), costs(&whole));

    let pro = plan(&apart("dola-seedream-5-0-pro-260628")).unwrap();
    assert_eq!((pro.max_images, costs(&pro).len()), (17, 1));
    let unknown = plan(&apart("ep-20260101-abcde")).unwrap();
    assert_eq!((unknown.max_images, costs(&unknown).len()), (100, 1));
    // A gateway that counts a group does not see the layers.
    let gateway = apart("bytedance-seedream-5.0").extra("sequential_image_generation", "disabled");
    let gateway = plan_at("opeai", &gateway).unwrap();
    assert_eq!((gateway.max_images, costs(&gateway).len()), (100, 1));

    for other in [json!(false), Value::Null] {
        let one = plan(&asked(MODEL).extra("layer_decomposition", other)).unwrap();
        assert_eq!((one.max_images, costs(&one).len()), (1, 0));
    }
    assert_eq!(plan(&apart(MODEL).extra("layer_decomposition", "true")).unwrap().max_images, 100);
}

#[test]
fn exactly_one_image_is_taken_apart_and_only_where_the_model_can() {
    refused(&asked(MODEL).extra("layer_decomposition", true), "exactly one reference, not 0");
    refused(&apart(MODEL).reference(ImageSource::url("https://example.com/b.png")), "exactly one reference, not 2");
    refused(&apart("seedream-4-5-251128"), "does not decompose images");
}

#[test]
fn what_resellers_ask_for_it_is_told_with_its_page() {
    let planned = plan(&asked(MODEL).reference(ImageSource::url("https://example.com/a.png"))).unwrap();
    let price = planned.price.unwrap().to_string();
    for word in ["0.02 USD an image (1K, 1.5K)", "0.035 USD an image (2K)", "0.008 USD a reference", "read 2026-11-28"]
    {
        assert!(price.contains(word), "{price}");
    }
    assert_eq!(planned.most.unwrap().to_string(), "0.043 USD", "2K is the default");
    let other = plan(&asked("seedream-4-5-251128")).unwrap().price.unwrap().to_string();
    assert!(other.starts_with("0.04 USD an image [BytePlus model pricing"), "{other}");
    assert_eq!(plan(&asked("seedream-3-0-t2i-250415")).unwrap().price, None);
}
