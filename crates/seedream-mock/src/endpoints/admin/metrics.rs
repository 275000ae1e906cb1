//! The counters and the state of the mock, in the text format of Prometheus 0.0.4.
//!
//! Labels have few values: ids of providers, names of routes, statuses, words of the fault grammar, states of tasks. No label has
//! a key, a model, a prompt, a session or a path.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use crate::endpoints::admin::tasks::status_of;
use crate::engine::services::Services;
use crate::faults::grammar::TABLE;
use crate::response::chunk::Chunk;
use crate::response::endpoint_response::EndpointResponse;
use crate::state::ledger::{PaidTotal, sum_of};
use crate::state::metrics::BOUNDS;

/// The states of a task, each of which is always shown.
const STATES: [&str; 5] = ["pending", "processing", "completed", "failed", "cancelled"];

/// The text under construction.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) -> Family<'_> {
        // Writing to a text never fails.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { text: &mut self.0, name }
    }
}

/// One metric with its samples.
struct Family<'e> {
    text: &'e mut String,
    name: &'static str,
}

impl Family<'_> {
    /// Adds a sample; `suffix` is that of a histogram's parts.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.name);
    }
}

/// The value of a label: the id of a provider of a user's own may have any letters.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The metrics; `now` is the time in a session.
pub(crate) fn respond(services: &Services, now: impl Fn(&str) -> Timestamp) -> EndpointResponse {
    let metrics = &services.metrics;
    let mut text = Exposition::default();

    let help = "Requests by provider, route and status; status 0 is a response of which the client saw none.";
    let mut family = text.family("seedream_mock_requests_total", "counter", help);
    for (provider, route, status, count) in metrics.requests() {
        family.sample("", &[("provider", provider), ("route", route), ("status", &status.to_string())], count);
    }

    let help = "Images of responses, and images that accepted tasks reserved.";
    let mut family = text.family("seedream_mock_images_total", "counter", help);
    for (provider, count) in metrics.images() {
        family.sample("", &[("provider", provider)], count);
    }

    let State { paid, tasks, sessions } = State::of(services, now);
    let ledger = "in the ledgers of all sessions; without a provider, those of entries that are no longer listed.";
    let mut family = text.family("seedream_mock_billed_images", "gauge", &format!("Billed images {ledger}"));
    for (provider, total) in &paid {
        family.sample("", &[("provider", provider)], total.images);
    }
    let mut family = text.family("seedream_mock_billed_credits", "gauge", &format!("Billed credits {ledger}"));
    for (provider, total) in &paid {
        family.sample("", &[("provider", provider)], total.credits);
    }

    let help = "Requests to which a word of the fault grammar applied, by the word.";
    let mut family = text.family("seedream_mock_faults_total", "counter", help);
    for (entry, count) in TABLE.iter().zip(metrics.faults()).filter(|(_, count)| *count > 0) {
        family.sample("", &[("kind", entry.name)], count);
    }

    let mut family = text.family("seedream_mock_tasks", "gauge", "Tasks of all sessions by state.");
    for state in STATES {
        family.sample("", &[("state", state)], tasks.get(state).copied().unwrap_or_default());
    }
    text.family("seedream_mock_sessions", "gauge", "Open sessions.").sample("", &[], sessions);

    let help =
        "Time from the head of a request to the head of its response, with delays of faults, by the machine's time.";
    let mut family = text.family("seedream_mock_response_seconds", "histogram", help);
    let (steps, micros) = metrics.latencies();
    let mut all = 0;
    for (step, bound) in steps.iter().zip(BOUNDS.map(Some).into_iter().chain([None])) {
        all += step;
        let bound = bound.map_or_else(|| String::from("+Inf"), |bound| seconds(bound).to_string());
        family.sample("_bucket", &[("le", &bound)], all);
    }
    family.sample("_sum", &[], seconds(micros));
    family.sample("_count", &[], all);

    EndpointResponse::new(200, "text/plain; version=0.0.4; charset=utf-8", vec![Chunk::text(text.0)])
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// What the sessions hold now.
#[derive(Default)]
struct State {
    /// By provider; what is no longer listed has none.
    paid: BTreeMap<String, PaidTotal>,
    tasks: BTreeMap<&'static str, u64>,
    sessions: usize,
}

impl State {
    fn of(services: &Services, now: impl Fn(&str) -> Timestamp) -> Self {
        let sessions = &services.sessions;
        let providers = services.library.providers().iter().map(|provider| provider.id.as_str());
        let mut state = Self {
            paid: providers.chain([""]).map(|id| (id.to_owned(), PaidTotal::default())).collect(),
            sessions: sessions.names().len(),
            ..Self::default()
        };
        for name in sessions.wanted(None) {
            // The time is asked outside of the lock of the sessions.
            let now = now(&name);
            let held = sessions.look(&name, |session| {
                for task in session.tasks() {
                    *state.tasks.entry(status_of(task, now).0).or_default() += 1;
                }
                session.settled(now).by_provider()
            });
            let gone = || BTreeMap::from([(String::new(), sum_of(&sessions.totals(&name).unwrap_or_default().keys))]);
            for (provider, total) in held.unwrap_or_else(gone) {
                let known = state.paid.entry(provider).or_default();
                *known = known.and(total);
            }
        }
        state
    }
}
