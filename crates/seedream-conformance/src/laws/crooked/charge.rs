//! `no` is said only of a response that was read whole.

use seedream_core::{Charge, Input, Response};
use serde_json::{Value, json};

use super::{
    ground::{Ground, not_free},
    streams::Shown,
};
use crate::{Failure, difference::Differences, example::broken};

/// The usage that a response states: nothing, all, or no word.
fn usages(ground: &Ground) -> [Value; 3] {
    [json!({ "generated_images": 0 }), json!({ "generated_images": ground.urls.len() }), Value::Null]
}

/// A response that is cut or repaired, with every usage.
pub(super) fn of_damage(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    for usage in usages(ground) {
        let mut body = ground.with(json!({ "usage": usage, ground.member.as_str(): [] }));
        if body.get("status").is_some() && ground.draw(2) == 0 {
            body["status"] = "failed".into();
        }
        let text = body.to_string();
        let repaired = format!("{{\"a\":NaN,{}", &text[1..]);
        let at = 1 + ground.draw(text.len() - 1);
        let part = |at: usize| ground.response(text.as_bytes()[..at].to_vec());
        let once = |response: Response, ends: bool| {
            // What comes of a poll that is cut is asked for again; then nothing comes any more.
            ground
                .against(|| vec![if ends { Input::Response(response.clone()) } else { broken(Some(response.clone())) }])
        };
        not_free(&mut d, &format!("repaired, usage {usage}"), &ground.play(repaired)?);
        for at in [at, text.len() - 1] {
            not_free(&mut d, &format!("ended at byte {at}, usage {usage}"), &once(part(at), true)?);
            not_free(&mut d, &format!("broken at byte {at}, usage {usage}"), &once(part(at), false)?);
        }
        not_free(&mut d, &format!("broken at its end, usage {usage}"), &once(part(text.len()), false)?);
    }
    d.into_result()
}

/// Images that cannot be read, or that came although none is billed.
pub(super) fn of_unread_images(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let bad = ["!!", "%%%%", "data:image/png;base64,??", "data:image/png"][ground.draw(4)];
    let nothing = json!({ "generated_images": 0 });
    for items in
        [json!([{ "b64_json": bad }]), json!([{ "b64_json": bad }, { "error": { "code": "x", "message": "no" } }])]
    {
        let body = ground.with(json!({ "usage": nothing, ground.member.as_str(): items }));
        not_free(&mut d, &format!("{body}"), &ground.played(&body)?);
    }
    let body = ground.with(json!({ "usage": nothing, ground.member.as_str(): ground.items() }));
    let played = ground.played(&body)?;
    ground.delivers(&mut d, "images, and none billed", &played);
    not_free(&mut d, "images, and none billed", &played);
    d.into_result()
}

/// An event that cannot be read, beside a bill for nothing.
pub(super) fn of_unread_events(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let shown = Shown::of(&ground.subject)?;
    let completed = json!({ "type": "image_generation.completed", "usage": { "generated_images": 0 } });
    let url = &ground.urls[0];
    let bad = [
        "data: \u{fffd}\u{fffd}{\"\n\n".to_owned(),
        "data: {\"type\":\"image_generation.partial_succeeded\",\"url\n\ndata: {}\n\n".to_owned(),
        "data: {\"b64_json\":\"!!!\"}\n\n".to_owned(),
        format!("data: \"url\":\"{url}\n\n").replace("http", "{http"),
    ];
    let bad = &bad[ground.draw(bad.len())];
    for text in [format!("{bad}data: {completed}\n\n"), format!("data: {completed}\n\n{bad}data: [DONE]\n\n")] {
        let played = shown.play(&ground.subject, text.as_bytes(), Input::StreamEnd)?;
        let free = super::ground::charge(&played) == Charge::No;
        d.holds(!free, || format!("{text:?}: called free"));
    }
    d.into_result()
}

/// A cut stream whose first event bills nothing.
pub(super) fn of_a_cut_stream(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let shown = Shown::of(&ground.subject)?;
    let usage = json!({ "generated_images": 0 });
    let first = json!({ "type": "image_generation.started", "usage": usage });
    let completed = json!({ "type": "image_generation.completed", "usage": usage });
    for (event, ends) in [(&first, true), (&first, false), (&completed, false)] {
        let text = format!("data: {event}\n\n");
        let part = &shown.events[0][..1 + ground.draw(20)];
        for text in [text.clone(), format!("{text}data: {part}")] {
            let end = if ends { Input::StreamEnd } else { broken(None) };
            let played = shown.play(&ground.subject, text.as_bytes(), end)?;
            not_free(&mut d, &format!("{text:?}, ended {ends}"), &played);
        }
    }
    d.into_result()
}
