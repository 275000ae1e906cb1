//! Reference images: their sources and their text form.

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
    /// The image, sent inside the request.
    Inline {
        /// Lower-case media type, such as `image/png`.
        media_type: String,
        /// The encoded image.
        bytes: Bytes,
    },
}

impl ImageSource {
    /// Creates a reference that the provider fetches from a URL.
    pub fn url(url: impl Into<String>) -> Self {
        Self::Url(url.into())
    }

    /// Creates a reference that is sent inside the request. The media type becomes lower-case: Ark refuses `image/PNG`
    /// (doc.aimanyi.top/api-349230272, image).
    pub fn inline(media_type: impl AsRef<str>, bytes: impl Into<Bytes>) -> Self {
        Self::Inline { media_type: media_type.as_ref().to_ascii_lowercase(), bytes: bytes.into() }
    }

    /// Creates a reference that is sent inside the request, with the media type that its bytes show.
    ///
    /// # Errors
    /// The bytes are not PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF: [`ImageSource::inline`] takes any.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, ParseReferenceError> {
        use imagesize::{Compression, ImageType};

        let bytes = bytes.into();
        let media_type = match imagesize::image_type(&bytes) {
            Ok(ImageType::Png) => "image/png",
            Ok(ImageType::Jpeg) => "image/jpeg",
            Ok(ImageType::Webp) => "image/webp",
            Ok(ImageType::Gif) => "image/gif",
            Ok(ImageType::Bmp) => "image/bmp",
            Ok(ImageType::Tiff) => "image/tiff",
            Ok(ImageType::Heif(Compression::Av1)) => "image/avif",
            Ok(ImageType::Heif(_)) => "image/heic",
            _ => {
                return Err(ParseReferenceError(
                    "the bytes are not a supported image format (PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF)",
                ));
            }
        };
        Ok(Self::inline(media_type, bytes))
    }

    /// The form in a request body: the URL, or `data:image/<format>;base64,…`.
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
        Pixels::new(u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?).ok()
    }
}

impl fmt::Debug for ImageSource {
    /// Never shows bytes or the query of a URL.
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
        write!(f, "not a reference image: {}; use an http or https URL, or a data URI with base64", self.0)
    }
}

impl std::error::Error for ParseReferenceError {}

impl From<&str> for ImageSource {
    /// Decodes a data URI; any other text is a URL, which the check of the request validates.
    fn from(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self::url(text))
    }
}

impl From<String> for ImageSource {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl FromStr for ImageSource {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, ParseReferenceError> {
        let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if starts("http://") || starts("https://") {
            return Ok(Self::url(text));
        }
        if !starts("data:") {
            return Err(ParseReferenceError("the scheme is neither http, https nor data"));
        }
        let (head, data) = text[5..].split_once(',').ok_or(ParseReferenceError("the data URI has no comma"))?;
        let media_type = head.strip_suffix(";base64").ok_or(ParseReferenceError("the data URI is not base64"))?;
        let bytes =
            STANDARD.decode(data).map_err(|_| ParseReferenceError("the base64 of the data URI is not valid"))?;
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
            // The check of a request validates the URL and names the field.
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
    fn a_text_that_is_neither_url_nor_data_uri_is_an_error() {
        for text in ["/tmp/a.png", "ftp://a/b", "data:image/png,abc", "data:image/png;base64,%%", "data:"] {
            assert!(text.parse::<ImageSource>().is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_say_which_format_they_are() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0".as_slice();
        assert_eq!(ImageSource::from_bytes(png).unwrap(), ImageSource::inline("image/png", png));
        assert!(ImageSource::from_bytes(&b"a text"[..]).is_err());
        assert_eq!(ImageSource::from("https://a.example/b"), ImageSource::url("https://a.example/b"));
        assert_eq!(ImageSource::from("data:image/png;base64,AAEC"), ImageSource::inline("image/png", &[0, 1, 2][..]));
    }

    #[test]
    fn json_round_trips() {
        for source in [ImageSource::url("https://a.example/b.png?x=1"), ImageSource::inline("image/webp", &[9][..])] {
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(serde_json::from_str::<ImageSource>(&json).unwrap(), source);
        }
    }
}
