//! The record of each attempt, and when it is kept.

use super::*;

/// The record after the last of these inputs.
fn left_by(mut operation: Operation, inputs: impl IntoIterator<Item = Input>) -> Option<Record> {
    inputs.into_iter().map(|input| operation.on(input, Duration::ZERO)).last().unwrap().record
}

fn shown(record: Option<Record>) -> String {
    match record {
        None => "nothing".to_owned(),
        Some(Record::NotSent) => "not sent".to_owned(),
        Some(Record::Refused { kind, message, charge }) => {
            format!("{}, {message}: {}", kind.as_str(), charge.as_str())
        }
        Some(Record::Accepted { task }) => format!("accepted {}", task.id),
        Some(Record::Answered) => "answered".to_owned(),
    }
}

#[test]
fn every_end_of_an_attempt_is_kept() {
    let once = || submit(Policy { max_submits: 1, ..Policy::default() });
    let plain = || submit(Policy::default());
    let ambiguous = || submit(Policy { resend_ambiguous: true, ..Policy::default() });
    let mirrored = || plain().with_mirrors(["https://mirror.example".to_owned()]);
    let no_tasks =
        || of(Words { tasks: false, streams: false, ..Words::ALL }, &ImageRequest::new("m", "p"), Policy::default());
    for (operation, raw, record) in [
        (plain(), not_sent(), "not sent"),
        (mirrored(), not_sent(), "not sent"),
        (once(), not_sent(), "not sent"),
        (plain(), vetoed(), "not sent"),
        // Sent again, or over: what is kept of the attempt is the same.
        (plain(), response(429, "rate_limited"), "rate_limited, refused: no"),
        (once(), response(429, "rate_limited"), "rate_limited, refused: no"),
        (plain(), response(400, "bad"), "server, refused: no"),
        (plain(), response(500, "bad"), "server, refused: unknown"),
        (plain(), response(200, "bad"), "malformed_response, refused: unknown"),
        (plain(), broken(None), "transport, connection reset: unknown"),
        (ambiguous(), broken(None), "transport, connection reset: unknown"),
        (plain(), broken(Some(made(200, "bad"))), "transport, connection reset: unknown"),
        (plain(), broken(Some(made(400, "bad"))), "server, refused: no"),
        (plain(), response(200, "none"), "no_images, the response contains no image: no"),
        (plain(), response(200, "task t-1"), "accepted t-1"),
        (plain(), broken(Some(made(200, "task t-1"))), "accepted t-1"),
        // It cannot be collected here, and is kept all the same.
        (no_tasks(), response(200, "task t-1"), "accepted t-1"),
        (no_tasks(), head(), "malformed_response, the response is an event stream, which was not requested: unknown"),
        (plain(), response(200, "images 1"), "answered"),
        (plain(), broken(Some(made(200, "images 1"))), "answered"),
        (plain(), head(), "nothing"),
    ] {
        let name = format!("{raw:?}");
        assert_eq!(shown(left_by(operation, [Input::Begin, raw])), record, "{name}");
    }
}

#[test]
fn the_charge_that_is_kept_is_that_of_the_attempt_alone() {
    let policy = Policy { resend_ambiguous: true, ..Policy::default() };
    let mut operation = submit(policy);
    operation.on(Input::Begin, Duration::ZERO);
    let Then::WaitUntil(until) = operation.on(broken(None), Duration::ZERO).then else { panic!("a wait") };
    operation.on(Input::Woke, until);
    let step = operation.on(response(400, "bad"), until);
    assert_eq!(shown(step.record), "server, refused: no");
    assert_eq!(ended(step.then).unwrap_err().charge(), Charge::Unknown);
}

#[test]
fn each_image_of_a_stream_is_kept_as_it_comes() {
    let request = ImageRequest::new("m", "p").count(2);
    let mut operation = of(Words::ALL, &request, Policy::default());
    let inputs = [
        (Input::Begin, "nothing"),
        (head(), "nothing"),
        (frame("failed 0"), "nothing"),
        (frame("image 1"), "answered"),
        (frame("usage 1"), "nothing"),
        (frame("[DONE]"), "answered"),
        // It is over.
        (Input::Woke, "nothing"),
    ];
    for (input, record) in inputs {
        let name = format!("{input:?}");
        assert_eq!(shown(operation.on(input, Duration::ZERO).record), record, "{name}");
    }
    for (end, record) in [
        (Input::StreamEnd, "no_images, no image was made: not drawn: unknown"),
        (broken(None), "transport, connection reset: unknown"),
    ] {
        let operation = of(Words::ALL, &request, Policy::default());
        assert_eq!(shown(left_by(operation, [Input::Begin, head(), frame("failed 0"), end])), record);
    }
}

#[test]
fn a_task_is_kept_until_it_has_ended_for_certain() {
    for (raw, record) in [
        (response(200, "images 1"), "answered"),
        (response(200, "failed"), "task_failed, it failed: no"),
        // It may be asked for again, or may be billed: the acceptance stays what is known.
        (response(200, "lost"), "nothing"),
        (response(403, "quota"), "nothing"),
        (response(200, "wait 10"), "nothing"),
        (response(200, "some 1"), "nothing"),
        (broken(None), "nothing"),
        (Input::Cancelled, "nothing"),
    ] {
        let name = format!("{raw:?}");
        assert_eq!(shown(left_by(resume(), [Input::Begin, raw])), record, "{name}");
    }
}

#[test]
fn what_is_abandoned_may_have_been_bought() {
    let record = left_by(submit(Policy::default()), [Input::Begin, Input::Cancelled]);
    assert_eq!(shown(record), "nothing", "its response is awaited");
    let record = left_by(submit(Policy::default()), [Input::Begin, Input::Cancelled, Input::Cancelled]);
    assert_eq!(shown(record), "cancelled, cancelled by the caller: unknown");
    let record = left_by(submit(Policy::default()), [Input::Begin, Input::Begin]);
    assert!(shown(record).ends_with(": unknown"));
    // Nothing was sent.
    assert_eq!(shown(left_by(submit(Policy::default()), [Input::Cancelled])), "nothing");
    assert_eq!(shown(left_by(submit(Policy::default()), [Input::Woke])), "nothing");
}
