//! Adapters that write a request wrongly, or claim what is not so.

use http::header::{AUTHORIZATION, HeaderValue};
use seedream_core::{Effective, Field, Support, Tier};
use serde_json::{Map, Value};

use super::dialect::Hooks;
use super::{Mutant, dialect};

pub(super) fn all() -> Vec<Mutant> {
    let n = Hooks::NONE;
    vec![
        dialect(
            "leaves-out-false",
            "leaves out `watermark: false`, so that the provider's default holds",
            Hooks { body: |body, _| body.retain(|name, value| name != "watermark" || *value != false), ..n },
        ),
        dialect(
            "undocumented-member",
            "adds a member that no document knows",
            Hooks { body: |body, _| drop(body.insert("hd".to_owned(), true.into())), ..n },
        ),
        dialect(
            "overrides-sequential",
            "writes `auto` over an explicit `sequential_image_generation`",
            Hooks {
                body: |body, _| {
                    if let Some(group) = body.get_mut("sequential_image_generation") {
                        *group = "auto".into();
                    }
                },
                ..n
            },
        ),
        dialect(
            "wrong-model",
            "sends the model's name in our spelling",
            Hooks {
                body: |body, _| {
                    if let Some(Value::String(model)) = body.get_mut("model") {
                        *model = model.replace("doubao-", "");
                    }
                },
                ..n
            },
        ),
        dialect(
            "asks-for-one",
            "never asks for more than one picture",
            Hooks {
                body: |body, _| {
                    body.retain(|name, _| !matches!(name.as_str(), "n" | "sequential_image_generation_options"));
                },
                ..n
            },
        ),
        dialect(
            "wrong-path",
            "posts to a path of its own",
            Hooks { request: |request| *request.uri_mut() = http::Uri::from_static("/v1/images"), ..n },
        ),
        dialect(
            "moved-away",
            "knows an address that no document tells",
            Hooks { descriptor: |descriptor| descriptor.base_urls = vec!["https://api.example.com".into()], ..n },
        ),
        dialect(
            "blind-to-the-gateway",
            "says that a request arrives as it was sent",
            Hooks { effective: |effective, sent| Effective { body: sent, ..effective }, ..n },
        ),
        dialect(
            "silent-about-the-gateway",
            "does not say what the gateway makes of a request",
            Hooks { effective: |effective, _| Effective { body: Map::new(), ..effective }, ..n },
        ),
        dialect(
            "key-in-adapter",
            "sets the header of the key in the adapter",
            Hooks {
                request: |request| {
                    drop(request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer k")));
                },
                ..n
            },
        ),
        dialect(
            "wrong-limits",
            "claims that a model takes any number of pictures, of any size",
            Hooks {
                rules: |rules| {
                    rules.images.max = None;
                    rules.images.advised_max = None;
                    rules.size.pixels = None;
                    rules.size.tiers = vec![Tier::K1, Tier::K2, Tier::K3, Tier::K4];
                },
                ..n
            },
        ),
        dialect(
            "refuses-too-much",
            "refuses what the document allows: references and groups",
            Hooks {
                rules: |rules| {
                    rules.references.max = Some(0);
                    rules.images.max = Some(1);
                },
                ..n
            },
        ),
        dialect(
            "claims-honoured",
            "claims that every field has an effect",
            Hooks { rules: |rules| rules.fields.iter_mut().for_each(|rule| rule.support = Support::Honoured), ..n },
        ),
        dialect(
            "silent-about-ignored",
            "has no word for a field that has no member",
            Hooks { rules: |rules| drop(rules.fields.remove(Field::Watermark)), ..n },
        ),
    ]
}
