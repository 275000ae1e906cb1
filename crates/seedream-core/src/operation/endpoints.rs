//! Where an operation sends to: the place it was given, and the provider's other places, where it may go when that cannot be
//! reached.

/// The base URLs of one provider, and the one that is taken at the moment.
#[derive(Debug)]
pub(super) struct Endpoints {
    urls: Box<[String]>,
    /// The one that is taken.
    pub(super) at: usize,
    /// Where a task was accepted.
    home: usize,
    /// How many could not be reached in a row.
    missed: usize,
}

impl Endpoints {
    pub(super) fn one(url: String) -> Self {
        Self { urls: Box::new([url]), at: 0, home: 0, missed: 0 }
    }

    /// Adds the provider's other ones.
    pub(super) fn add(&mut self, urls: impl IntoIterator<Item = String>) {
        self.urls = std::mem::take(&mut self.urls).into_iter().chain(urls).collect();
    }

    /// The base URL that is taken.
    pub(super) fn url(&self) -> &str {
        self.urls.get(self.at).map_or("", String::as_str)
    }

    /// Goes to the next one; whether there is one that was not missed in this round.
    pub(super) fn next(&mut self) -> bool {
        self.at = (self.at + 1) % self.urls.len();
        self.missed = (self.missed + 1) % self.urls.len();
        self.missed != 0
    }

    /// This one answered.
    pub(super) fn reached(&mut self) {
        self.missed = 0;
    }

    /// A task was accepted here.
    pub(super) fn settle(&mut self) {
        self.home = self.at;
    }

    /// Goes back to where the task was accepted; whether it was asked for elsewhere.
    pub(super) fn go_home(&mut self) -> bool {
        std::mem::replace(&mut self.at, self.home) != self.home
    }
}
