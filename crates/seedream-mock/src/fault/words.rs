//! The values of a fault's words, each with its one spelling.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use seedream_fixtures::Cause;

use crate::span;

/// An enumeration whose members are words.
macro_rules! words {
    ($(#[$about:meta])* $Name:ident { $($(#[$doc:meta])* $Member:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name { $($(#[$doc])* $Member,)+ }

        impl $Name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$Member,)+];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Member => $word,)+ }
            }
        }

        impl std::str::FromStr for $Name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|known| known.as_str()).collect();
                    format!("{text} is none of {}", known.join(", "))
                })
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

words! {
    /// The requests a fault is about.
    On {
        /// Those that create pictures.
        Create = "create",
        /// Those that ask how a task is.
        Poll = "poll",
        /// Those that download a picture.
        Picture = "picture",
        /// Those for lists: models, credits.
        Models = "models",
        /// All of them.
        Any = "any",
    }
}

words! {
    /// Why a provider refuses, each in its own words.
    Refusal {
        /// The key is not known.
        Unauthorized = "unauthorized",
        /// Nothing is left to spend.
        Balance = "balance",
        /// The key may not do this.
        Forbidden = "forbidden",
        /// The model is not known.
        ModelNotFound = "model-not-found",
        /// The model exists and was not opened for this account.
        ModelClosed = "model-closed",
        /// A member is not valid.
        Invalid = "invalid",
        /// Too many requests, or too many pictures a minute.
        RateLimited = "rate-limited",
        /// Too many requests a minute, where that is told apart.
        RequestRate = "request-rate",
        /// Too many requests at a time.
        Concurrency = "concurrency",
        /// A plan's quota is used up.
        Quota = "quota",
        /// The provider has too much to do.
        Overloaded = "overloaded",
        /// The provider failed.
        Internal = "internal",
        /// The picture that was made may not be.
        Moderated = "moderated",
        /// The prompt may not be.
        ModeratedPrompt = "moderated-prompt",
        /// A reference may not be.
        ModeratedReference = "moderated-reference",
    }
}

words! {
    /// How a task goes wrong.
    TaskFault {
        /// It never ends.
        Stuck = "stuck",
        /// It ends without pictures.
        Failed = "failed",
        /// Its progress goes back before it ends.
        Backward = "backward",
    }
}

words! {
    /// How a stream differs from Ark's.
    SseFault {
        /// There is no `completed` event.
        NoCompleted = "no-completed",
        /// There is no `[DONE]`.
        NoDone = "no-done",
        /// Lines end with CR LF.
        Crlf = "crlf",
        /// Lines end with CR.
        Cr = "cr",
        /// It comes in pieces that end anywhere, also inside a character.
        Split = "split",
        /// An event's JSON is spread over several `data:` lines.
        Multiline = "multiline",
        /// An event's JSON is spread over several lines of which only the first says `data:`, as Ark's documents print it.
        Pretty = "pretty",
        /// It ends at the first failed picture, as new-api ends it.
        Cut = "cut",
        /// The answer is JSON and no stream.
        Json = "json",
        /// A JSON answer as new-api turns it into a stream: a `completed` a picture, which carries it.
        JsonAsStream = "json-as-stream",
        /// OpenAI's events: a `completed` a picture, which carries it in base64, and no `[DONE]`.
        OpenAi = "openai",
        /// Comments between the events keep it alive.
        Comments = "comments",
        /// After the first picture comes an error of the whole request.
        Error = "error",
    }
}

words! {
    /// How a picture's file is wrong.
    PictureFault {
        /// Its bytes are damaged.
        Corrupt = "corrupt",
        /// Half of it is missing.
        Truncated = "truncated",
        /// It has half the width and height.
        WrongSize = "wrong-size",
        /// It is a page of HTML.
        Html = "html",
    }
}

words! {
    /// How a connection ends early.
    Ending {
        /// With a TCP reset.
        Reset = "reset",
        /// In order, as far as TCP is concerned.
        Close = "close",
    }
}

impl Refusal {
    /// The refusal for a cause; what has none of its own is an internal failure.
    pub(crate) fn of(cause: Cause) -> Self {
        Self::ALL.iter().copied().find(|refusal| refusal.cause() == cause).unwrap_or(Self::Internal)
    }

    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Unauthorized => Cause::Unauthorized,
            Self::Balance => Cause::Balance,
            Self::Forbidden => Cause::Forbidden,
            Self::ModelNotFound => Cause::ModelNotFound,
            Self::ModelClosed => Cause::ModelClosed,
            Self::Invalid => Cause::Invalid,
            Self::RateLimited => Cause::RateLimited,
            Self::RequestRate => Cause::RequestRate,
            Self::Concurrency => Cause::Concurrency,
            Self::Quota => Cause::Quota,
            Self::Overloaded => Cause::Overloaded,
            Self::Internal => Cause::Internal,
            Self::Moderated => Cause::Moderated,
            Self::ModeratedPrompt => Cause::ModeratedPrompt,
            Self::ModeratedReference => Cause::ModeratedReference,
        }
    }
}

/// A place in an answer, as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Before its first byte.
    Before,
    /// After so many bytes of its head.
    Head(u64),
    /// After its head and so many bytes of its body; the frames of a chunked body count.
    Body(u64),
}

impl Place {
    /// What `head` and `body` mean without a number: after `HTTP/1.1 200`, and before the first byte of the body.
    const DEFAULT: (u64, u64) = (12, 0);
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, byte) = match text.split_once(':') {
            Some((name, byte)) => (name, Some(byte.parse().map_err(|_| format!("{byte} is no number of bytes"))?)),
            None => (text, None),
        };
        match (name, byte) {
            ("before", None) => Ok(Self::Before),
            ("head", byte) => Ok(Self::Head(byte.unwrap_or(Self::DEFAULT.0))),
            ("body", byte) => Ok(Self::Body(byte.unwrap_or(Self::DEFAULT.1))),
            _ => Err(format!("{text} is none of before, head, head:BYTE, body, body:BYTE")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before => f.write_str("before"),
            Self::Head(byte) => write!(f, "head:{byte}"),
            Self::Body(byte) => write!(f, "body:{byte}"),
        }
    }
}

/// How likely something is, in millionths, so that it is the same number wherever it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chance(u32);

impl Chance {
    const WHOLE: u32 = 1_000_000;

    /// A probability from 0 to 1, to six decimals; any other is taken for the nearest.
    pub fn new(probability: f64) -> Self {
        // A float is rounded to the nearest number that the integer has.
        Self((probability.clamp(0.0, 1.0) * f64::from(Self::WHOLE)).round() as u32)
    }

    /// The probability.
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }

    /// Whether it happens for one of many equally likely numbers.
    pub(crate) fn takes(self, number: u64) -> bool {
        number % u64::from(Self::WHOLE) < u64::from(self.0)
    }
}

impl FromStr for Chance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
        read.map(Self::new).ok_or_else(|| format!("{text} is no probability from 0 to 1, such as 0.3"))
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

/// So many bytes of the body at a time, and how long it takes until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Drip {
    /// Bytes at a time, at least one.
    pub bytes: u32,
    /// The time between.
    pub every: Duration,
}

impl FromStr for Drip {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (bytes, every) = text.split_once('/')?;
            let bytes = bytes.parse().ok().filter(|bytes| *bytes > 0)?;
            Some(Self { bytes, every: span::read(every)? })
        };
        read().ok_or_else(|| format!("{text} is not of the form BYTES/TIME, such as 16/100ms"))
    }
}

impl fmt::Display for Drip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bytes, span::write(self.every))
    }
}
