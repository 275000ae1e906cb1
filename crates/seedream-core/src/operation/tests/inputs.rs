//! Every input in every state: one that is not expected is an error, never a purchase.

use proptest::prelude::*;

use super::*;

/// An input that can be created again and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Begin,
    NotSent,
    Vetoed,
    Images,
    Task,
    Wait,
    RateLimited,
    Failed,
    Head,
    Image,
    Usage,
    Mark,
    StreamEnd,
    Silence,
    Cut,
    Woke,
    Cancelled,
}

impl Made {
    const ALL: [Self; 17] = [
        Self::Begin,
        Self::NotSent,
        Self::Vetoed,
        Self::Images,
        Self::Task,
        Self::Wait,
        Self::RateLimited,
        Self::Failed,
        Self::Head,
        Self::Image,
        Self::Usage,
        Self::Mark,
        Self::StreamEnd,
        Self::Silence,
        Self::Cut,
        Self::Woke,
        Self::Cancelled,
    ];

    fn input(self) -> Input {
        match self {
            Self::Begin => Input::Begin,
            Self::NotSent => not_sent(),
            Self::Vetoed => vetoed(),
            Self::Images => response(200, "images 1"),
            Self::Task => response(200, "task t-1"),
            Self::Wait => response(200, "wait 10"),
            Self::RateLimited => response(429, "rate_limited"),
            Self::Failed => response(500, "bad"),
            Self::Head => head(),
            Self::Image => frame("image 0"),
            Self::Usage => frame("usage 1"),
            Self::Mark => frame("[DONE]"),
            Self::StreamEnd => Input::StreamEnd,
            Self::Silence => broken(None),
            Self::Cut => broken(Some(made(200, "images 1"))),
            Self::Woke => Input::Woke,
            Self::Cancelled => Input::Cancelled,
        }
    }

    /// The variant of [`Input`].
    fn name(self) -> &'static str {
        match self {
            Self::Begin => "Begin",
            Self::NotSent => "NotSent",
            Self::Vetoed => "Vetoed",
            Self::Images | Self::Task | Self::Wait | Self::RateLimited | Self::Failed => "Response",
            Self::Head => "Head",
            Self::Image | Self::Usage | Self::Mark => "Frame",
            Self::StreamEnd => "StreamEnd",
            Self::Silence | Self::Cut => "Broken",
            Self::Woke => "Woke",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A state: its name, what it is reached from and by what, the inputs that it expects, and what another one costs.
type Case = (&'static str, Operation, &'static [Made], &'static [&'static str], Charge);

fn states() -> [Case; 9] {
    let new = || submit(Policy::default());
    let exchange = &["NotSent", "Response", "Broken", "Cancelled"][..];
    let submitting = &["NotSent", "Vetoed", "Response", "Head", "Broken", "Cancelled"][..];
    let stream = &["Frame", "StreamEnd", "Broken", "Cancelled"][..];
    let lingering = &["Frame", "StreamEnd", "Broken", "Woke", "Cancelled"][..];
    let (first, wait) = (&["Begin", "Cancelled"][..], &["Woke", "Cancelled"][..]);
    use Made::{Begin, Head, Image, Images, RateLimited, Task, Usage};
    [
        ("Ready", new(), &[], first, Charge::No),
        ("Submitting", new(), &[Begin], submitting, Charge::Unknown),
        ("BackingOff", new(), &[Begin, RateLimited], wait, Charge::No),
        ("Streaming", new(), &[Begin, Head, Image], stream, Charge::Yes),
        ("Streaming", new(), &[Begin, Head, Image, Usage], lingering, Charge::Yes),
        ("Resumed", resume(), &[], first, Charge::Unknown),
        ("Waiting", new(), &[Begin, Task], wait, Charge::Unknown),
        ("Polling", resume(), &[Begin], exchange, Charge::Unknown),
        ("Over", new(), &[Begin, Images], &[], Charge::Yes),
    ]
}

#[test]
fn an_input_that_a_state_does_not_expect_is_an_error_that_names_both() {
    for input in Made::ALL {
        for (state, mut operation, way, expected, least) in states() {
            for step in way {
                operation.on(step.input(), Duration::ZERO);
            }
            let then = operation.on(input.input(), Duration::ZERO).then;
            let named = |error: Option<&Error>| {
                let text = format!("input `{}` is not expected in state `{state}`", input.name());
                error.is_some_and(|error| error.kind() == ErrorKind::Config && error.message().contains(&text))
            };
            let unexpected = matches!(&then, Then::Done(result) if named(result.as_ref().as_ref().err()));
            assert_eq!(unexpected, !expected.contains(&input.name()), "{input:?} in {state}: {then:?}");
            if unexpected {
                let error = ended(then).unwrap_err();
                // An input that tells of a request that left is not free, whatever was sent before.
                let left = matches!(input.name(), "Response" | "Head" | "Frame" | "StreamEnd" | "Broken");
                let least = least.max(if left { Charge::Unknown } else { Charge::No });
                assert_eq!(error.charge(), least, "{input:?} in {state}");
                let has_task = matches!(state, "Resumed" | "Waiting" | "Polling");
                assert_eq!(error.task().is_some(), has_task, "{input:?} in {state}: the task stays");
                let images = error.generation().map_or(0, |generation| generation.images().count());
                assert_eq!(images, usize::from(state == "Streaming"), "{input:?} in {state}: the images stay");
                let cause = error.message().contains(": connection re") || error.message().contains(": the disk");
                assert_eq!(cause, matches!(input.name(), "NotSent" | "Vetoed" | "Broken"), "{error}");
            }
        }
    }
}

#[test]
fn the_error_keeps_the_content_of_an_unexpected_response() {
    for (input, body) in [
        (response(200, "images 1"), "images 1"),
        (frame("image 0"), "image 0"),
        (broken(Some(made(200, "images 1"))), "images 1"),
    ] {
        let error = ended(after(submit(Policy::default()), [input]).1).unwrap_err();
        assert_eq!(error.body().unwrap(), body);
    }
}

/// What a driver is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    Submit,
    Poll,
    Read,
    Linger,
    Wait,
    Over,
}

impl Doing {
    fn expects(self, input: Made) -> bool {
        let name = input.name();
        match self {
            _ if input == Made::Cancelled => self != Self::Over,
            Self::Nothing => name == "Begin",
            Self::Submit => matches!(name, "NotSent" | "Vetoed" | "Response" | "Head" | "Broken"),
            Self::Poll => matches!(name, "NotSent" | "Response" | "Broken"),
            Self::Read => matches!(name, "Frame" | "StreamEnd" | "Broken"),
            Self::Linger => matches!(name, "Frame" | "StreamEnd" | "Broken" | "Woke"),
            Self::Wait => name == "Woke",
            Self::Over => false,
        }
    }
}

/// An input, most of them such as a driver may give, and whether time goes on to the moment that was waited for.
fn moves() -> impl Strategy<Value = Vec<(bool, prop::sample::Index, bool)>> {
    prop::collection::vec((prop::bool::weighted(0.9), any::<prop::sample::Index>(), prop::bool::weighted(0.8)), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_nothing_is_bought_twice_and_nothing_gets_cheaper(
        moves in moves(),
        resumes in prop::bool::weighted(0.2),
        resend_ambiguous in any::<bool>(),
        mirrored in any::<bool>(),
        tasks in any::<bool>(),
        streams in any::<bool>(),
    ) {
        let policy = Policy { resend_ambiguous, max_submits: 4, ..Policy::default() };
        let operation = if resumes { resume() } else {
            of(Words { tasks, streams, ..Words::ALL }, &ImageRequest::new("m", "p"), policy)
        };
        let mut operation = operation.with_mirrors(mirrored.then(|| "https://mirror.example".to_owned()));
        let (mut doing, mut now, mut due) = (Doing::Nothing, Duration::ZERO, Duration::ZERO);
        // Whether the last request may have been bought, whether an earlier one may have been, and what the end said.
        let (mut bought, mut owed, mut end) = (resumes, false, None);
        // Whether the caller cancelled, and whether the last attempt, if there was one, left a record.
        let (mut cancelled, mut kept) = (false, true);
        for (fits, index, on_time) in moves {
            let fitting: Vec<_> = Made::ALL.into_iter().filter(|made| doing.expects(*made)).collect();
            let made = *index.get(if fits && !fitting.is_empty() { &fitting } else { &Made::ALL[..] });
            if made == Made::Woke && on_time {
                now = now.max(due);
            }
            let (before, expected) = (doing, doing.expects(made));
            let step = operation.on(made.input(), now);
            // It did no work, as the wire shows.
            bought &= before != Doing::Submit || !matches!(made, Made::NotSent | Made::Vetoed | Made::RateLimited);
            match &step.record {
                Some(Record::NotSent | Record::Refused { charge: Charge::No, .. }) => {
                    prop_assert!(!bought, "{made:?} is recorded as free");
                    kept = true;
                }
                Some(Record::Refused { charge, .. }) => {
                    prop_assert!(bought && (*charge == Charge::Unknown));
                    kept = true;
                }
                Some(Record::Accepted { .. } | Record::Answered) => {
                    prop_assert!(bought);
                    kept = true;
                }
                None => {}
            }
            match step.then {
                Then::Send(exchange) if exchange.purpose == Purpose::Submit => {
                    let again = match before {
                        Doing::Nothing => made == Made::Begin && !resumes,
                        Doing::Wait => made == Made::Woke,
                        Doing::Submit => made == Made::NotSent && mirrored,
                        _ => false,
                    };
                    prop_assert!(again && !cancelled, "{made:?} buys while it is {before:?}");
                    prop_assert!(!bought || resend_ambiguous, "it may have been bought, and is bought again");
                    prop_assert!(std::mem::take(&mut kept), "the attempt before it left no record");
                    (doing, owed, bought) = (Doing::Submit, owed || bought, true);
                }
                Then::Send(_) => {
                    prop_assert!(made == Made::Woke || (resumes && made == Made::Begin));
                    doing = Doing::Poll;
                }
                Then::Continue => {
                    prop_assert!(made == Made::Cancelled && !cancelled, "{made:?} while it is {before:?}");
                    cancelled = true;
                }
                Then::Read => doing = Doing::Read,
                Then::ReadUntil(until) => (doing, due) = (Doing::Linger, until),
                Then::WaitUntil(until) => {
                    prop_assert!(until > now, "a wait goes forward");
                    (doing, due) = (Doing::Wait, until);
                }
                Then::Done(result) => {
                    prop_assert!(kept, "the attempt left no record");
                    doing = Doing::Over;
                    let charge = match &*result {
                        Ok(generation) => generation.charge(),
                        Err(error) => error.charge(),
                    };
                    prop_assert!(!(bought || owed) || charge >= Charge::Unknown, "it may have been bought");
                    prop_assert!(end.is_none_or(|end| charge >= end), "the end was {end:?}, now it is {charge:?}");
                    end = Some(charge);
                    if !expected {
                        let error = result.unwrap_err();
                        prop_assert_eq!(error.kind(), ErrorKind::Config);
                        prop_assert!(error.message().contains(made.name()), "{}", error);
                    }
                }
            }
            // After an input that nothing led to it is over, or, where a wait was only too short, where it was.
            prop_assert!(expected || doing == Doing::Over, "{made:?} while it is {before:?}: {doing:?}");
            prop_assert!(end.is_none() || doing == Doing::Over, "it continues after its end");
        }
    }
}

#[test]
fn the_page_describes_every_state_and_every_input() {
    let page = include_str!("../states.md");
    for (state, _, _, expected, _) in states() {
        assert!(page.contains(&format!("| `{state}` |")), "{state}");
        assert!(expected.iter().all(|input| page.contains(&format!("`{input}`"))), "{state}: {expected:?}");
    }
}
