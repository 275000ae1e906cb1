//! A task is polled until it ends, and is never lost.

use super::*;

#[test]
fn an_acceptance_that_was_cut_is_still_an_acceptance() {
    let run = play(submit(Policy::default()), [broken(Some(made(200, "task t-1"))), response(200, "images 1")]);
    assert_eq!((run.submits, run.polls), (1, 1));
    assert!(run.result.is_ok());
}

#[test]
fn retry_after_is_waited_for_if_the_deadline_allows() {
    let wait = |seconds| with_header(response(429, "rate_limited"), "retry-after", seconds);
    let run = play(submit(Policy::default()), [wait("7"), response(200, "images 1")]);
    assert_eq!((run.submits, run.took), (2, Duration::from_secs(7)));
    let run = play(submit(Policy::default()), [wait("700")]);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.retry_after()), (1, Some(Duration::from_secs(700))));
    assert!(error.is_safe_to_retry());
}

#[test]
fn failed_polls_never_submit_the_task_again() {
    let polls = [
        response(200, "wait 10"),
        not_sent(),
        broken(None),
        response(500, "bad"),
        response(429, "rate_limited"),
        response(200, "wait 60"),
        response(200, "images 3"),
    ];
    let run = play(submit(Policy::default()), std::iter::once(response(200, "task t-1")).chain(polls));
    assert_eq!((run.submits, run.polls), (1, 7));
    assert_eq!(run.result.unwrap().images().count(), 3);
    assert!(matches!(&run.events[0], Event::Submitted(task) if task.id.as_str() == "t-1"));
}

#[test]
fn a_deadline_and_a_final_refusal_of_a_poll_keep_the_task() {
    let forever = std::iter::repeat_with(|| response(200, "wait 1"));
    let run = play(submit(Policy::default()), std::iter::once(response(200, "task t-1")).chain(forever));
    let error = run.result.unwrap_err();
    assert_eq!((error.kind(), error.charge(), run.took.as_secs()), (ErrorKind::Timeout, Charge::Unknown, 600));
    assert_eq!(error.task().unwrap().endpoint, "https://words.example");
    assert!(error.message().ends_with("the last poll reported: status processing"), "{error}");
    assert!(!error.is_safe_to_retry());

    // A new task may not be visible at once.
    let responses = [response(200, "task t-1"), response(404, "where?"), response(200, "images 1")];
    assert!(play(submit(Policy::default()), responses).result.is_ok());
    let gone = std::iter::repeat_with(|| response(404, "gone"));
    let run = play(submit(Policy::default()), std::iter::once(response(200, "task t-1")).chain(gone));
    assert_eq!(run.polls, 4);
    let error = run.result.unwrap_err();
    assert_eq!((error.charge(), error.task().is_some()), (Charge::Unknown, true));
}

#[test]
fn a_resumed_task_is_polled_at_once_and_never_submitted() {
    let run = play(resume(), [response(200, "images 1")]);
    assert_eq!((run.submits, run.polls, run.took), (0, 1, Duration::ZERO));

    let task = resume().task().unwrap().clone();
    let none = Words { tasks: false, ..Words::ALL };
    let error = Operation::resume(Arc::new(none), task.clone(), Policy::default(), 1).unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Unsupported, Some("words")));
    let foreign = Task { provider: "others".into(), ..task };
    let error = Operation::resume(Arc::new(Words::ALL), foreign, Policy::default(), 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

/// A task of this run, with a mirror.
fn mirrored() -> Operation {
    submit(Policy::default()).with_mirrors(["https://mirror.example".to_owned()])
}

fn accepted(polls: impl IntoIterator<Item = Input>) -> impl Iterator<Item = Input> {
    std::iter::once(response(200, "task t-1")).chain(polls)
}

#[test]
fn a_poll_that_fails_goes_to_the_mirror_and_a_refusal_there_says_nothing() {
    let run = play(mirrored(), accepted([not_sent(), response(404, "where?"), response(200, "images 1")]));
    assert_eq!(
        (run.places, run.result.is_ok()),
        (vec![0, 0, 1, 0], true),
        "the endpoint that accepted the task has it"
    );
    let run =
        play(mirrored(), accepted([response(500, "bad"), response(429, "rate_limited"), response(200, "images 1")]));
    assert_eq!(run.places, [0, 0, 1, 1], "a rate limit also holds for mirrors");
    let run = play(mirrored(), accepted([broken(Some(made(200, "wait"))), response(200, "images 1")]));
    assert_eq!(run.places, [0, 0, 1]);
    // So it is where the mirror accepted it.
    let responses =
        [not_sent(), response(200, "task t-1"), not_sent(), response(403, "who?"), response(200, "images 1")];
    let run = play(mirrored(), responses);
    assert_eq!((run.places, run.result.is_ok()), (vec![0, 1, 1, 0, 1], true));
}

#[test]
fn every_id_that_the_acceptance_names_is_polled() {
    let paths = |responses: Vec<Input>| {
        let (mut operation, mut asked, mut input) = (submit(Policy::default()), Vec::new(), Input::Begin);
        let (mut responses, mut now) = (responses.into_iter(), Duration::ZERO);
        loop {
            input = match operation.on(input, now).then {
                Then::Send(exchange) => {
                    asked.push(exchange.request.uri().to_string());
                    responses.next().unwrap()
                }
                Then::WaitUntil(until) => {
                    now = until;
                    Input::Woke
                }
                then => return (asked.split_off(1), ended(then)),
            };
        }
    };
    let gone = || response(404, "lost");
    let (asked, result) = paths(vec![response(200, "task a b"), gone(), response(200, "images 1")]);
    assert_eq!((asked, result.is_ok()), (vec!["/tasks/a".to_owned(), "/tasks/b".to_owned()], true));
    let all = std::iter::once(response(200, "task a b")).chain(std::iter::repeat_with(gone).take(20)).collect();
    let (asked, result) = paths(all);
    let error = result.unwrap_err();
    assert_eq!((asked.len(), error.kind()), (8, ErrorKind::TaskNotFound), "three times each, and once more");
    assert!(error.message().ends_with("the response that accepted it also names b"), "{error}");
}

#[test]
fn images_that_a_running_task_shows_are_kept_whatever_comes_then() {
    let some = || response(200, "some 2");
    let cut = broken(Some(made(200, "some 2")));
    for (some, end) in [
        (some(), Input::Cancelled),
        (some(), response(200, "failed")),
        (some(), response(403, "quota")),
        (cut, Input::Cancelled),
    ] {
        let (mut operation, _) = after(resume(), [Input::Begin, some]);
        let wait = Duration::from_secs(60);
        operation.on(Input::Woke, wait);
        // Fewer than are known do not replace them.
        operation.on(response(200, "some 1"), wait);
        operation.on(Input::Woke, 2 * wait);
        let step = operation.on(end, 2 * wait);
        let error = ended(step.then).unwrap_err();
        assert_eq!((error.charge(), error.task().is_some()), (Charge::Unknown, true), "{error}");
        let found = error.generation().unwrap();
        assert_eq!((found.images().count(), found.warnings[0].kind), (2, WarningKind::Incomplete));
        assert!(found.warnings[0].message.contains("2 of its images"), "{:?}", found.warnings);
        assert_eq!(step.events.len(), 2, "each is reported");
    }
}

#[test]
fn an_ended_task_with_a_truncated_response_is_polled_three_more_times() {
    let cut = || broken(Some(made(200, "images 2")));
    let run = play(submit(Policy::default()), accepted([cut(), cut(), cut()]));
    let generation = run.result.unwrap();
    assert_eq!((run.polls, generation.images().count()), (3, 2));
    assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete));
    assert_eq!(generation.usage.input_images, Some(2), "the usage of the acceptance is kept");
    // A complete response resets the count.
    let run = play(
        of(Words::ALL, &ImageRequest::new("m", "2 images").count(2), Policy::default()),
        accepted([cut(), cut(), response(200, "wait 9"), cut(), response(200, "images 2")]),
    );
    assert_eq!((run.polls, run.result.unwrap().warnings), (5, vec![]));
}

#[test]
fn a_task_that_ends_without_images_says_what_it_may_have_cost() {
    for (raw, kind, charge, holds) in [
        (response(200, "failed"), ErrorKind::TaskFailed, Charge::No, false),
        (response(200, "lost"), ErrorKind::TaskFailed, Charge::Unknown, true),
        (response(401, "who?"), ErrorKind::Server, Charge::Unknown, true),
        (Input::NotSent(Error::new(ErrorKind::Config, "no certificates")), ErrorKind::Config, Charge::Unknown, true),
    ] {
        let shown = format!("{raw:?}");
        let error = play(submit(Policy::default()), accepted([raw])).result.unwrap_err();
        assert_eq!((error.kind(), error.charge(), error.task().is_some()), (kind, charge, holds), "{shown}");
    }
    // These do not state the task's status.
    for status in [408, 425, 429, 499, 500] {
        let run = play(submit(Policy::default()), accepted([response(status, "later"), response(200, "images 1")]));
        assert!(run.result.is_ok(), "{status}");
    }
}

#[test]
fn retry_after_of_a_poll_is_obeyed() {
    let (mut operation, _) = after(resume(), [Input::Begin]);
    for (raw, seconds) in [(response(200, "wait 10"), "30"), (response(503, "bad"), "40")] {
        let now = Duration::from_secs(1);
        let then = operation.on(with_header(raw, "retry-after", seconds), now).then;
        let wait = Duration::from_secs(seconds.parse().unwrap());
        assert!(matches!(then, Then::WaitUntil(until) if until >= now + wait), "{then:?}");
        operation.on(Input::Woke, now + wait);
    }
}

#[test]
fn a_task_of_an_earlier_run_that_is_not_known_is_final_at_once() {
    let run = play(resume(), [response(404, "lost")]);
    let error = run.result.unwrap_err();
    assert_eq!((run.polls, error.kind(), error.charge()), (1, ErrorKind::TaskNotFound, Charge::Unknown));
    // Without other ids the message does not mention any.
    assert_eq!((error.message(), error.task().is_some()), ("refused", true));
}

#[test]
fn the_other_ids_are_named_only_where_the_task_is_not_known() {
    let (mut operation, _) = after(submit(Policy::default()), [Input::Begin, response(200, "task a b")]);
    let error = ended(operation.on(Input::Cancelled, Duration::ZERO).then).unwrap_err();
    assert_eq!(error.message(), "cancelled by the caller");
    assert_eq!(error.task().unwrap().other_ids.len(), 1);
}

#[test]
fn a_running_task_that_shows_no_image_yet_has_none_that_could_be_billed() {
    let (mut operation, _) = after(resume(), [Input::Begin, response(200, "some 0")]);
    let wait = Duration::from_secs(60);
    operation.on(Input::Woke, wait);
    let error = ended(operation.on(response(200, "failed"), wait).then).unwrap_err();
    let seen = (error.charge(), error.task().is_some(), error.generation().is_some());
    assert_eq!(seen, (Charge::No, false, false), "{error}");
}

#[test]
fn a_poll_is_not_made_before_its_moment() {
    let (mut operation, then) = after(submit(Policy::default()), [Input::Begin, response(200, "task t-1")]);
    let Then::WaitUntil(due) = then else { panic!("{then:?}") };
    let early = operation.on(Input::Woke, due / 2).then;
    assert!(matches!(early, Then::WaitUntil(moment) if moment == due), "{early:?}");
    assert!(matches!(operation.on(Input::Woke, due).then, Then::Send(_)));
}

#[test]
fn polls_begin_in_the_middle_of_the_time_that_the_provider_estimates() {
    for (estimated_seconds, wait) in [(Some(40), 18.0..=22.0), (None, 0.9..=1.1)] {
        let task = Task { estimated_seconds, ..resume().task().unwrap().clone() };
        let operation = Operation::resume(Arc::new(Words::ALL), task, Policy::default(), 1).unwrap();
        let (_, then) = after(operation, [Input::Begin, response(200, "wait 10")]);
        assert!(matches!(then, Then::WaitUntil(until) if wait.contains(&until.as_secs_f64())), "{then:?}");
    }
}

#[test]
fn an_estimate_that_a_poll_gives_is_kept_and_sets_the_pace() {
    let (mut operation, _) = after(resume(), [Input::Begin, response(200, "wait 10")]);
    let Then::Send(_) = operation.on(Input::Woke, Duration::from_secs(2)).then else { panic!("no poll") };
    let now = Duration::from_secs(3);
    let then = operation.on(response(200, "about 80"), now).then;
    // A tenth of the estimate.
    let wait = now + Duration::from_secs_f64(7.2)..now + Duration::from_secs_f64(8.8);
    assert!(matches!(then, Then::WaitUntil(until) if wait.contains(&until)), "{then:?}");
    operation.on(Input::Woke, now + Duration::from_secs(10));
    let then = operation.on(response(200, "wait 20"), now + Duration::from_secs(10)).then;
    // A poll without an estimate does not take it back.
    assert!(matches!(then, Then::WaitUntil(until) if until > now + Duration::from_secs(19)), "{then:?}");
    let error = ended(operation.on(Input::Cancelled, now + Duration::from_secs(11)).then).unwrap_err();
    assert_eq!(error.task().unwrap().estimated_seconds, Some(80));
}
