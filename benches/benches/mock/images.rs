//! How long an image takes to be drawn and encoded.

use std::time::Instant;

use seedream_mock::{ImageFormat, TestImage};
use serde_json::{Value, json};

use crate::{
    Result,
    report::{Wanted, compare, median, say},
    server_process::ran,
};

const ROUNDS: u64 = 41;
const SIDE: u32 = 2048;

pub(crate) fn measure() -> Result<Value> {
    say(&format!("\none picture of {SIDE}x{SIDE} (medians of {ROUNDS})"));
    let mut rows = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let (mut wall, mut cpu, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let image = image(format, round);
            let (started, before) = (Instant::now(), ran("/proc/thread-self/schedstat")?);
            let file = image.render();
            wall.push(started.elapsed().as_secs_f64() * 1e3);
            cpu.push((ran("/proc/thread-self/schedstat")? - before) / 1e6);
            bytes.push(file.len() as f64);
        }
        let [wall, cpu, bytes] = [wall, cpu, bytes].map(median);
        say(&format!("  {:<4} {wall:>6.2} ms, CPU {cpu:>6.2} ms, {:>7.1} KiB", format.as_str(), bytes / 1024.0));
        rows.push(json!({ "format": format.as_str(), "wall_ms": wall, "cpu_ms": cpu, "bytes": bytes }));
    }
    let png = rows[0]["wall_ms"].as_f64().unwrap_or(f64::NAN);
    let verdict = compare("a PNG in ms", Wanted::AtMost(10.0), png);
    Ok(json!({ "pictures": rows, "verdicts": [verdict] }))
}

/// Every one has its own colours and shapes.
fn image(format: ImageFormat, round: u64) -> TestImage {
    TestImage {
        provider: "ark".to_owned(),
        key: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(round + 1),
        index: 0,
        width: SIDE,
        height: SIDE,
        format,
        mark: true,
        caption: "a lighthouse in fog, seen from the sea".to_owned(),
    }
}
