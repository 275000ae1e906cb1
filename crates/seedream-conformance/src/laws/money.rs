//! Under any weather of the wire a request is bought at most once, what arrived is kept, and an error is never more optimistic about
//! money than the wire was: random weather out of the provider's own answers, the same in every run.

use std::time::Duration;

use http::HeaderValue;
use seedream_core::{Charge, Error, ErrorKind, Exchange as Sent, Input, Purpose};
use seedream_fixtures::{OperationKind, RecordedExchange};

use crate::{
    Case, Failure, Law, Subject,
    answer::{Answer, Bill, broken},
    dice::Dice,
    difference::Differences,
    exchange,
    play::{Play, Played},
};

/// How many runs each answer is met in.
const ROUNDS: u64 = 24;

/// How many more of them are cancelled while the first answer is on its way.
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
    let Some(first) = Answer::of(case)? else { return Ok(()) };
    let submits = Answer::all(subject, OperationKind::Create)?;
    let polls = Answer::all(subject, OperationKind::Poll)?;
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
    /// The connection broke after the body had begun to leave, before an answer.
    Silence,
    /// An answer arrived, up to some byte where it was cut off.
    Answer(&'a Answer, Option<usize>),
}

impl Weather<'_> {
    fn may_be_billed(&self) -> bool {
        match self {
            Self::NotSent => false,
            Self::Silence => true,
            Self::Answer(answer, _) => answer.bill != Bill::Never,
        }
    }

    /// The least number of pictures that arrived.
    fn pictures(&self) -> usize {
        match self {
            Self::Answer(answer, Some(at)) => answer.arrived(*at),
            Self::Answer(Answer { bill: Bill::Pictures(count), .. }, None) => *count,
            _ => 0,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::NotSent => "not sent".to_owned(),
            Self::Silence => "broken".to_owned(),
            Self::Answer(answer, None) => answer.exchange.id().to_owned(),
            Self::Answer(answer, Some(at)) => format!("{} up to byte {at}", answer.exchange.id()),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        match self {
            Self::NotSent => vec![Input::NotSent(Error::new(ErrorKind::Transport, "nobody listens"))],
            Self::Silence => vec![broken(None)],
            Self::Answer(answer, None) => answer.whole(),
            Self::Answer(answer, Some(at)) => answer.cut(*at),
        }
    }
}

/// How long every refusal asks to wait.
const RETRY_AFTER: Duration = Duration::from_secs(7);

/// The wire: the answer of the case first, or right behind a request that was not sent, then any.
struct Wire<'a> {
    first: Option<&'a Answer>,
    to_submits: &'a [Answer],
    to_polls: &'a [Answer],
    dice: Dice,
    submits: Vec<Weather<'a>>,
    polls: Vec<Weather<'a>>,
}

impl<'a> Wire<'a> {
    fn new(first: &'a Answer, to_submits: &'a [Answer], to_polls: &'a [Answer], dice: Dice) -> Self {
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
                let cut = (self.dice.below(2) == 0).then(|| self.dice.below(first.reply.body.len()));
                Weather::Answer(first, cut)
            }
            None => self.any(self.to_submits),
        }
    }

    fn any(&mut self, answers: &'a [Answer]) -> Weather<'a> {
        let at = self.dice.below(answers.len());
        match (self.dice.below(8), answers.get(at)) {
            (0 | 1, _) => Weather::NotSent,
            (2, _) | (_, None) => Weather::Silence,
            (3 | 4, Some(answer)) => Weather::Answer(answer, Some(self.dice.below(answer.reply.body.len()))),
            (_, Some(answer)) => Weather::Answer(answer, None),
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
            let refused = matches!(weather, Weather::Answer(answer, _) if !answer.reply.status.is_success());
            let waited = pair[1].0.saturating_sub(pair[0].0);
            d.holds(!refused || waited >= RETRY_AFTER, || format!("asked to wait {RETRY_AFTER:?}, waited {waited:?}"));
        }
        let last = self.polls.last();
        let arrived = self.submits.iter().chain(last).map(Weather::pictures).max().unwrap_or(0);
        let cut_poll = matches!(last, Some(Weather::Answer(_, Some(_))));
        // A task that has failed without a charge owes nothing any more.
        let free = matches!(last, Some(Weather::Answer(answer, None)) if answer.bill == Bill::Never);
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
    let with = |mut reply: seedream_core::Reply| {
        if !reply.status.is_success() {
            reply.headers.insert(http::header::RETRY_AFTER, seconds);
        }
        reply
    };
    match input {
        Input::Reply(reply) => Input::Reply(with(reply)),
        Input::Broken { partial, error } => Input::Broken { partial: partial.map(with), error },
        other => other,
    }
}
