//! The record of a purchase: what a store is told before and after each POST, so that another process can go on.

use seedream_core::{Amount, Charge, ErrorReport, Generation, ModelId, Task, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

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
    /// Whether the caller chose the job's id, so that a store refuses one that it knows. No other job has a random one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_named: bool,
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
            is_named: false,
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

    /// The entries of the attempt that began last.
    fn last(&self) -> &[Entry] {
        let begin = self.entries.iter().rposition(|entry| matches!(entry, Entry::Intent(_)));
        &self.entries[begin.unwrap_or(0)..]
    }

    /// The task of the last attempt, which was accepted and did not end.
    pub fn task(&self) -> Option<&Task> {
        self.last().iter().rev().find_map(|entry| match entry {
            Entry::Accepted { task } => Some(Some(task)),
            Entry::Refused { .. } => Some(None),
            _ => None,
        })?
    }

    /// The images of the last attempt: all of the response where that was read to its end, those that arrived otherwise.
    pub fn answered(&self) -> Option<Generation> {
        let mut known: Option<Generation> = None;
        for entry in self.last() {
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
        self.last().iter().any(|entry| matches!(entry, Entry::Answered { whole: true, .. }))
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
        let (mut earlier, mut last) = (Charge::No, Charge::No);
        for entry in &self.entries {
            last = match entry {
                Entry::Intent(_) => {
                    earlier = earlier.max(last);
                    Charge::Unknown
                }
                Entry::NotSent { .. } => Charge::No,
                Entry::Refused { charge, .. } => *charge,
                Entry::Accepted { .. } => Charge::Unknown,
                Entry::Answered { generation, .. } => generation.charge(),
                Entry::Ended { outcome } => last.max(outcome.charge),
                Entry::Image { .. } | Entry::Unknown(_) => last,
            };
        }
        earlier.max(last)
    }
}

#[cfg(test)]
mod tests {
    use seedream_core::{Error, ErrorKind, TaskId};

    use super::*;

    fn task() -> Entry {
        Entry::Accepted { task: Task::new("evolink", "https://a.example", TaskId::new("t-1").unwrap(), "m".into()) }
    }

    fn refused(charge: Charge) -> Entry {
        let error = ErrorReport::from(&Error::new(ErrorKind::TaskFailed, "it failed").with_charge(charge));
        Entry::Refused { error, charge }
    }

    fn answered(index: u32, whole: bool) -> Entry {
        let url = format!("https://a.example/{index}.png");
        let data = seedream_core::ImageData::Url { url, expires_at: None };
        let mut generation = Generation::new("m".into());
        generation.outcomes = vec![Ok(seedream_core::GeneratedImage::new(index, data))];
        Entry::Answered { generation, whole, raw: None }
    }

    #[test]
    fn a_history_tells_of_its_last_attempt() {
        let intent = || Entry::Intent(Intent::new("job", "evolink", "m".into()));
        let of = |entries: Vec<Entry>| {
            let history = History::new("r", entries);
            let images = history.answered().map_or(0, |generation| generation.images().count());
            (history.task().is_some(), images, history.is_whole(), history.charge())
        };
        assert_eq!(of(vec![intent()]), (false, 0, false, Charge::Unknown));
        assert_eq!(of(vec![intent(), Entry::NotSent { error: None }]), (false, 0, false, Charge::No));
        assert_eq!(of(vec![intent(), task()]), (true, 0, false, Charge::Unknown));
        // A task that ended is no longer to be collected, and one of an earlier attempt is not that of the last.
        assert_eq!(of(vec![intent(), task(), refused(Charge::No)]), (false, 0, false, Charge::No));
        assert_eq!(of(vec![intent(), task(), intent()]), (false, 0, false, Charge::Unknown));
        assert_eq!(of(vec![intent(), refused(Charge::No), intent(), task()]), (true, 0, false, Charge::Unknown));
        // A stream names its images one by one, and all of them at its end.
        assert_eq!(of(vec![intent(), answered(0, false), answered(1, false)]), (false, 2, false, Charge::Yes));
        assert_eq!(of(vec![intent(), answered(0, false), answered(0, true)]), (false, 1, true, Charge::Yes));
        assert_eq!(of(vec![intent(), answered(0, true), intent()]), (false, 0, false, Charge::Yes));
    }
}
