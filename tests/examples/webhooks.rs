//! Hears of the end of an evolink task by callback, against the mock: `cargo run -p seedream-tests --example webhooks`.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use seedream::{
    Client, ImageRequest, Strictness,
    adapters::Evolink,
    seedream_client::webhook::{Webhooks, axum},
};
use seedream_mock::MockServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = MockServer::start().await?;
    let base = mock.base_url("evolink").ok_or("the mock has no evolink")?;
    // A provider takes callbacks to public https only, and the check says so. The mock takes those to this machine too.
    let client = Client::builder(Evolink).base_url(base).key("any").strictness(Strictness::Lenient).build()?;

    let webhooks = Webhooks::new(client)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let here = format!("http://{}", listener.local_addr()?);
    let server = axum::Router::new().merge(webhooks.router());
    tokio::spawn(async move { axum::serve(listener, server).await });

    let request = ImageRequest::new("seedream-4.5", "a lighthouse in fog").callback_url(webhooks.url(&here));
    let expected = webhooks.submit(request).await?;
    println!("accepted: {}", serde_json::to_string(expected.task())?);
    let generation = expected.wait().await?;
    for image in generation.images() {
        println!("{image:?}");
    }
    Ok(())
}
