//! What is known of the jobs of one provider while they run.

use std::{collections::BTreeMap, time::Duration};

use seedream::seedream_client::JobEvent;
use seedream::seedream_core::{Amount, Policy};
use seedream::{ErrorKind, Plan};

/// The state of the jobs, and what they have cost so far.
#[derive(Debug)]
pub(super) struct Status {
    state: String,
    /// How many images are to come; 0 if that is unknown.
    wanted: u32,
    made: u32,
    saved: u32,
    /// The most that one image costs.
    price: Option<Amount>,
    /// What accepted tasks reserved, by unit, in millionths.
    reserved: BTreeMap<String, i64>,
    /// The provider's word for the state of a task.
    word: String,
    /// The whole time, as the provider estimates it or at the pace of the last progress.
    estimate: Option<Duration>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: "sending".to_owned(),
            wanted: 0,
            made: 0,
            saved: 0,
            price: None,
            reserved: BTreeMap::new(),
            word: String::new(),
            estimate: None,
        }
    }
}

impl Status {
    /// Takes number and price of the images from a plan.
    pub(super) fn expect(&mut self, plan: &Plan, requests: u32) {
        self.wanted = plan.max_images.saturating_mul(requests);
        let images = i64::from(plan.max_images.max(1));
        self.price = plan.most.as_ref().map(|most| Amount { micros: most.micros / images, unit: most.unit.clone() });
    }

    /// Takes an event; whether a reader without a terminal wants to know, since the state is another one.
    pub(super) fn update(&mut self, event: &JobEvent, elapsed: Duration) -> bool {
        match event {
            JobEvent::Accepted { task, .. } => {
                self.state = "queued".to_owned();
                let estimated = task.estimated_seconds.filter(|_| self.wanted <= 1);
                self.estimate = estimated.map(|seconds| elapsed.saturating_add(Duration::from_secs(seconds.into())));
                if let Some(amount) = &task.usage.reserved {
                    *self.reserved.entry(amount.unit.to_string()).or_default() += amount.micros;
                }
            }
            JobEvent::Progress { status, percent } => {
                let is_news = self.word != *status;
                self.word.clone_from(status);
                if let Some(percent) = percent.filter(|percent| *percent > 0 && self.wanted <= 1) {
                    self.estimate = Some(elapsed.saturating_mul(100) / u32::from(percent));
                }
                self.state = percent.map_or_else(|| status.clone(), |percent| format!("{status} {percent}%"));
                return is_news;
            }
            JobEvent::Retrying { attempt, wait, kind } => {
                let cause = match kind {
                    ErrorKind::Transport => "no connection".to_owned(),
                    kind => kind.as_str().replace('_', " "),
                };
                let when = if wait.is_zero() {
                    "trying the next endpoint".to_owned()
                } else {
                    format!("retrying in {:.1} s", wait.as_secs_f64())
                };
                // No flag changes how often a request is sent.
                let most = Policy::default().max_submits.max(*attempt);
                self.state = format!("{cause}, {when} ({attempt} of {most})");
                return true;
            }
            JobEvent::Waiting => self.state = "waiting for the response".to_owned(),
            JobEvent::Image(_) => {
                self.made = self.made.saturating_add(1);
                self.state = "saving".to_owned();
            }
            JobEvent::Saved(_) => {
                self.saved = self.saved.saturating_add(1);
                self.state = "saved".to_owned();
                self.estimate = (self.wanted > 1).then(|| elapsed.saturating_mul(self.wanted) / self.saved);
            }
            _ => {}
        }
        false
    }

    pub(super) fn estimate(&self) -> Option<Duration> {
        self.estimate
    }

    /// The state and the cost, without control characters.
    pub(super) fn short(&self) -> String {
        let text = [Some(self.counted()), self.cost()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        text.replace(|c: char| c.is_control(), " ")
    }

    fn counted(&self) -> String {
        let Self { state, saved, wanted, .. } = self;
        match (state.as_str(), *wanted > 1, *saved > 0) {
            ("saved", true, _) => format!("{saved} of {wanted} saved"),
            ("saved", false, _) => format!("{saved} saved"),
            (state, true, true) => format!("{state}, {saved} of {wanted} saved"),
            (state, ..) => state.to_owned(),
        }
    }

    /// What was spent so far: what tasks reserved, else the images that were made.
    fn cost(&self) -> Option<String> {
        if !self.reserved.is_empty() {
            let amounts = self.reserved.iter().map(|(unit, micros)| amount(*micros, unit.clone()).to_string());
            return Some(format!("{} reserved", amounts.collect::<Vec<_>>().join(" and ")));
        }
        let price = self.price.as_ref().filter(|_| self.made > 0)?;
        Some(format!("{} spent", amount(price.micros.saturating_mul(self.made.into()), price.unit.to_string())))
    }
}

fn amount(micros: i64, unit: String) -> Amount {
    Amount { micros, unit: unit.into() }
}

/// As `12s` or `2m05s`.
pub(super) fn seconds(time: Duration) -> String {
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
    }
}

#[cfg(test)]
mod tests;
