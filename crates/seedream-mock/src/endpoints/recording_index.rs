//! The recorded exchanges by their requests: equal requests form a sequence. It also knows which were played, and what was missed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seedream_fixtures::{FixtureLibrary, OperationKind, RecordedExchange};
use serde::Serialize;

use crate::json::diff;
use crate::json::diff::Difference;
use crate::recording::request_form::RequestForm;
use crate::state::journal_entry::shortened;

/// How many misses are told one by one.
const MISSES: usize = 100;

/// The recorded exchanges of a library.
#[derive(Debug, Default)]
pub(crate) struct RecordingIndex {
    sequences: Vec<RecordedSequence>,
    /// The places of the sequences, by provider and key of the request.
    places: HashMap<(String, String), usize>,
    progress: Mutex<Progress>,
}

/// The exchanges of equal requests, in their order.
#[derive(Debug)]
pub(crate) struct RecordedSequence {
    provider: String,
    request: RequestForm,
    ids: Vec<String>,
    /// Whether each request may buy, so that none is answered more often than it was recorded.
    buys: bool,
}

#[derive(Debug, Default)]
struct Progress {
    played: BTreeSet<String>,
    missed: Vec<String>,
    more: usize,
}

/// What a replay did not play, and what it was asked for in vain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// The requests that no exchange answered, each with the nearest exchange and what differs; the first hundred.
    pub missed: Vec<String>,
    /// How many more there were.
    pub more_missed: usize,
    /// The recorded exchanges that no request asked for.
    pub unplayed: Vec<String>,
}

impl RecordingIndex {
    pub(crate) fn new(library: &FixtureLibrary) -> Self {
        let mut index = Self::default();
        for exchange in library.exchanges().iter().filter(|exchange| exchange.wire.is_some()) {
            let Some(request) = &exchange.request else { continue };
            let request = RequestForm::recorded(request);
            let place = index.places.entry((exchange.provider().to_owned(), request.key()));
            let place = *place.or_insert(index.sequences.len());
            if place == index.sequences.len() {
                let provider = exchange.provider().to_owned();
                index.sequences.push(RecordedSequence { provider, buys: buys(exchange), request, ids: Vec::new() });
            }
            index.sequences[place].ids.push(exchange.id().to_owned());
        }
        // 10000 comes after 9999.
        index
            .sequences
            .iter_mut()
            .for_each(|sequence| sequence.ids.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b))));
        index
    }

    /// Whether there is no recording.
    pub(crate) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// The sequence of a request, and its place.
    pub(crate) fn find(&self, provider: &str, request: &RequestForm) -> Option<(usize, &RecordedSequence)> {
        let place = *self.places.get(&(provider.to_owned(), request.key()))?;
        Some((place, &self.sequences[place]))
    }

    /// The recorded request that is nearest to one that none is equal to, and where they differ.
    pub(crate) fn nearest(&self, provider: &str, asked: &RequestForm) -> Option<(&str, Vec<Difference>)> {
        let asked = shortened(&asked.value());
        let of_provider = self.sequences.iter().filter(|sequence| sequence.provider == provider);
        let differences = |sequence: &RecordedSequence| diff::unequal(&shortened(&sequence.request.value()), &asked);
        let found = of_provider.map(|sequence| (sequence.first(), differences(sequence)));
        // Another route is further away than any number of members.
        let distance = |(_, differs): &(&str, Vec<Difference>)| {
            let routes = differs.iter().filter(|difference| matches!(difference.field.as_str(), "method" | "path"));
            (routes.count(), differs.len())
        };
        found.min_by_key(distance)
    }

    pub(crate) fn played(&self, id: &str) {
        let mut progress = self.progress();
        if !progress.played.contains(id) {
            progress.played.insert(id.to_owned());
        }
    }

    pub(crate) fn missed(&self, told: &str) {
        let mut progress = self.progress();
        if progress.missed.len() < MISSES {
            progress.missed.push(told.to_owned());
        } else {
            progress.more += 1;
        }
    }

    pub(crate) fn report(&self) -> ReplayReport {
        let progress = self.progress();
        let all = self.sequences.iter().flat_map(|sequence| &sequence.ids);
        let mut unplayed: Vec<String> = all.filter(|id| !progress.played.contains(*id)).cloned().collect();
        unplayed.sort_unstable();
        ReplayReport { missed: progress.missed.clone(), more_missed: progress.more, unplayed }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request may have bought something.
fn buys(exchange: &RecordedExchange) -> bool {
    let is_read = exchange.request.as_ref().is_some_and(|request| matches!(request.method.as_str(), "GET" | "HEAD"));
    match exchange.operation {
        OperationKind::Create => true,
        OperationKind::Other => !is_read,
        OperationKind::Poll | OperationKind::Models | OperationKind::Credits | OperationKind::Callback => false,
    }
}

impl RecordedSequence {
    /// The id of the first exchange.
    pub(crate) fn first(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// How many exchanges there are.
    pub(crate) fn length(&self) -> usize {
        self.ids.len()
    }

    /// The exchange that answers the request of this number, from 1. The last one of a sequence that buys nothing repeats: how often a
    /// client polls depends on its speed.
    pub(crate) fn at(&self, turn: u32) -> Option<&str> {
        let place = (turn as usize).saturating_sub(1);
        let place = if self.buys { place } else { place.min(self.ids.len() - 1) };
        self.ids.get(place).map(String::as_str)
    }
}
