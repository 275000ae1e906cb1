//! The settings of a mock: everything that decides a response, apart from the request and the time.
//!
//! [`Settings`] is the whole of it; [`crate::settings_patch`] is the part that may change while the mock runs.

pub(crate) mod cors_origin;
pub(crate) mod relay_profile;

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::faults::grammar::Fault;
use crate::settings::cors_origin::CorsOrigin;
use crate::settings::relay_profile::RelayProfiles;
use crate::time;

/// The JSON form of a type that is written as a text.
macro_rules! text_form {
    ($($Type:ty),+) => {
        $(impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        })+
    };
}

text_form!(Validate, AcceptedContentTypes, CallbackReach, OnMiss, TaskEnd, RelayProfiles, CorsOrigin);

/// How strictly requests are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validate {
    /// As the provider does: a violation gets the provider's own error.
    #[default]
    Strict,
    /// Violations are named in a header and in the journal, and the request is served as far as possible.
    Warn,
    /// Nothing is checked.
    Off,
}

impl Validate {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Warn, Self::Off];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Warn => "warn",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for Validate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Validate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is not one of strict, warn and off"))
    }
}

/// When a task ends. Written as `polls=3`, `time=5s` or `hand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// With the poll of this number.
    Polls(u32),
    /// After this time.
    Time(Duration),
    /// By hand, over the admin API or by [`crate::MockServer::complete_task`].
    Hand,
}

impl fmt::Display for TaskEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polls(polls) => write!(f, "polls={polls}"),
            Self::Time(time) => write!(f, "time={}", time::write(*time)),
            Self::Hand => f.write_str("hand"),
        }
    }
}

impl FromStr for TaskEnd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not an end of a task: {why}");
        match text.split_once('=') {
            Some(("polls", polls)) => {
                let polls = polls.parse().ok().filter(|polls| *polls > 0);
                polls.map(Self::Polls).ok_or_else(|| wrong("polls is a number from 1"))
            }
            Some(("time", time)) => {
                let time = time::read(time).filter(|time| !time.is_zero());
                time.map(Self::Time).ok_or_else(|| wrong("time is a duration such as 500ms, 5s or 1h30m"))
            }
            None if text == "hand" => Ok(Self::Hand),
            _ => Err(wrong("write polls=3, time=5s or hand")),
        }
    }
}

/// Which content types a request for images may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AcceptedContentTypes {
    /// `application/json`, with or without parameters. Written as `json`.
    #[default]
    Json,
    /// Any content type, or none. Written as `any`.
    Any,
}

impl fmt::Display for AcceptedContentTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Any => "any",
        })
    }
}

impl FromStr for AcceptedContentTypes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "any" => Ok(Self::Any),
            _ => Err(format!("`{text}` is neither json nor any")),
        }
    }
}

/// Which callback URLs a request may name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallbackReach {
    /// URLs of this machine over `http`, beside those that the provider allows. Written as `loopback`.
    #[default]
    Loopback,
    /// Public `https` URLs only, as the provider demands; the mock never sends to these. Written as `strict`.
    Strict,
}

impl fmt::Display for CallbackReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Strict => "strict",
        })
    }
}

impl FromStr for CallbackReach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "loopback" => Ok(Self::Loopback),
            "strict" => Ok(Self::Strict),
            _ => Err(format!("`{text}` is neither loopback nor strict")),
        }
    }
}

/// What happens to a request to a provider that no exchange of a user's folder answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMiss {
    /// It gets an error of the mock that names the nearest recorded exchange. Written as `error`.
    Error,
    /// The embedded exchanges and the provider's rules answer. Written as `rules`.
    Rules,
}

impl fmt::Display for OnMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Rules => "rules",
        })
    }
}

impl FromStr for OnMiss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "rules" => Ok(Self::Rules),
            _ => Err(format!("`{text}` is neither error nor rules")),
        }
    }
}

/// Everything that decides a response, apart from the request and the time. Its JSON form has the same names; a member that is
/// left out has its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The number from which images, ids and signatures are made. Default: 0.
    pub seed: u64,
    /// How strictly requests are checked. Default: [`Validate::Strict`].
    pub validate: Validate,
    /// Which content types a request for images may have. Default: [`AcceptedContentTypes::Json`].
    pub content_type: AcceptedContentTypes,
    /// When a task ends. Default: with its third poll.
    pub task: TaskEnd,
    /// The `estimated_time` of a task, in seconds. Default: 1.
    pub estimated_seconds: u64,
    /// The known keys. Default: empty, which means that every key is known.
    pub keys: Vec<String>,
    /// Which callback URLs a request may name. Default: [`CallbackReach::Loopback`].
    pub callbacks: CallbackReach,
    /// How long the key `sk-mock-slow` waits, as `5s` in JSON. Default: 5 seconds.
    #[serde(with = "time::text")]
    pub slow: Duration,
    /// The faults of every session from its start. Default: none.
    pub faults: Vec<Fault>,
    /// How the relay before each provider behaves. Default: as documented.
    pub profiles: RelayProfiles,
    /// What happens to a request that no exchange of a user's folder answers. Default: [`OnMiss::Error`] where the folder has recorded
    /// exchanges, since a made response would hide that the client sends something else; [`OnMiss::Rules`] otherwise.
    pub on_miss: Option<OnMiss>,
    /// Whether recorded responses come at the pace at which they were recorded, by the clock; otherwise they come at once. Default:
    /// `false`.
    pub recorded_pace: bool,
    /// The most entries of a session's journal. Default: 1000.
    pub journal_capacity: usize,
    /// The most sessions beside `default`. The session that was unused for longest is evicted; sessions also shrink where
    /// all of them together hold more than 256 MiB. Default: 1024.
    pub session_capacity: usize,
    /// How long a session other than `default` is kept without use, as `1h` in JSON. Default: 1 hour.
    #[serde(with = "time::text")]
    pub session_idle: Duration,
    /// How long the head of a request may take from its first byte, as `15s` in JSON; `0s` is without a limit. By the machine's
    /// time. Default: 15 seconds.
    #[serde(with = "time::text")]
    pub head_timeout: Duration,
    /// How long a connection may wait for a request, or for the next bytes of a body, before it is closed, as `75s` in JSON;
    /// `0s` is without a limit. By the machine's time, and never while a response is pending. Default: 75 seconds.
    #[serde(with = "time::text")]
    pub idle_timeout: Duration,
    /// The most open connections. Further ones wait in the backlog of the system until one ends. Default: 1024.
    pub connections: NonZeroUsize,
    /// The origins whose pages may use the routes of the providers and the images, beside those of this machine. The admin routes
    /// are for pages of this machine only. Default: empty.
    pub cors: Vec<CorsOrigin>,
    /// Whether a browser gets a page at `/`. For it, the journal keeps responses of up to 64 KiB. Default: `true`.
    pub page: bool,
    /// The bearer token of the admin routes; `None` means that they are open. It is never serialized.
    #[serde(skip_serializing)]
    pub admin_token: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            validate: Validate::Strict,
            content_type: AcceptedContentTypes::Json,
            task: TaskEnd::Polls(3),
            estimated_seconds: 1,
            keys: Vec::new(),
            callbacks: CallbackReach::Loopback,
            slow: Duration::from_secs(5),
            faults: Vec::new(),
            profiles: RelayProfiles::default(),
            on_miss: None,
            recorded_pace: false,
            journal_capacity: 1000,
            session_capacity: 1024,
            session_idle: Duration::from_secs(3600),
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(75),
            cors: Vec::new(),
            connections: const { NonZeroUsize::new(1024).unwrap() },
            page: true,
            admin_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_task_is_read_as_it_is_written() {
        for text in ["polls=3", "time=5s", "time=90m", "hand"] {
            assert_eq!(text.parse::<TaskEnd>().map(|end| end.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "polls", "polls=0", "time=x", "time=0s", "hand=1", "soon"] {
            assert!(text.parse::<TaskEnd>().is_err(), "{text}");
        }
    }
}
