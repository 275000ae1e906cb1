//! Under any weather of the wire a request is bought at most once, what arrived is kept, and an error is never more optimistic about
//! money than the wire was: random weather out of the provider's own answers, the same in every run.

use std::time::Duration;

use http::HeaderValue;
use seedream_core::{Charge, Error, ErrorKind, Exchange as Sent, Input, Purpose};
use seedream_fixtures::{OperationKind, RecordedExchange};

use crate::{
    Case, Failure, Law, Subject,
    dice::Dice,
    difference::Differences,
    example::{Bill, DocumentedResponse, broken},
    exchange,
    play::{Play, Played},
};

/// How many runs each response is met in.
const ROUNDS: u64 = 24;

/// How many more of them are cancelled while the first response is on its way.
const CANCELLED: u64 = 6;

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let of = |case: &'static RecordedExchange| {
        let judged = subject.clone();
        Case::of(Law::Money, subject, case, move || check(&judged, case))
    };
    let met = |case: &&'static RecordedExchange| {
        case.operation == OperationKind::Create && case.response.is_some() && case.expect.is_some()
    };
    subject.exchanges().filter(met).map(of).collect()
}

fn check(subject: &Subject, case: &'static RecordedExchange) -> Result<(), Failure> {
    let Some(first) = DocumentedResponse::of(case)? else { return Ok(()) };
    let submits = DocumentedResponse::all(subject, OperationKind::Create)?;
    let polls = DocumentedResponse::all(subject, OperationKind::Poll)?;
    (0..ROUNDS + CANCELLED).try_for_each(|round| {
        let checked = exchange::checked(&**subject.dialect(), case)?;
        let mut wire = Wire::new(&first, &submits, &polls, Dice::of(case.id(), round));
        let mut play = Play::submit(subject, checked, round)?;
        if round >= ROUNDS {
            play = play.cancelled_at(Duration::ZERO);
        }
        let played = play.against(|sent, now| wire.meet(sent, now));
        let judged = played.and_then(|played| wire.judge(&played, round >= ROUNDS));
        judged.map_err(|failure| {
            let met = wire.submits.iter().map(Weather::name).chain(wire.polls.iter().map(Weather::name));
            let met = met.collect::<Vec<_>>().join(", ");
            Failure::of(failure.lines().iter().map(|line| format!("round {round} ({met}): {line}")).collect())
        })
    })
}

/// What one exchange came to.
#[derive(Clone)]
enum Weather<'a> {
    /// No byte of the body left.
    NotSent,
    /// The connection broke after the body had begun to leave, before a response.
    Silence,
    /// A response arrived, up to some byte where it was cut off.
    DocumentedResponse(&'a DocumentedResponse, Option<usize>),
}

impl Weather<'_> {
    fn may_be_billed(&self) -> bool {
        match self {
            Self::NotSent => false,
            Self::Silence => true,
            Self::DocumentedResponse(example, _) => example.bill != Bill::Never,
        }
    }

    /// The least number of images that arrived.
    fn pictures(&self) -> usize {
        match self {
            Self::DocumentedResponse(example, Some(at)) => example.arrived(*at),
            Self::DocumentedResponse(DocumentedResponse { bill: Bill::Pictures(count), .. }, None) => *count,
            _ => 0,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::NotSent => "not sent".to_owned(),
            Self::Silence => "broken".to_owned(),
            Self::DocumentedResponse(example, None) => example.exchange.id().to_owned(),
            Self::DocumentedResponse(example, Some(at)) => format!("{} up to byte {at}", example.exchange.id()),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        match self {
            Self::NotSent => vec![Input::NotSent(Error::new(ErrorKind::Transport, "nobody listens"))],
            Self::Silence => vec![broken(None)],
            Self::DocumentedResponse(example, None) => example.whole(),
            Self::DocumentedResponse(example, Some(at)) => example.cut(*at),
        }
    }
}

/// How long every refusal asks to wait.
const RETRY_AFTER: Duration = Duration::from_secs(7);

/// The wire: the response of the case first, or right behind a request that was not sent, then any.
struct Wire<'a> {
    first: Option<&'a DocumentedResponse>,
    to_submits: &'a [DocumentedResponse],
    to_polls: &'a [DocumentedResponse],
    dice: Dice,
    submits: Vec<Weather<'a>>,
    polls: Vec<Weather<'a>>,
}

impl<'a> Wire<'a> {
    fn new(
        first: &'a DocumentedResponse,
        to_submits: &'a [DocumentedResponse],
        to_polls: &'a [DocumentedResponse],
        dice: Dice,
    ) -> Self {
        Self { first: Some(first), to_submits, to_polls, dice, submits: Vec::new(), polls: Vec::new() }
    }

    fn meet(&mut self, sent: &Sent, _now: Duration) -> Vec<Input> {
        let weather = match sent.purpose {
            Purpose::Submit => self.submit(),
            Purpose::Poll => self.any(self.to_polls),
        };
        let inputs = weather.inputs();
        match sent.purpose {
            Purpose::Submit => self.submits.push(weather),
            Purpose::Poll => self.polls.push(weather),
        }
        inputs.into_iter().map(asking_for_patience).collect()
    }

    fn submit(&mut self) -> Weather<'a> {
        if self.submits.is_empty() && self.dice.below(4) == 0 {
            return Weather::NotSent;
        }
        match self.first.take() {
            Some(first) => {
                let cut = (self.dice.below(2) == 0).then(|| self.dice.below(first.response.body.len()));
                Weather::DocumentedResponse(first, cut)
            }
            None => self.any(self.to_submits),
        }
    }

    fn any(&mut self, examples: &'a [DocumentedResponse]) -> Weather<'a> {
        let at = self.dice.below(examples.len());
        match (self.dice.below(8), examples.get(at)) {
            (0 | 1, _) => Weather::NotSent,
            (2, _) | (_, None) => Weather::Silence,
            (3 | 4, Some(example)) => {
                Weather::DocumentedResponse(example, Some(self.dice.below(example.response.body.len())))
            }
            (_, Some(example)) => Weather::DocumentedResponse(example, None),
        }
    }

    /// What must hold of any run.
    fn judge(&self, played: &Played, is_cancelled: bool) -> Result<(), Failure> {
        let mut d = Differences::default();
        let sent = played.submits.len() + played.polls.len();
        d.holds(!is_cancelled || sent == 1, || {
            format!("{sent} requests were sent although it was cancelled at the first")
        });
        let billed = self.submits.iter().filter(|weather| weather.may_be_billed()).count();
        d.holds(billed <= 1, || format!("{billed} submits may be on the bill"));
        let same = played.submits.windows(2).all(|pair| pair[0].1 == pair[1].1);
        d.holds(same, || "what is sent again is another request".to_owned());
        for (weather, pair) in self.submits.iter().zip(played.submits.windows(2)) {
            let refused =
                matches!(weather, Weather::DocumentedResponse(example, _) if !example.response.status.is_success());
            let waited = pair[1].0.saturating_sub(pair[0].0);
            d.holds(!refused || waited >= RETRY_AFTER, || format!("asked to wait {RETRY_AFTER:?}, waited {waited:?}"));
        }
        let last = self.polls.last();
        let arrived = self.submits.iter().chain(last).map(Weather::pictures).max().unwrap_or(0);
        let cut_poll = matches!(last, Some(Weather::DocumentedResponse(_, Some(_))));
        // A task that has failed without a charge owes nothing any more.
        let free = matches!(last, Some(Weather::DocumentedResponse(example, None)) if example.bill == Bill::Never);
        match &played.result {
            Ok(generation) => {
                let kept = generation.images().count();
                d.holds(kept >= arrived, || format!("{arrived} pictures arrived, {kept} were kept"));
            }
            Err(error) => {
                d.holds(arrived == 0 || cut_poll, || format!("{arrived} pictures arrived and were lost: {error}"));
                let told = error.charge();
                let optimistic = billed > 0 && !free && told < Charge::Unknown;
                d.holds(!optimistic, || format!("it may have been billed and is called free: {error}"));
                let lost = played.task().is_some() && !free && error.task().is_none();
                d.holds(!lost, || format!("the task is lost: {error}"));
            }
        }
        d.into_result()
    }
}

/// A refusal that also says when to come again.
fn asking_for_patience(input: Input) -> Input {
    let seconds = HeaderValue::from(RETRY_AFTER.as_secs());
    let with = |mut response: seedream_core::Response| {
        if !response.status.is_success() {
            response.headers.insert(http::header::RETRY_AFTER, seconds);
        }
        response
    };
    match input {
        Input::Response(response) => Input::Response(with(response)),
        Input::Broken { partial, error } => Input::Broken { partial: partial.map(with), error },
        other => other,
    }
}
