//! Jobs: the order of record, request, images and metadata, whatever store, output or provider they have.

mod cancelled;
mod dropped;
mod encoded_once;
mod foreign_provider;
mod job_ids;
pub(crate) mod job_transport;
mod memory_store;
mod named;
mod resumed;
mod store_refusals;
mod write_order;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use seedream_client::{Client, Job};
use seedream_core::{Dialect, Policy};

use self::{
    job_transport::{Act, Wire},
    memory_store::{Ledger, Shelf},
};
use crate::tiny_dialects::request;

const PNG: &[u8] = include_bytes!("tiny.png");
const ONE: &str = r#"{"data":[{"url":"https://a.example/0.png"}],"billed":1}"#;
const DONE: &str = r#"{"status":"done","data":[{"url":"https://a.example/0.png"}],"billed":1}"#;
const ACCEPTED: &str = r#"{"id":"job-1","eta":4}"#;
const EVENTS: &str =
    "data: {\"url\":\"https://a.example/0.png\"}\n\ndata: {\"url\":\"https://a.example/1.png\"}\n\ndata: [DONE]\n\n";

fn client(dialect: impl Dialect, wire: &Wire) -> Client {
    policed(dialect, wire, Policy::default())
}

fn policed(dialect: impl Dialect, wire: &Wire, policy: Policy) -> Client {
    let builder = Client::builder(dialect).base_url("https://tiny.example").key(crate::tiny_dialects::KEY);
    let wire = Arc::new(wire.clone());
    builder.transport(wire.clone()).download_transport(wire).policy(policy).seed(7).build().unwrap()
}

/// Answers each POST and each poll by its number, and each download with an image.
fn wire(responses: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Wire {
    Wire::new(move |line, number| if line.contains("a.example") { Act::ok(PNG) } else { responses(line, number) })
}

/// A job with a ledger and a shelf.
fn kept(client: &Client, ledger: &Ledger, shelf: &Shelf) -> Job {
    with(client.job(request()), ledger, shelf)
}

fn with(job: Job, ledger: &Ledger, shelf: &Shelf) -> Job {
    job.store(Arc::new(ledger.clone())).output(Arc::new(shelf.clone()))
}

/// The clock of these tests stands still, and goes on while everything waits.
async fn after(time: f64) {
    tokio::time::sleep(Duration::from_secs_f64(time)).await;
}

fn png() -> Bytes {
    Bytes::from_static(PNG)
}
