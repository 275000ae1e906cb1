//! One adapter: three images, of which one fails, and what they cost.
//!
//! `cargo run --example one_adapter -- http://127.0.0.1:8080/ark/api/v3`, with `seedream mock serve` beside it.

use seedream_ark::{
    Ark,
    seedream_client::{Client, ImageProvider as _},
    seedream_core::{ImageRequest, Result, Size, Tier},
};

/// Buys three images and gives back the lines to print.
pub async fn run(base_url: &str, folder: &std::path::Path) -> Result<Vec<String>> {
    let client = Client::builder(Ark).base_url(base_url).key("sk-test").build()?;
    let request = ImageRequest::new("doubao-seedream-4-0-250828", "3 images of a lighthouse in fog")
        .size(Size::ratio(16, 9).at(Tier::K2))
        .up_to(3);
    let plan = client.plan(&request)?;
    let mut lines = vec![format!("at most {} images", plan.max_images)];

    let outcome = client.job(request).save_to(folder).run().await?;
    lines.extend(outcome.images.iter().map(|image| format!("image {}", image.location)));
    lines.extend(outcome.failures.iter().map(|failure| format!("failed: {failure}")));
    lines.extend(outcome.warnings.iter().map(|warning| format!("warning: {warning}")));
    let billed = outcome.billed.map_or_else(|| "not stated".to_owned(), |images| format!("{images} images"));
    lines.push(format!("billed: {billed}, charge: {}", outcome.charge));
    Ok(lines)
}

#[tokio::main]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8080/ark/api/v3".to_owned());
    for line in run(&base_url, std::path::Path::new("out")).await? {
        println!("{line}");
    }
    Ok(())
}
