//! Members that only some models have: layers, and web search.

use seedream_fixtures::RecordedBody;
use seedream_mock::{Engine, Settings, Validate};
use serde_json::{Value, json};

use crate::engine_calls::{create_path, engine, get, json, now, post, post_with};

const PRO: &str = "dola-seedream-5-0-pro-260628";

fn apart(model: &str) -> Value {
    json!({ "model": model, "image": "https://example.com/a.png", "layer_decomposition": true })
}

#[test]
fn an_image_is_taken_apart_into_a_base_and_layers_and_each_is_billed() {
    for (model, format) in
        [(PRO, "jpeg"), ("doubao-seedream-5-0-flash-260915", "jpeg"), ("dola-seedream-5-5-261028", "png")]
    {
        let engine = engine();
        let script = post(&engine, &create_path("ark"), &apart(model));
        assert_eq!((script.status, script.header("x-mock-evidence")), (200, Some("derived")), "{model}");
        let response = json(&script);
        let data = response["data"].as_array().unwrap();
        assert_eq!(data.len(), 8, "as many as the published page says");
        let members = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(&data[0]), ["output_format", "size", "url", "z_index"], "the base");
        assert_eq!((&data[0]["z_index"], &data[0]["output_format"]), (&json!(0), &json!(format)));
        let mut pixels = 2048 * 2048;
        for (place, layer) in data.iter().enumerate().skip(1) {
            let named = ["bounding_box", "description", "name", "output_format", "size", "url", "z_index"];
            assert_eq!(members(layer), named);
            assert_eq!((&layer["z_index"], &layer["output_format"]), (&json!(place), &json!("png")));
            let edges =
                |form: &str| -> [u64; 4] { serde_json::from_value(layer["bounding_box"][form].clone()).unwrap() };
            let ([left, upper, right, lower], normalized) = (edges("absolute"), edges("normalized"));
            assert!(left < right && upper < lower && right < 2048 && lower < 2048, "{layer}");
            let (width, height) = (right - left + 1, lower - upper + 1);
            assert_eq!(layer["size"], format!("{width}x{height}"), "a layer is as large as its box");
            assert!(left.abs_diff(normalized[0] * 2048 / 1000) <= 1, "{layer}");
            pixels += width * height;
            assert!(layer["url"].as_str().unwrap().contains(&format!("-{width}x{height}")));
        }
        let usage = &response["usage"];
        assert_eq!((&usage["input_images"], &usage["generated_images"]), (&json!(1), &json!(8)));
        assert_eq!(usage["output_tokens"], (pixels + 128) / 256);
        assert_eq!(engine.ledger(now(), None)[0].images, 8);
        assert_eq!(engine.journal(None)[0].billed, 8);
    }
}

#[test]
fn a_layer_opens_as_a_png_of_its_box() {
    let engine = engine();
    let response = json(&post(&engine, &create_path("ark"), &apart(PRO)));
    let (url, size) = (response["data"][1]["url"].as_str().unwrap(), response["data"][1]["size"].as_str().unwrap());
    let image = get(&engine, url.strip_prefix("http://mock").unwrap());
    let header = imagesize::blob_size(&image.body()).unwrap();
    assert_eq!((image.status, format!("{}x{}", header.width, header.height).as_str()), (200, size));
    assert!(image.body().starts_with(b"\x89PNG"));
}

#[test]
fn the_printed_response_with_layers_is_billed_as_it_counts() {
    let engine = engine();
    let script = post(&engine, &create_path("ark"), &json!({ "model": PRO, "layer_decomposition": true }));
    assert_eq!(script.header("x-mock-fixture"), Some("ark/generate/layers-pro"));
    assert_eq!(json(&script)["usage"]["generated_images"], 8);
    assert_eq!(engine.ledger(now(), None)[0].images, 8, "the page prints two of the eight");
}

#[test]
fn an_image_is_taken_apart_as_a_whole_or_not_at_all() {
    let engine = engine();
    let script = post_with(&engine, "moderate=3", &create_path("ark"), &apart(PRO));
    assert_eq!((script.status, &json(&script)["error"]["code"]), (400, &json!("OutputImageSensitiveContentDetected")));
    assert!(engine.ledger(now(), None).is_empty());
}

#[test]
fn a_model_without_layers_refuses_them_and_false_asks_for_none() {
    let path = create_path("ark");
    let refused = post(
        &engine(),
        &path,
        &json!({ "model": "doubao-seedream-4-5-251128", "prompt": "a", "layer_decomposition": true }),
    );
    assert_eq!(refused.status, 400);
    let lenient = Engine::new(Settings { validate: Validate::Off, ..Settings::default() });
    let ignored = post(
        &lenient,
        &path,
        &json!({ "model": "doubao-seedream-4-5-251128", "prompt": "a", "layer_decomposition": true }),
    );
    let plain = post(&engine(), &path, &json!({ "model": PRO, "prompt": "a", "layer_decomposition": false }));
    for script in [ignored, plain] {
        let response = json(&script);
        assert_eq!((response["data"].as_array().unwrap().len(), &response["data"][0]["z_index"]), (1, &Value::Null));
    }
}

#[test]
fn a_response_reports_a_search_as_the_exchange_does() {
    let searching = json!({
        "model": "doubao-seedream-5-0-260128", "prompt": "tomorrow's tides as a poster", "tools": [{ "type": "web_search" }],
    });
    let script = post(&engine(), &create_path("ark"), &searching);
    let exchange = seedream_fixtures::library().exchange("ark/generate/web-search-lite").unwrap();
    let RecordedBody::Json(shown) = &exchange.response.as_ref().unwrap().body else { panic!("JSON") };
    let (response, shown): (Value, Value) = (json(&script), serde_json::from_str(shown.get()).unwrap());
    assert_eq!(
        (&response["tools"], &response["usage"]["tool_usage"]),
        (&shown["tools"], &shown["usage"]["tool_usage"])
    );
    assert_eq!(response["tools"], searching["tools"]);
    let text = String::from_utf8(script.body().to_vec()).unwrap();
    assert!(text.ends_with(r#""tool_usage":{"web_search":1}},"tools":[{"type":"web_search"}]}"#), "{text}");
}

#[test]
fn a_stream_reports_a_search_at_its_end() {
    let body = json!({
        "model": "doubao-seedream-5-0-260128", "prompt": "a kite", "tools": [{ "type": "web_search" }], "stream": true,
    });
    let stream = String::from_utf8(post(&engine(), &create_path("ark"), &body).body().to_vec()).unwrap();
    let completed = stream.lines().find(|line| line.contains("completed\",")).unwrap();
    assert!(completed.ends_with(r#""tool_usage":{"web_search":1}},"tools":[{"type":"web_search"}]}"#), "{completed}");
}

#[test]
fn without_a_search_tools_are_not_reported() {
    for tools in [Value::Null, json!([])] {
        let body = json!({ "model": "doubao-seedream-5-0-260128", "prompt": "a kite", "tools": tools });
        let response = json(&post(&engine(), &create_path("ark"), &body));
        assert_eq!((response.get("tools"), response["usage"].get("tool_usage")), (None, None));
    }
}
