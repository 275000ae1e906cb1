//! What one more costs, at three sizes: images in a response, references in a request, tasks at a time.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use seedream::{ImageRequest, ImageSource};
use serde::{Deserialize, Serialize};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    image_call::{Caller, generated, posted},
    meter::{Cost, Meter},
    peer::{self, MODEL, PROMPT, Peer, Request},
    server::image,
    tasks,
};

pub(crate) const PART: Part = Part { name: "growth", contests, run_entry };

#[derive(Serialize, Deserialize)]
enum Job {
    Pictures { peer: Peer, number: usize },
    References { peer: Peer, number: usize },
    Tasks(tasks::Job),
}

/// The images, and the references, of all calls together.
const PICTURES: usize = 50_000;
const REFERENCES: usize = 42;
/// The size of a reference.
const REFERENCE: usize = 1_000_000;

fn contests() -> Result<Vec<Contest>> {
    let mut contests = Vec::new();
    for peer in [Peer::Reqwest, Peer::Ours] {
        let label = |what: &str| format!("{what}, {}", peer.label());
        let pictures = [100, 1_000, 10_000].map(|number| Job::Pictures { peer, number });
        contests.push(of(label("pictures in an answer"), "picture", 3, &pictures)?);
        let references = [1, 3, 14].map(|number| Job::References { peer, number });
        contests.push(of(label("references of 1 MB"), "reference", 3, &references)?);
    }
    let tasks = [100, 1_000, 10_000].map(|tasks| Job::Tasks(tasks::Job { peer: Peer::Ours, tasks }));
    contests.push(of("tasks, this client".into(), "poll", 3, &tasks)?);
    Ok(contests)
}

fn of(title: String, unit: &'static str, rounds: usize, jobs: &[Job; 3]) -> Result<Contest> {
    let entry = |job: &Job| Entry::new(job.number().to_string(), job);
    let entries = jobs.iter().map(entry).collect::<Result<_>>()?;
    Ok(Contest { title, unit, rounds, entries, memory: None })
}

impl Job {
    fn number(&self) -> usize {
        match self {
            Self::Pictures { number, .. } | Self::References { number, .. } => *number,
            Self::Tasks(job) => job.tasks,
        }
    }
}

fn run_entry() -> Result<Cost> {
    match contest::job::<Job>()? {
        (Job::Pictures { peer, number }, server) => peer::runtime()?.block_on(async {
            let caller = Caller::new(peer, &format!("{server}/pictures/{number}"))?;
            caller.call().await?;
            let meter = Meter::start()?;
            for _ in 0..PICTURES / number {
                assert_eq!(caller.call().await?, number);
            }
            meter.stop(PICTURES)
        }),
        (Job::References { peer, number }, server) => {
            peer::runtime()?.block_on(references(peer, number, &format!("{server}/pictures/1")))
        }
        (Job::Tasks(job), server) => tasks::poll_all(&job, &server),
    }
}

/// Sends images that are in memory.
async fn references(peer: Peer, number: usize, base: &str) -> Result<Cost> {
    let pictures: Vec<_> = (0..number).map(|_| bytes::Bytes::from(image(REFERENCE))).collect();
    let (http, client) = (peer::reqwest()?, peer::ours(base).build()?);
    posted(&http, &format!("{base}/images/generations"), &Request::PLAIN).await?;
    generated(&client, peer::our_request()).await?;
    let meter = Meter::start()?;
    for _ in 0..REFERENCES / number {
        let came = if peer == Peer::Ours {
            let references = pictures.iter().map(|picture| ImageSource::inline("image/png", picture.clone()));
            generated(&client, references.fold(peer::our_request(), ImageRequest::reference)).await?
        } else {
            let uri = |picture| format!("data:image/png;base64,{}", STANDARD.encode(picture));
            let image: Vec<_> = pictures.iter().map(uri).collect();
            let request = Request { model: MODEL, prompt: PROMPT, image: &image };
            posted(&http, &format!("{base}/images/generations"), &request).await?
        };
        assert_eq!(came, 1);
    }
    meter.stop(REFERENCES)
}
