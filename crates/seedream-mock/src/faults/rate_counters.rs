//! How much of one caller is going on and has gone on, as far as limits ask for it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::time::later;

/// What a rate is counted over.
const MINUTE: Duration = Duration::from_secs(60);

/// The most callers a session counts before it starts anew.
const CALLERS: usize = 1000;

/// What limits are compared with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RateUsage {
    /// The requests of the last minute.
    pub(crate) requests: usize,
    /// The images of the last minute.
    pub(crate) images: u64,
    /// The images in all.
    pub(crate) total: u64,
    /// The responses in progress, and the tasks that have not ended.
    pub(crate) underway: usize,
}

/// What a rate is counted for: a provider limits each key and model by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RateKey<'a> {
    pub(crate) provider: &'a str,
    pub(crate) model: &'a str,
    pub(crate) key: Option<&'a str>,
}

impl RateKey<'_> {
    /// Its name in a session's memory, which holds no key.
    pub(crate) fn name(&self, target: crate::faults::word_values::FaultTarget) -> String {
        let key = self.key.map(crate::hash::short).unwrap_or_default();
        format!("{target} {} {} {key}", self.provider, self.model)
    }
}

/// The requests of one session that limits have let pass. Nothing is counted where no limit asks.
#[derive(Debug, Default)]
pub(crate) struct RateCounters {
    callers: HashMap<String, RateWindow>,
}

#[derive(Debug, Default)]
struct RateWindow {
    requests: VecDeque<Timestamp>,
    images: VecDeque<(Timestamp, u32)>,
    total: u64,
    /// Each response on its way and when it will be complete, if ever.
    responses: Vec<(u64, Option<Timestamp>)>,
}

impl RateCounters {
    /// How much there was up to now.
    pub(crate) fn usage(&mut self, caller: &str, now: Timestamp) -> RateUsage {
        let Some(window) = self.callers.get_mut(caller) else { return RateUsage::default() };
        let old = |at: &Timestamp| later(*at, MINUTE) <= now;
        while window.requests.front().is_some_and(old) {
            window.requests.pop_front();
        }
        while window.images.front().is_some_and(|(at, _)| old(at)) {
            window.images.pop_front();
        }
        window.responses.retain(|(_, end)| end.is_none_or(|end| end > now));
        RateUsage {
            requests: window.requests.len(),
            images: window.images.iter().map(|(_, images)| u64::from(*images)).sum(),
            total: window.total,
            underway: window.responses.len(),
        }
    }

    /// A request passes.
    pub(crate) fn admit(&mut self, caller: &str, now: Timestamp) {
        if self.callers.len() >= CALLERS && !self.callers.contains_key(caller) {
            self.callers.clear();
        }
        self.callers.entry(caller.to_owned()).or_default().requests.push_back(now);
    }

    /// What it gave, and when its response will be complete.
    pub(crate) fn answered(&mut self, caller: &str, now: Timestamp, ordinal: u64, images: u32, end: Option<Timestamp>) {
        let Some(window) = self.callers.get_mut(caller) else { return };
        window.total = window.total.saturating_add(images.into());
        if images > 0 {
            window.images.push_back((now, images));
        }
        if end != Some(now) {
            window.responses.push((ordinal, end));
        }
    }

    /// The client of a request disconnected.
    pub(crate) fn disconnected(&mut self, ordinal: u64) {
        for window in self.callers.values_mut() {
            window.responses.retain(|(known, _)| *known != ordinal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_without_end_counts_until_its_client_disconnects() {
        let (mut rates, now) = (RateCounters::default(), Timestamp::from_second(1_795_000_000).unwrap());
        rates.admit("a", now);
        rates.answered("a", now, 7, 1, None);
        rates.answered("a", now, 8, 1, Some(now));
        let day = later(now, Duration::from_secs(86_400));
        assert_eq!(rates.usage("a", day).underway, 1);
        rates.disconnected(7);
        assert_eq!((rates.usage("a", day).underway, rates.usage("a", day).total), (0, 2));
        assert_eq!(rates.usage("b", day).total, 0);
    }
}
