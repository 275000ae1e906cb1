//! `no` is said only of a response that was read whole.

use seedream_core::{Charge, Input, Response};
use serde_json::{Value, json};

use super::{
    shape_fixture::{ShapeFixture, not_free},
    streams::StreamFixture,
};
use crate::{CaseFailure, fixture::documented_response::broken, harness::difference::Differences};

/// The usage that a response states: nothing, all, or no word.
fn usages(fixture: &ShapeFixture) -> [Value; 3] {
    [json!({ "generated_images": 0 }), json!({ "generated_images": fixture.urls.len() }), Value::Null]
}

/// A response that is cut or repaired, with every usage.
pub(super) fn of_damage(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for usage in usages(fixture) {
        let mut body = fixture.with(json!({ "usage": usage, fixture.member.as_str(): [] }));
        if body.get("status").is_some() && fixture.draw(2) == 0 {
            body["status"] = "failed".into();
        }
        let text = body.to_string();
        let repaired = format!("{{\"a\":NaN,{}", &text[1..]);
        let at = 1 + fixture.draw(text.len() - 1);
        let part = |at: usize| fixture.response(text.as_bytes()[..at].to_vec());
        let once = |response: Response, ends: bool| {
            // A poll whose response is cut is repeated, with the same response.
            fixture
                .against(|| vec![if ends { Input::Response(response.clone()) } else { broken(Some(response.clone())) }])
        };
        not_free(&mut d, &format!("repaired, usage {usage}"), &fixture.simulate(repaired)?);
        for at in [at, text.len() - 1] {
            not_free(&mut d, &format!("ended at byte {at}, usage {usage}"), &once(part(at), true)?);
            not_free(&mut d, &format!("broken at byte {at}, usage {usage}"), &once(part(at), false)?);
        }
        not_free(&mut d, &format!("broken at its end, usage {usage}"), &once(part(text.len()), false)?);
    }
    d.into_result()
}

/// Images that cannot be read, or that came although none is billed.
pub(super) fn of_unread_images(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let bad = ["!!", "%%%%", "data:image/png;base64,??", "data:image/png"][fixture.draw(4)];
    let nothing = json!({ "generated_images": 0 });
    for items in
        [json!([{ "b64_json": bad }]), json!([{ "b64_json": bad }, { "error": { "code": "x", "message": "no" } }])]
    {
        let body = fixture.with(json!({ "usage": nothing, fixture.member.as_str(): items }));
        not_free(&mut d, &format!("{body}"), &fixture.simulate_json(&body)?);
    }
    let body = fixture.with(json!({ "usage": nothing, fixture.member.as_str(): fixture.items() }));
    let run = fixture.simulate_json(&body)?;
    fixture.delivers(&mut d, "images, and none billed", &run);
    not_free(&mut d, "images, and none billed", &run);
    d.into_result()
}

/// An event that cannot be read, beside a bill for nothing.
pub(super) fn of_unread_events(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let shown = StreamFixture::of(&fixture.subject)?;
    let completed = json!({ "type": "image_generation.completed", "usage": { "generated_images": 0 } });
    let url = &fixture.urls[0];
    let bad = [
        "data: \u{fffd}\u{fffd}{\"\n\n".to_owned(),
        "data: {\"type\":\"image_generation.partial_succeeded\",\"url\n\ndata: {}\n\n".to_owned(),
        "data: {\"b64_json\":\"!!!\"}\n\n".to_owned(),
        format!("data: \"url\":\"{url}\n\n").replace("http", "{http"),
    ];
    let bad = &bad[fixture.draw(bad.len())];
    for text in [format!("{bad}data: {completed}\n\n"), format!("data: {completed}\n\n{bad}data: [DONE]\n\n")] {
        let run = shown.simulate(&fixture.subject, text.as_bytes(), Input::StreamEnd)?;
        let free = super::shape_fixture::charge(&run) == Charge::No;
        d.holds(!free, || format!("{text:?}: called free"));
    }
    d.into_result()
}

/// A cut stream whose first event bills nothing.
pub(super) fn of_a_cut_stream(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let shown = StreamFixture::of(&fixture.subject)?;
    let usage = json!({ "generated_images": 0 });
    let first = json!({ "type": "image_generation.started", "usage": usage });
    let completed = json!({ "type": "image_generation.completed", "usage": usage });
    for (event, ends) in [(&first, true), (&first, false), (&completed, false)] {
        let text = format!("data: {event}\n\n");
        let part = &shown.events[0][..1 + fixture.draw(20)];
        for text in [text.clone(), format!("{text}data: {part}")] {
            let end = if ends { Input::StreamEnd } else { broken(None) };
            let run = shown.simulate(&fixture.subject, text.as_bytes(), end)?;
            not_free(&mut d, &format!("{text:?}, ended {ends}"), &run);
        }
    }
    d.into_result()
}
