//! The record of a purchase: what a store is told before and after each POST, so that another process can go on.

use std::{
    error::Error as StdError,
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use seedream_core::{Amount, Charge, Error, ErrorKind, ErrorReport, Generation, ModelId, Task, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Location, Outcome};

/// What is about to be bought: written before the first byte of each attempt, which is one POST.
///
/// A *job* is one request of a user; it holds one *purchase*, or several where exactly so many images are wanted. A purchase is
/// tried by *attempts*: one that follows a refusal, a mirror, or the next provider of a fallback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intent {
    /// The id of the job.
    pub job: String,
    /// The purchase of the job, from 1.
    pub purchase: u32,
    /// The attempt of the purchase, from 1.
    pub attempt: u32,
    /// The provider's id.
    pub provider: String,
    /// The base URL.
    pub endpoint: String,
    /// The model id to send.
    pub model: ModelId,
    /// The id that the provider was sent as `X-Client-Request-Id`.
    pub client_request_id: String,
    /// The request; references that travel with it stand as their length and SHA-256.
    pub request: Value,
    /// The most images that it can cost.
    pub most_images: u32,
    /// The most that it can cost, where a price is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_cost: Option<Amount>,
    /// When the attempt began.
    pub begun_at: Timestamp,
}

impl Intent {
    /// An intent of a first attempt, whose request is not described.
    pub fn new(job: impl Into<String>, provider: impl Into<String>, model: ModelId) -> Self {
        Self {
            job: job.into(),
            purchase: 1,
            attempt: 1,
            provider: provider.into(),
            endpoint: String::new(),
            model,
            client_request_id: String::new(),
            request: Value::Null,
            most_images: 1,
            most_cost: None,
            begun_at: Timestamp::now(),
        }
    }
}

/// One line of a record.
///
/// Its JSON is an object whose member `entry` names the kind, such as `{"entry":"accepted","task":{…}}`. A kind that a newer version
/// wrote is kept as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Entry {
    /// An attempt begins. What follows is about it.
    Intent(Intent),
    /// No byte of the attempt's request left.
    NotSent {
        /// Why.
        error: Option<ErrorReport>,
    },
    /// The attempt ended without an image and without a task.
    Refused {
        /// What came.
        error: ErrorReport,
        /// Whether the attempt may have cost something.
        charge: Charge,
    },
    /// The provider accepted the attempt as a task.
    Accepted {
        /// The task.
        task: Task,
    },
    /// Images came. A stream writes one for each image, and one at its end that holds all of them.
    Answered {
        /// The images that this entry adds, or all of them.
        generation: Generation,
        /// Whether it holds all that came.
        whole: bool,
        /// The text of the response; long base64 stands as a short token.
        raw: Option<String>,
    },
    /// An image was saved.
    Image {
        /// Its place in the response, from 0.
        index: u32,
        /// Where it is.
        location: Location,
        /// The SHA-256 of its bytes in hexadecimal digits.
        sha256: String,
    },
    /// The purchase is over.
    Ended {
        /// What it brought.
        outcome: Box<Outcome>,
    },
    /// A kind that this version does not know.
    Unknown(Map<String, Value>),
}

/// The kinds that this version knows, in their stored form.
#[derive(Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Known {
    Intent(Intent),
    NotSent {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ErrorReport>,
    },
    Refused {
        error: ErrorReport,
        charge: Charge,
    },
    Accepted {
        task: Task,
    },
    Answered {
        generation: Generation,
        whole: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raw: Option<String>,
    },
    Image {
        index: u32,
        #[serde(flatten)]
        location: Location,
        sha256: String,
    },
    Ended {
        outcome: Box<Outcome>,
    },
}

impl Known {
    const NAMES: [&str; 7] = ["intent", "not_sent", "refused", "accepted", "answered", "image", "ended"];
}

impl From<Known> for Entry {
    fn from(known: Known) -> Self {
        match known {
            Known::Intent(intent) => Self::Intent(intent),
            Known::NotSent { error } => Self::NotSent { error },
            Known::Refused { error, charge } => Self::Refused { error, charge },
            Known::Accepted { task } => Self::Accepted { task },
            Known::Answered { generation, whole, raw } => Self::Answered { generation, whole, raw },
            Known::Image { index, location, sha256 } => Self::Image { index, location, sha256 },
            Known::Ended { outcome } => Self::Ended { outcome },
        }
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = match self.clone() {
            Self::Unknown(members) => return members.serialize(serializer),
            Self::Intent(intent) => Known::Intent(intent),
            Self::NotSent { error } => Known::NotSent { error },
            Self::Refused { error, charge } => Known::Refused { error, charge },
            Self::Accepted { task } => Known::Accepted { task },
            Self::Answered { generation, whole, raw } => Known::Answered { generation, whole, raw },
            Self::Image { index, location, sha256 } => Known::Image { index, location, sha256 },
            Self::Ended { outcome } => Known::Ended { outcome },
        };
        known.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(deserializer)?;
        let kind = members.get("entry").and_then(Value::as_str).ok_or_else(|| de::Error::missing_field("entry"))?;
        if !Known::NAMES.contains(&kind) {
            return Ok(Self::Unknown(members));
        }
        serde_json::from_value::<Known>(Value::Object(members)).map(Self::from).map_err(de::Error::custom)
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The id under which the store knows it.
    pub id: String,
    /// Its entries in the order in which they were written. The first is an [`Entry::Intent`].
    pub entries: Vec<Entry>,
}

impl History {
    /// A history.
    pub fn new(id: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { id: id.into(), entries }
    }

    /// The attempt that began last.
    pub fn intent(&self) -> Option<&Intent> {
        self.entries.iter().rev().find_map(|entry| if let Entry::Intent(intent) = entry { Some(intent) } else { None })
    }

    /// The task that was accepted last.
    pub fn task(&self) -> Option<&Task> {
        self.entries.iter().rev().find_map(|entry| if let Entry::Accepted { task } = entry { Some(task) } else { None })
    }

    /// The images that came: all of the response where that was read to its end, those that arrived otherwise.
    pub fn answered(&self) -> Option<Generation> {
        let mut known: Option<Generation> = None;
        for entry in &self.entries {
            let Entry::Answered { generation, whole, raw } = entry else { continue };
            match &mut known {
                Some(known) if !whole => known.outcomes.extend(generation.outcomes.iter().cloned()),
                known => *known = Some(generation.clone()),
            }
            if let (Some(known), Some(raw)) = (&mut known, raw) {
                known.raw = raw.clone().into();
            }
        }
        known
    }

    /// Whether the response was read to its end.
    pub fn is_whole(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Answered { whole: true, .. }))
    }

    /// The images that were saved: index, place and SHA-256.
    pub fn saved(&self) -> impl Iterator<Item = (u32, &Location, &str)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Image { index, location, sha256 } => Some((*index, location, sha256.as_str())),
            _ => None,
        })
    }

    /// How it ended, where a process lived to write that.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| if let Entry::Ended { outcome } = entry { Some(&**outcome) } else { None })
    }

    /// Whether something may have been bought: an attempt of which no end is on record may have.
    pub fn charge(&self) -> Charge {
        let (mut charge, mut open) = (Charge::No, false);
        for entry in &self.entries {
            match entry {
                Entry::Intent(_) => {
                    charge = if open { charge.max(Charge::Unknown) } else { charge };
                    open = true;
                }
                Entry::NotSent { .. } => open = false,
                Entry::Refused { charge: this, .. } => (charge, open) = (charge.max(*this), false),
                Entry::Accepted { .. } => (charge, open) = (charge.max(Charge::Unknown), false),
                Entry::Answered { generation, .. } => (charge, open) = (charge.max(generation.charge()), false),
                Entry::Ended { outcome } => (charge, open) = (charge.max(outcome.charge), false),
                Entry::Image { .. } | Entry::Unknown(_) => {}
            }
        }
        if open { charge.max(Charge::Unknown) } else { charge }
    }
}

/// Until when the first byte of an attempt may leave, by the clock that says the later time: one that a process slept through counts.
#[derive(Clone, Copy, Debug)]
pub struct SendBefore {
    instant: Instant,
    wall: Option<SystemTime>,
}

impl SendBefore {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self { instant: now.checked_add(time).unwrap_or(now), wall: SystemTime::now().checked_add(time) }
    }

    /// The moment by the monotonic clock.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// Whether it is too late.
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.instant || self.wall.is_some_and(|wall| SystemTime::now() >= wall)
    }
}

/// Keeps records of purchases. Whatever [`Refusal`] it gives, nothing is sent.
#[async_trait]
pub trait JobStore: fmt::Debug + Send + Sync {
    /// Records the first attempt of a purchase. The intent is durable when this returns.
    ///
    /// # Errors
    /// Why the attempt must not be made.
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal>;

    /// The records that are not over.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn unfinished(&self) -> Result<Vec<History>, Refusal>;

    /// Takes over the record of a process that has ended.
    ///
    /// # Errors
    /// [`Refusal::Running`] where its process goes on; the store cannot be read, or knows no such record.
    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal>;
}

/// The record of one purchase, which this process alone writes to while it holds it.
#[async_trait]
pub trait JobRecord: fmt::Debug + Send + Sync {
    /// The id under which the store knows it; for a person, and for [`JobStore::open`].
    fn id(&self) -> &str;

    /// Until when the first byte of the attempt that was begun last may leave; `None` where that does not matter.
    fn send_before(&self) -> Option<SendBefore> {
        None
    }

    /// Records the next attempt of the purchase. It, and every entry before it, is durable when this returns.
    ///
    /// # Errors
    /// Why the attempt must not be made.
    async fn attempt(&mut self, intent: &Intent) -> Result<(), Refusal>;

    /// Adds an entry. [`Entry::Accepted`] and [`Entry::Answered`] are durable when this returns, with the files that they name; every
    /// other is before the next attempt. After [`Entry::Ended`] the record is closed, and goes where nothing is left to be done.
    ///
    /// # Cancel safety
    /// The first poll hands the entry over: it is written even if the future is dropped.
    ///
    /// # Errors
    /// [`Refusal::Storage`]. The job goes on without the record, and sends no POST any more.
    async fn append(&mut self, entry: Entry) -> Result<(), Refusal>;
}

/// Why a store does not record an attempt. Nothing was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It would cost more than is left.
    Budget {
        /// What is exceeded, in a sentence.
        message: String,
    },
    /// A job of this id is known: what it wanted was bought, or may have been.
    AlreadyBought {
        /// The record of that job.
        id: String,
    },
    /// Another process works on this record.
    Running {
        /// The record.
        id: String,
    },
    /// Another process has taken over.
    Fenced {
        /// The record.
        id: String,
    },
    /// The store cannot be read or written.
    Storage {
        /// What failed, in a sentence.
        message: String,
        /// The cause.
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl Refusal {
    /// A store that cannot be read or written, with the cause.
    pub fn storage(message: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Storage { message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget { message } => f.write_str(message),
            Self::AlreadyBought { id } => write!(f, "{id} was bought already, or may have been"),
            Self::Running { id } => write!(f, "{id} belongs to a process that is running"),
            Self::Fenced { id } => write!(f, "another process has taken over {id}"),
            Self::Storage { message, .. } => f.write_str(message),
        }
    }
}

impl StdError for Refusal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Storage { source, .. } => source.as_deref().map(|source| source as &(dyn StdError + 'static)),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    /// An error that cost nothing, since nothing was sent.
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal {
            Refusal::Storage { .. } => ErrorKind::Storage,
            _ => ErrorKind::NotRecorded,
        };
        Self::new(kind, format!("{refusal}; nothing was sent")).with_source(refusal)
    }
}

/// A store that keeps nothing, for jobs whose images stay in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

#[async_trait]
impl JobStore for NoStore {
    async fn begin(&self, intent: &Intent) -> Result<Box<dyn JobRecord>, Refusal> {
        Ok(Box::new(NoRecord(intent.job.clone())))
    }

    async fn unfinished(&self) -> Result<Vec<History>, Refusal> {
        Ok(Vec::new())
    }

    async fn open(&self, id: &str) -> Result<(History, Box<dyn JobRecord>), Refusal> {
        Err(Refusal::Storage { message: format!("{id} was not recorded: this store keeps nothing"), source: None })
    }
}

/// The record of a job that has none.
#[derive(Debug)]
struct NoRecord(String);

#[async_trait]
impl JobRecord for NoRecord {
    fn id(&self) -> &str {
        &self.0
    }

    async fn attempt(&mut self, _: &Intent) -> Result<(), Refusal> {
        Ok(())
    }

    async fn append(&mut self, _: Entry) -> Result<(), Refusal> {
        Ok(())
    }
}
