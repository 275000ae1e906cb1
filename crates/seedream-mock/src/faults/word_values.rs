//! The values of a fault's words, each with its one spelling.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use seedream_fixtures::{ErrorCause, RouteName};

use crate::faults::word_enum::word_enum;
use crate::time;

word_enum! {
    /// The requests that a fault hits.
    #[derive(Copy)]
    FaultTarget("on") {
        /// Requests for images.
        Create = "create",
        /// Polls of tasks.
        Poll = "poll",
        /// Downloads of images.
        Image = "image",
        /// Lists of models, and credits.
        Models = "models",
        /// All requests.
        Any = "any",
    }
}

word_enum! {
    /// The causes for which a provider refuses a request.
    #[derive(Copy)]
    RefusalCause("refuse") {
        /// The key is not known.
        Unauthorized = "unauthorized",
        /// The balance is used up.
        Balance = "balance",
        /// The key may not do this.
        Forbidden = "forbidden",
        /// The model is not known.
        ModelNotFound = "model-not-found",
        /// The model exists and was not opened for this account.
        ModelClosed = "model-closed",
        /// A member is not valid.
        Invalid = "invalid",
        /// Too many requests, or too many images a minute.
        RateLimited = "rate-limited",
        /// Too many requests a minute, where the provider distinguishes that.
        RequestRate = "request-rate",
        /// Too many requests at a time.
        Concurrency = "concurrency",
        /// A plan's quota is used up.
        Quota = "quota",
        /// The provider is overloaded.
        Overloaded = "overloaded",
        /// The provider failed.
        Internal = "internal",
        /// The image is refused by moderation.
        Moderated = "moderated",
        /// The prompt is refused by moderation.
        ModeratedPrompt = "moderated-prompt",
        /// A reference is refused by moderation.
        ModeratedReference = "moderated-reference",
    }
}

word_enum! {
    /// How a stream differs from the provider's.
    #[derive(Copy)]
    SseFault("sse") {
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
        /// It ends at the first failed image, as new-api ends it.
        Cut = "cut",
        /// The response is JSON instead of a stream.
        Json = "json",
        /// A JSON response as new-api turns it into a stream: one `completed` event for each image.
        JsonAsStream = "json-as-stream",
        /// OpenAI's events: one `completed` event with base64 for each image, and no `[DONE]`.
        OpenAi = "openai",
        /// Comments between the events keep it alive.
        Comments = "comments",
        /// After the first image comes an error of the whole request.
        Error = "error",
    }
}

word_enum! {
    /// How the file of an image is damaged.
    #[derive(Copy)]
    ImageFault("image") {
        /// Its bytes are damaged.
        Corrupt = "corrupt",
        /// Half of it is missing.
        Truncated = "truncated",
        /// It has half the width and height.
        WrongSize = "wrong-size",
        /// It is a page of HTML.
        Html = "html",
        /// It ends after 80 bytes: the body has no length and ends with the connection.
        Cut = "cut",
        /// It ends after 80 bytes, with the length of what comes.
        CutLength = "cut-length",
        /// Its last four bytes are missing, with the length of what comes.
        CutEnd = "cut-end",
        /// Bytes follow its end.
        Trailing = "trailing",
        /// The connection closes after every 64 KiB, or where `close@` says; `Range` goes on, and an `ETag` names the file.
        CloseEvery = "close-every",
        /// The same without an `ETag`.
        CloseEveryUntagged = "close-every-untagged",
    }
}

word_enum! {
    /// How a connection ends early.
    #[derive(Copy)]
    ConnectionEnd {
        /// With a TCP reset.
        Reset = "reset",
        /// With an orderly close.
        Close = "close",
    }
}

impl FaultTarget {
    /// The target that a route is.
    pub(crate) fn of(route: RouteName) -> Self {
        match route {
            RouteName::Create => Self::Create,
            RouteName::Task => Self::Poll,
            RouteName::Models | RouteName::Credits => Self::Models,
        }
    }
}

impl RefusalCause {
    /// The refusal for a cause; what has none of its own is an internal failure.
    pub(crate) fn of(cause: ErrorCause) -> Self {
        Self::ALL.iter().copied().find(|refusal| refusal.cause() == cause).unwrap_or(Self::Internal)
    }

    pub(crate) fn cause(self) -> ErrorCause {
        match self {
            Self::Unauthorized => ErrorCause::Unauthorized,
            Self::Balance => ErrorCause::Balance,
            Self::Forbidden => ErrorCause::Forbidden,
            Self::ModelNotFound => ErrorCause::ModelNotFound,
            Self::ModelClosed => ErrorCause::ModelClosed,
            Self::Invalid => ErrorCause::Invalid,
            Self::RateLimited => ErrorCause::RateLimited,
            Self::RequestRate => ErrorCause::RequestRate,
            Self::Concurrency => ErrorCause::Concurrency,
            Self::Quota => ErrorCause::Quota,
            Self::Overloaded => ErrorCause::Overloaded,
            Self::Internal => ErrorCause::Internal,
            Self::Moderated => ErrorCause::Moderated,
            Self::ModeratedPrompt => ErrorCause::ModeratedPrompt,
            Self::ModeratedReference => ErrorCause::ModeratedReference,
        }
    }
}

/// A position in a response as it is sent, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BytePosition {
    /// Before its first byte.
    Before,
    /// After this many bytes of its head.
    Head(u64),
    /// After its head and this many bytes of its body; the frames of a chunked body count.
    Body(u64),
    /// After this many bytes of the request's body, while it is still being read; not for a stall.
    Request(u64),
}

impl BytePosition {
    /// What `head`, `body` and `request` mean without a number: after `HTTP/1.1 200`, before the first byte of the body, and
    /// after the first 64 KiB.
    const DEFAULT: (u64, u64, u64) = (12, 0, 65_536);
}

impl FromStr for BytePosition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, byte) = match text.split_once(':') {
            Some((name, byte)) => (name, Some(byte.parse().map_err(|_| format!("{byte} is not a number of bytes"))?)),
            None => (text, None),
        };
        match (name, byte) {
            ("before", None) => Ok(Self::Before),
            ("head", byte) => Ok(Self::Head(byte.unwrap_or(Self::DEFAULT.0))),
            ("body", byte) => Ok(Self::Body(byte.unwrap_or(Self::DEFAULT.1))),
            ("request", byte) => Ok(Self::Request(byte.unwrap_or(Self::DEFAULT.2))),
            _ => Err(format!("{text} is not one of before, head, head:BYTE, body, body:BYTE, request, request:BYTE")),
        }
    }
}

impl fmt::Display for BytePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before => f.write_str("before"),
            Self::Head(byte) => write!(f, "head:{byte}"),
            Self::Body(byte) => write!(f, "body:{byte}"),
            Self::Request(byte) => write!(f, "request:{byte}"),
        }
    }
}

/// A probability, in millionths, so that its text and its JSON are the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Probability(u32);

impl Probability {
    const WHOLE: u32 = 1_000_000;

    /// A probability from 0 to 1 with six decimals; other numbers are clamped.
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

impl FromStr for Probability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
        read.map(Self::new).ok_or_else(|| format!("{text} is not a probability from 0 to 1, such as 0.3"))
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.get())
    }
}

/// A number of bytes of the body, and the pause before the next ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRate {
    /// The bytes at a time, at least one.
    pub bytes: u32,
    /// The pause after them.
    pub every: Duration,
}

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (bytes, every) = text.split_once('/')?;
            let bytes = bytes.parse().ok().filter(|bytes| *bytes > 0)?;
            Some(Self { bytes, every: time::read(every)? })
        };
        read().ok_or_else(|| format!("{text} is not of the form BYTES/TIME, such as 16/100ms"))
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bytes, time::write(self.every))
    }
}
