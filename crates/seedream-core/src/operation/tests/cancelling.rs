//! Cancelling: the exchange in progress ends with its charge, and nothing more is sent.

use super::*;

/// The result of cancelling after these inputs.
fn cancelled(operation: Operation, inputs: Vec<Input>) -> (Operation, Then) {
    after(operation, inputs.into_iter().chain([Input::Cancelled]))
}

#[test]
fn without_an_exchange_in_progress_it_ends_at_once() {
    let limited = || response(429, "rate_limited");
    for (name, operation, inputs, charge, holds) in [
        ("ready", submit(Policy::default()), vec![], Charge::No, false),
        ("backing off", submit(Policy::default()), vec![Input::Begin, limited()], Charge::No, false),
        ("a task of an earlier run", resume(), vec![], Charge::Unknown, true),
        ("waiting", submit(Policy::default()), vec![Input::Begin, response(200, "task t-1")], Charge::Unknown, true),
        // A poll is free, so its response is not awaited.
        ("polling", resume(), vec![Input::Begin], Charge::Unknown, true),
    ] {
        let error = ended(cancelled(operation, inputs).1).unwrap_err();
        let seen = (error.kind(), error.charge(), error.task().is_some());
        assert_eq!(seen, (ErrorKind::Cancelled, charge, holds), "{name}");
    }
    // A later refusal does not make the lost request free.
    let policy = Policy { resend_ambiguous: true, ..Policy::default() };
    let error = ended(cancelled(submit(policy), vec![Input::Begin, broken(None)]).1).unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Cancelled, Charge::Unknown));
}

#[test]
fn the_response_to_a_billable_request_is_awaited_and_nothing_is_sent_after_it() {
    use ErrorKind::{Cancelled, NoImages, Server, Transport};

    let mirrored = || submit(Policy::default()).with_mirrors(["https://mirror.example".to_owned()]);
    let ambiguous = || submit(Policy { resend_ambiguous: true, ..Policy::default() });
    let plain = || submit(Policy::default());
    for (operation, raw, kind, charge) in [
        // The operation is cancelled instead of sending again.
        (plain(), response(429, "rate_limited"), Cancelled, Charge::No),
        (plain(), not_sent(), Cancelled, Charge::No),
        (mirrored(), not_sent(), Cancelled, Charge::No),
        (ambiguous(), broken(None), Cancelled, Charge::Unknown),
        // Other results are unchanged.
        (plain(), broken(None), Transport, Charge::Unknown),
        (plain(), response(400, "bad"), Server, Charge::No),
        (plain(), response(500, "bad"), Server, Charge::Unknown),
        (plain(), response(200, "none"), NoImages, Charge::No),
    ] {
        let (mut operation, then) = cancelled(operation, vec![Input::Begin]);
        assert!(matches!(then, Then::Continue), "{then:?}");
        let step = operation.on(raw, Duration::ZERO);
        assert!(step.events.is_empty(), "nothing is tried again: {:?}", step.events);
        let error = ended(step.then).unwrap_err();
        assert_eq!((error.kind(), error.charge(), error.attempts().len()), (kind, charge, 1), "{error}");
    }
    let (mut operation, _) = cancelled(plain(), vec![Input::Begin]);
    let error = ended(operation.on(response(429, "rate_limited"), Duration::ZERO).then).unwrap_err();
    assert_eq!(error.message(), "cancelled by the caller, so it was not sent again: refused");

    let (mut operation, _) = cancelled(plain(), vec![Input::Begin]);
    let step = operation.on(response(200, "images 2"), Duration::ZERO);
    assert_eq!((step.events.len(), ended(step.then).unwrap().images().count()), (2, 2));
}

#[test]
fn a_task_that_is_accepted_after_it_is_told_and_kept() {
    let (mut operation, _) = cancelled(submit(Policy::default()), vec![Input::Begin]);
    let step = operation.on(response(200, "task t-1"), Duration::ZERO);
    assert!(matches!(&step.events[..], [Event::Submitted(task)] if task.id.as_str() == "t-1"));
    let error = ended(step.then).unwrap_err();
    let seen = (error.kind(), error.charge(), error.task().is_some());
    assert_eq!(seen, (ErrorKind::Cancelled, Charge::Unknown, true));
}

#[test]
fn a_stream_is_read_to_its_end() {
    let request = ImageRequest::new("m", "p");
    // It is cancelled before the stream begins, and within it.
    for before in [vec![Input::Begin], vec![Input::Begin, head(), frame("image 0")]] {
        let begins = before.len() == 1;
        let (mut operation, then) = cancelled(of(Words::ALL, &request, Policy::default()), before);
        assert!(matches!(then, Then::Continue), "{then:?}");
        let rest = if begins { vec![head(), frame("image 0")] } else { vec![] };
        for input in rest.into_iter().chain([frame("usage 1")]) {
            let then = operation.on(input, Duration::ZERO).then;
            assert!(matches!(then, Then::Read | Then::ReadUntil(_)), "{then:?}");
        }
        let generation = ended(operation.on(frame("[DONE]"), Duration::ZERO).then).unwrap();
        assert_eq!((generation.images().count(), generation.warnings), (1, vec![]));
    }
}

#[test]
fn a_second_time_abandons_the_exchange_in_progress() {
    let twice = |inputs: Vec<Input>| {
        let (mut operation, _) = cancelled(submit(Policy::default()), inputs);
        ended(operation.on(Input::Cancelled, Duration::ZERO).then)
    };
    for inputs in [vec![Input::Begin], vec![Input::Begin, head()], vec![Input::Begin, head(), frame("failed 0")]] {
        let error = twice(inputs).unwrap_err();
        assert_eq!((error.kind(), error.charge()), (ErrorKind::Cancelled, Charge::Unknown));
    }
    // Once before the stream has begun, once within it.
    let (mut operation, _) = cancelled(submit(Policy::default()), vec![Input::Begin]);
    operation.on(head(), Duration::ZERO);
    assert!(matches!(operation.on(Input::Cancelled, Duration::ZERO).then, Then::Done(_)));
    // The image that arrived is kept.
    let generation = twice(vec![Input::Begin, head(), frame("image 0")]).unwrap();
    assert_eq!((generation.images().count(), generation.warnings[0].kind), (1, WarningKind::Incomplete));
}
