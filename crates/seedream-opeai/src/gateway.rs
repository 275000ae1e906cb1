//! The gateway's rewrites of a body (ope.ai, the seedream series).

use seedream_core::{Effective, ModelId};
use serde_json::{Map, Value, json};

/// The members that the gateway drops.
pub(crate) const WITHOUT_EFFECT: &[&str] =
    &["quality", "style", "user", "output_format", "output_compression", "background", "moderation"];

/// The default size.
pub(crate) fn default_size(model: &str) -> &'static str {
    match model {
        "doubao-seedream-3-0-t2i-250415" | "seedream-3-0-t2i-250415" => "1024x1024",
        _ => "2K",
    }
}

/// The model id that the gateway forwards.
fn normalised(model: &str) -> &str {
    match model {
        "doubao-seedream-4.5" | "doubao-seedream-4-5-251128" => "seedream-4-5-251128",
        "doubao-seedream-4.0" | "doubao-seedream-4-0-250828" => "seedream-4-0-250828",
        other => other,
    }
}

/// The body that the gateway forwards, and the most images that can be billed.
pub(crate) fn normalise(mut body: Map<String, Value>, ceiling: u32) -> Effective {
    body.retain(|member, _| !WITHOUT_EFFECT.contains(&member.as_str()));
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    body.entry("size").or_insert_with(|| default_size(&model).into());
    body.entry("response_format").or_insert_with(|| "url".into());
    body.entry("stream").or_insert_with(|| false.into());
    body.entry("watermark").or_insert_with(|| false.into());
    body.insert("model".into(), normalised(&model).into());
    // The page does not state whether `n` is forwarded; the group decides.
    let n = body.remove("n").and_then(|n| n.as_u64()).unwrap_or(1);
    let seedream = ModelId::new(model).family().is_some();
    let max_images = match body.get("sequential_image_generation").and_then(Value::as_str) {
        // Without its own maximum, a group has Ark's: 15.
        Some("auto") => body
            .get("sequential_image_generation_options")
            .and_then(|options| options.get("max_images"))
            .and_then(Value::as_u64)
            .and_then(|max| u32::try_from(max).ok())
            .unwrap_or(15),
        Some(_) => 1,
        None if n > 1 && seedream => {
            body.insert("sequential_image_generation".into(), "auto".into());
            body.insert("sequential_image_generation_options".into(), json!({ "max_images": n }));
            ceiling
        }
        None => ceiling,
    };
    Effective { body, max_images: Some(max_images) }
}
