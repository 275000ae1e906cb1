//! Under any weather of the wire a request is bought at most once, what arrived is kept, and an error is never more optimistic about
//! money than the wire was: random weather out of the provider's own responses, the same in every run.

use std::time::Duration;

use crate::harness::random::Rng;
use http::HeaderValue;
use seedream_core::{Charge, Error, ErrorKind, Exchange as Sent, Input, Purpose};
use seedream_fixtures::{OperationKind, RecordedExchange};

use crate::{
    Case, CaseFailure, Law, Subject,
    fixture::convert_exchange,
    fixture::documented_response::{DocumentedCharge, DocumentedResponse, broken},
    harness::difference::Differences,
    harness::random::{below, seeded},
    harness::simulation::{SimulatedRun, Simulation},
};

/// How many runs start with each response.
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

fn check(subject: &Subject, case: &'static RecordedExchange) -> Result<(), CaseFailure> {
    let Some(first) = DocumentedResponse::of(case)? else { return Ok(()) };
    let submits = DocumentedResponse::all(subject, OperationKind::Create)?;
    let polls = DocumentedResponse::all(subject, OperationKind::Poll)?;
    let request = convert_exchange::encoded(&**subject.dialect(), case)?;
    (0..ROUNDS + CANCELLED).try_for_each(|round| {
        let mut wire = RandomWire::new(&first, &submits, &polls, seeded(case.id(), round));
        let mut simulation = Simulation::submit(subject, request.clone(), round);
        if round >= ROUNDS {
            simulation = simulation.cancelled_at(Duration::ZERO);
        }
        let run = simulation.against(|sent, now| wire.meet(sent, now));
        let judged = run.and_then(|run| wire.judge(&run, round >= ROUNDS));
        judged.map_err(|failure| {
            let met = wire.submits.iter().map(WireOutcome::name).chain(wire.polls.iter().map(WireOutcome::name));
            let met = met.collect::<Vec<_>>().join(", ");
            CaseFailure::of(failure.lines().iter().map(|line| format!("round {round} ({met}): {line}")).collect())
        })
    })
}

/// How one exchange ended on the wire.
#[derive(Clone)]
enum WireOutcome<'a> {
    /// No byte of the body left.
    NotSent,
    /// The connection broke after the body had begun to leave, before a response.
    Silence,
    /// A response arrived, up to some byte where it was cut off.
    Response(&'a DocumentedResponse, Option<usize>),
}

impl WireOutcome<'_> {
    fn may_be_billed(&self) -> bool {
        match self {
            Self::NotSent => false,
            Self::Silence => true,
            Self::Response(documented, _) => documented.charge != DocumentedCharge::Free,
        }
    }

    /// The least number of images that arrived.
    fn images(&self) -> usize {
        match self {
            Self::Response(documented, Some(at)) => documented.arrived(*at),
            Self::Response(DocumentedResponse { charge: DocumentedCharge::Images(count), .. }, None) => *count,
            _ => 0,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::NotSent => "not sent".to_owned(),
            Self::Silence => "broken".to_owned(),
            Self::Response(documented, None) => documented.exchange.id().to_owned(),
            Self::Response(documented, Some(at)) => format!("{} up to byte {at}", documented.exchange.id()),
        }
    }

    fn inputs(&self) -> Vec<Input> {
        match self {
            Self::NotSent => vec![Input::NotSent(Error::new(ErrorKind::Transport, "connection refused"))],
            Self::Silence => vec![broken(None)],
            Self::Response(documented, None) => documented.whole(),
            Self::Response(documented, Some(at)) => documented.cut(*at),
        }
    }
}

/// How long every refusal asks to wait.
const RETRY_AFTER: Duration = Duration::from_secs(7);

/// The wire: the response of the case first, or right after a request that was not sent, then any.
struct RandomWire<'a> {
    first: Option<&'a DocumentedResponse>,
    to_submits: &'a [DocumentedResponse],
    to_polls: &'a [DocumentedResponse],
    random: Rng,
    submits: Vec<WireOutcome<'a>>,
    polls: Vec<WireOutcome<'a>>,
}

impl<'a> RandomWire<'a> {
    fn new(
        first: &'a DocumentedResponse,
        to_submits: &'a [DocumentedResponse],
        to_polls: &'a [DocumentedResponse],
        random: Rng,
    ) -> Self {
        Self { first: Some(first), to_submits, to_polls, random, submits: Vec::new(), polls: Vec::new() }
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

    fn submit(&mut self) -> WireOutcome<'a> {
        if self.submits.is_empty() && below(&mut self.random, 4) == 0 {
            return WireOutcome::NotSent;
        }
        match self.first.take() {
            Some(first) => {
                let cut = (below(&mut self.random, 2) == 0).then(|| below(&mut self.random, first.response.body.len()));
                WireOutcome::Response(first, cut)
            }
            None => self.any(self.to_submits),
        }
    }

    fn any(&mut self, responses: &'a [DocumentedResponse]) -> WireOutcome<'a> {
        let at = below(&mut self.random, responses.len());
        match (below(&mut self.random, 8), responses.get(at)) {
            (0 | 1, _) => WireOutcome::NotSent,
            (2, _) | (_, None) => WireOutcome::Silence,
            (3 | 4, Some(documented)) => {
                WireOutcome::Response(documented, Some(below(&mut self.random, documented.response.body.len())))
            }
            (_, Some(documented)) => WireOutcome::Response(documented, None),
        }
    }

    /// What must hold of any run.
    fn judge(&self, run: &SimulatedRun, is_cancelled: bool) -> Result<(), CaseFailure> {
        let mut d = Differences::default();
        let sent = run.submits.len() + run.polls.len();
        d.holds(!is_cancelled || sent == 1, || {
            format!("{sent} requests were sent although it was cancelled at the first")
        });
        let billed = self.submits.iter().filter(|weather| weather.may_be_billed()).count();
        d.holds(billed <= 1, || format!("{billed} submits may be on the bill"));
        let same = run.submits.windows(2).all(|pair| pair[0].1 == pair[1].1);
        d.holds(same, || "what is sent again is another request".to_owned());
        for (weather, pair) in self.submits.iter().zip(run.submits.windows(2)) {
            let refused =
                matches!(weather, WireOutcome::Response(documented, _) if !documented.response.status.is_success());
            let waited = pair[1].0.saturating_sub(pair[0].0);
            d.holds(!refused || waited >= RETRY_AFTER, || format!("asked to wait {RETRY_AFTER:?}, waited {waited:?}"));
        }
        let last = self.polls.last();
        let arrived = self.submits.iter().chain(last).map(WireOutcome::images).max().unwrap_or(0);
        let cut_poll = matches!(last, Some(WireOutcome::Response(_, Some(_))));
        // A task that has failed without a charge owes nothing any more.
        let free = matches!(last, Some(WireOutcome::Response(documented, None)) if documented.charge == DocumentedCharge::Free);
        match &run.result {
            Ok(generation) => {
                let kept = generation.images().count();
                d.holds(kept >= arrived, || format!("{arrived} images arrived, {kept} were kept"));
            }
            Err(error) => {
                d.holds(arrived == 0 || cut_poll, || format!("{arrived} images arrived and were lost: {error}"));
                let told = error.charge();
                let optimistic = billed > 0 && !free && told < Charge::Unknown;
                d.holds(!optimistic, || format!("it may have been billed and is called free: {error}"));
                let lost = run.task().is_some() && !free && error.task().is_none();
                d.holds(!lost, || format!("the task is lost: {error}"));
            }
        }
        d.into_result()
    }
}

/// The input, with `Retry-After` where it is a refusal.
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
