//! Encoding and decoding one exchange, beside what parsing the same bytes into a `serde_json::Value` costs.

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, StatusCode};
use seedream::adapters::Ark;
use seedream::seedream_core::{Dialect as _, Response, Timestamp};
use seedream::{ImageRequest, Strictness};
use seedream_fixtures::RecordedBody;
use serde_json::Value;

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

    let mut group = criterion.benchmark_group("one exchange");
    group.bench_function("check", |b| {
        b.iter(|| Ark.capabilities(&request.model).check(&request, Strictness::Strict));
    });
    group.bench_function("encode", |b| b.iter(|| Ark.encode(&checked)));
    group.bench_function("decode", |b| b.iter(|| Ark.decode(&checked, &response)));
    group.bench_function("peer: serde_json::Value of both bodies", |b| {
        b.iter(|| (serde_json::from_slice::<Value>(wire.body()), serde_json::from_str::<Value>(&raw)));
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
