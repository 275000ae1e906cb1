//! Adapters that write a request wrongly, or claim what is not so.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use seedream_core::{Effective, Field, PixelRule, Standing, Support, Tier};
use serde_json::{Map, Value};

use super::broken_dialect::AdapterHooks;
use super::mutant::{Mutant, adapter};

pub(super) fn all() -> Vec<Mutant> {
    let n = AdapterHooks::NONE;
    vec![
        adapter(
            "leaves-out-false",
            "leaves out `watermark: false`, so that the provider's default holds",
            AdapterHooks { body: |body, _| body.retain(|name, value| name != "watermark" || *value != false), ..n },
        ),
        adapter(
            "undocumented-member",
            "adds an undocumented member",
            AdapterHooks { body: |body, _| drop(body.insert("hd".to_owned(), true.into())), ..n },
        ),
        adapter(
            "overrides-sequential",
            "writes `auto` over an explicit `sequential_image_generation`",
            AdapterHooks {
                body: |body, _| {
                    if let Some(group) = body.get_mut("sequential_image_generation") {
                        *group = "auto".into();
                    }
                },
                ..n
            },
        ),
        adapter(
            "wrong-model",
            "sends the requested name of a model and not the provider's id",
            AdapterHooks {
                body: |body, _| {
                    if let Some(Value::String(model)) = body.get_mut("model") {
                        *model = model.replace("doubao-", "");
                    }
                },
                ..n
            },
        ),
        adapter(
            "asks-for-one",
            "never asks for more than one image",
            AdapterHooks {
                body: |body, _| {
                    body.retain(|name, _| !matches!(name.as_str(), "n" | "sequential_image_generation_options"));
                },
                ..n
            },
        ),
        adapter(
            "wrong-path",
            "posts to a different path",
            AdapterHooks { request: |request| *request.uri_mut() = http::Uri::from_static("/v1/images"), ..n },
        ),
        adapter(
            "leaves-out-the-base",
            "posts to the last segment of the path",
            AdapterHooks {
                request: |request| path(request, |path| path[path.rfind('/').unwrap_or(0)..].to_owned()),
                ..n
            },
        ),
        adapter(
            "polls-elsewhere",
            "polls with an undocumented query",
            AdapterHooks {
                request: |request| {
                    if request.method() == http::Method::GET {
                        path(request, |path| format!("{path}?verbose=1"));
                    }
                },
                ..n
            },
        ),
        adapter(
            "one-seed-for-all",
            "sends a constant seed",
            AdapterHooks {
                body: |body, _| {
                    if let Some(seed) = body.get_mut("seed") {
                        *seed = 42.into();
                    }
                },
                ..n
            },
        ),
        adapter(
            "next-seed",
            "sends the number after the seed",
            AdapterHooks {
                body: |body, _| {
                    if let Some(seed) = body.get_mut("seed") {
                        *seed = (seed.as_i64().unwrap_or(0) + 1).into();
                    }
                },
                ..n
            },
        ),
        adapter(
            "one-format-for-all",
            "sends a constant for every field with a list of values",
            AdapterHooks {
                body: |body, _| {
                    for name in ["response_format", "output_format", "deliver"] {
                        if let Some(value) = body.get_mut(name) {
                            *value = if name == "output_format" { "png".into() } else { "b64_json".into() };
                        }
                    }
                },
                ..n
            },
        ),
        adapter(
            "wrong-defaults",
            "reports wrong defaults for absent members",
            AdapterHooks {
                effective: |mut effective, sent| {
                    for (name, value) in effective.body.iter_mut().filter(|(name, _)| !sent.contains_key(*name)) {
                        *value = match &*value {
                            Value::Bool(held) => (!held).into(),
                            Value::Number(_) => 2.into(),
                            _ => format!("another-{name}").into(),
                        };
                    }
                    effective
                },
                ..n
            },
        ),
        adapter(
            "no-key-variable",
            "has no environment variable for the key",
            AdapterHooks { descriptor: |descriptor| descriptor.key_variables.clear(), ..n },
        ),
        adapter(
            "strict-about-unknown-models",
            "applies the limits of a known model to an unknown one",
            AdapterHooks {
                rules: |rules| {
                    if rules.standing != Standing::Sold {
                        rules.images.max = Some(1);
                        rules.size.pixels = Some(PixelRule::new(3_686_400, 4_194_304, 2));
                    }
                },
                ..n
            },
        ),
        adapter(
            "moved-away",
            "has an undocumented base URL",
            AdapterHooks {
                descriptor: |descriptor| descriptor.base_urls = vec!["https://api.example.com".into()],
                ..n
            },
        ),
        adapter(
            "blind-to-the-gateway",
            "reports that the provider changes no request",
            AdapterHooks { effective: |effective, sent| Effective { body: sent, ..effective }, ..n },
        ),
        adapter(
            "silent-about-the-gateway",
            "does not report the provider's changes of a request",
            AdapterHooks { effective: |effective, _| Effective { body: Map::new(), ..effective }, ..n },
        ),
        adapter(
            "key-in-adapter",
            "sets the header with the key in the adapter",
            AdapterHooks {
                request: |request| {
                    drop(request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer k")));
                },
                ..n
            },
        ),
        adapter(
            "wrong-limits",
            "claims that a model accepts any number of images of any size",
            AdapterHooks {
                rules: |rules| {
                    rules.images.max = None;
                    rules.images.advised_max = None;
                    rules.size.pixels = None;
                    rules.size.tiers = vec![Tier::K1, Tier::K2, Tier::K3, Tier::K4];
                },
                ..n
            },
        ),
        adapter(
            "refuses-too-much",
            "refuses what the document allows: references and groups",
            AdapterHooks {
                rules: |rules| {
                    rules.references.max = Some(0);
                    rules.images.max = Some(1);
                },
                ..n
            },
        ),
        adapter(
            "claims-honoured",
            "claims that every field has an effect",
            AdapterHooks {
                rules: |rules| rules.fields.iter_mut().for_each(|rule| rule.support = Support::Honoured),
                ..n
            },
        ),
        adapter(
            "silent-about-ignored",
            "does not warn about a field without a member",
            AdapterHooks { rules: |rules| drop(rules.fields.remove(Field::Watermark)), ..n },
        ),
    ]
}

/// Gives a request another path.
fn path(request: &mut http::Request<Bytes>, change: fn(&str) -> String) {
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if let Ok(uri) = change(path).parse() {
        *request.uri_mut() = uri;
    }
}
