//! Lists in other forms, in places that no document shows, and candidates that are not images.

use bytes::Bytes;
use seedream_core::{Charge, ErrorKind, WarningKind};
use serde_json::{Value, json};

use super::{
    inline_images::{encoded, png},
    shape_fixture::{DeliveredImage, ShapeFixture, delivered, not_free, warned},
};
use crate::{CaseFailure, harness::difference::Differences};

/// The images stand in a place that no document shows: they are delivered, and a warning names the place.
pub(super) fn elsewhere(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let (items, links) = (fixture.items(), Value::from(fixture.urls.clone()));
    let each = |name: &str| -> Value { fixture.urls.iter().map(|url| json!({ name: url })).collect() };
    let inner = |name: &str| -> Value { fixture.urls.iter().map(|url| json!({ name: { "url": url } })).collect() };
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
        let run = fixture.simulate_json(&fixture.with(shape))?;
        fixture.delivers(&mut d, &name, &run);
        warned(&mut d, &name, WarningKind::Undocumented, words, &run);
    }
    // Lists that are JSON in a text.
    for member in ["results", "data", "output"] {
        for list in [&items, &links] {
            let run = fixture.simulate_json(&fixture.with(json!({ member: fixture.text(list) })))?;
            fixture.delivers(&mut d, &format!("`{member}` as JSON in a text"), &run);
        }
    }
    d.into_result()
}

/// The documented response inside an envelope, or in a text.
pub(super) fn enveloped(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let body = fixture.holding(fixture.items());
    let ok = [json!(0), json!(200), json!("success"), json!(true)][fixture.draw(4)].clone();
    for (name, envelope) in [
        ("data", json!({ "code": ok, "message": "success", "data": body })),
        ("result", json!({ "success": true, "result": body })),
        ("response", json!({ "code": ok, "response": body })),
        ("output", json!({ "output": body })),
        ("a list of one", json!([body])),
        ("a text", Value::from(body.to_string())),
    ] {
        let run = fixture.simulate_json(&envelope)?;
        fixture.delivers(&mut d, &format!("inside {name}"), &run);
    }
    d.into_result()
}

/// One image twice is one image.
pub(super) fn repeated(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let mut items: Vec<_> = fixture.urls.iter().map(|url| json!({ "url": url })).collect();
    let again = items[fixture.draw(items.len())].clone();
    items.push(again);
    let run = fixture.simulate_json(&fixture.holding(items.into()))?;
    fixture.delivers(&mut d, "one twice", &run);
    warned(&mut d, "one twice", WarningKind::Repeated, &[], &run);
    let all = fixture.urls.iter().chain(&fixture.urls).map(|url| json!({ "url": url })).collect();
    let run = fixture.simulate_json(&fixture.holding(all))?;
    fixture.delivers(&mut d, "all twice", &run);
    warned(&mut d, "all twice", WarningKind::Repeated, &[], &run);
    d.into_result()
}

/// A bill for more images than came: a failure for each of the others, and a warning with both numbers.
pub(super) fn billed_more(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let usage = fixture.facts.get("usage").and_then(|usage| usage.get("generated_images"));
    if usage.is_none() && !fixture.subject.dialect().is_lenient() {
        return Ok(());
    }
    let mut d = Differences::default();
    let (count, more) = (fixture.urls.len(), 1 + fixture.draw(4));
    let mut body: Value = serde_json::from_slice(&fixture.documented.response.body).unwrap_or_default();
    body["usage"] = json!({ "generated_images": count + more });
    let run = fixture.simulate_json(&body)?;
    fixture.delivers(&mut d, "billed more", &run);
    let failures = run.result.as_ref().map_or(0, |generation| generation.failures().count());
    d.same("billed more: failures", &more, &failures);
    let words = (format!("{} images", count + more), format!("{count} were"));
    warned(&mut d, "billed more", WarningKind::BilledMore, &[&words.0], &run);
    warned(&mut d, "billed more", WarningKind::BilledMore, &[&words.1], &run);
    d.into_result()
}

/// A bill for fewer images than came: all are delivered, and a warning has both numbers.
pub(super) fn billed_fewer(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let usage = fixture.facts.get("usage").and_then(|usage| usage.get("generated_images"));
    if usage.is_none() && !fixture.subject.dialect().is_lenient() {
        return Ok(());
    }
    let mut d = Differences::default();
    let (count, billed) = (fixture.urls.len(), fixture.draw(fixture.urls.len()));
    let mut body: Value = serde_json::from_slice(&fixture.documented.response.body).unwrap_or_default();
    body["usage"] = json!({ "generated_images": billed });
    let run = fixture.simulate_json(&body)?;
    fixture.delivers(&mut d, "billed fewer", &run);
    let words = (format!("{billed} images"), format!("{count} were"));
    warned(&mut d, "billed fewer", WarningKind::BilledFewer, &[&words.0], &run);
    warned(&mut d, "billed fewer", WarningKind::BilledFewer, &[&words.1], &run);
    d.into_result()
}

/// Of several candidates the first that can be an image is taken.
pub(super) fn bad_candidates(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let blank = ["", " ", "\n", " \t "][fixture.draw(4)];
    let bad = format!("{}!!{blank}", fixture.cased("data:image/png;base64,"));
    let images: Vec<Bytes> = fixture.urls.iter().map(|_| png(fixture)).collect();
    let inline: Vec<_> = images.iter().cloned().map(DeliveredImage::Inline).collect();
    for nothing in [json!(blank), Value::Null, json!([]), json!({}), json!(bad)] {
        let items = images.iter().map(|image| json!({ "url": nothing, "b64_json": encoded(image) })).collect();
        let run = fixture.simulate_json(&fixture.holding(items))?;
        delivered(&mut d, &format!("`url`: {nothing} beside an image"), &inline, &run);
    }
    for (bad, good) in [("b64_json", "url"), ("b64_json", "image_url"), ("url", "image_url")] {
        for nothing in [json!(blank), Value::Null, json!("data:image/png;base64,%%")] {
            let items = fixture.urls.iter().map(|url| json!({ bad: nothing, good: url })).collect();
            let run = fixture.simulate_json(&fixture.holding(items))?;
            fixture.delivers(&mut d, &format!("`{bad}`: {nothing} beside `{good}`"), &run);
        }
    }
    d.into_result()
}

/// A value that cannot be an image is not delivered as one, and is not called free.
pub(super) fn no_candidates(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for items in
        [json!([""]), json!([" "]), json!([{}]), json!([{ "url": "" }]), json!([{ "url": null }]), json!([null])]
    {
        let name = items.to_string();
        let run = fixture.simulate_json(&fixture.holding(items))?;
        let error = run.result.as_ref().err();
        let count = run.result.as_ref().map_or(0, |generation| generation.images().count());
        d.holds(error.is_some(), || format!("{name}: read as {count} images"));
        let kind = error.map(|error| error.kind());
        let named = matches!(kind, Some(ErrorKind::NoImages | ErrorKind::MalformedResponse | ErrorKind::TaskFailed));
        d.holds(named, || format!("{name}: read as {kind:?}"));
        d.holds(error.is_none_or(|error| error.charge() != Charge::No), || format!("{name}: called free"));
    }
    let blank = ["", " "][fixture.draw(2)];
    let items = json!([{ "url": blank, "b64_json": blank }]);
    not_free(&mut d, "blank candidates", &fixture.simulate_json(&fixture.holding(items))?);
    d.into_result()
}
