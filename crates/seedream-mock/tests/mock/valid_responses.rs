//! Every valid request gets a valid answer of the documented shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use seedream_fixtures::{FieldRole, ModelFacts, ProviderFacts, ResponseFamily, RouteFacts, RouteName};
use seedream_mock::{Script, TestImage};
use serde_json::{Map, Value, json};

use crate::engine_calls::{engine, post};

/// A provider's create route and one of its models.
fn targets() -> Vec<(&'static ProviderFacts, &'static RouteFacts, &'static ModelFacts)> {
    let mut targets = Vec::new();
    for provider in seedream_fixtures::providers() {
        for route in provider.routes.iter().filter(|route| route.name == RouteName::Create) {
            targets.extend(provider.models.iter().map(|model| (provider, route, model)));
        }
    }
    targets
}

/// A request that breaks no rule, made from the provider's own data.
fn valid_request() -> impl Strategy<Value = (&'static ProviderFacts, &'static RouteFacts, &'static ModelFacts, Value)> {
    let prompts = select(vec!["a kite", "3 images of a kite", "八张海报", "twelve posters"]);
    (select(targets()), prompts, 1u32..=15, 0usize..=14, any::<usize>(), any::<[bool; 10]>()).prop_map(
        |((provider, route, model), prompt, count, references, size, flags)| {
            let mut body = Map::new();
            let mut put = |role: FieldRole, value: Value| {
                let Some(field) = provider.field(role) else { return };
                let parent = field.name.split('.').next().unwrap();
                if model.refuses(&field.name) || model.refuses(parent) {
                    return;
                }
                match field.name.split_once('.') {
                    Some((outer, inner)) => body.insert(outer.to_owned(), json!({ inner: value })),
                    None => body.insert(field.name.clone(), value),
                };
            };
            put(FieldRole::Model, json!(model.id));
            put(FieldRole::Prompt, json!(prompt));
            // Explicit maximum and references together must stay within the limit.
            let references = references.min(model.references.as_ref().map_or(0, |rule| rule.max as usize));
            let room = model.references_plus_images.as_ref().map_or(15, |total| total.limit - references as u32);
            put(FieldRole::Count, json!(count.min(room)));
            if references > 0 {
                let urls: Vec<String> = (0..references).map(|n| format!("https://example.com/{n}.png")).collect();
                put(FieldRole::References, json!(urls));
            }
            if flags[0] {
                put(FieldRole::Group, json!("auto"));
                if flags[1] {
                    put(FieldRole::GroupMax, json!(count.min(room)));
                }
            }
            if flags[2] {
                put(FieldRole::Watermark, json!(flags[3]));
            }
            put(FieldRole::ResponseFormat, json!(if flags[4] { "url" } else { "b64_json" }));
            put(FieldRole::Stream, json!(flags[5]));
            if flags[6] {
                put(FieldRole::Seed, json!(size % 1000));
            }
            if flags[7] {
                put(FieldRole::Format, json!(if flags[8] { "png" } else { "jpeg" }));
            }
            if flags[9] {
                put(FieldRole::PromptMode, json!("standard"));
            }
            let rule = &model.size;
            let mut sizes: Vec<&str> = rule.tiers.iter().chain(&rule.ratios).map(String::as_str).collect();
            sizes.push(&rule.default_pixels);
            if size % 4 != 0 {
                put(FieldRole::Size, json!(sizes[size % sizes.len()]));
            }
            (provider, route, model, Value::Object(body))
        },
    )
}

/// A body, with the size of each inline image in the place of its file: rendering hundreds of them takes minutes.
fn body_of(script: &Script) -> String {
    let size = |image: &TestImage| Bytes::from(format!("{}x{}", image.width, image.height));
    script.chunks.iter().map(|chunk| String::from_utf8(chunk.bytes(size).to_vec()).unwrap()).collect()
}

/// Whether an item has what was asked for, and only that: a signed URL, or an image of the size it states.
fn delivers(item: &Value, inline: bool) -> bool {
    let url = item["url"].as_str().is_some_and(|url| url.contains("X-Tos-Signature="));
    let image = item["b64_json"].as_str().map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap());
    let sized = item["size"].is_null() || image.is_none() || item["size"].as_str() == image.as_deref();
    sized && if inline { image.is_some() && !url } else { url && image.is_none() }
}

/// Ark's usage of so many images of so many pixels.
fn is_usage(usage: &Value, images: u64, pixels: u64) -> bool {
    let tokens = (pixels + 128) / 256;
    *usage == json!({ "generated_images": images, "output_tokens": tokens, "total_tokens": tokens })
}

/// Checks a stream: an image an event, in order, then what was used, then the end.
fn check_stream(text: &str, inline: bool, billed: u64, states_size: bool) -> Result<(), TestCaseError> {
    let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, events) = data.split_last().unwrap();
    prop_assert_eq!(*last, "[DONE]");
    let events: Vec<Value> = events.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let (completed, images) = events.split_last().unwrap();
    prop_assert_eq!(&completed["type"], "image_generation.completed");
    prop_assert_eq!(images.len() as u64, billed);
    for (index, event) in images.iter().enumerate() {
        prop_assert_eq!(&event["type"], "image_generation.partial_succeeded");
        prop_assert_eq!(event["image_index"].as_u64(), Some(index as u64));
        prop_assert!(delivers(event, inline), "{}", event);
    }
    if states_size {
        let pixels = images.iter().map(|event| area(event["size"].as_str().unwrap())).sum();
        prop_assert!(is_usage(&completed["usage"], billed, pixels), "{}", completed);
    }
    Ok(())
}

fn area(size: &str) -> u64 {
    let (width, height) = size.split_once('x').unwrap();
    width.parse::<u64>().unwrap() * height.parse::<u64>().unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn valid_requests_get_valid_responses((provider, route, model, body) in valid_request()) {
        let engine = engine();
        let script = post(&engine, &format!("/{}{}", provider.id, route.path), &body);
        prop_assert_eq!(script.status, 200, "{} {}: {:?}", provider.id, body, script.header("x-mock-violation"));
        if script.header("x-mock-fixture") != Some("-") {
            return Ok(());
        }
        let billed = u64::from(engine.journal(None)[0].billed);
        prop_assert!((1..=u64::from(model.max_images)).contains(&billed));
        let inline = body["response_format"] == "b64_json";
        let text = body_of(&script);
        if script.streamed {
            prop_assert_eq!(&body["stream"], true);
            return check_stream(&text, inline, billed, !model.reports.is_empty());
        }
        let response: Value = serde_json::from_str(&text).unwrap();
        match route.response.unwrap_or(provider.response) {
            ResponseFamily::Images => {
                prop_assert_eq!(names(&response), ["created", "data", "model", "usage"]);
                prop_assert_eq!(&response["model"], model.upstream.as_ref().unwrap_or(&model.id));
                let data = response["data"].as_array().unwrap();
                prop_assert_eq!(data.len() as u64, billed);
                prop_assert_eq!(response["usage"]["generated_images"].as_u64(), Some(billed));
                prop_assert!(data.iter().all(|item| delivers(item, inline)), "{}", response);
                if !model.reports.is_empty() {
                    let pixels: u64 = data.iter().map(|item| area(item["size"].as_str().unwrap())).sum();
                    prop_assert_eq!(response["usage"]["output_tokens"].as_u64(), Some((pixels + 128) / 256));
                }
            }
            ResponseFamily::ImagesInTokens => {
                prop_assert_eq!(names(&response), ["created", "data", "usage"]);
                let usage = &response["usage"];
                prop_assert_eq!(&usage["total_tokens"], &usage["output_tokens"]);
                for item in response["data"].as_array().unwrap() {
                    prop_assert_eq!(names(item), [if inline { "b64_json" } else { "url" }]);
                    prop_assert!(delivers(item, inline));
                }
            }
            ResponseFamily::Task => {
                prop_assert_eq!(&response["object"], "image.generation.task");
                prop_assert_eq!(&response["status"], "pending");
                prop_assert!(response["id"].as_str().unwrap().starts_with("task-unified-"));
                prop_assert!(response["usage"]["credits_reserved"].as_f64().unwrap() > 0.0);
            }
        }
        let created = response["created"].as_i64().unwrap();
        prop_assert_eq!(Timestamp::from_second(created).unwrap(), crate::engine_calls::now());
    }
}
