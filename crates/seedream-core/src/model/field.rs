//! The fields of a request by name.

use serde::{Deserialize, Serialize};

/// A field of [`ImageRequest`](crate::ImageRequest), as rules, warnings and errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the field of its name")]
pub enum Field {
    Model,
    Prompt,
    References,
    Size,
    Count,
    ResponseFormat,
    Format,
    Watermark,
    Seed,
    GuidanceScale,
    PromptMode,
    WebSearch,
    CallbackUrl,
    Stream,
    Extra,
}

impl Field {
    /// The optional fields, each of which a model honours, ignores or refuses.
    pub const OPTIONAL: [Self; 9] = [
        Self::ResponseFormat,
        Self::Format,
        Self::Watermark,
        Self::Seed,
        Self::GuidanceScale,
        Self::PromptMode,
        Self::WebSearch,
        Self::CallbackUrl,
        Self::Stream,
    ];

    /// The name as in [`ImageRequest`](crate::ImageRequest).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::References => "references",
            Self::Size => "size",
            Self::Count => "count",
            Self::ResponseFormat => "response_format",
            Self::Format => "format",
            Self::Watermark => "watermark",
            Self::Seed => "seed",
            Self::GuidanceScale => "guidance_scale",
            Self::PromptMode => "prompt_mode",
            Self::WebSearch => "web_search",
            Self::CallbackUrl => "callback_url",
            Self::Stream => "stream",
            Self::Extra => "extra",
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
