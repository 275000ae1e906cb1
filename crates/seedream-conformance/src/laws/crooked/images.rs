//! Lists in other dress, places that no document has, and candidates that are none.

use bytes::Bytes;
use seedream_core::{Charge, ErrorKind, WarningKind};
use serde_json::{Value, json};

use super::{
    ground::{Came, Ground, delivered, not_free, warned},
    inline::{encoded, png},
};
use crate::{Failure, difference::Differences};

/// The images stand where no document has them: the same come, and a warning names the place.
pub(super) fn elsewhere(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let (items, links) = (ground.items(), Value::from(ground.urls.clone()));
    let each = |name: &str| -> Value { ground.urls.iter().map(|url| json!({ name: url })).collect() };
    let inner = |name: &str| -> Value { ground.urls.iter().map(|url| json!({ name: { "url": url } })).collect() };
    let shapes: [(Value, &[&str]); 22] = [
        (items.clone(), &["top"]),
        (links.clone(), &["top"]),
        (json!({ "data": { "images": items } }), &["images", "data"]),
        (json!({ "data": { "url": links } }), &["url", "data"]),
        (json!({ "data": [{ "url": links }] }), &["url", "data"]),
        (json!({ "data": { "data": items } }), &["data"]),
        (json!({ "images": items }), &["images"]),
        (json!({ "images": links }), &["images"]),
        (json!({ "output": items }), &["output"]),
        (json!({ "output": links }), &["output"]),
        (json!({ "output": { "images": items } }), &["output"]),
        (json!({ "result": { "images": items } }), &["result"]),
        (json!({ "result": { "data": items } }), &["result"]),
        (json!({ "result": items }), &["result"]),
        (json!({ "outputs": links }), &["outputs"]),
        (json!({ "result_data": each("image_url") }), &["result_data", "image_url"]),
        (json!({ "data": each("image_url") }), &["image_url", "data"]),
        (json!({ "data": inner("image_url") }), &["image_url", "data"]),
        (json!({ "images": each("url"), "data": [] }), &["images"]),
        (json!({ "images": each("link") }), &["images", "link"]),
        (json!({ "image_urls": links, "data": null }), &["image_urls"]),
        (json!({ "choices": [{ "message": { "images": inner("image_url") } }] }), &["choices"]),
    ];
    for (shape, words) in shapes {
        let name = format!("{:.60}", shape.to_string());
        let played = ground.played(&ground.with(shape))?;
        ground.delivers(&mut d, &name, &played);
        warned(&mut d, &name, WarningKind::Undocumented, words, &played);
    }
    // Lists that are JSON in a text.
    for member in ["results", "data", "output"] {
        for list in [&items, &links] {
            let played = ground.played(&ground.with(json!({ member: ground.text(list) })))?;
            ground.delivers(&mut d, &format!("`{member}` as JSON in a text"), &played);
        }
    }
    d.into_result()
}

/// The documented response inside an envelope, or in a text.
pub(super) fn enveloped(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let body = ground.holding(ground.items());
    let ok = [json!(0), json!(200), json!("success"), json!(true)][ground.draw(4)].clone();
    for (name, envelope) in [
        ("data", json!({ "code": ok, "message": "success", "data": body })),
        ("result", json!({ "success": true, "result": body })),
        ("response", json!({ "code": ok, "response": body })),
        ("output", json!({ "output": body })),
        ("a list of one", json!([body])),
        ("a text", Value::from(body.to_string())),
    ] {
        let played = ground.played(&envelope)?;
        ground.delivers(&mut d, &format!("inside {name}"), &played);
    }
    d.into_result()
}

/// One image twice is one image.
pub(super) fn repeated(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let mut items: Vec<_> = ground.urls.iter().map(|url| json!({ "url": url })).collect();
    let again = items[ground.draw(items.len())].clone();
    items.push(again);
    let played = ground.played(&ground.holding(items.into()))?;
    ground.delivers(&mut d, "one twice", &played);
    warned(&mut d, "one twice", WarningKind::Repeated, &[], &played);
    let all = ground.urls.iter().chain(&ground.urls).map(|url| json!({ "url": url })).collect();
    let played = ground.played(&ground.holding(all))?;
    ground.delivers(&mut d, "all twice", &played);
    warned(&mut d, "all twice", WarningKind::Repeated, &[], &played);
    d.into_result()
}

/// A bill for more images than came: a failure for each of the others, and a warning with both numbers.
pub(super) fn billed_more(ground: &Ground) -> Result<(), Failure> {
    let usage = ground.facts.get("usage").and_then(|usage| usage.get("generated_images"));
    if usage.is_none() && !ground.subject.dialect().is_lenient() {
        return Ok(());
    }
    let mut d = Differences::default();
    let (count, more) = (ground.urls.len(), 1 + ground.draw(4));
    let mut body: Value = serde_json::from_slice(&ground.example.response.body).unwrap_or_default();
    body["usage"] = json!({ "generated_images": count + more });
    let played = ground.played(&body)?;
    ground.delivers(&mut d, "billed more", &played);
    let failures = played.result.as_ref().map_or(0, |generation| generation.failures().count());
    d.same("billed more: failures", &more, &failures);
    let words = (format!("{} images", count + more), format!("{count} were"));
    warned(&mut d, "billed more", WarningKind::BilledMore, &[&words.0], &played);
    warned(&mut d, "billed more", WarningKind::BilledMore, &[&words.1], &played);
    d.into_result()
}

/// A bill for fewer images than came: all are delivered, and a warning has both numbers.
pub(super) fn billed_fewer(ground: &Ground) -> Result<(), Failure> {
    let usage = ground.facts.get("usage").and_then(|usage| usage.get("generated_images"));
    if usage.is_none() && !ground.subject.dialect().is_lenient() {
        return Ok(());
    }
    let mut d = Differences::default();
    let (count, billed) = (ground.urls.len(), ground.draw(ground.urls.len()));
    let mut body: Value = serde_json::from_slice(&ground.example.response.body).unwrap_or_default();
    body["usage"] = json!({ "generated_images": billed });
    let played = ground.played(&body)?;
    ground.delivers(&mut d, "billed fewer", &played);
    let words = (format!("{billed} images"), format!("{count} were"));
    warned(&mut d, "billed fewer", WarningKind::BilledFewer, &[&words.0], &played);
    warned(&mut d, "billed fewer", WarningKind::BilledFewer, &[&words.1], &played);
    d.into_result()
}

/// Of several candidates the first that can be an image is taken.
pub(super) fn bad_candidates(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let blank = ["", " ", "\n", " \t "][ground.draw(4)];
    let bad = format!("{}!!{blank}", ground.cased("data:image/png;base64,"));
    let images: Vec<Bytes> = ground.urls.iter().map(|_| png(ground)).collect();
    let inline: Vec<_> = images.iter().cloned().map(Came::Inline).collect();
    for nothing in [json!(blank), Value::Null, json!([]), json!({}), json!(bad)] {
        let items = images.iter().map(|image| json!({ "url": nothing, "b64_json": encoded(image) })).collect();
        let played = ground.played(&ground.holding(items))?;
        delivered(&mut d, &format!("`url`: {nothing} beside an image"), &inline, &played);
    }
    for (bad, good) in [("b64_json", "url"), ("b64_json", "image_url"), ("url", "image_url")] {
        for nothing in [json!(blank), Value::Null, json!("data:image/png;base64,%%")] {
            let items = ground.urls.iter().map(|url| json!({ bad: nothing, good: url })).collect();
            let played = ground.played(&ground.holding(items))?;
            ground.delivers(&mut d, &format!("`{bad}`: {nothing} beside `{good}`"), &played);
        }
    }
    d.into_result()
}

/// What can be no image is none, and is not called free.
pub(super) fn no_candidates(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    for items in
        [json!([""]), json!([" "]), json!([{}]), json!([{ "url": "" }]), json!([{ "url": null }]), json!([null])]
    {
        let name = items.to_string();
        let played = ground.played(&ground.holding(items))?;
        let error = played.result.as_ref().err();
        let count = played.result.as_ref().map_or(0, |generation| generation.images().count());
        d.holds(error.is_some(), || format!("{name}: read as {count} images"));
        let kind = error.map(|error| error.kind());
        let named = matches!(kind, Some(ErrorKind::NoImages | ErrorKind::MalformedResponse | ErrorKind::TaskFailed));
        d.holds(named, || format!("{name}: read as {kind:?}"));
        d.holds(error.is_none_or(|error| error.charge() != Charge::No), || format!("{name}: called free"));
    }
    let blank = ["", " "][ground.draw(2)];
    let items = json!([{ "url": blank, "b64_json": blank }]);
    not_free(&mut d, "blank candidates", &ground.played(&ground.holding(items))?);
    d.into_result()
}
