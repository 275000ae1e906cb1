//! Tasks that are accepted, run and end in other words than documented, and those that nobody expected.

use std::time::Duration;

use seedream_core::{Charge, Error, ErrorKind, Input, Response, Task, WarningKind};
use serde_json::{Value, json};

use super::ground::{Came, Ground, came, not_free, once, warned};
use crate::{Failure, difference::Differences, example::made_up, play::Played};

/// How a task is accepted in the wild.
fn acceptances(ground: &Ground, id: &str) -> Vec<Value> {
    let status = ground.cased(["submitted", "pending", "queued", "in_progress", "processing"][ground.draw(5)]);
    vec![
        json!({ "code": 200, "data": [{ "status": status, "task_id": id }] }),
        json!({ "code": 200, "data": { "status": status, "task_id": id } }),
        json!({ "code": 0, "message": "ok", "data": { "id": id, "status": status } }),
        json!({ "status": "success", "data": { "task_id": id } }),
        json!({ "id": id, "object": "image.generation.task", "status": status, "progress": 0 }),
        json!({ "task_id": id }),
        json!({ "taskId": id, "state": status }),
        json!({ "data": { "task": { "id": id, "status": status } } }),
        json!({ "success": true, "result": { "task_id": id, "task_status": status } }),
        json!({ "output": { "task_id": id, "task_status": status }, "request_id": "r-1" }),
        json!({ "code": 1, "description": "ok", "result": id }),
        json!({ "code": "success", "data": id }),
    ]
}

fn ids(task: &Task) -> Vec<String> {
    std::iter::once(&task.id).chain(&task.other_ids).map(ToString::to_string).collect()
}

/// A task where images should be is an error that holds it, and nothing is bought again.
pub(super) fn unexpected(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let id = ground.id();
    for body in acceptances(ground, &id) {
        let name = body.to_string();
        let played = ground.played(&body)?;
        let error = played.result.as_ref().err();
        d.same(&format!("{name}: kind"), &Some(ErrorKind::UnexpectedTask), &error.map(Error::kind));
        d.same(&format!("{name}: charge"), &Some(Charge::Unknown), &error.map(Error::charge));
        d.holds(error.is_some_and(|error| error.message().contains(&id)), || format!("{name}: the id is not shown"));
        let held = error.and_then(Error::task).is_some_and(|task| ids(task).contains(&id));
        d.holds(held, || format!("{name}: the task is lost"));
        d.same(&format!("{name}: polls"), &0, &played.polls.len());
        once(&mut d, &name, &played);
    }
    d.into_result()
}

/// A poll of a task: done where its id is the right one, not known elsewhere.
fn known(ground: &Ground, path: &str, id: &str) -> Response {
    if path.ends_with(id) { ground.example.response.clone() } else { made_up(404, "application/json", "{}") }
}

/// However a task is accepted, it is collected.
pub(super) fn accepted_otherwise(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let id = ground.id();
    for body in acceptances(ground, &id) {
        let played = ground.accepted(&body, |path| known(ground, path, &id))?;
        ground.delivers(&mut d, &body.to_string(), &played);
    }
    d.into_result()
}

/// Of several ids, the one that polls know is found; where none is known, all of them are kept.
pub(super) fn second_id(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let (request, id) = (ground.id(), ground.id());
    for body in [
        json!({ "id": request, "data": { "task_id": id, "status": "pending" } }),
        json!({ "id": request, "task_id": id, "status": "pending" }),
        json!({ "code": 200, "id": request, "data": [{ "id": id, "status": "submitted" }] }),
    ] {
        let name = body.to_string();
        for right in [&id, &request] {
            let played = ground.accepted(&body, |path| known(ground, path, right))?;
            ground.delivers(&mut d, &name, &played);
        }
        let played = ground.accepted(&body, |path| known(ground, path, "no id"))?;
        let kept = played.result.as_ref().err().and_then(Error::task).map(ids).unwrap_or_default();
        d.holds(kept.contains(&id) && kept.contains(&request), || format!("{name}: kept of its ids: {kept:?}"));
        not_free(&mut d, &name, &played);
    }
    d.into_result()
}

/// A task in another status, by the documented response.
fn ended(ground: &Ground, status: &str, more: &Value) -> Value {
    let mut body = ground.facts.clone();
    body.insert("status".to_owned(), status.into());
    body.extend(more.as_object().cloned().unwrap_or_default());
    body.into()
}

/// Whatever word says that a task has ended, it has.
pub(super) fn words(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let first = vec![Came::Link(ground.urls[0].clone())];
    for word in ["completed", "succeeded", "success", "finished", "done"] {
        let word = ground.cased(word);
        let results = json!({ ground.member.as_str(): ground.urls });
        for body in [
            ended(ground, &word, &results),
            json!({ "code": 200, "data": ended(ground, &word, &results) }),
            json!({ "code": "success", "data": { "status": word, "results": ground.urls } }),
        ] {
            let name = format!("{word}: {:.60}", body.to_string());
            let played = ground.played(&body)?;
            ground.delivers(&mut d, &name, &played);
            d.same(&format!("{name}: polls"), &1, &played.polls.len());
        }
        for member in ["result_url", "image_url", "url"] {
            let played = ground.played(&json!({ "data": { "status": word, member: ground.urls[0] } }))?;
            let seen = played.result.as_ref().map(came).unwrap_or_default();
            d.same(&format!("{word} with {member}"), &first, &seen);
        }
    }
    for word in ["failed", "failure", "error", "cancelled", "canceled", "expired", "timeout"] {
        let word = ground.cased(word);
        for body in [
            ended(ground, &word, &json!({ "fail_reason": "the lamp is broken" })),
            json!({ "code": 200, "data": ended(ground, &word, &json!({ "error": { "message": "the lamp is broken" } })) }),
        ] {
            let played = ground.played(&body)?;
            let error = played.result.as_ref().err();
            let said = error.is_some_and(|error| error.message().contains("the lamp is broken"));
            d.holds(said, || format!("{word}: the reason is not shown: {error:?}"));
            d.same(&format!("{word}: polls"), &1, &played.polls.len());
            once(&mut d, &word, &played);
        }
    }
    // A word that nobody knows says nothing.
    let mut polls = 0;
    let played = ground.against(|| {
        polls += 1;
        let body = if polls < 4 { ended(ground, "pondering", &json!({})).to_string() } else { text(ground) };
        vec![Input::Response(ground.response(body))]
    })?;
    ground.delivers(&mut d, "after a word that nobody knows", &played);
    d.into_result()
}

fn text(ground: &Ground) -> String {
    String::from_utf8_lossy(&ground.example.response.body).into_owned()
}

/// The images of a task that runs for ever are there at its deadline, and the task is kept.
pub(super) fn early(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let word = ["processing", "running", "pending", "pondering"][ground.draw(4)];
    let results = json!({ ground.member.as_str(): ground.urls });
    let played = ground.played(&ended(ground, word, &results))?;
    let error = played.result.as_ref().err();
    d.same("kind", &Some(ErrorKind::Timeout), &error.map(Error::kind));
    d.same("charge", &Some(Charge::Unknown), &error.map(Error::charge));
    d.holds(error.is_some_and(|error| error.task().is_some()), || "the task is lost".to_owned());
    there(&mut d, ground, "at the deadline", &played);
    d.holds(played.ended >= Duration::from_secs(60), || format!("given up after {:?}", played.ended));
    // More images than at the end are kept where the last polls fail.
    let (mut polls, some) = (0, ground.text(&ended(ground, word, &results)));
    let played = ground.against(|| {
        polls += 1;
        let broken = made_up(502, "text/html", "<html>502</html>");
        vec![Input::Response(if polls == 2 { ground.response(some.clone()) } else { broken })]
    })?;
    there(&mut d, ground, "behind polls that fail", &played);
    d.into_result()
}

/// The images that an error holds.
fn there(d: &mut Differences, ground: &Ground, name: &str, played: &Played) {
    let held = played.result.as_ref().err().and_then(Error::generation).map(came).unwrap_or_default();
    let links: Vec<_> = ground.urls.iter().cloned().map(Came::Link).collect();
    d.same(&format!("{name}: images"), &links, &held);
    once(d, name, played);
}

/// Images of a task that has failed are delivered, and nobody knows what they cost.
pub(super) fn failed_with_results(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    for word in ["failed", "cancelled", "canceled", "error"] {
        let more = json!({ ground.member.as_str(): ground.urls, "error": { "code": "x", "message": "too late" } });
        let played = ground.played(&ended(ground, word, &more))?;
        ground.delivers(&mut d, word, &played);
        let charge = played.result.as_ref().map(seedream_core::Generation::charge).ok();
        d.same(&format!("{word}: charge"), &Some(Charge::Unknown), &charge);
        warned(&mut d, word, WarningKind::Incomplete, &["too late"], &played);
    }
    d.into_result()
}

/// A task that ended well without an image says why.
pub(super) fn completed_with_error(ground: &Ground) -> Result<(), Failure> {
    let mut d = Differences::default();
    let error = json!({ "code": "x", "message": "the lamp is broken" });
    for more in [
        json!({ "error": error }),
        json!({ "error": error, ground.member.as_str(): [] }),
        json!({ "error": "the lamp is broken", ground.member.as_str(): null }),
        json!({ "fail_reason": "the lamp is broken" }),
    ] {
        let name = more.to_string();
        let word = ground.cased("completed");
        let played = ground.played(&ended(ground, &word, &more))?;
        let error = played.result.as_ref().err();
        let said = error.is_some_and(|error| error.message().contains("the lamp is broken"));
        d.holds(said, || format!("{name}: the reason is not shown: {error:?}"));
        not_free(&mut d, &name, &played);
    }
    d.into_result()
}
