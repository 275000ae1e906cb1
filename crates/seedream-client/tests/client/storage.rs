//! Images in a bucket: against a double of a store for faults, and against moto, a real server.

mod faults;
mod moto;
mod real_store;
mod store_double;

use std::{fs, path::Path, sync::Arc};

use seedream_client::{
    Client, FolderStore, Job, Transport,
    storage::{BucketOutput, BucketSettings, StorageError},
};

use crate::{
    jobs::job_transport::{Act, Wire},
    tiny_dialects::{KEY, Tiny, request},
};

/// Keys that no error and no log may show.
const ID: &str = "canary-key-id";
const SECRET: &str = "canary-secret";

fn settings(url: &str, variables: &[(&str, &str)]) -> BucketSettings {
    let keys = [("AWS_ACCESS_KEY_ID", ID), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let all: Vec<_> = keys.into_iter().chain(variables.iter().copied()).collect();
    let value = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    BucketSettings::from_lookup(url, value).unwrap()
}

async fn open(
    settings: BucketSettings,
    spool: &Path,
    transport: impl Transport + 'static,
) -> Result<BucketOutput, StorageError> {
    BucketOutput::open(settings, spool, Arc::new(transport)).await
}

/// A provider whose response names so many images, each of about so many bytes.
fn provider(images: usize, bytes: usize) -> (Client, Wire) {
    let items: Vec<_> = (0..images).map(|index| format!(r#"{{"url":"https://a.example/{index}.png"}}"#)).collect();
    let response = format!(r#"{{"data":[{}],"billed":{images}}}"#, items.join(","));
    let wire = Wire::new(move |line, _| match line.rsplit_once("a.example/") {
        Some((_, name)) => Act::ok(png(name.trim_end_matches(".png").parse().unwrap(), bytes)),
        None => Act::ok(response.clone()),
    });
    (client(&wire), wire)
}

fn client(wire: &Wire) -> Client {
    let builder = Client::builder(Tiny).base_url("https://tiny.example").key(KEY);
    let wire = Arc::new(wire.clone());
    builder.transport(wire.clone()).download_transport(wire).seed(7).build().unwrap()
}

/// A job whose records are in the spool folder.
fn job(client: &Client, output: &BucketOutput, spool: &Path) -> Job {
    client.job(request()).id("team/fox").store(Arc::new(FolderStore::new(spool))).output(Arc::new(output.clone()))
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A PNG with padding that differs from image to image.
fn png(number: usize, bytes: usize) -> Vec<u8> {
    const TINY: &[u8] = include_bytes!("tiny.png");
    // After the signature and the header.
    let (head, rest) = TINY.split_at(33);
    let noise = (0..bytes).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ number as u8);
    let chunk: Vec<u8> = b"paDd".iter().copied().chain(number.to_be_bytes()).chain(noise).collect();
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    [head, &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), rest].concat()
}
