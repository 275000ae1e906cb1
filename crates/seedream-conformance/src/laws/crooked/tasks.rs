//! Tasks that are accepted, run and end in other words than documented, and tasks where none was expected.

use std::time::Duration;

use seedream_core::{Charge, Error, ErrorKind, Input, Response, Task, WarningKind};
use serde_json::{Value, json};

use super::shape_fixture::{DeliveredImage, ShapeFixture, delivered_images, not_free, once, warned};
use crate::{
    CaseFailure,
    fixture::documented_response::made_up,
    harness::difference::Differences,
    harness::simulation::{SimulatedRun, asks_for},
};

/// How a task is accepted in the wild.
fn acceptances(fixture: &ShapeFixture, id: &str) -> Vec<Value> {
    let status = fixture.cased(["submitted", "pending", "queued", "in_progress", "processing"][fixture.draw(5)]);
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
pub(super) fn unexpected(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let id = fixture.id();
    for body in acceptances(fixture, &id) {
        let name = body.to_string();
        let run = fixture.simulate_json(&body)?;
        let error = run.result.as_ref().err();
        d.same(&format!("{name}: kind"), &Some(ErrorKind::UnexpectedTask), &error.map(Error::kind));
        d.same(&format!("{name}: charge"), &Some(Charge::Unknown), &error.map(Error::charge));
        d.holds(error.is_some_and(|error| error.message().contains(&id)), || format!("{name}: the id is not shown"));
        let held = error.and_then(Error::task).is_some_and(|task| ids(task).contains(&id));
        d.holds(held, || format!("{name}: the task is lost"));
        d.same(&format!("{name}: polls"), &0, &run.polls.len());
        once(&mut d, &name, &run);
    }
    d.into_result()
}

/// A poll of a task: done where its id is the right one, not known elsewhere.
fn known(fixture: &ShapeFixture, target: &str, id: &str) -> Response {
    if asks_for(target, id) { fixture.documented.response.clone() } else { made_up(404, "application/json", "{}") }
}

/// However a task is accepted, it is collected.
pub(super) fn accepted_otherwise(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let id = fixture.id();
    for body in acceptances(fixture, &id) {
        let run = fixture.accepted(&body, |target| known(fixture, target, &id))?;
        fixture.delivers(&mut d, &body.to_string(), &run);
    }
    d.into_result()
}

/// Of several ids, the one that polls know is found; where none is known, all of them are kept.
pub(super) fn second_id(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let (request, id) = (fixture.id(), fixture.id());
    for body in [
        json!({ "id": request, "data": { "task_id": id, "status": "pending" } }),
        json!({ "id": request, "task_id": id, "status": "pending" }),
        json!({ "code": 200, "id": request, "data": [{ "id": id, "status": "submitted" }] }),
    ] {
        let name = body.to_string();
        for right in [&id, &request] {
            let run = fixture.accepted(&body, |target| known(fixture, target, right))?;
            fixture.delivers(&mut d, &name, &run);
        }
        let run = fixture.accepted(&body, |target| known(fixture, target, "no id"))?;
        let kept = run.result.as_ref().err().and_then(Error::task).map(ids).unwrap_or_default();
        d.holds(kept.contains(&id) && kept.contains(&request), || format!("{name}: kept of its ids: {kept:?}"));
        not_free(&mut d, &name, &run);
    }
    d.into_result()
}

/// A task in another status, by the documented response.
fn ended(fixture: &ShapeFixture, status: &str, more: &Value) -> Value {
    let mut body = fixture.facts.clone();
    body.insert("status".to_owned(), status.into());
    body.extend(more.as_object().cloned().unwrap_or_default());
    body.into()
}

/// Each common word for the end of a task ends it.
pub(super) fn words(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let first = vec![DeliveredImage::Link(fixture.urls[0].clone())];
    for word in ["completed", "succeeded", "success", "finished", "done"] {
        let word = fixture.cased(word);
        let results = json!({ fixture.member.as_str(): fixture.urls });
        for body in [
            ended(fixture, &word, &results),
            json!({ "code": 200, "data": ended(fixture, &word, &results) }),
            json!({ "code": "success", "data": { "status": word, "results": fixture.urls } }),
        ] {
            let name = format!("{word}: {:.60}", body.to_string());
            let run = fixture.simulate_json(&body)?;
            fixture.delivers(&mut d, &name, &run);
            d.same(&format!("{name}: polls"), &1, &run.polls.len());
        }
        for member in ["result_url", "image_url", "url"] {
            let run = fixture.simulate_json(&json!({ "data": { "status": word, member: fixture.urls[0] } }))?;
            let seen = run.result.as_ref().map(delivered_images).unwrap_or_default();
            d.same(&format!("{word} with {member}"), &first, &seen);
        }
    }
    for word in ["failed", "failure", "error", "cancelled", "canceled", "expired", "timeout"] {
        let word = fixture.cased(word);
        for body in [
            ended(fixture, &word, &json!({ "fail_reason": "the lamp is broken" })),
            json!({ "code": 200, "data": ended(fixture, &word, &json!({ "error": { "message": "the lamp is broken" } })) }),
        ] {
            let run = fixture.simulate_json(&body)?;
            let error = run.result.as_ref().err();
            let said = error.is_some_and(|error| error.message().contains("the lamp is broken"));
            d.holds(said, || format!("{word}: the reason is not shown: {error:?}"));
            d.same(&format!("{word}: polls"), &1, &run.polls.len());
            once(&mut d, &word, &run);
        }
    }
    // An unknown word means nothing.
    let mut polls = 0;
    let run = fixture.against(|| {
        polls += 1;
        let body = if polls < 4 { ended(fixture, "pondering", &json!({})).to_string() } else { text(fixture) };
        vec![Input::Response(fixture.response(body))]
    })?;
    fixture.delivers(&mut d, "after an unknown word", &run);
    d.into_result()
}

fn text(fixture: &ShapeFixture) -> String {
    String::from_utf8_lossy(&fixture.documented.response.body).into_owned()
}

/// The images of a task that runs for ever are there at its deadline, and the task is kept.
pub(super) fn early(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let word = ["processing", "running", "pending", "pondering"][fixture.draw(4)];
    let results = json!({ fixture.member.as_str(): fixture.urls });
    let run = fixture.simulate_json(&ended(fixture, word, &results))?;
    let error = run.result.as_ref().err();
    d.same("kind", &Some(ErrorKind::Timeout), &error.map(Error::kind));
    d.same("charge", &Some(Charge::Unknown), &error.map(Error::charge));
    d.holds(error.is_some_and(|error| error.task().is_some()), || "the task is lost".to_owned());
    there(&mut d, fixture, "at the deadline", &run);
    d.holds(run.ended >= Duration::from_secs(60), || format!("given up after {:?}", run.ended));
    // More images than at the end are kept where the last polls fail.
    let (mut polls, some) = (0, fixture.text(&ended(fixture, word, &results)));
    let run = fixture.against(|| {
        polls += 1;
        let broken = made_up(502, "text/html", "<html>502</html>");
        vec![Input::Response(if polls == 2 { fixture.response(some.clone()) } else { broken })]
    })?;
    there(&mut d, fixture, "after polls that fail", &run);
    d.into_result()
}

/// The images that an error holds.
fn there(d: &mut Differences, fixture: &ShapeFixture, name: &str, run: &SimulatedRun) {
    let held = run.result.as_ref().err().and_then(Error::generation).map(delivered_images).unwrap_or_default();
    let links: Vec<_> = fixture.urls.iter().cloned().map(DeliveredImage::Link).collect();
    d.same(&format!("{name}: images"), &links, &held);
    once(d, name, run);
}

/// Images of a task that has failed are delivered, with an unknown charge.
pub(super) fn failed_with_results(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for word in ["failed", "cancelled", "canceled", "error"] {
        let more = json!({ fixture.member.as_str(): fixture.urls, "error": { "code": "x", "message": "too late" } });
        let run = fixture.simulate_json(&ended(fixture, word, &more))?;
        fixture.delivers(&mut d, word, &run);
        let charge = run.result.as_ref().map(seedream_core::Generation::charge).ok();
        d.same(&format!("{word}: charge"), &Some(Charge::Unknown), &charge);
        warned(&mut d, word, WarningKind::Incomplete, &["too late"], &run);
    }
    d.into_result()
}

/// A task that ended well without an image says why.
pub(super) fn completed_with_error(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let error = json!({ "code": "x", "message": "the lamp is broken" });
    for more in [
        json!({ "error": error }),
        json!({ "error": error, fixture.member.as_str(): [] }),
        json!({ "error": "the lamp is broken", fixture.member.as_str(): null }),
        json!({ "fail_reason": "the lamp is broken" }),
    ] {
        let name = more.to_string();
        let word = fixture.cased("completed");
        let run = fixture.simulate_json(&ended(fixture, &word, &more))?;
        let error = run.result.as_ref().err();
        let said = error.is_some_and(|error| error.message().contains("the lamp is broken"));
        d.holds(said, || format!("{name}: the reason is not shown: {error:?}"));
        not_free(&mut d, &name, &run);
    }
    d.into_result()
}
