//! What each dialect refuses, in its own words, and what a gateway makes of a request.

use seedream_fixtures::FieldRole;
use seedream_mock::{Engine, Settings, Validate};
use serde_json::{Value, json};

use crate::engine_calls::{RGB, RGBA, create_path, engine, inline_png, json, now, post};

/// One refused request: what is merged into a valid body, the status, the code, a part of the message, the broken rule.
type Case = (Value, u16, &'static str, &'static str, &'static str);

fn check(provider: &str, valid: &Value, cases: &[Case]) {
    let engine = engine();
    let path = create_path(provider);
    assert_eq!(post(&engine, &path, valid).status, 200, "the body that is varied is valid");
    for (members, status, code, message, rule) in cases {
        let mut body = valid.clone();
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let script = post(&engine, &path, &body);
        let error = json(&script)["error"].clone();
        let violation = script.header("x-mock-violation").unwrap_or_default().to_owned();
        assert_eq!((script.status, error["code"].as_str()), (*status, Some(*code)), "{provider} {members}: {error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{provider} {members}: {error}");
        assert!(violation.starts_with(rule), "{provider} {members}: {violation}");
        assert_eq!(engine.journal(None).last().unwrap().violation.as_deref(), Some(violation.as_str()));
    }
}

fn urls(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("https://example.com/{n}.png")).collect()
}

#[test]
fn gogogotoken() {
    let valid = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite" });
    let invalid = "InvalidParameter";
    check(
        "gogogotoken",
        &valid,
        &[
            (json!({ "model": null }), 400, "MissingParameter", "missing", "model: required"),
            (json!({ "model": "gpt-image-2" }), 403, "access_denied", "gpt-image-2", "model: unknown_model"),
            (json!({ "prompt": "" }), 400, "MissingParameter", "missing", "prompt: required"),
            (json!({ "prompt": 7 }), 400, invalid, "must be of type string", "prompt: type"),
            (json!({ "n": "2" }), 400, invalid, "must be of type integer", "n: type"),
            (
                json!({ "size": "1024x1024" }),
                400,
                invalid,
                "The parameter `size` specified in the request is not valid: image size must be at least 3686400 pixels.",
                "size: pixels_min",
            ),
            (json!({ "size": "2K" }), 400, invalid, "size must be 'WIDTHxHEIGHT'", "size: form"),
            (json!({ "size": "8192x4096" }), 400, invalid, "at most 16777216 pixels", "size: pixels_max"),
            (
                json!({ "response_format": "png" }),
                400,
                invalid,
                "must be one of: url, b64_json",
                "response_format: enum",
            ),
        ],
    );
    let error = json(&post(&engine(), &create_path("gogogotoken"), &json!({ "model": "doubao-seedream-4-5" })));
    assert_eq!(error["error"]["type"], "upstream_error");
}

#[test]
fn aiearth() {
    let valid = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite" });
    let invalid = "InvalidParameter";
    let three = "doubao-seedream-3-0-t2i-250415";
    check(
        "aiearth",
        &valid,
        &[
            (json!({ "model": "nobody" }), 404, "model_not_found", "nobody", "model: unknown_model"),
            (json!({ "size": "1K" }), 400, invalid, "'WIDTHxHEIGHT', '2k', '3k', or '4k'", "size: form"),
            (json!({ "output_format": "webp" }), 400, invalid, "must be one of: png, jpeg", "output_format: enum"),
            (json!({ "guidance_scale": 2.5 }), 400, invalid, "are not valid", "guidance_scale: unsupported"),
            (
                json!({ "model": three, "image": "https://example.com/a.png" }),
                400,
                invalid,
                "`image`",
                "image: unsupported",
            ),
            (json!({ "model": three, "seed": -2 }), 400, invalid, "between -1", "seed: range"),
            (json!({ "watermark": "no" }), 400, invalid, "boolean", "watermark: type"),
            (json!({ "sequential_image_generation": "on" }), 400, invalid, "auto", "sequential_image_generation: enum"),
            (
                json!({ "sequential_image_generation_options": { "max_images": 16 } }),
                400,
                invalid,
                "between 1 and 15",
                "sequential_image_generation_options.max_images: range",
            ),
            (json!({ "image": urls(15) }), 400, invalid, "cannot exceed 14", "image: references"),
            (json!({ "image": ["data:image/PNG;base64,AAAA"] }), 400, invalid, "PNG", "image: reference"),
        ],
    );
}

#[test]
fn evolink() {
    let valid = json!({ "model": "doubao-seedream-4.5", "prompt": "a kite" });
    let invalid = "invalid_request";
    let message = "Invalid request parameters";
    check(
        "evolink",
        &valid,
        &[
            (json!({ "prompt": null }), 400, invalid, message, "prompt: required"),
            (json!({ "n": 16 }), 400, invalid, message, "n: range"),
            (json!({ "n": 0 }), 400, invalid, message, "n: range"),
            (json!({ "size": "2K" }), 400, invalid, message, "size: form"),
            (json!({ "size": "1920x1080" }), 400, invalid, message, "size: pixels_min"),
            (json!({ "size": "16:9", "quality": "3K" }), 400, invalid, message, "quality: enum"),
            (json!({ "prompt_priority": "fast" }), 400, invalid, message, "prompt_priority: enum"),
            (json!({ "image_urls": urls(15) }), 400, invalid, message, "image_urls: references"),
            (json!({ "image_urls": ["data:image/png;base64,AAAA"] }), 400, invalid, message, "image_urls: reference"),
            (json!({ "callback_url": "http://example.com/x" }), 400, invalid, message, "callback_url: callback"),
            (json!({ "callback_url": "https://10.0.0.1/x" }), 400, invalid, message, "callback_url: callback"),
            (json!({ "model": "doubao-seedream-4.0", "quality": "2K" }), 400, invalid, message, "quality: unsupported"),
        ],
    );
}

#[test]
fn a_prompt_above_the_advised_length_is_served_and_reported() {
    let ask = |characters: usize, validate| {
        let engine = Engine::new(Settings { validate, ..Settings::default() });
        // Of three bytes each.
        let body = json!({ "model": "doubao-seedream-4.5", "prompt": "鸢".repeat(characters) });
        let script = post(&engine, &create_path("evolink"), &body);
        assert_eq!(script.status, 200, "{characters}");
        engine.journal(None)[0].violation.clone()
    };
    assert_eq!(ask(2000, Validate::Strict), None);
    let told = "prompt: length: should have at most 2000, in tokens by its words, in characters by its schema.";
    assert_eq!(ask(2001, Validate::Strict).as_deref(), Some(told), "both readings");
    assert_eq!(ask(2001, Validate::Warn).as_deref(), Some(told));
    assert_eq!(ask(2001, Validate::Off), None);
}

#[test]
fn what_is_refused_is_refused_beside_what_is_only_advised() {
    let body = json!({ "model": "doubao-seedream-4.5", "prompt": "x".repeat(2001), "n": 16 });
    let script = post(&engine(), &create_path("evolink"), &body);
    let violation = script.header("x-mock-violation").unwrap();
    assert_eq!(script.status, 400);
    assert!(violation.starts_with("prompt: length: ") && violation.contains("; n: range: "), "{violation}");
}

#[test]
fn a_count_below_the_documented_range_is_refused_everywhere() {
    for provider in seedream_fixtures::providers() {
        let bounded =
            provider.fields.iter().filter(|field| matches!(field.role, Some(FieldRole::Count | FieldRole::GroupMax)));
        for field in bounded.filter(|field| field.min.is_some()) {
            for count in [0, -1] {
                let mut body = json!({ "model": provider.default_model, "prompt": "a kite" });
                match field.name.split_once('.') {
                    Some((outer, inner)) => body[outer] = json!({ inner: count }),
                    None => body[&field.name] = json!(count),
                }
                let engine = engine();
                let script = post(&engine, &create_path(&provider.id), &body);
                assert_eq!(script.status, 400, "{} {} {count}", provider.id, field.name);
                assert!(script.header("x-mock-violation").unwrap().starts_with(&format!("{}: range: ", field.name)));
                assert!(engine.ledger(now(), None).is_empty());
            }
        }
    }
    let opeai = |count: i64| {
        let body = json!({ "model": "bytedance-seedream-5.0", "prompt": "20 images of a kite", "n": count });
        let script = post(&engine(), &create_path("opeai"), &body);
        (script.status, json(&script), script.header("x-mock-violation").map(str::to_owned))
    };
    assert_eq!(opeai(0).1["error"]["code"], "InvalidParameter");
    let (status, response, told) = opeai(16);
    assert_eq!((status, response["data"].as_array().unwrap().len()), (200, 15), "above it the document only advises");
    assert_eq!(told.as_deref(), Some("n: range: must be between 1 and 15."));
}

#[test]
fn a_document_without_a_range_has_no_refusal_of_a_count() {
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite", "n": 0 });
    let script = post(&engine(), &create_path("gogogotoken"), &body);
    assert_eq!((script.status, script.header("x-mock-violation")), (200, None));
}

#[test]
fn ark() {
    let valid = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite" });
    let invalid = "InvalidParameter";
    let pro = "doubao-seedream-5-0-pro-260628";
    let group = "sequential_image_generation";
    check(
        "ark",
        &valid,
        &[
            (
                json!({ "model": "doubao-seedream-5-0" }),
                404,
                "InvalidEndpointOrModel.NotFound",
                "does not exist",
                "model: ",
            ),
            (
                json!({ "size": "1152x2048" }),
                400,
                invalid,
                "at least 3686400 pixels. Request id: 02",
                "size: pixels_min",
            ),
            (json!({ "model": pro, "size": "4K" }), 400, invalid, "'1k', '1.5k', or '2k'", "size: form"),
            (
                json!({ "model": pro, "size": "3072x3072" }),
                400,
                invalid,
                "image area must be at most 4624220",
                "size: pixels_max",
            ),
            (
                json!({ "model": pro, group: "disabled" }),
                400,
                invalid,
                "specified in the request are not valid: the parameter `sequential_image_generation` is not supported by the \
                 current model.",
                "sequential_image_generation: unsupported",
            ),
            (json!({ "model": pro, "stream": true }), 400, invalid, "`stream`", "stream: unsupported"),
            (
                json!({ "model": pro, "image": urls(11) }),
                400,
                invalid,
                "number of reference images cannot exceed 10",
                "image: ",
            ),
            (json!({ "size": "16384x240" }), 400, invalid, "aspect ratio", "size: aspect"),
            (
                json!({ "optimize_prompt_options": { "mode": "fast" } }),
                400,
                invalid,
                "optimize_prompt_options.mode must be 'standard'",
                "optimize_prompt_options.mode: enum",
            ),
            (
                json!({ "image": urls(10), group: "auto", "sequential_image_generation_options": { "max_images": 6 } }),
                400,
                invalid,
                "cannot exceed 15",
                "sequential_image_generation_options.max_images: total",
            ),
        ],
    );
    let error = json(&post(&engine(), &create_path("ark"), &json!({ "model": pro, "prompt": "x", "tools": [] })));
    assert_eq!(
        (error["error"]["param"].as_str(), error["error"]["type"].as_str()),
        (Some("tools"), Some("BadRequest"))
    );
}

#[test]
fn a_transparent_background_needs_one_image_that_can_be_transparent() {
    let ask = |references: &[String], format: Option<&str>| {
        let body = json!({
            "model": "doubao-seedream-5-0-pro-260628", "prompt": "a kite", "background": "transparent", "image": references,
            "output_format": format,
        });
        json(&post(&engine(), &create_path("ark"), &body))
    };
    let clear = inline_png(RGBA, 0);
    assert_eq!(ask(std::slice::from_ref(&clear), None)["data"][0]["output_format"], "png", "only a PNG can be");
    let refused = |references: &[String], format| {
        let error = ask(references, format)["error"].clone();
        let detail = error["message"].as_str().unwrap().split(" is not valid: ").nth(1).unwrap().to_owned();
        (error["param"].as_str().unwrap().to_owned(), detail.split(" Request id").next().unwrap().to_owned())
    };
    let told = |param: &str, detail: &str| (param.to_owned(), detail.to_owned());
    let one = told("background", "transparent background requires exactly one input image");
    assert_eq!([refused(&[], None), refused(&[clear.clone(), clear.clone()], None)], [one.clone(), one]);
    assert_eq!(refused(&[clear], Some("jpeg")), told("output_format", "must be png when background is transparent"));
    let opaque = told("image", "transparent background requires a PNG input with at least one transparent pixel");
    assert_eq!(refused(&[inline_png(RGB, 0)], None), opaque);
}

#[test]
fn base64_without_its_prefix_is_refused_where_the_document_asks_for_a_data_uri() {
    let whole = inline_png(RGB, 0);
    let bare = whole.split_once(',').unwrap().1;
    let ask = |path: &str, model: &str, image: &Value| {
        let script = post(&engine(), path, &json!({ "model": model, "prompt": "a kite", "image": image }));
        (script.status, json(&script)["error"]["code"].as_str().map(str::to_owned))
    };
    let refused = |code: &str| (400, Some(code.to_owned()));
    let ark = "doubao-seedream-4-0-250828";
    for image in [json!(bare), json!([bare]), json!(["https://example.com/a.png", bare])] {
        assert_eq!(ask(&create_path("ark"), ark, &image), refused("InvalidImageURL.InvalidFormat"), "{image}");
        assert_eq!(ask("/ark/v1/images/generations", ark, &image).0, 400, "the relay of document 003: {image}");
        assert_eq!(ask(&create_path("aiearth"), ark, &image), (200, None), "document 001 takes base64: {image}");
    }
    for path in [&*create_path("ark"), "/ark/v1/images/generations"] {
        assert_eq!(ask(path, ark, &json!([whole])), (200, None), "{path}");
    }
}

#[test]
fn the_relay_of_document_003_has_a_floor_of_its_own() {
    let ask = |path: &str, model: &str, size: &str| {
        let script = post(&engine(), path, &json!({ "model": model, "prompt": "a kite", "size": size }));
        (script.status, script.header("x-mock-violation").map(str::to_owned))
    };
    let (ark, relay, four) = (create_path("ark"), "/ark/v1/images/generations", "doubao-seedream-4-0-250828");
    let refused = (400, Some(String::from("size: pixels_min: image size must be at least 1048576 pixels.")));
    for size in ["960x960", "1280x720", "1024x1023", "900x900"] {
        assert_eq!(ask(relay, four, size), refused, "{size}");
    }
    for size in ["960x960", "1280x720", "1024x1023"] {
        assert_eq!(ask(&ark, four, size), (200, None), "Ark's own floor is 921600: {size}");
    }
    assert_eq!(ask(&ark, four, "900x900").0, 400);
    for size in ["1024x1024", "1K", "4096x256"] {
        assert_eq!(ask(relay, four, size), (200, None), "{size}");
    }
    let (_, higher) = ask(relay, "doubao-seedream-4-5-251128", "1024x1024");
    assert!(higher.unwrap().contains("3686400"), "a model's own floor that is higher stands");
    assert_eq!(ask(relay, "doubao-seedream-3-0-t2i-250415", "512x512"), (200, None), "its rule is of sides");
}

#[test]
fn opeai() {
    let valid = json!({ "model": "bytedance-seedream-5.0", "prompt": "a kite" });
    let invalid = "InvalidParameter";
    check(
        "opeai",
        &valid,
        &[
            (json!({ "prompt": null }), 400, "MissingParameter", "missing", "prompt: required"),
            (json!({ "response_format": "png" }), 400, invalid, "b64_json, url", "response_format: enum"),
            (json!({ "size": "512x512" }), 400, invalid, "at least 3686400", "size: pixels_min"),
            (
                json!({ "n": 6, "image": urls(10) }),
                400,
                invalid,
                "cannot exceed 15",
                "sequential_image_generation_options.max_images: total",
            ),
            (
                json!({ "sequential_image_generation": "on" }),
                400,
                invalid,
                "disabled",
                "sequential_image_generation: enum",
            ),
        ],
    );
    // Members without effect are not looked at.
    let ignored = json!({ "model": "bytedance-seedream-5.0", "prompt": "a kite", "output_format": 7, "quality": [] });
    assert_eq!(post(&engine(), &create_path("opeai"), &ignored).status, 200);
}

#[test]
fn warn_serves_and_off_does_not_check() {
    let body = json!({ "model": "doubao-seedream-5-0-lite", "prompt": "a kite", "size": "512x256" });
    let ask = |validate| {
        let engine = Engine::new(Settings { validate, ..Settings::default() });
        post(&engine, &create_path("gogogotoken"), &body)
    };
    let warned = ask(Validate::Warn);
    assert_eq!(warned.status, 200);
    assert!(warned.header("x-mock-violation").unwrap().starts_with("size: pixels_min"));
    assert_eq!(json(&warned)["data"][0]["size"], "512x256");
    let off = ask(Validate::Off);
    assert_eq!((off.status, off.header("x-mock-violation")), (200, None));
}

#[test]
fn a_body_that_is_not_an_object_is_refused() {
    for body in [json!([]), json!("text")] {
        let script = post(&engine(), &create_path("ark"), &body);
        assert_eq!(script.status, 400);
        assert!(script.header("x-mock-violation").unwrap().starts_with("body: json"));
    }
}

#[test]
fn the_journal_has_what_the_gateway_sends_on() {
    let engine = engine();
    let body = json!({
        "model": "doubao-seedream-4.0", "prompt": "5 posters of a kite", "n": 5, "user": "u", "output_format": "png",
    });
    assert_eq!(json(&post(&engine, &create_path("opeai"), &body))["data"].as_array().unwrap().len(), 5);
    let wanted = json!({
        "model": "seedream-4-0-250828", "prompt": "5 posters of a kite", "size": "2K", "watermark": false, "stream": false,
        "sequential_image_generation": "auto", "sequential_image_generation_options": { "max_images": 5 },
    });
    assert_eq!(engine.journal(None)[0].effective, Some(wanted));
}
