//! Encoding and decoding one exchange, beside what parsing the same bytes into a `serde_json::Value` costs.

use std::{error::Error, fs, path::Path};

use criterion::Criterion;
use http::{HeaderMap, StatusCode};
use seedream::adapters::Ark;
use seedream::seedream_core::{Dialect as _, Response, Timestamp};
use seedream::{ImageRequest, Strictness};
use seedream_benches::Arguments;
use seedream_fixtures::RecordedBody;
use serde_json::{Value, json};

const GROUP: &str = "one exchange";

const PARTS: [&str; 4] = ["check", "encode", "decode", "peer: serde_json::Value of both bodies"];

fn codec(criterion: &mut Criterion) {
    let exchange = seedream_fixtures::exchange("ark/generate/document-003").expect("document 003's own exchange");
    let given = exchange.given.clone().expect("it has a request");
    let request: ImageRequest = serde_json::from_value(given).expect("a request");
    let Some(RecordedBody::Json(raw)) = exchange.response.as_ref().map(|response| &response.body) else {
        panic!("its answer is JSON");
    };
    let raw = raw.get().to_owned();
    let response = Response::new(StatusCode::OK, HeaderMap::new(), raw.clone(), Timestamp::UNIX_EPOCH);
    let checked = Ark.capabilities(&request.model).check(&request, Strictness::Strict).expect("a legal request");
    let wire = Ark.encode(&checked).expect("a body");

    let mut group = criterion.benchmark_group(GROUP);
    group.bench_function(PARTS[0], |b| {
        b.iter(|| Ark.capabilities(&request.model).check(&request, Strictness::Strict));
    });
    group.bench_function(PARTS[1], |b| b.iter(|| Ark.encode(&checked)));
    group.bench_function(PARTS[2], |b| b.iter(|| Ark.decode(&checked, &response)));
    group.bench_function(PARTS[3], |b| {
        b.iter(|| (serde_json::from_slice::<Value>(wire.body()), serde_json::from_str::<Value>(&raw)));
    });
    group.finish();
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
    let criterion = Criterion::default().output_directory(&folder);
    // Criterion refuses a flag that is not its own.
    let mut criterion = if arguments.has("--json") { criterion } else { criterion.configure_from_args() };
    codec(&mut criterion);
    criterion.final_summary();
    let estimate = |name: &str| -> Result<Value, Box<dyn Error>> {
        let file = folder.join(GROUP).join(name.replace(':', "_")).join("new/estimates.json");
        let estimates: Value = serde_json::from_slice(&fs::read(file)?)?;
        Ok(json!({ "what": name, "median_ns": estimates["median"]["point_estimate"] }))
    };
    if arguments.has("--json") {
        let figures: Vec<_> = PARTS.into_iter().map(estimate).collect::<Result<_, _>>()?;
        arguments.write(env!("CARGO_TARGET_TMPDIR"), "codec", &json!(figures))?;
    }
    Ok(())
}
