//! A request is sent again only if that is safe.

use super::*;

#[test]
fn a_refusal_that_passes_is_sent_again_and_everything_else_is_not() {
    for (first, submits, charge) in [
        (response(429, "rate_limited"), 3, Charge::No),
        (response(503, "overloaded"), 3, Charge::No),
        (not_sent(), 3, Charge::No),
        (Input::NotSent(Error::new(ErrorKind::Config, "no certificates")), 1, Charge::No),
        (response(429, "quota"), 1, Charge::No),
        (response(400, "bad"), 1, Charge::No),
        // A temporary code with a final status.
        (response(400, "overloaded"), 1, Charge::No),
        (response(403, "rate_limited"), 1, Charge::No),
        (response(307, "moved"), 1, Charge::No),
        // The adapter reports no charge; the status contradicts it.
        (response(408, "slow"), 1, Charge::Unknown),
        (response(499, "gone"), 1, Charge::Unknown),
        (response(500, "rate_limited"), 1, Charge::Unknown),
        (response(502, "bad gateway"), 1, Charge::Unknown),
        (response(200, "not to be read"), 1, Charge::Unknown),
        (broken(None), 1, Charge::Unknown),
        (broken(Some(made(200, "nothing"))), 1, Charge::Unknown),
        (broken(Some(made(400, "bad"))), 1, Charge::No),
        (with_header(response(429, "rate_limited"), "x-should-retry", "false"), 1, Charge::No),
    ] {
        let shown = format!("{first:?}");
        let again = || [response(429, "rate_limited"), response(429, "rate_limited")];
        let run = play(submit(Policy::default()), std::iter::once(first).chain(again()));
        let error = run.result.unwrap_err();
        assert_eq!((run.submits, error.charge()), (submits, charge), "{shown}: {error}");
        assert_eq!((error.attempts().len(), error.provider()), (submits, Some("words")));
    }
}

#[test]
fn what_arrived_before_a_cut_is_kept_and_not_bought_again() {
    let run = play(submit(Policy::default()), [broken(Some(made(200, "images 2")))]);
    let generation = run.result.unwrap();
    assert_eq!((run.submits, generation.images().count()), (1, 2));
    assert_eq!(generation.warnings[0].kind, WarningKind::Incomplete);
    assert_eq!(run.events.len(), 2, "each image is reported");
}

#[test]
fn an_ambiguous_submit_is_only_sent_again_where_that_is_asked_for() {
    let policy = Policy { resend_ambiguous: true, ..Policy::default() };
    let run = play(submit(policy.clone()), [broken(None), response(200, "images 1")]);
    assert_eq!(run.submits, 2);
    // A later refusal does not make the lost request free.
    for last in [not_sent(), response(400, "bad")] {
        let run = play(submit(policy.clone()), [broken(None), last, not_sent()]);
        assert_eq!(run.result.unwrap_err().charge(), Charge::Unknown);
    }
}

#[test]
fn a_mirror_takes_over_at_once_what_was_not_sent() {
    let mirrored = || submit(Policy::default()).with_mirrors(["https://mirror.example".to_owned()]);
    // Neither was reached: there is a wait before the first is tried again, and no fourth attempt.
    let run = play(mirrored(), [not_sent(), not_sent(), not_sent(), not_sent()]);
    let error = run.result.unwrap_err();
    assert_eq!((run.places, error.charge()), (vec![0, 1, 0], Charge::No));
    let places: Vec<_> = error.attempts().iter().map(|attempt| attempt.place.as_str()).collect();
    assert_eq!(places, [HOME, "https://mirror.example", HOME]);
    let waits = run.events.iter().map(|event| match event {
        Event::Retrying { wait, attempt, kind: ErrorKind::Transport } => (*attempt, wait.is_zero()),
        other => panic!("{other:?}"),
    });
    assert_eq!(waits.collect::<Vec<_>>(), [(2, true), (3, false)]);

    // A refusal does not switch endpoints, and an endpoint that responded counts as reached: the other one is tried at once.
    let often = Policy { max_submits: 5, ..Policy::default() };
    let operation = submit(often).with_mirrors(["https://mirror.example".to_owned()]);
    let run = play(operation, [not_sent(), response(429, "rate_limited"), not_sent(), response(200, "images 1")]);
    assert_eq!((run.places, run.result.is_ok()), (vec![0, 1, 1, 0], true));
    assert!(matches!(run.events[2], Event::Retrying { attempt: 4, wait: Duration::ZERO, .. }), "{:?}", run.events);
    // An invalid setting is invalid at every endpoint.
    let wrong = Input::NotSent(Error::new(ErrorKind::Config, "no certificates"));
    assert_eq!(play(mirrored(), [wrong]).places, [0]);
    // The last attempt that is allowed is made at once too.
    let twice = Policy { max_submits: 2, ..Policy::default() };
    let run = play(
        submit(twice).with_mirrors(["https://mirror.example".to_owned()]),
        [not_sent(), response(200, "images 1")],
    );
    assert_eq!((run.places, run.took), (vec![0, 1], Duration::ZERO));
    // One attempt is one attempt.
    let once = Policy { max_submits: 1, ..Policy::default() };
    let run = play(submit(once).with_mirrors(["https://mirror.example".to_owned()]), [not_sent()]);
    assert_eq!((run.places, run.result.unwrap_err().charge()), (vec![0], Charge::No));
}

#[test]
fn a_mirror_that_accepts_a_task_is_its_endpoint() {
    let operation = submit(Policy::default()).with_mirrors(["https://mirror.example".to_owned()]);
    let run = play(operation, [not_sent(), response(200, "task t-1"), response(200, "images 1")]);
    assert_eq!(run.places, [0, 1, 1]);
    assert!(matches!(&run.events[1], Event::Submitted(task) if task.endpoint == "https://mirror.example"));
}

#[test]
fn what_is_not_sent_costs_nothing() {
    let policy = Policy { deadline: Duration::ZERO, ..Policy::default() };
    let run = play(submit(policy), []);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.kind(), error.charge()), (0, ErrorKind::Timeout, Charge::No));
    assert_eq!(error.message(), "the deadline of 0 s has passed");
    assert_eq!(submit(Policy::default()).deadline(), Duration::from_secs(600));
}

#[test]
fn a_wait_that_is_too_short_goes_on() {
    let (mut operation, then) = after(submit(Policy::default()), [Input::Begin, response(429, "rate_limited")]);
    let Then::WaitUntil(until) = then else { panic!("{then:?}") };
    assert_eq!(operation.attempts().len(), 1);
    let early = operation.on(Input::Woke, until / 2).then;
    assert!(matches!(early, Then::WaitUntil(moment) if moment == until), "{early:?}");
    assert!(matches!(operation.on(Input::Woke, until).then, Then::Send(_)));
}

#[test]
fn a_response_without_images_is_free_only_where_it_says_so_whole() {
    for (raw, charge) in [
        (response(200, "none"), Charge::No),
        (broken(Some(made(200, "none"))), Charge::Unknown),
        (response(200, "images 0"), Charge::Unknown),
    ] {
        let shown = format!("{raw:?}");
        let error = play(submit(Policy::default()), [raw]).result.unwrap_err();
        assert_eq!((error.charge(), error.generation().is_some()), (charge, true), "{shown}");
    }
}

#[test]
fn an_acceptance_at_a_provider_without_tasks_is_an_error_with_the_task() {
    let words = Words { tasks: false, ..Words::ALL };
    let run = play(of(words, &ImageRequest::new("m", "p"), Policy::default()), [response(200, "task t-1 t-2")]);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.kind(), error.charge()), (1, ErrorKind::UnexpectedTask, Charge::Unknown));
    assert!(error.message().contains("accepts task t-1, t-2 instead"), "{error}");
    assert_eq!((error.task().unwrap().id.as_str(), error.body().unwrap().as_ref()), ("t-1", &b"task t-1 t-2"[..]));
}

#[test]
fn an_attempt_that_the_store_refuses_is_not_sent_at_all() {
    let mirrored = |policy| submit(policy).with_mirrors(["https://mirror.example".to_owned()]);
    for (before, resend_ambiguous, charge, attempts) in [
        (vec![], false, Charge::No, 0),
        (vec![not_sent()], false, Charge::No, 1),
        (vec![response(429, "rate_limited")], false, Charge::No, 1),
        // The one before it may have been bought.
        (vec![broken(None)], true, Charge::Unknown, 1),
    ] {
        let policy = Policy { resend_ambiguous, ..Policy::default() };
        let run = play(mirrored(policy), before.into_iter().chain([vetoed()]));
        let error = run.result.unwrap_err();
        assert_eq!((error.kind(), error.charge(), error.message()), (ErrorKind::Storage, charge, "the disk is full"));
        // It was not tried, so it is no attempt.
        assert_eq!((run.submits, error.attempts().len()), (attempts + 1, attempts));
    }
}

#[test]
fn more_images_than_requested_lead_to_a_warning() {
    let told = |count: u32| {
        let request = ImageRequest::new("m", "3 images").count(count);
        let run = play(of(Words::ALL, &request, Policy::default()), [response(200, "images 3")]);
        let warnings = run.result.unwrap().warnings;
        warnings.into_iter().find(|warning| warning.kind == WarningKind::Cost).map(|warning| warning.message)
    };
    assert_eq!(told(2).as_deref(), Some("3 images were made or billed, but at most 2 were requested"));
    assert_eq!(told(3), None);
}

#[test]
fn at_the_deadline_no_mirror_is_tried() {
    let policy = Policy { deadline: Duration::from_secs(1), ..Policy::default() };
    let mut operation = submit(policy).with_mirrors(["https://mirror.example".to_owned()]);
    operation.on(Input::Begin, Duration::ZERO);
    let step = operation.on(not_sent(), Duration::from_secs(1));
    let error = ended(step.then).unwrap_err();
    assert_eq!((step.events.len(), error.kind(), error.charge()), (0, ErrorKind::Transport, Charge::No));
    assert!(error.advice().unwrap().contains("set a longer deadline"), "{error}");
}

#[test]
fn every_attempt_sends_the_bytes_that_were_encoded_once() {
    let request = ImageRequest::new("m", "a lighthouse");
    let checked = Words::ALL.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    let prepared = Encoded::new(&Words::ALL, checked).unwrap();
    let encoded = prepared.request().body().clone();
    let mut operation = Operation::submit(Arc::new(Words::ALL), prepared, HOME, Policy::default(), 7);
    let mut inputs = [response(429, "rate_limited"), not_sent(), response(200, "images 1")].into_iter();
    let (mut input, mut now, mut sent) = (Input::Begin, Duration::ZERO, 0);
    loop {
        input = match operation.on(input, now).then {
            Then::Send(exchange) => {
                sent += 1;
                assert_eq!(exchange.request.body().as_ptr(), encoded.as_ptr(), "not another copy");
                assert_eq!((exchange.request.uri().path(), exchange.request.body()), ("/make", &encoded));
                inputs.next().unwrap()
            }
            Then::WaitUntil(until) => {
                now = until;
                Input::Woke
            }
            _ => break,
        };
    }
    assert_eq!(sent, 3);
}

#[test]
fn what_was_encoded_for_another_provider_is_not_sent() {
    let request = ImageRequest::new("m", "p");
    let checked = Words::ALL.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
    let prepared = Encoded::new(&Words::OTHER, checked).unwrap();
    let run = play(Operation::submit(Arc::new(Words::ALL), prepared, HOME, Policy::default(), 7), []);
    let error = run.result.unwrap_err();
    assert_eq!((run.submits, error.kind(), error.charge()), (0, ErrorKind::Config, Charge::No));
    assert_eq!(error.message(), "this request was encoded for other words, not for words");
}
