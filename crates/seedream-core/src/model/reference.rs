//! Reference images: where they come from and how they are written down.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use crate::Pixels;

/// A reference image of a request.
///
/// Its serde form is a URL as a string, or `{"media_type": "image/png", "base64": "…"}`. A data URI is read as the latter.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageSource {
    /// A URL that the provider fetches itself.
    Url(String),
    /// The image itself.
    Inline {
        /// Lower-case media type, such as `image/png`.
        media_type: String,
        /// The encoded image.
        bytes: Bytes,
    },
}

impl ImageSource {
    /// An image that the provider fetches from a URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::Url(url.into())
    }

    /// An image that travels with the request. The media type is lowered: Ark refuses `image/PNG` (document 003, image).
    pub fn inline(media_type: impl AsRef<str>, bytes: impl Into<Bytes>) -> Self {
        Self::Inline { media_type: media_type.as_ref().to_ascii_lowercase(), bytes: bytes.into() }
    }

    /// The form that a request body carries: the URL, or `data:image/<format>;base64,…`.
    pub fn to_wire(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Inline { media_type, bytes } => format!("data:{media_type};base64,{}", STANDARD.encode(bytes)),
        }
    }

    /// Width and height of an inline image, read from its header; `None` for a URL or an unknown format.
    pub fn pixels(&self) -> Option<Pixels> {
        let Self::Inline { bytes, .. } = self else { return None };
        let size = imagesize::blob_size(bytes).ok()?;
        Some(Pixels::new(u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))
    }
}

impl fmt::Debug for ImageSource {
    /// Never shows bytes, and of a URL only what stands before its query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.debug_tuple("Url").field(&crate::redact(url)).finish(),
            Self::Inline { media_type, bytes } => {
                write!(f, "Inline({media_type}, {} bytes)", bytes.len())
            }
        }
    }
}

/// A text that is neither a URL nor a data URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseReferenceError(&'static str);

impl fmt::Display for ParseReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a reference picture is an http or https URL or a data URI with base64: {}", self.0)
    }
}

impl std::error::Error for ParseReferenceError {}

impl FromStr for ImageSource {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, ParseReferenceError> {
        let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if starts("http://") || starts("https://") {
            return Ok(Self::url(text));
        }
        if !starts("data:") {
            return Err(ParseReferenceError("this has no such scheme"));
        }
        let (head, data) = text[5..].split_once(',').ok_or(ParseReferenceError("the data URI has no comma"))?;
        let media_type = head.strip_suffix(";base64").ok_or(ParseReferenceError("the data URI is not base64"))?;
        let bytes = STANDARD.decode(data).map_err(|_| ParseReferenceError("the data URI does not decode"))?;
        Ok(Self::inline(media_type, bytes))
    }
}

impl Serialize for ImageSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Url(url) => serializer.serialize_str(url),
            Self::Inline { media_type, bytes } => {
                let mut inline = serializer.serialize_struct("Inline", 2)?;
                inline.serialize_field("media_type", media_type)?;
                inline.serialize_field("base64", &STANDARD.encode(bytes))?;
                inline.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for ImageSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Inline(Inline),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inline {
            media_type: String,
            base64: String,
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) if text.starts_with("data:") => text.parse().map_err(de::Error::custom),
            // Whether a URL may be sent is for the check of a request to say, with the field's name.
            Form::Text(text) => Ok(Self::Url(text)),
            Form::Inline(inline) => {
                let bytes = STANDARD.decode(inline.base64).map_err(de::Error::custom)?;
                Ok(Self::inline(inline.media_type, bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_uri_is_read_and_written_in_lower_case() {
        let source: ImageSource = "data:image/PNG;base64,AAEC".parse().unwrap();
        assert_eq!(source, ImageSource::inline("image/png", &[0, 1, 2][..]));
        assert_eq!(source.to_wire(), "data:image/png;base64,AAEC");
        assert_eq!(format!("{source:?}"), "Inline(image/png, 3 bytes)");
    }

    #[test]
    fn what_is_neither_url_nor_data_uri_is_refused_by_name() {
        for text in ["/tmp/a.png", "ftp://a/b", "data:image/png,abc", "data:image/png;base64,%%", "data:"] {
            assert!(text.parse::<ImageSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn json_round_trips() {
        for source in [ImageSource::url("https://a.example/b.png?x=1"), ImageSource::inline("image/webp", &[9][..])] {
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(serde_json::from_str::<ImageSource>(&json).unwrap(), source);
        }
    }
}
