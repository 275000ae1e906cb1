//! The request type of all dialects.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::{Field, ImageSource, ModelId, Size};

/// A request for images, independent of the provider.
///
/// `None` is never sent, so the provider's default applies; `Some` is sent explicitly, refused, or leads to a warning.
/// The serde form is the same wherever a request is stored; unknown members are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageRequest {
    /// The model, in any provider's spelling.
    pub model: ModelId,
    /// The prompt: what to draw, or how to edit the references.
    pub prompt: String,
    /// Reference images, in the order in which the prompt numbers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ImageSource>,
    /// Size of each image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// How many images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
    /// Whether the response contains URLs or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// File format of the images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<OutputFormat>,
    /// Whether the image has a visible watermark. Ark's default is true, ope.ai's false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<bool>,
    /// Seed of the random numbers; the same seed gives similar images, not equal ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How closely the image follows the prompt, 1 to 10 (the 3.0 family).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f64>,
    /// How the provider rewrites the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_mode: Option<PromptMode>,
    /// Whether the model may search the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_search: Option<bool>,
    /// The URL to which the provider reports the end of a task (docs.evolink.ai: HTTPS, public, at most 2048 characters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether each image arrives as soon as it is made, as an event stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Other members of the provider's body, merged last and verbatim.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// How many images are requested.
///
/// The serde form is a number: `1` is exactly one, a larger `n` is a maximum; `{"up_to": 1}` is a group of at most one, and `"auto"` a
/// group without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Count {
    /// One image, not a group.
    One,
    /// A group of at most this many images; the model decides the number from the prompt.
    UpTo(u32),
    /// A group whose number the model decides: at most [`Count::MOST`], fewer if references count too.
    Auto,
}

impl Count {
    /// The most images of a group without a number (doc.aimanyi.top/api-349230272, max_images).
    pub const MOST: u32 = 15;

    /// `1` is [`Count::One`], any other number a maximum.
    pub fn new(n: u32) -> Self {
        if n == 1 { Self::One } else { Self::UpTo(n) }
    }

    /// The most images of this count.
    pub fn ceiling(self) -> u32 {
        match self {
            Self::One => 1,
            Self::UpTo(n) => n,
            Self::Auto => Self::MOST,
        }
    }

    /// The number in the request; `None` for [`Count::Auto`].
    pub fn number(self) -> Option<u32> {
        (self != Self::Auto).then(|| self.ceiling())
    }
}

/// Parses a number, or `auto`.
impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::new).map_err(|_| format!("`{text}` is not a count: write a whole number, or auto"))
    }
}

impl From<u32> for Count {
    fn from(n: u32) -> Self {
        Self::new(n)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::One => serializer.serialize_u32(1),
            Self::UpTo(1) => serializer.collect_map([("up_to", 1)]),
            Self::UpTo(n) => serializer.serialize_u32(n),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u32),
            UpTo { up_to: u32 },
            Word(String),
        }
        match Form::deserialize(deserializer) {
            Ok(Form::Number(n)) => Ok(Self::new(n)),
            Ok(Form::UpTo { up_to }) => Ok(Self::UpTo(up_to)),
            Ok(Form::Word(word)) if word == "auto" => Ok(Self::Auto),
            _ => Err(de::Error::custom("count is a whole number, {\"up_to\": n}, or \"auto\"")),
        }
    }
}

/// How the response delivers the images: the values of the member `response_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResponseFormat {
    /// URLs that expire, usually after 24 hours.
    #[serde(rename = "url")]
    Url,
    /// Base64 in the response.
    #[serde(rename = "b64_json")]
    B64Json,
}

impl ResponseFormat {
    /// The value of `response_format` in a request body.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::B64Json => "b64_json",
        }
    }
}

/// The file format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl OutputFormat {
    /// The value of `output_format` in a request body.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
        }
    }
}

/// How the provider rewrites the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PromptMode {
    /// Better and slower: the default everywhere.
    Standard,
    /// Faster, on the models that have it.
    Fast,
}

impl PromptMode {
    /// The value in a request body.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Fast => "fast",
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = Some($name);
            self
        }
    )*};
}

impl ImageRequest {
    /// Creates a request with a model and a prompt; everything else is the provider's default.
    pub fn new(model: impl Into<ModelId>, prompt: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            prompt: prompt.into(),
            references: Vec::new(),
            size: None,
            count: None,
            response_format: None,
            format: None,
            watermark: None,
            seed: None,
            guidance_scale: None,
            prompt_mode: None,
            web_search: None,
            callback_url: None,
            stream: None,
            extra: Map::new(),
        }
    }

    /// Adds a reference image: an [`ImageSource`], or the text of a URL or a data URI.
    #[must_use]
    pub fn reference(mut self, source: impl Into<ImageSource>) -> Self {
        self.references.push(source.into());
        self
    }

    /// Sets the size.
    #[must_use]
    pub fn size(mut self, size: impl Into<Size>) -> Self {
        self.size = Some(size.into());
        self
    }

    /// Requests one image, not a group.
    #[must_use]
    pub fn single(self) -> Self {
        self.count(Count::One)
    }

    /// Requests a group of at most `n` images: the model decides the number, mostly from the prompt.
    #[must_use]
    pub fn up_to(self, n: u32) -> Self {
        self.count(Count::UpTo(n))
    }

    /// Requests at most `n` images, or exactly one; with [`Count::Auto`] the model decides the number.
    #[must_use]
    pub fn count(mut self, count: impl Into<Count>) -> Self {
        self.count = Some(count.into());
        self
    }

    /// The requested maximum of images; `None` for [`Count::Auto`].
    pub fn requested(&self) -> Option<u32> {
        self.count.map_or(Some(1), Count::number)
    }

    setters! {
        /// Sets whether the response contains URLs or base64.
        response_format: ResponseFormat,
        /// Sets the file format.
        format: OutputFormat,
        /// Sets whether the image has a visible watermark.
        watermark: bool,
        /// Sets the seed.
        seed: i64,
        /// Sets how closely the image follows the prompt.
        guidance_scale: f64,
        /// Sets how the provider rewrites the prompt.
        prompt_mode: PromptMode,
        /// Sets whether the model may search the web.
        web_search: bool,
        /// Sets whether images arrive as an event stream.
        stream: bool,
    }

    /// Sets the URL to which the provider reports the end of a task.
    #[must_use]
    pub fn callback_url(mut self, url: impl Into<String>) -> Self {
        self.callback_url = Some(url.into());
        self
    }

    /// Adds a member of the provider's body.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}

impl ImageRequest {
    /// The serde form of an optional field; `None` if it is not set.
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

    /// Clears an optional field.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tier;

    #[test]
    fn a_full_request_has_one_stored_form() {
        let request = ImageRequest::new("doubao-seedream-4-5", "a lighthouse")
            .reference(ImageSource::url("https://example.com/a.png"))
            .size(Size::pixels(2048, 2048))
            .count(3)
            .response_format(ResponseFormat::B64Json)
            .format(OutputFormat::Png)
            .watermark(false)
            .seed(7)
            .guidance_scale(2.5)
            .prompt_mode(PromptMode::Fast)
            .web_search(true)
            .callback_url("https://example.com/hook")
            .stream(true)
            .extra("background", "opaque");
        insta::assert_json_snapshot!(request);
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<ImageRequest>(&json).unwrap(), request);
    }

    #[test]
    fn what_is_not_set_is_not_stored() {
        let request = ImageRequest::new("m", "p").size(Tier::K2);
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"model":"m","prompt":"p","size":"2K"}"#);
    }

    #[test]
    fn an_unknown_member_is_refused() {
        let error = serde_json::from_str::<ImageRequest>(r#"{"model":"m","prompt":"p","sise":"2K"}"#).unwrap_err();
        assert!(error.to_string().contains("sise"), "{error}");
    }

    #[test]
    fn one_and_a_group_of_one_are_two_things() {
        for (count, json) in
            [(Count::One, "1"), (Count::UpTo(3), "3"), (Count::UpTo(1), r#"{"up_to":1}"#), (Count::Auto, r#""auto""#)]
        {
            assert_eq!(serde_json::to_string(&count).unwrap(), json);
            assert_eq!(serde_json::from_str::<Count>(json).unwrap(), count);
        }
    }
}
