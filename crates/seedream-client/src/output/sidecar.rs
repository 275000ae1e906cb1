//! The metadata beside the images: request, plan, images and charge.

use std::{fs, path::Path};

use bytes::Bytes;
use seedream_core::{ImageRequest, ImageSource, Plan};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::location::Location;
use crate::{disk::sha256_hex, job::Outcome};

/// The JSON Schema (draft 2020-12) of the metadata that a job saves beside its images. It holds no key. Images that traveled with the
/// request stand as their length and SHA-256; signed URLs stand as they are, since nothing else finds an image that is not saved.
pub const SIDECAR_SCHEMA: &str = include_str!("sidecar.schema.json");

/// The longest base64 that stands as it is, in bytes.
const LONGEST_BASE64: usize = 1024;

/// An [`Outcome`] with the request and its plan.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    schema: String,
    pub(crate) asked: Option<Value>,
    pub(crate) planned: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) names: Option<String>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

impl Sidecar {
    const FORMAT: &str = "seedream-sidecar/1";

    pub(crate) fn new(asked: Option<Value>, planned: Option<Value>, names: Option<String>, outcome: &Outcome) -> Self {
        let mut outcome = outcome.clone();
        for image in &mut outcome.images {
            // The metadata lies in the same folder, which may be moved.
            if let Location::File(path) = &mut image.location
                && let Some(name) = path.file_name()
            {
                *path = name.into();
            }
        }
        Self { schema: Self::FORMAT.to_owned(), asked, planned, names, outcome }
    }

    pub(crate) fn text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads one.
    ///
    /// # Errors
    /// Why it cannot be read, in a sentence.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("not JSON (line {} column {})", error.line(), error.column()))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(Self::FORMAT) => serde_json::from_value(value).map_err(|error| format!("it is damaged: {error}")),
            Some(other) => Err(format!("it has the form {other}, and this version reads {}", Self::FORMAT)),
            None => Err(format!("it does not name the form {}", Self::FORMAT)),
        }
    }
}

/// Whether there is metadata of the same purchase already.
pub(super) fn is_of_same_purchase(path: &Path, text: &str) -> bool {
    let purchase = |text: &str| Sidecar::read(text).ok().map(|sidecar| (sidecar.outcome.job, sidecar.outcome.purchase));
    let there = fs::read_to_string(path).ok().and_then(|there| purchase(&there));
    there.is_some() && there == purchase(text)
}

/// A request as it is recorded: an image that travels with it stands as its length and SHA-256.
pub(crate) fn described(request: &ImageRequest) -> Value {
    RequestDescriber::of(request).request(request)
}

/// The words that stand for the images of a request.
#[derive(Debug, Default)]
pub(crate) struct RequestDescriber {
    known: Vec<(Bytes, String)>,
}

impl RequestDescriber {
    pub(crate) fn of(request: &ImageRequest) -> Self {
        let inline = request.references.iter().filter_map(|reference| match reference {
            ImageSource::Inline { bytes, .. } => Some((bytes.clone(), length_and_hash(bytes))),
            _ => None,
        });
        Self { known: inline.collect() }
    }

    pub(crate) fn request(&self, request: &ImageRequest) -> Value {
        let mut bare = request.clone();
        let references = std::mem::take(&mut bare.references);
        let mut described = self.shortened(&bare);
        let references: Vec<_> = references
            .iter()
            .map(|reference| match reference {
                ImageSource::Inline { media_type, bytes } => {
                    json!({ "media_type": media_type, "base64": self.described_bytes(bytes) })
                }
                other => serde_json::to_value(other).unwrap_or_default(),
            })
            .collect();
        if let (false, Value::Object(members)) = (references.is_empty(), &mut described) {
            members.insert("references".to_owned(), references.into());
        }
        described
    }

    pub(crate) fn plan(&self, plan: &Plan) -> Value {
        self.shortened(plan)
    }

    fn described_bytes(&self, bytes: &[u8]) -> String {
        let known = self.known.iter().find(|(known, _)| known == bytes);
        known.map_or_else(|| length_and_hash(bytes), |(_, word)| word.clone())
    }

    fn shortened(&self, value: &impl Serialize) -> Value {
        let mut value = serde_json::to_value(value).unwrap_or_default();
        self.shorten(&mut value);
        value
    }

    fn shorten(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(short) = self.short(text) {
                    *text = short;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.shorten(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.shorten(member)),
            _ => {}
        }
    }

    /// Long base64, alone or in a data URI, as the length and the SHA-256 of what it stands for.
    fn short(&self, text: &str) -> Option<String> {
        let (head, base64) = match text.split_once(";base64,") {
            Some((media_type, base64)) if media_type.starts_with("data:") => (format!("{media_type};"), base64),
            _ => (String::new(), text),
        };
        if base64.len() <= LONGEST_BASE64 {
            return None;
        }
        let bytes = base64_simd::STANDARD.decode_to_vec(base64).ok()?;
        Some(format!("{head}{}", self.described_bytes(&bytes)))
    }
}

fn length_and_hash(bytes: &[u8]) -> String {
    format!("{} bytes, sha256 {}", bytes.len(), sha256_hex(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_by_length_and_hash_and_texts_stay() {
        let image = base64_simd::STANDARD.encode_to_string([7; 3000]);
        let said = format!("3000 bytes, sha256 {}", sha256_hex(&[7; 3000]));
        let words = RequestDescriber::default();
        assert_eq!(words.short(&image).unwrap(), said);
        assert_eq!(words.short(&format!("data:image/png;base64,{image}")).unwrap(), format!("data:image/png;{said}"));
        let prompt = "a lighthouse in fog ".repeat(200);
        let note = format!("a note;base64,{image}");
        for text in [prompt.as_str(), "https://a.example/0.png", "data:image/png;base64,AAAA", "", &note] {
            assert_eq!(words.short(text), None);
        }
        // Wherever they stand.
        let plan = json!({ "image": [image, "https://a.example/0.png"], "of": { "one": image, "n": 1 } });
        let short = json!({ "image": [said, "https://a.example/0.png"], "of": { "one": said, "n": 1 } });
        assert_eq!(words.shortened(&plan), short);
    }

    #[test]
    fn a_request_is_described_without_its_images() {
        let mut request = ImageRequest::new("m", "a fox");
        request.references = vec![
            ImageSource::inline("image/png", vec![7; 3000]),
            ImageSource::url("https://a.example/b.png"),
            ImageSource::inline("image/png", vec![8; 9]),
        ];
        let described = described(&request);
        assert_eq!(described["prompt"], "a fox");
        let said = format!("3000 bytes, sha256 {}", sha256_hex(&[7; 3000]));
        let other = format!("9 bytes, sha256 {}", sha256_hex(&[8; 9]));
        assert_eq!(
            described["references"],
            json!([
                { "media_type": "image/png", "base64": said },
                "https://a.example/b.png",
                { "media_type": "image/png", "base64": other }
            ])
        );
    }

    #[test]
    fn metadata_is_of_the_same_purchase_where_job_and_number_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny-0.json");
        let text =
            |job: &str, purchase: u32| Sidecar::new(None, None, None, &Outcome::new(job, purchase)).text().unwrap();
        assert!(!is_of_same_purchase(&path, "{}"), "there is none");
        fs::write(&path, text("a", 1)).unwrap();
        for (job, purchase, is_same) in [("a", 1, true), ("a", 2, false), ("b", 1, false)] {
            assert_eq!(is_of_same_purchase(&path, &text(job, purchase)), is_same, "{job} {purchase}");
        }
    }
}
