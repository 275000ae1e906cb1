//! A response with its images in base64: beside downloading the same bytes to a file.

use std::{
    fs,
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use seedream::ImageProvider as _;
use seedream::seedream_client::SaveOptions;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    peer,
    server::{self, PICTURE},
};

pub(crate) const PART: Part = Part { name: "base64", contests, run_entry };

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Way {
    /// The whole body to a file, as it comes.
    Download,
    /// The SHA-256 of the images, which are in memory.
    Hash,
    /// The images from memory to files, each synced and then renamed.
    Sync,
    Values,
    Openai,
    Memory,
    Spool,
    Saved,
}

const WAYS: [(Way, &str); 8] = [
    (Way::Download, "plain download to a file"),
    (Way::Hash, "SHA-256 alone"),
    (Way::Sync, "write and fsync alone"),
    (Way::Values, "reqwest + serde_json + base64, in memory"),
    (Way::Openai, "async-openai + base64, in memory"),
    (Way::Memory, "this client, to memory"),
    (Way::Spool, "this client, to files"),
    (Way::Saved, "this client, to files, hashed, synced and named"),
];

#[derive(Serialize, Deserialize)]
struct Job {
    way: Way,
    pictures: usize,
    /// How often they are asked for.
    times: usize,
}

fn contests() -> Result<Vec<Contest>> {
    let of = |(pictures, times)| {
        let entry = |(way, label): &(Way, &str)| Entry::new(*label, &Job { way: *way, pictures, times });
        let title = format!("base64, pictures of {} MB: {pictures}", PICTURE / 1_000_000);
        let entries = WAYS.iter().map(entry).collect::<Result<_>>()?;
        Ok(Contest { title, unit: "call", rounds: 3, entries, memory: None })
    };
    [(1, 15), (5, 3), (15, 1)].into_iter().map(of).collect()
}

fn run_entry() -> Result<Cost> {
    let (job, server) = contest::job::<Job>()?;
    let directory = tempfile::tempdir()?;
    peer::runtime()?.block_on(async {
        let ready = Ready::new(job.way, &server, directory.path())?;
        // The first connection, and everything that is made once, is not counted; nor is it a response that all of them like.
        drop(ready.ask(0).await);
        let mut meter = Meter::start()?;
        for _ in 0..job.times {
            meter.again()?;
            ready.ask(job.pictures).await?;
            meter.pause()?;
            for entry in fs::read_dir(directory.path())? {
                fs::remove_file(entry?.path())?;
            }
        }
        meter.cost(job.times)
    })
}

/// An entry with its connections.
struct Ready {
    way: Way,
    server: String,
    directory: PathBuf,
    http: reqwest::Client,
    /// An image, where none is asked for.
    image: Vec<u8>,
    transport: std::sync::Arc<seedream::seedream_client::ReqwestTransport>,
}

impl Ready {
    fn new(way: Way, server: &str, directory: &Path) -> Result<Self> {
        let (server, directory) = (server.to_owned(), directory.to_owned());
        let image = if matches!(way, Way::Hash | Way::Sync) { server::image(PICTURE) } else { Vec::new() };
        Ok(Self { way, server, directory, http: peer::reqwest()?, image, transport: Default::default() })
    }

    async fn ask(&self, pictures: usize) -> Result<()> {
        let base = format!("{}/base64/{pictures}", self.server);
        let url = format!("{base}/images/generations");
        match self.way {
            Way::Download => {
                let mut response = self.http.post(url).body("{}").send().await?;
                let mut file = fs::File::create(self.directory.join("body"))?;
                while let Some(chunk) = response.chunk().await? {
                    file.write_all(&chunk)?;
                }
            }
            Way::Hash => {
                for _ in 0..pictures {
                    black_box(digest(&SHA256, &self.image));
                }
            }
            Way::Sync => {
                for picture in 0..pictures {
                    let part = self.directory.join("part");
                    let mut file = fs::File::create(&part)?;
                    file.write_all(&self.image)?;
                    file.sync_all()?;
                    fs::rename(part, self.directory.join(picture.to_string()))?;
                }
                fs::File::open(&self.directory)?.sync_all()?;
            }
            Way::Values => {
                let body = self.http.post(url).body("{}").send().await?.bytes().await?;
                let value: Value = serde_json::from_slice(&body)?;
                drop(body);
                let items = value["data"].as_array().ok_or("no data")?;
                check(pictures, items.iter().map(|item| item["b64_json"].as_str().unwrap_or_default()))?;
            }
            Way::Openai => {
                use async_openai::types::images::Image;

                let client = peer::openai(&base, self.http.clone());
                let response = client.images().generate(peer::openai_request()).await?;
                let base64 = |image: &'_ std::sync::Arc<Image>| match &**image {
                    Image::B64Json { b64_json, .. } => b64_json.clone(),
                    Image::Url { .. } => Default::default(),
                };
                let all: Vec<_> = response.data.iter().map(base64).collect();
                check(pictures, all.iter().map(|base64| base64.as_str()))?;
            }
            Way::Memory | Way::Spool | Way::Saved => {
                let mut builder = peer::ours(&base).transport(self.transport.clone());
                if !matches!(self.way, Way::Memory) {
                    builder = builder.spool(&self.directory);
                }
                let client = builder.build()?;
                let generation = client.generate(peer::our_request()).await?;
                assert_eq!(generation.images().count(), pictures);
                if matches!(self.way, Way::Saved) {
                    let saved = client.save(&generation, &SaveOptions::new(&self.directory, "bench")).await;
                    assert!(saved.images().all(|image| image.bytes == PICTURE as u64));
                    assert_eq!(saved.images().count(), pictures);
                }
            }
        }
        Ok(())
    }
}

/// Decodes all of them, and keeps all.
fn check<'a>(pictures: usize, base64: impl Iterator<Item = &'a str>) -> Result<()> {
    let decoded = base64.map(|base64| STANDARD.decode(base64)).collect::<std::result::Result<Vec<_>, _>>()?;
    assert_eq!(decoded.iter().map(Vec::len).sum::<usize>(), pictures * PICTURE);
    Ok(())
}
