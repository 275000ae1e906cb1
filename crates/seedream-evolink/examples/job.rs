//! A job with a record: billed images survive a crash of this process.
//!
//! `EVOLINK_API_KEY=… cargo run -p seedream-evolink --example job -- "two views of a lighthouse"`; `EVOLINK_BASE_URL` sets a mock.
//! The example first collects the records of earlier runs in the folder `out`.
#![allow(clippy::print_stdout, reason = "this is a program")]

use std::{env, path::Path};

use seedream_evolink::{
    Evolink,
    seedream_client::{Client, FolderStore, JobEvent},
    seedream_core::{ImageRequest, Result},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let key = env::var("EVOLINK_API_KEY").unwrap_or_default();
    let prompt = env::args().nth(1).unwrap_or_else(|| "two views of a lighthouse, 2 images".to_owned());
    run(&key, env::var("EVOLINK_BASE_URL").ok().as_deref(), &prompt, "out").await
}

/// Collects the records in a folder, then makes two images.
pub async fn run(key: &str, base_url: Option<&str>, prompt: &str, folder: &str) -> Result<()> {
    let builder = Client::builder(Evolink).key(key);
    let builder = base_url.into_iter().fold(builder, |builder, url| builder.base_url(url));
    let client = builder.build()?;

    let is_new = !Path::new(folder).exists();
    for left in if is_new { Vec::new() } else { FolderStore::resumable(folder).await? } {
        let path = left?.path;
        match client.resume(&path.to_string_lossy()).run().await {
            Ok(outcome) => println!("collected {} of {}", outcome.images.len(), path.display()),
            // The charge states whether the request may have been billed.
            Err(error) => println!("not collected: {error}; charge {}", error.outcome().charge.as_str()),
        }
    }

    // The record is on disk before the request is sent, and is removed once the images and their metadata are durable.
    let mut events = client.job(ImageRequest::new("seedream-4.5", prompt).count(2)).save_to(folder).events();
    while let Some(event) = events.next().await {
        match event {
            JobEvent::Accepted { task, record } => println!("accepted {} in {record:?}", task.id),
            JobEvent::Saved(image) => println!("saved {} {}", image.location, image.sha256),
            JobEvent::Ended(ended) => {
                let outcome = (*ended)?;
                println!("{} images, charge {}", outcome.images.len(), outcome.charge.as_str());
            }
            _ => {}
        }
    }
    Ok(())
}
