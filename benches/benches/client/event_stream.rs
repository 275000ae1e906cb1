//! A stream of events with an image in each, read from the wire.

use std::{borrow::Cow, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use seedream::{ClientBuilder, ImageData, ImageProvider as _};
use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    peer::{self, Hyper, KEY, Peer, Request},
};

pub(crate) const PART: Part = Part { name: "events", contests, run_entry };

#[derive(Serialize, Deserialize)]
struct Job {
    peer: Peer,
    /// To files instead of memory.
    spool: bool,
    events: usize,
    /// Of the base64 in each.
    mib: usize,
}

/// Of one stream.
const MIB: usize = 64;

fn contests() -> Result<Vec<Contest>> {
    let of = |mib: usize| {
        let job = |peer, spool| Job { peer, spool, events: MIB / mib, mib };
        let mut entries = Vec::new();
        for peer in Peer::ALL {
            // Its parser is quadratic: an event of 8 MiB takes it a dozen seconds.
            let events = if peer == Peer::Openai { 1 } else { MIB / mib };
            if peer != Peer::Openai || mib <= 2 {
                entries.push(Entry::new(peer.label(), &Job { events, ..job(peer, false) })?);
            }
        }
        entries.push(Entry::new("this client, to files", &job(Peer::Ours, true))?);
        Ok(Contest { title: format!("events of {mib} MiB"), unit: "MiB", rounds: 5, entries, memory: None })
    };
    [2, 8, 32].into_iter().map(of).collect()
}

fn run_entry() -> Result<Cost> {
    let (job, server) = contest::job::<Job>()?;
    let base = format!("{server}/events/{}/{}", job.events, job.mib << 20);
    let directory = tempfile::tempdir()?;
    peer::runtime()?.block_on(async {
        let reader = Reader::new(job.peer, &base, job.spool.then_some(directory.path()))?;
        let meter = Meter::start()?;
        assert_eq!(reader.read().await?, job.events * (job.mib << 20) / 4 * 3);
        meter.stop(job.events * job.mib)
    })
}

/// A peer that is ready to read a stream.
enum Reader {
    Hyper { client: Hyper, url: String },
    Reqwest { client: reqwest::Client, url: String },
    Openai(async_openai::Client<async_openai::config::OpenAIConfig>),
    Ours(seedream::Client),
}

impl Reader {
    fn new(peer: Peer, base: &str, spool: Option<&Path>) -> Result<Self> {
        let url = format!("{base}/images/generations");
        Ok(match peer {
            Peer::Hyper => Self::Hyper { client: peer::hyper(), url },
            Peer::Reqwest => Self::Reqwest { client: peer::reqwest()?, url },
            Peer::Openai => Self::Openai(peer::openai(base, peer::reqwest()?)),
            Peer::Ours => {
                let builder = peer::ours(base);
                Self::Ours(spool.into_iter().fold(builder, ClientBuilder::spool).build()?)
            }
        })
    }

    /// Reads all images and keeps them; how many bytes they have.
    async fn read(&self) -> Result<usize> {
        let mut events = Events::default();
        match self {
            Self::Hyper { client, url } => {
                let mut body = client.request(peer::post(url, &Request::PLAIN)?).await?.into_body();
                while let Some(frame) = body.frame().await {
                    if let Ok(chunk) = frame?.into_data() {
                        events.feed(&chunk)?;
                    }
                }
            }
            Self::Reqwest { client, url } => {
                let mut response = client.post(url).bearer_auth(KEY).json(&Request::PLAIN).send().await?;
                while let Some(chunk) = response.chunk().await? {
                    events.feed(&chunk)?;
                }
            }
            Self::Openai(client) => {
                use async_openai::types::images::ImageGenStreamEvent;

                let mut stream = client.images().generate_stream(peer::openai_request()).await?;
                while let Some(event) = stream.next().await {
                    if let ImageGenStreamEvent::Completed(event) = event? {
                        events.pictures.push(STANDARD.decode(event.b64_json)?);
                    }
                }
            }
            Self::Ours(client) => {
                let generation = client.generate(peer::our_request().stream(true)).await?;
                return Ok(usize::try_from(generation.images().map(|image| length(&image.data)).sum::<u64>())?);
            }
        }
        Ok(events.pictures.iter().map(Vec::len).sum())
    }
}

/// How long an image is.
fn length(data: &ImageData) -> u64 {
    match data {
        ImageData::Bytes(bytes) => bytes.len() as u64,
        ImageData::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
        // The server's images have a beginning and no end.
        ImageData::Incomplete { data, .. } => length(data),
        _ => 0,
    }
}

/// What a person writes who knows that events end in a blank line, and not to look at anything twice.
#[derive(Default)]
struct Events {
    buffer: BytesMut,
    /// How much of it holds no end of an event.
    searched: usize,
    pictures: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Completed<'a> {
    #[serde(borrow)]
    b64_json: Cow<'a, str>,
}

impl Events {
    fn feed(&mut self, chunk: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(chunk);
        while let Some(end) = memchr::memmem::find(&self.buffer[self.searched..], b"\n\n") {
            let event = self.buffer.split_to(self.searched + end + 2);
            self.searched = 0;
            for line in event.as_ref().split(|byte: &u8| *byte == b'\n') {
                if let Some(data) = line.strip_prefix(b"data: ").filter(|data| *data != b"[DONE]") {
                    let completed: Completed<'_> = serde_json::from_slice(data)?;
                    self.pictures.push(STANDARD.decode(completed.b64_json.as_bytes())?);
                }
            }
        }
        self.searched = self.buffer.len().saturating_sub(1);
        Ok(())
    }
}
