//! A caller that goes away at any moment: what was accepted or answered is on record, and is delivered later.

use std::{future::poll_fn, task::Poll};

use async_trait::async_trait;
use seedream_client::{History, Intent, Job, JobRecord, JobStore, RecordEntry, Refusal};
use seedream_core::Charge;

use super::{ACCEPTED, Act, DONE, EVENTS, Ledger, ONE, Shelf, Wire, after, client, kept, png, wire, with};
use crate::tiny_dialects::{Tiny, TinyTasks, request};

/// Polls a future so many times and drops it.
async fn polls<T>(future: impl Future<Output = T>, most: usize) -> Option<T> {
    let (mut future, mut polled) = (Box::pin(future), 0);
    poll_fn(move |context| {
        if polled == most {
            return Poll::Ready(None);
        }
        polled += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Url,
    Inline,
    Stream,
    Task,
}

impl Kind {
    fn wire(self) -> Wire {
        use base64::Engine as _;
        let inline = base64::engine::general_purpose::STANDARD.encode(png());
        wire(move |line, number| match self {
            Self::Url => Act::ok(ONE),
            Self::Inline => Act::ok(format!(r#"{{"data":[{{"b64":"{inline}"}}]}}"#)),
            Self::Stream => Act::Response(200, EVENTS.split_inclusive("\n\n").map(Into::into).collect()),
            Self::Task if line.starts_with("POST") => Act::ok(ACCEPTED),
            Self::Task if number == 0 => Act::ok(r#"{"status":"running"}"#),
            Self::Task => Act::ok(DONE),
        })
    }

    fn client(self, wire: &Wire) -> seedream_client::Client {
        if self == Self::Task { client(TinyTasks, wire) } else { client(Tiny, wire) }
    }

    /// How many images the response had brought, or its task will bring.
    fn came(self, wire: &Wire) -> usize {
        if self == Self::Stream { wire.pieces("POST").min(2) } else { usize::from(wire.has_read("POST")) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_dropped_at_any_moment_is_delivered_later_and_never_bought_twice() {
    for kind in [Kind::Url, Kind::Inline, Kind::Stream, Kind::Task] {
        let mut delivered = 0;
        for most in 1.. {
            let (wire, ledger, shelf) = (kind.wire(), Ledger::default(), Shelf::default());
            let job = kind.client(&wire).job(request().stream(kind == Kind::Stream));
            let ended = polls(with(job, &ledger, &shelf).run(), most).await;
            let (is_over, posts) = (ended.is_some(), wire.posts());
            let unfinished = ledger.unfinished().await.unwrap();
            assert_eq!(unfinished.is_empty(), ledger.is_over() || ledger.entries().is_empty());
            assert!(posts <= 1 && (posts == 0 || !ledger.entries().is_empty()), "{kind:?} {most}");
            if let [left] = &unfinished[..] {
                let came = kind.came(&wire);
                let resumed = with(kind.client(&wire).resume(&left.id), &ledger, &shelf).run().await;
                if came > 0 {
                    let outcome = resumed.unwrap_or_else(|error| panic!("{kind:?} {most}: {error:?} {left:?}"));
                    assert_eq!(outcome.charge, Charge::Yes);
                    assert_eq!(outcome.images.len(), came, "{kind:?} {most} {left:?}");
                    assert!(ledger.is_over(), "{kind:?} {most}");
                    delivered += 1;
                } else {
                    let error = resumed.unwrap_err();
                    assert_eq!(error.error().charge(), Charge::Unknown, "{kind:?} {most}");
                }
            }
            assert_eq!(wire.posts(), posts, "resuming sends nothing");
            assert!(shelf.images().len() >= kind.came(&wire) && shelf.images().iter().all(|image| *image == png()));
            if is_over {
                break;
            }
        }
        assert!(delivered > 3, "{kind:?} was cut {delivered} times after the response");
    }
}

/// An image is on its way to the record while the next one arrives, and the caller goes away then.
#[tokio::test(start_paused = true)]
async fn an_entry_that_waits_for_its_turn_is_handed_over_when_the_job_is_dropped() {
    for most in 1..200 {
        let wire = Kind::Stream.wire();
        let (ledger, shelf) = (Ledger::default(), Shelf::default());
        let job = with(client(Tiny, &wire).job(request().stream(true)), &ledger, &shelf);
        let mut came = 0;
        let events = async {
            let mut events = job.events();
            while let Some(event) = events.next().await {
                came += usize::from(matches!(event, seedream_client::JobEvent::Image(_)));
            }
        };
        let is_over = polls(events, most).await.is_some();
        let told = ledger.log().iter().filter(|entry| entry.starts_with("answered")).count();
        assert!(told >= came, "{most}: {came} images came, {:?}", ledger.log());
        if is_over {
            return;
        }
    }
    panic!("it does not end");
}

#[tokio::test(start_paused = true)]
async fn a_job_in_a_folder_that_is_dropped_at_any_moment_is_resumed_from_its_record() {
    for most in 1.. {
        let directory = tempfile::tempdir().unwrap();
        let wire = Kind::Task.wire();
        let client = Kind::Task.client(&wire);
        let ended = polls(client.job(request()).save_to(directory.path()).run(), most).await;
        let record = directory.path().join("tiny-0.job.jsonl");
        let (posts, is_bought) = (wire.posts(), wire.has_read("POST"));
        if let Some(ended) = ended {
            assert!(ended.is_ok() && !record.exists());
            return;
        }
        let resumed: Job = client.resume(record.to_str().unwrap());
        // A record whose last entry is being written just now goes away by itself.
        match resumed.run().await {
            Ok(outcome) => assert_eq!((outcome.images.len(), record.exists()), (1, false)),
            Err(error) if record.exists() => assert!(!is_bought, "{most}: {error:?}"),
            Err(_) => assert!(posts == 0 || directory.path().join("tiny-0.png").exists(), "{most}"),
        }
        assert_eq!(wire.posts(), posts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_that_is_dropped_lets_the_job_finish() {
    let (wire, ledger, shelf) = (Kind::Task.wire(), Ledger::default(), Shelf::default());
    let handle = kept(&client(TinyTasks, &wire), &ledger, &shelf).spawn();
    assert_eq!(handle.id().len(), 32);
    drop(handle);
    after(60.0).await;
    assert_eq!((wire.posts(), shelf.images(), ledger.is_over()), (1, vec![png()], true));
}

/// A store that is busy for a minute with each image that was saved.
#[derive(Debug)]
struct Busy(Ledger);

#[derive(Debug)]
struct BusyRecord(Box<dyn JobRecord>);

#[async_trait]
impl JobStore for Busy {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        Ok(Box::new(BusyRecord(self.0.begin(intent).await?)))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        self.0.unfinished().await
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        self.0.open(id).await
    }
}

#[async_trait]
impl JobRecord for BusyRecord {
    fn id(&self) -> &str {
        self.0.id()
    }

    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal> {
        self.0.attempt(intent).await
    }

    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        let is_image = matches!(entry, RecordEntry::Image { .. });
        self.0.append(entry).await?;
        if is_image {
            after(60.0).await;
        }
        Ok(())
    }
}

/// The second image arrives while the store is busy with the first, and the caller goes away then.
#[tokio::test(start_paused = true)]
async fn an_entry_that_waits_for_a_busy_store_is_handed_over_when_the_job_is_dropped() {
    let mut pieces: Vec<bytes::Bytes> = EVENTS.split_inclusive("\n\n").map(Into::into).collect();
    let second = pieces.split_off(1);
    let quiet = std::iter::repeat_n(bytes::Bytes::from_static(b": quiet\n\n"), 20);
    let pieces: Vec<_> = pieces.into_iter().chain(quiet).chain(second).collect();
    let wire = wire(move |_, _| Act::Response(200, pieces.clone()));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = kept(&client(Tiny, &wire), &ledger, &shelf).store(std::sync::Arc::new(Busy(ledger.clone())));
    assert!(tokio::time::timeout(std::time::Duration::from_secs(5), job.run()).await.is_err());
    assert_eq!(ledger.log(), ["intent", "answered in part", "image", "answered in part"]);
}
