//! Kinds of errors, and what they mean for billing.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a request may have been billed.
///
/// Ordered: the larger of two values is the more cautious one.
/// Stored as a word; an unknown word of a newer version is read as [`Charge::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Not billed.
    No,
    /// Possibly billed: no response states it.
    Unknown,
    /// Billed.
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

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Invalid configuration, such as a malformed base URL. No request was sent.
    Config,
    /// No API key is set for the provider. No request was sent.
    MissingKey,
    /// No adapter has this provider id. No request was sent.
    UnknownProvider,
    /// The request violates a rule, found by the check ([`Error::violations`](crate::Error::violations)) or by the provider. A retry fails again.
    InvalidRequest,
    /// The provider or the model does not support this.
    Unsupported,
    /// The key is missing, wrong or expired.
    Authentication,
    /// The key may not use this model or this feature.
    PermissionDenied,
    /// The balance of the account is too low.
    Balance,
    /// A quota, or a limit set by the owner, is used up. A short wait does not help.
    QuotaExhausted,
    /// The provider does not offer this model.
    ModelNotFound,
    /// Too many requests; temporary.
    RateLimited,
    /// The provider is overloaded and rejected the request before any work; temporary.
    Overloaded,
    /// Moderation rejected the input or the generated image.
    ContentRejected {
        /// Whether the input or the output was rejected.
        stage: Stage,
        /// Whether text or an image was rejected.
        medium: Medium,
    },
    /// The provider could not fetch or read a reference image.
    ReferenceImage,
    /// A time limit has passed.
    Timeout,
    /// The connection failed.
    Transport,
    /// Internal error of the provider.
    Server,
    /// A 2xx response that cannot be decoded. It was probably billed; the error has the body.
    MalformedResponse,
    /// The provider accepted the request as a task, although its documentation describes no tasks. [`Error::task`](crate::Error::task)
    /// has the id; this crate cannot collect it.
    UnexpectedTask,
    /// An image is truncated or damaged.
    IncompleteImage,
    /// A task ended without images.
    TaskFailed,
    /// The provider does not have this task, or has deleted it.
    TaskNotFound,
    /// The caller cancelled, or the provider reports a cancelled task.
    Cancelled,
    /// A successful response without an image; [`Error::generation`](crate::Error::generation) has its failures and usage.
    NoImages,
    /// The response is larger than the configured limit.
    TooLarge,
    /// The local disk failed or is full.
    Storage,
    /// The job store refused to record an attempt, for a reason other than the disk. It was not sent. [`Error::cause`](crate::Error::cause) is the refusal.
    NotRecorded,
}

/// What moderation rejected: the input or the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The prompt or a reference image.
    Input,
    /// The generated image.
    Output,
    /// Not stated by the provider.
    #[serde(other)]
    Unknown,
}

/// The kind of content that moderation rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Medium {
    /// The prompt.
    Text,
    /// An image.
    Image,
    /// Not stated by the provider.
    #[serde(other)]
    Unknown,
}

/// The kinds without fields: one table for both directions of the stored word.
macro_rules! words {
    ($($kind:ident => $word:literal,)*) => {
        impl ErrorKind {
            /// The stored word, such as `rate_limited`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                    Self::ContentRejected { .. } => "content_rejected",
                }
            }

            /// The kind of a stored word. An unknown word of a newer version is [`ErrorKind::Server`], which is never safe to retry.
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
    /// Whether the provider refuses this account or this content, whatever the HTTP status.
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

    /// Whether the refusal is temporary.
    pub fn passes(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded)
    }

    /// A rejection by moderation.
    pub const fn rejected(stage: Stage, medium: Medium) -> Self {
        Self::ContentRejected { stage, medium }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Serializes the word only. A complete kind is stored flat: `stage` and `medium` next to `kind`.
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

/// The charge that follows from a response's status; `kind` is the meaning of its code.
///
/// Refusals are not billed, nor is a 503 for overload or an unknown model. A timeout (408, 499) and every other 5xx may be billed.
/// An error with a 2xx status was probably billed, unless it is a refusal: some gateways respond to everything with 200.
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
