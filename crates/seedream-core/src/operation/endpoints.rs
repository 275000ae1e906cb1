//! The endpoints of an operation: the base URL, and the mirrors that replace it when it cannot be reached.

/// The base URLs of one provider, and the current one.
#[derive(Debug)]
pub(super) struct Endpoints {
    urls: Box<[String]>,
    /// The current one.
    pub(super) at: usize,
    /// The one that accepted the task.
    home: usize,
    /// How many in a row could not be reached.
    missed: usize,
}

impl Endpoints {
    pub(super) fn one(url: String) -> Self {
        Self { urls: Box::new([url]), at: 0, home: 0, missed: 0 }
    }

    /// Adds mirrors.
    pub(super) fn add(&mut self, urls: impl IntoIterator<Item = String>) {
        self.urls = std::mem::take(&mut self.urls).into_iter().chain(urls).collect();
    }

    /// The current base URL.
    pub(super) fn url(&self) -> &str {
        self.urls.get(self.at).map_or("", String::as_str)
    }

    /// Switches to the next one; returns whether it was not yet tried in this round.
    pub(super) fn next(&mut self) -> bool {
        self.at = (self.at + 1) % self.urls.len();
        self.missed = (self.missed + 1) % self.urls.len();
        self.missed != 0
    }

    /// The current one responded.
    pub(super) fn reached(&mut self) {
        self.missed = 0;
    }

    /// The current one accepted a task.
    pub(super) fn settle(&mut self) {
        self.home = self.at;
    }

    /// Switches back to the one that accepted the task; returns whether another one was current.
    pub(super) fn go_home(&mut self) -> bool {
        std::mem::replace(&mut self.at, self.home) != self.home
    }
}
