//! The fields of a request by name.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ImageRequest;

/// A field of [`ImageRequest`], as rules, warnings and errors name it.
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
    /// The optional fields that a model honours, ignores or refuses as a whole.
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

    /// The name as in [`ImageRequest`].
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

impl ImageRequest {
    /// The value of an optional field as its serde form, `None` where it is not set.
    pub(crate) fn optional(&self, field: Field) -> Option<Value> {
        match field {
            Field::ResponseFormat => self.response_format.map(|format| format.wire().into()),
            Field::Format => self.format.map(|f| f.wire().into()),
            Field::Watermark => self.watermark.map(Value::from),
            Field::Seed => self.seed.map(Value::from),
            Field::GuidanceScale => self.guidance_scale.map(Value::from),
            Field::PromptMode => self.prompt_mode.map(|m| m.wire().into()),
            Field::WebSearch => self.web_search.map(Value::from),
            Field::CallbackUrl => self.callback_url.clone().map(Value::from),
            Field::Stream => self.stream.map(Value::from),
            _ => None,
        }
    }

    /// Takes an optional field back.
    pub(crate) fn clear(&mut self, field: Field) {
        match field {
            Field::References => self.references.clear(),
            Field::Size => self.size = None,
            Field::Count => self.count = None,
            Field::ResponseFormat => self.response_format = None,
            Field::Format => self.format = None,
            Field::Watermark => self.watermark = None,
            Field::Seed => self.seed = None,
            Field::GuidanceScale => self.guidance_scale = None,
            Field::PromptMode => self.prompt_mode = None,
            Field::WebSearch => self.web_search = None,
            Field::CallbackUrl => self.callback_url = None,
            Field::Stream => self.stream = None,
            Field::Extra => self.extra.clear(),
            Field::Model | Field::Prompt => {}
        }
    }
}
