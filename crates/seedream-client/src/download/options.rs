//! How result URLs are fetched.

use std::time::Duration;

/// How result URLs are fetched.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The most bytes of one image: 128 MiB, twice what a 4K PNG without compression has.
    pub max_bytes: u64,
    /// How long the waits between the tries of one image are in all: 30 s. The transfers do not count, nor does a wait after a
    /// try that got further than the one before.
    pub waits: Duration,
    /// The wait before the second try: 500 ms. It is doubled from try to try, up to 8 s, and is longer where the server asks
    /// for more (`Retry-After`).
    pub backoff: Duration,
    /// How long no byte may arrive: 30 s.
    pub stall: Duration,
    /// How long one image may take with all its tries: 10 minutes.
    pub deadline: Duration,
    /// Whether `http` is fetched from other places than the endpoint itself. Off.
    pub allow_http: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            max_bytes: 128 << 20,
            waits: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            stall: Duration::from_secs(30),
            deadline: Duration::from_secs(600),
            allow_http: false,
        }
    }
}

impl DownloadOptions {
    /// Sets the most bytes of one image.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how long the waits between the tries are in all, and the first of them. No waits at all mean one try.
    #[must_use]
    pub fn waits(mut self, all: Duration, first: Duration) -> Self {
        (self.waits, self.backoff) = (all, first);
        self
    }

    /// Sets how long no byte may arrive, and how long one image may take.
    #[must_use]
    pub fn timeouts(mut self, stall: Duration, deadline: Duration) -> Self {
        (self.stall, self.deadline) = (stall, deadline);
        self
    }

    /// Sets whether `http` is fetched from other places than the endpoint itself.
    #[must_use]
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }
}
