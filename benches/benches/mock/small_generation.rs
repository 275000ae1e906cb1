//! A small generation: one image, as a URL, over many connections.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    Result,
    load_generator::{self, Next},
    peer::{PATH, Peer},
    report::{Wanted, compare, median, say},
};

const ROUNDS: usize = 15;
const CALLS: usize = 12_000;

/// What is asked before anything is counted.
const WARMING: usize = 2_000;

/// A round that takes longer than this says nothing any more.
const MOST: Duration = Duration::from_secs(60);

/// What one peer showed in one round.
struct Shown {
    per_second: f64,
    /// Microseconds of CPU time a request.
    cpu: f64,
    p50: f64,
    p99: f64,
    resident: f64,
}

pub(crate) fn measure() -> Result<Value> {
    let mut rounds: Vec<Vec<Shown>> = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(Peer::ALL.into_iter().map(show).collect::<Result<_>>()?);
    }
    say(&format!(
        "\nsmall generation, connections: {}, requests: {CALLS} (medians of {ROUNDS} rounds)",
        load_generator::CONNECTIONS
    ));
    let mut rows = Vec::new();
    let of = |at: usize, value: fn(&Shown) -> f64| median(rounds.iter().map(|round| value(&round[at])));
    let ratio = |at: usize, to: usize, value: fn(&Shown) -> f64| {
        // Whatever else the machine does at a time, it does to all of a round.
        median(rounds.iter().map(|round| value(&round[at]) / value(&round[to])))
    };
    for (at, peer) in Peer::ALL.into_iter().enumerate() {
        let (per_second, cpu) = (of(at, |shown| shown.per_second), of(at, |shown| shown.cpu));
        let (p50, p99) = (of(at, |shown| shown.p50), of(at, |shown| shown.p99));
        let resident = of(at, |shown| shown.resident) / 1024.0;
        let (rate_ratio, cpu_ratio) = (ratio(at, 0, |shown| shown.per_second), ratio(at, 0, |shown| shown.cpu));
        say(&format!(
            "  {:<10} {per_second:>7.0}/s ({rate_ratio:>4.2}x)  CPU {cpu:>6.1} us ({cpu_ratio:>4.2}x)  p50 {:>6.2} ms  p99 {:>6.2} ms  {resident:>6.1} MiB",
            peer.label(),
            p50 / 1e3,
            p99 / 1e3,
        ));
        rows.push(json!({
            "peer": peer.label(), "per_second": per_second, "rate_ratio": rate_ratio, "cpu_us": cpu,
            "cpu_ratio": cpu_ratio, "p50_us": p50, "p99_us": p99, "resident_mib": resident,
        }));
    }
    let [hyper, mock, wiremock] = [Peer::Hyper, Peer::Mock, Peer::Wiremock].map(|who| who as usize);
    let rate = |to| ratio(mock, to, |shown| shown.per_second);
    let verdicts = [
        compare("requests a second, of hyper's", Wanted::AtLeast(0.8), rate(hyper)),
        compare("requests a second, of wiremock's", Wanted::AtLeast(1.3), rate(wiremock)),
    ];
    Ok(json!({ "rounds": ROUNDS, "calls": CALLS, "peers": rows, "verdicts": verdicts }))
}

/// One peer, in a process of its own.
fn show(peer: Peer) -> Result<Shown> {
    let server = peer.start()?;
    let request = load_generator::small(PATH, "a lighthouse in fog, seen from the sea");
    let next: Next = Arc::new(move |_, _| request.clone());
    load_generator::ask(server.address, 0..WARMING, MOST, &next)?;
    let before = server.cpu()?;
    let seen = load_generator::ask(server.address, 0..CALLS, MOST, &next)?;
    Ok(Shown {
        per_second: seen.per_second(),
        cpu: (server.cpu()? - before) / seen.waits.len() as f64,
        p50: seen.wait(0.5),
        p99: seen.wait(0.99),
        resident: server.resident()?,
    })
}
