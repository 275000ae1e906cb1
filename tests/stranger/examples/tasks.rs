//! A provider of one's own whose responses are tasks: two images by an adapter that the workspace does not know, from a mock that
//! knows the provider by its fixtures alone.
//!
//! `cargo run --manifest-path tests/stranger/Cargo.toml --example tasks` starts the mock itself; with a URL as its argument it asks
//! there, as in `-- http://127.0.0.1:8080/quarry` with `seedream mock serve --fixtures tests/stranger/fixtures` beside it.

use std::{error::Error, path::Path};

use seedream::{Client, ImageRequest, Size, Tier};
use seedream_harbour::quarry::Quarry;
use seedream_mock::MockServer;

/// Where the facts of the provider are.
pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// Buys two images and returns the lines to print.
pub async fn run(base_url: &str, folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let client = Client::builder(Quarry).base_url(base_url).key("sk-test").build()?;
    let request =
        ImageRequest::new("quarry-4.5", "a quarry in the rain").size(Size::ratio(16, 9).at(Tier::K4)).count(2);
    let outcome = client.job(request).save_to(folder).run().await?;
    let mut lines: Vec<String> = outcome.images.iter().map(|image| format!("image {}", image.location)).collect();
    if let Some(cost) = outcome.usage.other.get("cost") {
        lines.push(format!("cost: {cost} dollars, charge: {}", outcome.charge));
    }
    Ok(lines)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mock = MockServer::builder().fixtures(FIXTURES)?.start().await?;
    let own = mock.base_url("quarry").ok_or("the fixtures have no quarry")?;
    let base_url = std::env::args().nth(1).unwrap_or(own);
    for line in run(&base_url, Path::new("out")).await? {
        println!("{line}");
    }
    for paid in mock.ledger() {
        println!("the mock billed {} images", paid.images);
    }
    Ok(())
}
