//! The lines of a record.

use seedream_core::{Amount, Charge, Generation, ModelId, StoredError, Task, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::{disk::sha256_hex, job::Outcome, output::Location};

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
    /// Where the images go ([`Output::place`](crate::Output::place)), where that is no folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How files are named ([`Output::names`](crate::Output::names)), where that is not the usual way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
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
            place: None,
            names: None,
        }
    }

    /// A name of the attempt that no other attempt has, in hexadecimal digits. Each process that reads the intent makes the same.
    pub fn token(&self) -> String {
        let Self { job, purchase, attempt, client_request_id, begun_at, .. } = self;
        let mut token = sha256_hex(format!("{job}\0{purchase}\0{attempt}\0{client_request_id}\0{begun_at}").as_bytes());
        token.truncate(16);
        token
    }
}

/// One line of a record.
///
/// Its JSON is an object whose member `entry` names the kind, such as `{"entry":"accepted","task":{…}}`. A kind that a newer version
/// wrote is kept as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RecordEntry {
    /// An attempt begins. What follows is about it.
    Intent(Intent),
    /// No byte of the attempt's request left.
    NotSent {
        /// Why.
        error: Option<StoredError>,
    },
    /// The attempt ended without an image and without a task.
    Refused {
        /// What came.
        error: StoredError,
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
enum StoredEntry {
    Intent(Intent),
    NotSent {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StoredError>,
    },
    Refused {
        error: StoredError,
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

impl StoredEntry {
    const NAMES: [&str; 7] = ["intent", "not_sent", "refused", "accepted", "answered", "image", "ended"];
}

impl From<StoredEntry> for RecordEntry {
    fn from(stored: StoredEntry) -> Self {
        match stored {
            StoredEntry::Intent(intent) => Self::Intent(intent),
            StoredEntry::NotSent { error } => Self::NotSent { error },
            StoredEntry::Refused { error, charge } => Self::Refused { error, charge },
            StoredEntry::Accepted { task } => Self::Accepted { task },
            StoredEntry::Answered { generation, whole, raw } => Self::Answered { generation, whole, raw },
            StoredEntry::Image { index, location, sha256 } => Self::Image { index, location, sha256 },
            StoredEntry::Ended { outcome } => Self::Ended { outcome },
        }
    }
}

impl Serialize for RecordEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = match self.clone() {
            Self::Unknown(members) => return members.serialize(serializer),
            Self::Intent(intent) => StoredEntry::Intent(intent),
            Self::NotSent { error } => StoredEntry::NotSent { error },
            Self::Refused { error, charge } => StoredEntry::Refused { error, charge },
            Self::Accepted { task } => StoredEntry::Accepted { task },
            Self::Answered { generation, whole, raw } => StoredEntry::Answered { generation, whole, raw },
            Self::Image { index, location, sha256 } => StoredEntry::Image { index, location, sha256 },
            Self::Ended { outcome } => StoredEntry::Ended { outcome },
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RecordEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = Map::deserialize(deserializer)?;
        let kind = members.get("entry").and_then(Value::as_str).ok_or_else(|| de::Error::missing_field("entry"))?;
        if !StoredEntry::NAMES.contains(&kind) {
            return Ok(Self::Unknown(members));
        }
        serde_json::from_value::<StoredEntry>(Value::Object(members)).map(Self::from).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_has_a_token_of_its_own_which_outlives_the_process() {
        let first = Intent::new("job", "tiny", "m".into());
        let read: Intent = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
        assert_eq!((read.token(), first.token().len()), (first.token(), 16));
        let changes: [fn(&mut Intent); 5] = [
            |intent| intent.job.push('2'),
            |intent| intent.purchase = 2,
            |intent| intent.attempt = 2,
            |intent| intent.client_request_id.push('2'),
            |intent| intent.begun_at = Timestamp::UNIX_EPOCH,
        ];
        for change in changes {
            let mut other = first.clone();
            change(&mut other);
            assert_ne!(other.token(), first.token());
        }
    }
}
