//! What can go wrong, and what it means for money.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a failed request may have cost something.
///
/// Ordered: of two statements the larger is the more cautious one.
/// Its stored form is a word; one that a newer version wrote is read as [`Charge::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// It cost nothing.
    No,
    /// It may have cost something: the response that would say so did not arrive.
    Unknown,
    /// It cost something.
    Yes,
}

impl Charge {
    /// The stored form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

impl fmt::Display for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Charge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok([Self::No, Self::Yes].into_iter().find(|charge| charge.as_str() == word).unwrap_or(Self::Unknown))
    }
}

/// What kind of thing went wrong, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Invalid configuration, such as a malformed base URL. No request was sent.
    Config,
    /// No API key is set for the provider. No request was sent.
    MissingKey,
    /// The provider id is not known here. No request was sent.
    UnknownProvider,
    /// The request breaks a rule; found here ([`Error::violations`](crate::Error::violations)) or by the provider. Sending it again changes nothing.
    InvalidRequest,
    /// The provider or the model cannot do this.
    Unsupported,
    /// The key is missing, wrong or expired.
    Authentication,
    /// The key may not use this model or this feature.
    PermissionDenied,
    /// The account has no money left.
    Balance,
    /// A quota, or a limit that the owner set, is used up: waiting a moment does not help.
    QuotaExhausted,
    /// The provider does not know this model, or does not serve it.
    ModelNotFound,
    /// Too many requests: passes by itself.
    RateLimited,
    /// The provider is overloaded and said so before it did any work: passes by itself.
    Overloaded,
    /// Moderation refused what was asked or what was drawn.
    ContentRejected {
        /// What was looked at.
        stage: Stage,
        /// What it was.
        medium: Medium,
    },
    /// A reference image could not be fetched or read by the provider.
    ReferenceImage,
    /// The time was up.
    Timeout,
    /// The connection failed.
    Transport,
    /// The provider failed.
    Server,
    /// A 2xx response that cannot be read. Something was probably bought: the body is kept.
    MalformedResponse,
    /// The provider accepted the request as a task, though its document describes no tasks. The id is in
    /// [`Error::task`](crate::Error::task); this crate cannot collect it.
    UnexpectedTask,
    /// An image was cut off or damaged before its end.
    IncompleteImage,
    /// A task ended without images.
    TaskFailed,
    /// The provider does not know this task, or not any more.
    TaskNotFound,
    /// The caller cancelled, or the provider says that its task was.
    Cancelled,
    /// The response is a success without a single image; its failures and usage are in [`Error::generation`](crate::Error::generation).
    NoImages,
    /// The response is larger than the caller allows.
    TooLarge,
    /// The local disk failed.
    Storage,
    /// The store of jobs refused to record an attempt, for another reason than the disk: it was not sent. The refusal is [`Error::cause`](crate::Error::cause).
    NotRecorded,
}

/// What moderation looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// What was asked.
    Input,
    /// What was drawn.
    Output,
    /// The provider does not say.
    #[serde(other)]
    Unknown,
}

/// What kind of content moderation refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Medium {
    /// The prompt.
    Text,
    /// An image.
    Image,
    /// The provider does not say.
    #[serde(other)]
    Unknown,
}

/// The kinds that are a word alone: the word and the way back are written once.
macro_rules! words {
    ($($kind:ident => $word:literal,)*) => {
        impl ErrorKind {
            /// The word of the stored form, such as `rate_limited`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                    Self::ContentRejected { .. } => "content_rejected",
                }
            }

            /// The kind of a word. One that a newer version wrote is [`ErrorKind::Server`], which is never safe to retry.
            fn from_word(word: &str) -> Self {
                match word {
                    $($word => Self::$kind,)*
                    "content_rejected" => Self::rejected(Stage::Unknown, Medium::Unknown),
                    _ => Self::Server,
                }
            }
        }
    };
}

words! {
    Config => "config",
    MissingKey => "missing_key",
    UnknownProvider => "unknown_provider",
    InvalidRequest => "invalid_request",
    Unsupported => "unsupported",
    Authentication => "authentication",
    PermissionDenied => "permission_denied",
    Balance => "balance",
    QuotaExhausted => "quota_exhausted",
    ModelNotFound => "model_not_found",
    RateLimited => "rate_limited",
    Overloaded => "overloaded",
    ReferenceImage => "reference_image",
    Timeout => "timeout",
    Transport => "transport",
    Server => "server",
    MalformedResponse => "malformed_response",
    UnexpectedTask => "unexpected_task",
    IncompleteImage => "incomplete_image",
    TaskFailed => "task_failed",
    TaskNotFound => "task_not_found",
    Cancelled => "cancelled",
    NoImages => "no_images",
    TooLarge => "too_large",
    Storage => "storage",
    NotRecorded => "not_recorded",
}

impl ErrorKind {
    /// Whether the provider refuses to work for this account or this content, whatever the status it says so under.
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Authentication
                | Self::PermissionDenied
                | Self::Balance
                | Self::QuotaExhausted
                | Self::ContentRejected { .. }
        )
    }

    /// Whether the provider refuses now and will not in a moment.
    pub fn passes(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded)
    }

    /// Moderation that refused the prompt or a reference.
    pub const fn rejected(stage: Stage, medium: Medium) -> Self {
        Self::ContentRejected { stage, medium }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word alone. What stores a kind whole is flat: `stage` and `medium` stand beside `kind`.
impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self::from_word(&word))
    }
}

/// A kind as members of the object that holds it: `"kind": "content_rejected", "stage": "input", "medium": "text"`.
pub(crate) mod members {
    use super::{Deserialize, Deserializer, ErrorKind, Medium, Serialize, Serializer, Stage};

    #[derive(Serialize, Deserialize)]
    struct Members {
        kind: ErrorKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        medium: Option<Medium>,
    }

    pub(crate) fn serialize<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
        let (stage, medium) = match *kind {
            ErrorKind::ContentRejected { stage, medium } => (Some(stage), Some(medium)),
            _ => (None, None),
        };
        Members { kind: *kind, stage, medium }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorKind, D::Error> {
        let Members { kind, stage, medium } = Members::deserialize(deserializer)?;
        Ok(match kind {
            ErrorKind::ContentRejected { .. } => {
                ErrorKind::rejected(stage.unwrap_or(Stage::Unknown), medium.unwrap_or(Medium::Unknown))
            }
            other => other,
        })
    }
}

/// What a response's status says about money; `kind` is what its code was understood as.
///
/// Refusals cost nothing, and nor do a 503 that names overload or an unknown model; a timeout (408, 499) and every other 5xx
/// leave it open whether the work was done. A 2xx that turned into an error was probably paid for, unless it holds a refusal: some
/// gateways answer everything with 200.
pub fn charge_of(status: StatusCode, kind: ErrorKind) -> Charge {
    match status.as_u16() {
        408 | 499 => Charge::Unknown,
        200..=299 if kind.is_refusal() => Charge::No,
        300..=499 => Charge::No,
        503 if kind.passes() || kind == ErrorKind::ModelNotFound => Charge::No,
        _ => Charge::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_money_table_by_status() {
        let server = ErrorKind::Server;
        for status in [300, 307, 400, 401, 403, 404, 409, 413, 422, 429, 451] {
            assert_eq!(charge_of(StatusCode::from_u16(status).unwrap(), server), Charge::No, "{status}");
        }
        for status in [200, 408, 499, 500, 502, 503, 504, 520, 599] {
            assert_eq!(charge_of(StatusCode::from_u16(status).unwrap(), server), Charge::Unknown, "{status}");
        }
        for kind in [ErrorKind::Overloaded, ErrorKind::RateLimited, ErrorKind::ModelNotFound] {
            assert_eq!(charge_of(StatusCode::SERVICE_UNAVAILABLE, kind), Charge::No);
            assert_eq!(charge_of(StatusCode::BAD_GATEWAY, kind), Charge::Unknown);
            assert_eq!(charge_of(StatusCode::OK, kind), Charge::Unknown);
        }
        for kind in [ErrorKind::Balance, ErrorKind::rejected(Stage::Input, Medium::Text)] {
            assert_eq!(charge_of(StatusCode::OK, kind), Charge::No);
            assert_eq!(charge_of(StatusCode::BAD_GATEWAY, kind), Charge::Unknown);
        }
    }
}
