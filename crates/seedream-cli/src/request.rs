//! The request that the flags say.

use std::{fs::File, io::Read as _, path::Path};

use seedream::{ImageRequest, ImageSource, ResponseFormat, Size, Tier};

use crate::{
    args::{Form, RequestArgs},
    exit::Failure,
    output::Console,
};

/// No provider takes a reference anywhere near as large; a larger file is a mistake.
const LARGEST_FILE: u64 = 256 << 20;

impl RequestArgs {
    /// The request, with a model that is empty where each provider's own is meant.
    ///
    /// # Errors
    /// A prompt that says nothing, flags that contradict each other, and reference files that cannot be read or are no images.
    pub(crate) fn request(&self, console: &Console) -> Result<ImageRequest, Failure> {
        let mut request = ImageRequest::new(self.model.as_deref().unwrap_or_default(), self.prompt(console)?);
        request.size = size(self.size, self.tier)?;
        request.references = self.images.iter().map(|image| reference(image)).collect::<Result<_, _>>()?;
        request.count = self.count;
        request.response_format = match self.response_format {
            Some(Form::Url) => Some(ResponseFormat::Url),
            Some(Form::B64Json) => Some(ResponseFormat::B64Json),
            None => self.inline.then_some(ResponseFormat::B64Json),
        };
        request.format = self.format.map(Into::into);
        request.watermark = self.watermark;
        request.seed = self.seed;
        request.guidance_scale = self.guidance_scale;
        request.prompt_mode = self.prompt_mode.map(Into::into);
        request.web_search = self.web_search;
        request.callback_url = self.callback_url.clone();
        request.stream = self.stream.then_some(true);
        for (name, value) in &self.extra {
            if request.extra.insert(name.clone(), value.clone()).is_some() {
                return Err(Failure::usage(format!("--extra names `{name}` twice")));
            }
        }
        Ok(request)
    }
}

/// `--size` and `--tier` together.
fn size(size: Option<Size>, tier: Option<Tier>) -> Result<Option<Size>, Failure> {
    let Some(tier) = tier else { return Ok(size) };
    match size {
        None | Some(Size::Auto) => Ok(Some(tier.into())),
        Some(Size::Tier(same)) if same == tier => Ok(size),
        Some(Size::Ratio { ratio, tier: named }) if named.is_none_or(|named| named == tier) => {
            Ok(Some(Size::Ratio { ratio, tier: Some(tier) }))
        }
        Some(size) => Err(Failure::usage(format!(
            "--tier {tier} contradicts --size {size}: a level goes with a ratio, such as --size 16:9 --tier {tier}"
        ))),
    }
}

/// A reference image: a URL or a data URI as it is, a file by its content.
fn reference(text: &str) -> Result<ImageSource, Failure> {
    let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if ["http://", "https://", "data:"].into_iter().any(starts) {
        return text.parse().map_err(|error| Failure::usage(format!("--image: {error}")));
    }
    let bytes = read(Path::new(text)).map_err(|error| Failure::usage(format!("--image {text}: {error}")))?;
    // The content decides: a name may lie, and Ark refuses an image whose type is another than the one that is stated.
    match infer::get(&bytes).filter(|kind| kind.matcher_type() == infer::MatcherType::Image) {
        Some(kind) => Ok(ImageSource::inline(kind.mime_type(), bytes)),
        None => Err(Failure::usage(format!("--image {text}: this is no picture of a known format"))),
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other("the file is larger than any provider takes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_goes_with_a_ratio_or_alone() {
        let joined = |of: Option<&str>, tier| {
            let of = of.map(|text| text.parse().unwrap());
            size(of, Some(tier)).map(|size| size.unwrap().to_string()).map_err(|failure| failure.message)
        };
        assert_eq!(joined(None, Tier::K2).unwrap(), "2K");
        assert_eq!(joined(Some("auto"), Tier::K4).unwrap(), "4K");
        assert_eq!(joined(Some("16:9"), Tier::K2).unwrap(), "16:9@2K");
        assert_eq!(joined(Some("16:9@2K"), Tier::K2).unwrap(), "16:9@2K");
        assert_eq!(joined(Some("2K"), Tier::K2).unwrap(), "2K");
        for other in ["16:9@4K", "4K", "2048x2048"] {
            assert!(joined(Some(other), Tier::K2).unwrap_err().contains(other));
        }
    }

    #[test]
    fn a_file_is_known_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("really-a-png.jpg");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n0000").unwrap();
        let ImageSource::Inline { media_type, .. } = reference(path.to_str().unwrap()).unwrap() else { panic!() };
        assert_eq!(media_type, "image/png");
        std::fs::write(&path, b"no picture").unwrap();
        assert!(reference(path.to_str().unwrap()).unwrap_err().message.contains("no picture"));
        assert!(reference("/no/such/file").unwrap_err().message.contains("/no/such/file"));
        assert_eq!(reference("HTTPS://a.example/b.png").unwrap(), ImageSource::url("HTTPS://a.example/b.png"));
        assert!(reference("data:image/png;base64,AAAA").is_ok() && reference("data:x").is_err());
    }
}
