//! A store in memory with budget and fencing, and an output that is no folder.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use seedream_client::{
    FinishedPurchase, History, ImageContent, Intent, JobRecord, JobStore, Location, NewImage, Output, RecordEntry,
    Refusal, SendBefore,
};
use seedream_core::Charge;
use tokio::task::yield_now;

#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    records: BTreeMap<String, Kept>,
    /// What each job has begun: its purchases.
    bought: Vec<(String, u32)>,
    /// The most images that may be bought.
    budget: Option<u32>,
    /// What the attempt of this number, from 1, is refused with.
    refuse: Option<(u32, fn() -> Refusal)>,
    /// Which append fails, from 0.
    fail: Option<usize>,
    appends: usize,
    /// Every entry ever written, in a word.
    log: Vec<&'static str>,
    intents: Vec<Intent>,
    send_before: Option<SendBefore>,
    /// What is to be told, once.
    warnings: Vec<String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<RecordEntry>,
    /// Who may write.
    epoch: u32,
    is_over: bool,
}

impl Ledger {
    fn edit<T>(&self, edit: impl FnOnce(&mut State) -> T) -> T {
        edit(&mut self.0.lock().unwrap())
    }

    pub(crate) fn budget(self, images: u32) -> Self {
        self.edit(|state| state.budget = Some(images));
        self
    }

    /// Refuses an attempt.
    pub(crate) fn refuse(self, attempt: u32, refusal: fn() -> Refusal) -> Self {
        self.edit(|state| state.refuse = Some((attempt, refusal)));
        self
    }

    /// Fails at an append, from 0.
    pub(crate) fn fail(self, append: usize) -> Self {
        self.edit(|state| state.fail = Some(append));
        self
    }

    pub(crate) fn send_before(self, before: SendBefore) -> Self {
        self.edit(|state| state.send_before = Some(before));
        self
    }

    pub(crate) fn warn(self, message: &str) -> Self {
        self.edit(|state| state.warnings.push(message.to_owned()));
        self
    }

    /// What was written, in words.
    pub(crate) fn log(&self) -> Vec<&'static str> {
        self.edit(|state| state.log.clone())
    }

    pub(crate) fn intents(&self) -> Vec<Intent> {
        self.edit(|state| state.intents.clone())
    }

    /// The entries of the only record, whether it is over or not.
    pub(crate) fn entries(&self) -> Vec<RecordEntry> {
        self.edit(|state| state.records.values().flat_map(|kept| kept.entries.clone()).collect())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.edit(|state| state.records.values().all(|kept| kept.is_over))
    }

    /// Another process takes all records over.
    pub(crate) fn fence(&self) {
        self.edit(|state| state.records.values_mut().for_each(|kept| kept.epoch += 1));
    }

    fn admit(&self, intent: &Intent) -> Result<(), Refusal> {
        self.edit(|state| {
            if let Some((attempt, refusal)) = state.refuse
                && attempt == intent.attempt
            {
                return Err(refusal());
            }
            state.intents.push(intent.clone());
            Ok(())
        })
    }
}

fn word(entry: &RecordEntry) -> &'static str {
    match entry {
        RecordEntry::Intent(_) => "intent",
        RecordEntry::NotSent { .. } => "not_sent",
        RecordEntry::Refused { .. } => "refused",
        RecordEntry::Accepted { .. } => "accepted",
        RecordEntry::Answered { whole: false, .. } => "answered in part",
        RecordEntry::Answered { .. } => "answered",
        RecordEntry::Image { .. } => "image",
        RecordEntry::Ended { .. } => "ended",
        _ => "unknown",
    }
}

#[async_trait]
impl JobStore for Ledger {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        yield_now().await;
        self.admit(intent)?;
        let id = format!("{}/{}", intent.job, intent.purchase);
        self.edit(|state| {
            if state.bought.contains(&(intent.job.clone(), intent.purchase)) {
                return Err(Refusal::AlreadyBought { id: id.clone() });
            }
            let left = state.budget.map(|budget| budget.checked_sub(intent.most_images));
            if let Some(left) = left {
                let message = "the budget is used up".to_owned();
                state.budget = Some(left.ok_or(Refusal::Budget { message })?);
            }
            state.bought.push((intent.job.clone(), intent.purchase));
            state.log.push("intent");
            let entries = vec![RecordEntry::Intent(intent.clone())];
            state.records.insert(id.clone(), Kept { entries, epoch: 1, is_over: false });
            Ok(())
        })?;
        Ok(Box::new(Record { ledger: self.clone(), id, epoch: 1 }))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        Ok(self.edit(|state| {
            let open = state.records.iter().filter(|(_, kept)| !kept.is_over);
            open.map(|(id, kept)| History::new(id, kept.entries.clone())).collect()
        }))
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        self.edit(|state| {
            let unknown = Refusal::Storage { message: format!("there is no {id}"), source: None };
            let kept = state.records.get_mut(id).ok_or(unknown)?;
            kept.epoch += 1;
            let record = Record { ledger: self.clone(), id: id.to_owned(), epoch: kept.epoch };
            Ok((History::new(id, kept.entries.clone()), Box::new(record) as Box<dyn JobRecord>))
        })
    }

    fn warnings(&self) -> Vec<String> {
        self.edit(|state| std::mem::take(&mut state.warnings))
    }
}

#[derive(Debug)]
struct Record {
    ledger: Ledger,
    id: String,
    epoch: u32,
}

impl Record {
    fn write(&self, entry: RecordEntry) -> Result<(), Refusal> {
        self.ledger.edit(|state| {
            let append = state.appends;
            state.appends += 1;
            if state.fail == Some(append) {
                return Err(Refusal::storage("the ledger cannot be written", io::Error::other("it burns")));
            }
            let kept = state.records.get_mut(&self.id).unwrap();
            if kept.epoch != self.epoch {
                return Err(Refusal::Fenced { id: self.id.clone() });
            }
            state.log.push(word(&entry));
            if let RecordEntry::Ended { outcome } = &entry {
                let is_open =
                    outcome.charge == Charge::Unknown || outcome.error.as_ref().is_some_and(|e| e.task.is_some());
                kept.is_over = !is_open;
            }
            kept.entries.push(entry);
            Ok(())
        })
    }
}

#[async_trait]
impl JobRecord for Record {
    fn id(&self) -> &str {
        &self.id
    }

    fn send_before(&self) -> Option<SendBefore> {
        self.ledger.edit(|state| state.send_before)
    }

    fn stays(&self) -> bool {
        self.ledger.edit(|state| !state.records[&self.id].is_over)
    }

    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal> {
        self.ledger.admit(intent)?;
        let written = self.write(RecordEntry::Intent(intent.clone()));
        yield_now().await;
        written
    }

    async fn append(&mut self, entry: RecordEntry) -> Result<(), Refusal> {
        // It is written at the first poll; that it was comes later.
        let written = self.write(entry);
        yield_now().await;
        yield_now().await;
        written
    }
}

/// Images by name, in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Shelf {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn images(&self) -> Vec<Bytes> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(name, _)| !name.ends_with(".json"))
            .map(|(_, bytes)| bytes.clone())
            .collect()
    }

    fn put(&self, stem: &str, extension: &str, bytes: Bytes) -> Location {
        let mut shelf = self.0.lock().unwrap();
        let name = (0..).map(|n| format!("{stem}-{n}.{extension}")).find(|name| !shelf.contains_key(name)).unwrap();
        shelf.insert(name.clone(), bytes);
        Location::Url(format!("shelf://{name}"))
    }
}

#[async_trait]
impl Output for Shelf {
    async fn save(&self, image: NewImage) -> io::Result<Location> {
        yield_now().await;
        let bytes = match image.content {
            ImageContent::Bytes(bytes) => bytes,
            ImageContent::File { path, .. } => std::fs::read(path)?.into(),
            _ => return Err(io::Error::other("in an unknown place")),
        };
        assert_eq!(image.bytes, bytes.len() as u64);
        Ok(self.put(&format!("{}-{}-{}", image.provider, image.purchase, image.index), &image.extension, bytes))
    }

    async fn finish(&self, purchase: FinishedPurchase<'_>) -> io::Result<Option<Location>> {
        yield_now().await;
        Ok(purchase.metadata.map(|text| self.put(purchase.provider, "json", text.into())))
    }
}
