//! How long `seedream mock serve` needs until it says where it is, and what it has then.

use std::{process::Command, time::Instant};

use serde_json::{Value, json};

use crate::{
    Result,
    peer::Peer,
    report::{Wanted, compare, median, say},
    server_process::Server,
    target,
};

const ROUNDS: usize = 25;

pub(crate) fn measure() -> Result<Value> {
    // Else what is measured could be older than the tree.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| String::from("cargo"));
    let built = Command::new(cargo).args(["build", "--release", "--quiet", "-p", "seedream-cli"]).status()?;
    if !built.success() {
        return Err("seedream cannot be built".into());
    }
    let program = target().join("release").join("seedream");
    let (mut ready, mut cpu, mut resident, mut hyper) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let server = Server::start(Command::new(&program).args(["mock", "serve", "--port", "0"]), address)?;
        ready.push(started.elapsed().as_secs_f64() * 1e3);
        cpu.push(server.cpu()? / 1e3);
        resident.push(server.resident()? / 1024.0);
        drop(server);
        let started = Instant::now();
        drop(Peer::Hyper.start()?);
        hyper.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let [ready, cpu, resident, hyper] = [ready, cpu, resident, hyper].map(median);
    say(&format!("\nfrom the start of the process to the first line (medians of {ROUNDS} rounds)"));
    say(&format!("  seedream mock serve {ready:>6.1} ms, CPU {cpu:>5.1} ms, {resident:>5.1} MiB"));
    say(&format!("  hyper               {hyper:>6.1} ms"));
    let verdicts = [
        compare("ready in ms", Wanted::AtMost(50.0), ready),
        compare("memory in MiB when idle", Wanted::AtMost(15.0), resident),
    ];
    Ok(json!({ "ready_ms": ready, "cpu_ms": cpu, "resident_mib": resident, "hyper_ms": hyper, "verdicts": verdicts }))
}

/// Where the line of a mock that is ready says that it listens.
fn address(line: &str) -> Result<std::net::SocketAddr> {
    let ready: Value = serde_json::from_str(line)?;
    let url = ready["url"].as_str().and_then(|url| url.strip_prefix("http://"));
    Ok(url.ok_or("a line without a URL")?.parse()?)
}
