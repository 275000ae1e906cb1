//! Counters since the start of the mock. A request adds to a few atomic numbers; nothing is ever removed, so that no reset of a
//! session makes a counter go back.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seedream_fixtures::RouteName;

/// The statuses that are counted one by one; any other counts as 0, as does a connection that was closed before its response.
const STATUSES: std::ops::Range<u16> = 100..600;

/// The upper bounds of the latency histogram, in microseconds.
pub(crate) const BOUNDS: [u64; 12] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];

/// What a request is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A route of a provider.
    Route(RouteName),
    /// An image.
    Image,
    /// No route.
    Other,
}

impl RequestKind {
    const ALL: [Self; 6] = [
        Self::Route(RouteName::Create),
        Self::Route(RouteName::Task),
        Self::Route(RouteName::Models),
        Self::Route(RouteName::Credits),
        Self::Image,
        Self::Other,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Route(route) => route.as_str(),
            Self::Image => "image",
            Self::Other => "other",
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Route(RouteName::Create) => 0,
            Self::Route(RouteName::Task) => 1,
            Self::Route(RouteName::Models) => 2,
            Self::Route(RouteName::Credits) => 3,
            Self::Image => 4,
            Self::Other => 5,
        }
    }
}

/// The requests of one kind, by status. Most kinds of most providers are never asked, and take no memory.
type ByStatus = OnceLock<Box<[AtomicU64]>>;

#[derive(Debug, Default)]
struct ProviderCounters {
    id: String,
    requests: [ByStatus; RequestKind::ALL.len()],
    images: AtomicU64,
}

/// The counters of one mock.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// The providers; the last one, without an id, is for requests to none.
    providers: Vec<ProviderCounters>,
    /// By the place of the word in the grammar.
    faults: Box<[AtomicU64]>,
    /// The responses that took at most as long as each of [`BOUNDS`] and longer than the one before; the last ones took longer.
    latencies: [AtomicU64; BOUNDS.len() + 1],
    latency_micros: AtomicU64,
}

fn zeros(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    pub(crate) fn new<'p>(providers: impl Iterator<Item = &'p str>, fault_words: usize) -> Self {
        let counters = |id: &str| ProviderCounters { id: id.to_owned(), ..ProviderCounters::default() };
        Self {
            providers: providers.map(counters).chain([ProviderCounters::default()]).collect(),
            faults: zeros(fault_words),
            latencies: Default::default(),
            latency_micros: AtomicU64::new(0),
        }
    }

    /// Counts a request and the images of its response, or those that its task reserves. An unknown provider counts as none.
    pub(crate) fn requested(&self, provider: Option<&str>, kind: RequestKind, status: u16, images: u32) {
        let id = provider.unwrap_or_default();
        let Some(of) = self.providers.iter().find(|known| known.id == id).or(self.providers.last()) else { return };
        let statuses = of.requests[kind.place()].get_or_init(|| zeros(STATUSES.len() + 1));
        let place = if STATUSES.contains(&status) { usize::from(status - STATUSES.start) + 1 } else { 0 };
        if let Some(counter) = statuses.get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if images > 0 {
            of.images.fetch_add(images.into(), Ordering::Relaxed);
        }
    }

    /// Counts a word of a fault that applied, by its place in the grammar.
    pub(crate) fn faulted(&self, word: usize) {
        if let Some(counter) = self.faults.get(word) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts how long a response took to its head.
    pub(crate) fn responded(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.latencies[place].fetch_add(1, Ordering::Relaxed);
        self.latency_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The requests that there were: provider, route, status, number.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&str, &'static str, u16, u64)> {
        self.providers.iter().flat_map(|provider| {
            RequestKind::ALL.into_iter().zip(&provider.requests).flat_map(move |(kind, statuses)| {
                let named = std::iter::once(0).chain(STATUSES).zip(statuses.get().into_iter().flatten());
                named
                    .map(move |(status, counter)| (provider.id.as_str(), kind.as_str(), status, read(counter)))
                    .filter(|(.., count)| *count > 0)
            })
        })
    }

    /// The images of each provider.
    pub(crate) fn images(&self) -> impl Iterator<Item = (&str, u64)> {
        let named = self.providers.iter().filter(|provider| !provider.id.is_empty());
        named.map(|provider| (provider.id.as_str(), read(&provider.images)))
    }

    /// How often each word of the grammar applied, in the order of the grammar.
    pub(crate) fn faults(&self) -> impl Iterator<Item = u64> {
        self.faults.iter().map(read)
    }

    /// The responses of each step of the histogram, and the sum of their times in microseconds.
    pub(crate) fn latencies(&self) -> ([u64; BOUNDS.len() + 1], u64) {
        (self.latencies.each_ref().map(read), read(&self.latency_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        let places: Vec<usize> = RequestKind::ALL.into_iter().map(RequestKind::place).collect();
        assert_eq!(places, (0..RequestKind::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_not_known_is_counted_under_no_name() {
        let metrics = Metrics::new(["ark"].into_iter(), 0);
        for (provider, status) in [(Some("ark"), 200), (Some("unheard/of"), 999), (None, 404), (Some("ark"), 200)] {
            metrics.requested(provider, RequestKind::Other, status, 1);
        }
        let requests: Vec<_> = metrics.requests().collect();
        assert_eq!(requests, [("ark", "other", 200, 2), ("", "other", 0, 1), ("", "other", 404, 1)]);
        assert_eq!(metrics.images().collect::<Vec<_>>(), [("ark", 2)]);
    }
}
