//! The table of steps, one by one and at random.

use proptest::prelude::*;
use seedream_core::Charge;

use super::*;

const DEADLINE: i64 = 100;

fn apply(line: &Line, action: Action) -> Result<(Line, Vec<LineEffect>), Illegal> {
    step(line, &LineEvent { purchase: 1, action })
}

/// A line after these actions, each of them legal.
fn after(actions: &[Action]) -> Line {
    actions.iter().fold(Line::new(1), |line, action| {
        apply(&line, *action).unwrap_or_else(|illegal| panic!("{action:?} of {actions:?}: {illegal:?}")).0
    })
}

const TAKE: Action = Action::Take { worker: 7 };
const RESERVE: Action = Action::Reserve { epoch: 1, hold: 10, left: Some(10) };
const SEND: Action = Action::Send { epoch: 1, now: 1_000, deadline: DEADLINE };
const LOST: Action = Action::Lost { epoch: 1, is_over: true };
const NOT_SENT: Action = Action::NotSent { attempt: 1, epoch: 1 };
const ACCEPTED: Action = Action::Accepted { attempt: 1 };
const ANSWERED: Action = Action::Answered { attempt: 1, charge: Charge::Yes, billed: 8 };
const EMPTY: Action = Action::Answered { attempt: 1, charge: Charge::No, billed: 0 };
const SAVED: Action = Action::Saved { attempt: 1 };
const SENT: [Action; 3] = [TAKE, RESERVE, SEND];

fn refused(charge: Charge) -> Action {
    Action::Refused { attempt: 1, charge }
}

fn ended(has_images: bool, is_left: bool) -> Action {
    Action::Ended { attempt: 1, epoch: 1, charge: Charge::No, has_images, is_left }
}

fn resolve(verdict: Verdict, now: i64) -> Action {
    Action::Resolve { attempt: 1, verdict, now, is_forced: false, left: Some(10) }
}

fn with(before: &[Action], then: Action) -> Vec<Action> {
    before.iter().copied().chain([then]).collect()
}

/// What is before, what happens, and state and charge of the attempt, with what is held and billed.
type Row<'a> = (&'a [Action], Action, LineState, Charge, (i64, i64));

#[test]
fn every_step_leads_where_the_table_says() {
    use LineState::{Accepted, Answered, Cancelled, Failed, Reserved, Saved, Sent, Settled, Unknown};
    let lost = with(&SENT, LOST);
    let accepted = with(&SENT, ACCEPTED);
    let answered = with(&SENT, ANSWERED);
    let unpaid = with(&lost, resolve(Verdict::NotPaid, 0));
    let paid = with(&lost, resolve(Verdict::Paid, 0));
    let table: &[Row<'_>] = &[
        (&[TAKE], RESERVE, Reserved, Charge::No, (10, 0)),
        (&[TAKE, RESERVE], Action::Reserve { epoch: 1, hold: 15, left: Some(5) }, Reserved, Charge::No, (15, 0)),
        (&[TAKE, RESERVE], SEND, Sent, Charge::Unknown, (10, 0)),
        (&[TAKE, RESERVE], LOST, Reserved, Charge::No, (10, 0)),
        (&[TAKE, RESERVE], Action::Release { epoch: 1 }, Cancelled, Charge::No, (0, 0)),
        (&[TAKE, RESERVE, LOST], Action::Cancel, Cancelled, Charge::No, (0, 0)),
        (&SENT, LOST, Unknown, Charge::Unknown, (10, 0)),
        (&SENT, NOT_SENT, Failed, Charge::No, (0, 0)),
        (&SENT, Action::NotSent { attempt: 1, epoch: 0 }, Sent, Charge::Unknown, (10, 0)),
        (&SENT, refused(Charge::No), Failed, Charge::No, (0, 0)),
        (&SENT, refused(Charge::Unknown), Unknown, Charge::Unknown, (10, 0)),
        (&SENT, refused(Charge::Yes), Failed, Charge::Yes, (0, 10)),
        (&SENT, ACCEPTED, Accepted, Charge::Unknown, (10, 0)),
        (&SENT, ANSWERED, Answered, Charge::Yes, (10, 0)),
        (&SENT, ended(false, false), Unknown, Charge::Unknown, (10, 0)),
        (&lost, NOT_SENT, Failed, Charge::No, (0, 0)),
        (&lost, ACCEPTED, Accepted, Charge::Unknown, (10, 0)),
        (&lost, ANSWERED, Answered, Charge::Yes, (10, 0)),
        (&lost, refused(Charge::No), Failed, Charge::No, (0, 0)),
        (&accepted, refused(Charge::No), Failed, Charge::No, (0, 0)),
        (&accepted, LOST, Accepted, Charge::Unknown, (10, 0)),
        (&accepted, ended(false, true), Accepted, Charge::Unknown, (10, 0)),
        (&accepted, ended(false, false), Failed, Charge::No, (0, 0)),
        (&accepted, ANSWERED, Answered, Charge::Yes, (10, 0)),
        (&answered, SAVED, Saved, Charge::Yes, (10, 0)),
        (&answered, ended(false, true), Answered, Charge::Yes, (10, 0)),
        (&answered, ended(true, false), Settled, Charge::Yes, (0, 8)),
        (&with(&SENT, EMPTY), ended(false, false), Failed, Charge::No, (0, 0)),
        // What expired was billed, and is not bought again.
        (&answered, ended(false, false), Failed, Charge::Yes, (0, 8)),
        (&answered, Action::Answered { attempt: 1, charge: Charge::Yes, billed: 30 }, Answered, Charge::Yes, (30, 0)),
        (&answered, refused(Charge::No), Answered, Charge::Yes, (10, 0)),
        (&with(&answered, SAVED), ended(true, false), Settled, Charge::Yes, (0, 8)),
        (&lost, resolve(Verdict::Paid, 0), Failed, Charge::Yes, (0, 10)),
        (&lost, resolve(Verdict::NotPaid, 0), Failed, Charge::No, (0, 0)),
        (&lost, resolve(Verdict::Again, 0), Unknown, Charge::Unknown, (20, 0)),
        // What comes after a person decided is kept and charged.
        (&unpaid, ANSWERED, Answered, Charge::Yes, (10, 0)),
        (&unpaid, ACCEPTED, Accepted, Charge::Unknown, (10, 0)),
        (&unpaid, refused(Charge::Yes), Failed, Charge::Yes, (0, 10)),
        (&paid, ANSWERED, Answered, Charge::Yes, (10, 0)),
        (&paid, NOT_SENT, Failed, Charge::No, (0, 0)),
    ];
    for (before, action, state, charge, account) in table {
        let before_line = after(before);
        let (line, _) = apply(&before_line, *action).unwrap_or_else(|why| panic!("{before:?}, {action:?}: {why:?}"));
        let purchase = &line.purchases[0];
        let attempt = &purchase.attempts[0];
        let sum = purchase.attempts.iter().map(AttemptRow::account).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        assert_eq!((attempt.state, attempt.charge, sum), (*state, *charge, *account), "{before:?}, then {action:?}");
    }
    for before in [&unpaid, &paid] {
        assert!(after(&with(before, ANSWERED)).purchases[0].attempts[0].is_conflict);
    }
    assert!(!after(&with(&lost, ANSWERED)).purchases[0].attempts[0].is_conflict);
}

#[test]
fn what_the_table_does_not_have_is_refused() {
    let lost = with(&SENT, LOST);
    let again = with(&lost, resolve(Verdict::Again, 0));
    let table: &[(&[Action], Action, Illegal)] = &[
        (&[TAKE], TAKE, Illegal::Held),
        (&[TAKE], SEND, Illegal::State),
        (&[TAKE], Action::Reserve { epoch: 1, hold: 10, left: Some(9) }, Illegal::Budget { hold: 10, left: 9 }),
        (&[TAKE], Action::Reserve { epoch: 0, hold: 10, left: None }, Illegal::Fenced),
        (&[TAKE, LOST, TAKE], RESERVE, Illegal::Fenced),
        (&[TAKE, RESERVE, LOST, TAKE], SEND, Illegal::Fenced),
        (&[TAKE, RESERVE], Action::Cancel, Illegal::Held),
        (&[TAKE, RESERVE], ACCEPTED, Illegal::State),
        (&[TAKE, RESERVE], NOT_SENT_OF_2, Illegal::NoSuch),
        (&SENT, RESERVE, Illegal::Bought),
        (&SENT, SEND, Illegal::Bought),
        (&SENT, Action::Release { epoch: 1 }, Illegal::State),
        (&SENT, Action::Retry, Illegal::State),
        (&SENT, resolve(Verdict::NotPaid, 1_159), Illegal::TooEarly { at: 1_160 }),
        (&SENT, resolve(Verdict::Again, 1_159), Illegal::TooEarly { at: 1_160 }),
        (&lost, Action::Cancel, Illegal::State),
        (&lost, Action::Retry, Illegal::State),
        (&with(&lost, TAKE), Action::Reserve { epoch: 2, hold: 1, left: None }, Illegal::Bought),
        (&with(&SENT, refused(Charge::Yes)), RESERVE, Illegal::Bought),
        (&with(&SENT, refused(Charge::Unknown)), RESERVE, Illegal::Bought),
        (&again, resolve(Verdict::Paid, 0), Illegal::State),
        (&again, RESERVE, Illegal::Fenced),
    ];
    for (before, action, illegal) in table {
        assert_eq!(apply(&after(before), *action).map(drop), Err(*illegal), "{before:?}, then {action:?}");
    }
    let no_room = Action::Resolve { attempt: 1, verdict: Verdict::Again, now: 0, is_forced: false, left: Some(9) };
    assert!(matches!(apply(&after(&lost), no_room), Err(Illegal::Budget { .. })));
}

const NOT_SENT_OF_2: Action = Action::NotSent { attempt: 2, epoch: 1 };

#[test]
fn a_person_waits_for_a_request_that_may_be_under_way_and_fences_it() {
    let sent = after(&SENT);
    let (line, _) = apply(&sent, resolve(Verdict::NotPaid, 1_160)).unwrap();
    assert_eq!(apply(&line, Action::Reserve { epoch: 1, hold: 1, left: None }).map(drop), Err(Illegal::Fenced));
    let forced = Action::Resolve { attempt: 1, verdict: Verdict::Again, now: 1_001, is_forced: true, left: Some(10) };
    assert!(apply(&sent, forced).is_ok());
    assert!(apply(&sent, resolve(Verdict::Paid, 1_001)).is_ok(), "that it was paid for is never too early");
}

#[test]
fn an_attempt_that_cost_nothing_is_followed_and_one_that_arrives_late_stops_what_was_reserved() {
    let refused = with(&SENT, refused(Charge::No));
    let second = after(&[&refused[..], &[RESERVE, SEND]].concat());
    assert_eq!(second.purchases[0].state(), LineState::Sent);
    // Ended, it is failed; a person may want it again.
    let failed = after(&with(&refused, ended(false, false)));
    assert_eq!(failed.state(), LineState::Failed);
    assert_eq!(apply(&failed, Action::Retry).unwrap().0.state(), LineState::Planned);
    // The second attempt of a person's wish is not sent once the first turns out to have images.
    let again = after(&[&SENT[..], &[LOST, resolve(Verdict::Again, 0)]].concat());
    assert_eq!(again.state(), LineState::Reserved);
    let (late, _) = apply(&again, ANSWERED).unwrap();
    let states: Vec<_> = late.purchases[0].attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [LineState::Answered, LineState::Cancelled]);
    assert_eq!((late.purchases[0].collectable(), late.purchases[0].may_try()), (Some(1), false));
}

#[test]
fn names_are_read_as_they_are_written() {
    for state in LineState::ALL {
        assert_eq!((LineState::parse(state.as_str()), state.to_string()), (Some(state), state.as_str().to_owned()));
    }
    for verdict in Verdict::ALL {
        assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
    }
    assert_eq!((LineState::parse("gone"), Verdict::parse("")), (None, None));
}

fn charge() -> impl Strategy<Value = Charge> {
    prop_oneof![Just(Charge::No), Just(Charge::Unknown), Just(Charge::Yes)]
}

/// Anything that may happen.
pub(crate) fn action() -> impl Strategy<Value = Action> {
    let (epoch, attempt, left) = (0..4_u64, 1..4_u32, prop_oneof![Just(None), (-5..30_i64).prop_map(Some)]);
    let verdict = prop_oneof![Just(Verdict::Paid), Just(Verdict::NotPaid), Just(Verdict::Again)];
    prop_oneof![
        3 => (1..3_u64).prop_map(|worker| Action::Take { worker }),
        1 => (epoch.clone(), proptest::bool::ANY).prop_map(|(epoch, is_over)| Action::Lost { epoch, is_over }),
        4 => (epoch.clone(), 0..12_i64, left.clone())
            .prop_map(|(epoch, hold, left)| Action::Reserve { epoch, hold, left }),
        4 => (epoch.clone(), 0..9_i64).prop_map(|(epoch, now)| Action::Send { epoch, now, deadline: DEADLINE }),
        1 => epoch.clone().prop_map(|epoch| Action::Release { epoch }),
        1 => (attempt.clone(), epoch.clone()).prop_map(|(attempt, epoch)| Action::NotSent { attempt, epoch }),
        2 => (attempt.clone(), charge()).prop_map(|(attempt, charge)| Action::Refused { attempt, charge }),
        1 => attempt.clone().prop_map(|attempt| Action::Accepted { attempt }),
        1 => (attempt.clone(), charge(), 0..20_i64)
            .prop_map(|(attempt, charge, billed)| Action::Answered { attempt, charge, billed }),
        1 => attempt.clone().prop_map(|attempt| Action::Saved { attempt }),
        1 => (attempt.clone(), epoch, charge(), any::<bool>(), any::<bool>()).prop_map(
            |(attempt, epoch, charge, has_images, is_left)| Action::Ended { attempt, epoch, charge, has_images, is_left }
        ),
        1 => (attempt, verdict, 0..300_i64, any::<bool>(), left).prop_map(
            |(attempt, verdict, now, is_forced, left)| Action::Resolve { attempt, verdict, now, is_forced, left }
        ),
        1 => Just(Action::Cancel),
        1 => Just(Action::Retry),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, each step is one of the table, and the laws hold.
    #[test]
    fn no_order_of_events_breaks_a_law(events in prop::collection::vec((1..3_u32, action()), 1..40)) {
        let mut line = Line::new(2);
        let (mut held, mut billed) = (0, 0);
        for (purchase, action) in events {
            let Ok((next, effects)) = step(&line, &LineEvent { purchase, action }) else { continue };
            for (before, after) in line.purchases.iter().zip(&next.purchases) {
                prop_assert!(after.epoch >= before.epoch);
                prop_assert!(after.attempts.len() >= before.attempts.len(), "no attempt is forgotten");
                for (before, after) in before.attempts.iter().zip(&after.attempts) {
                    let legal = before.state == after.state || before.state.may_become(after.state);
                    prop_assert!(legal, "{:?} to {:?} by {:?}", before.state, after.state, action);
                }
                for attempt in &after.attempts[before.attempts.len()..] {
                    prop_assert_eq!(attempt.state, LineState::Reserved);
                }
                // A provider that refuses at no cost and then delivers is one more, and a conflict.
                let decided = |attempt: &&AttemptRow| attempt.verdict.is_some() || attempt.is_conflict;
                let granted = after.attempts.iter().filter(decided).count();
                let possible = after.attempts.iter().filter(|attempt| attempt.may_be_billed()).count();
                prop_assert!(possible <= 1 + granted, "{after:?}");
                let sent = |purchase: &Purchase| purchase.attempts.iter().any(|one| one.state == LineState::Sent);
                prop_assert!(!(sent(before) && after.state() == LineState::Planned && !matches!(action,
                    Action::NotSent { .. } | Action::Refused { charge: Charge::No, .. })), "{action:?}");
            }
            for effect in effects {
                if let LineEffect::Budget { held: more, billed: paid } = effect {
                    (held, billed) = (held + more, billed + paid);
                }
            }
            let accounts = next.purchases.iter().flat_map(|purchase| &purchase.attempts).map(AttemptRow::account);
            prop_assert_eq!(accounts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)), (held, billed));
            line = next;
        }
    }

    /// Evidence of an attempt that was sent is never refused, and never makes a charge smaller that a provider stated.
    #[test]
    fn evidence_is_always_taken(events in prop::collection::vec(action(), 1..30), late in charge()) {
        let mut line = Line::new(1);
        for action in events {
            line = apply(&line, action).map_or(line, |(line, _)| line);
        }
        for (number, attempt) in (1..).zip(&line.purchases[0].attempts) {
            if matches!(attempt.state, LineState::Reserved | LineState::Cancelled) {
                continue;
            }
            for action in [
                Action::NotSent { attempt: number, epoch: attempt.epoch },
                Action::Refused { attempt: number, charge: late },
                Action::Accepted { attempt: number },
                Action::Answered { attempt: number, charge: late, billed: 5 },
            ] {
                let (next, _) = apply(&line, action).unwrap();
                let after = &next.purchases[0].attempts[number as usize - 1];
                let collected = matches!(attempt.state, LineState::Answered | LineState::Saved | LineState::Settled);
                if collected {
                    prop_assert!(after.charge >= attempt.charge && after.billed >= attempt.billed);
                }
                if matches!(action, Action::Accepted { .. }) && !collected {
                    prop_assert_eq!(after.state, LineState::Accepted);
                }
                if matches!(action, Action::Answered { .. }) && !collected {
                    prop_assert_eq!(after.state, LineState::Answered);
                }
            }
        }
    }
}
