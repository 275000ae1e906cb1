//! Thousands of tasks that are being asked for, each a few times, in one process.
//!
//! async-openai has no such tasks.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use seedream::adapters::Evolink;
use seedream::seedream_core::{Policy, TaskId};
use seedream::{Client, ImageProvider as _};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    Part, Result,
    contest::{self, Contest, Entry},
    meter::{Cost, Meter},
    peer::{self, Hyper, KEY, Peer},
    server::POLLS,
};

pub(crate) const PART: Part = Part { name: "tasks", contests, run_entry };

/// Between two polls of a task. The tasks begin spread over as long, so that they are never asked for all at once.
const PAUSE: Duration = Duration::from_secs(3);

#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) peer: Peer,
    pub(crate) tasks: usize,
}

fn contests() -> Result<Vec<Contest>> {
    let tasks = 10_000;
    let entry = |peer: Peer| Entry::new(peer.label(), &Job { peer, tasks });
    let entries = [Peer::Reqwest, Peer::Hyper, Peer::Ours].map(entry).into_iter().collect::<Result<_>>()?;
    let title = format!("{tasks} tasks being polled");
    Ok(vec![Contest { title, unit: "poll", rounds: 3, entries, memory: Some((tasks, "task")) }])
}

fn run_entry() -> Result<Cost> {
    let (job, server) = contest::job::<Job>()?;
    poll_all(&job, &server)
}

/// Asks for all of them until they are done.
pub(crate) fn poll_all(job: &Job, server: &str) -> Result<Cost> {
    peer::runtime()?.block_on(async {
        let poller = Arc::new(Poller::new(job.peer, &format!("{server}/tasks"))?);
        // The first connection, and everything that is made once, is not counted.
        poller.collect("first").await?;
        let meter = Meter::start()?;
        let start = Instant::now();
        let mut running = Vec::new();
        for task in 0..job.tasks {
            sleep_until(start + PAUSE * u32::try_from(task)? / u32::try_from(job.tasks)?).await;
            let poller = poller.clone();
            running.push(tokio::spawn(async move { poller.collect(&format!("task-{task}")).await }));
        }
        for one in running {
            one.await??;
        }
        meter.stop(job.tasks * POLLS)
    })
}

/// A peer with its connections.
enum Poller {
    Hyper { client: Hyper, base: String },
    Reqwest { client: reqwest::Client, base: String },
    Ours(Client),
}

/// What a program needs of a task.
#[derive(Deserialize)]
struct State<'a> {
    status: &'a str,
    #[serde(default)]
    results: Vec<String>,
}

impl Poller {
    fn new(peer: Peer, base: &str) -> Result<Self> {
        let base = base.to_owned();
        Ok(match peer {
            Peer::Hyper => Self::Hyper { client: peer::hyper(), base },
            Peer::Reqwest => Self::Reqwest { client: peer::reqwest()?, base },
            Peer::Openai => return Err("async-openai has no tasks".into()),
            Peer::Ours => {
                let mut policy = Policy::default();
                (policy.pace.shortest, policy.pace.longest) = (PAUSE, PAUSE);
                // The tasks are spread already.
                let builder = Client::builder(Evolink).base_url(base).key(KEY);
                Self::Ours(builder.policy(policy).polls_per_second(0).build()?)
            }
        })
    }

    /// Asks for a task until it is done.
    async fn collect(&self, task: &str) -> Result<()> {
        let mut polls = 0;
        let pictures = match self {
            Self::Ours(client) => client.collect(client.task(TaskId::new(task)?)).await?.images().count(),
            _ => loop {
                let body = self.poll(task).await?;
                let state: State<'_> = serde_json::from_slice(&body)?;
                polls += 1;
                if state.status == "completed" {
                    break state.results.len();
                }
                sleep(PAUSE).await;
            },
        };
        assert!(pictures == 1 && polls <= POLLS);
        Ok(())
    }

    /// One poll with a bare library.
    async fn poll(&self, task: &str) -> Result<Bytes> {
        match self {
            Self::Hyper { client, base } => {
                let request = http::Request::get(format!("{base}/v1/tasks/{task}"))
                    .header(http::header::AUTHORIZATION, format!("Bearer {KEY}"))
                    .body(Full::default())?;
                Ok(client.request(request).await?.into_body().collect().await?.to_bytes())
            }
            Self::Reqwest { client, base } => {
                let response = client.get(format!("{base}/v1/tasks/{task}")).bearer_auth(KEY).send().await?;
                Ok(response.error_for_status()?.bytes().await?)
            }
            Self::Ours(_) => Err("this client polls by itself".into()),
        }
    }
}
