//! The engine alone: what deciding and remembering one small generation costs, without a socket.

use bytes::Bytes;
use http::Request;
use seedream_mock::{Engine, Settings};
use serde_json::{Value, json};

use crate::{
    Result,
    peer::PATH,
    report::{median, say},
    server_process::ran,
};

const ROUNDS: usize = 15;
const CALLS: usize = 20_000;

pub(crate) fn measure() -> Result<Value> {
    let engine = Engine::new(Settings::default());
    let body = r#"{"model":"doubao-seedream-4-0-250828","prompt":"a lighthouse in fog, seen from the sea","size":"2048x2048"}"#;
    let request = Request::post(PATH)
        .header("host", "127.0.0.1:40000")
        .header("accept", "*/*")
        .header("user-agent", "bench")
        .header("authorization", "Bearer sk-bench-0123456789")
        .header("content-type", "application/json")
        .body(Bytes::from_static(body.as_bytes()))?;
    let mut cpu = Vec::new();
    for _ in 0..ROUNDS {
        let before = ran("/proc/thread-self/schedstat")?;
        for _ in 0..CALLS {
            let script = engine.handle(std::time::SystemTime::now(), &request);
            if script.status != 200 {
                return Err(format!("not a success: {script:?}").into());
            }
        }
        cpu.push((ran("/proc/thread-self/schedstat")? - before) / 1e3 / CALLS as f64);
    }
    let cpu = median(cpu);
    say(&format!("\nthe engine alone: CPU {cpu:.1} us a small generation (median of {ROUNDS} rounds)"));
    Ok(json!({ "cpu_us": cpu }))
}
