//! Builds the image request from the flags.

use std::{fs::File, io::Read as _, path::Path};

use seedream::{ImageRequest, ImageSource, ResponseFormat, Size, Tier};

use crate::{
    args::{RequestArgs, RequestOptions, ResponseForm},
    console::Console,
    failure::Failure,
};

/// The largest reference file that is read, in bytes. It is far beyond the limit of every provider.
const LARGEST_FILE: u64 = 256 << 20;

impl RequestArgs {
    /// Builds the request. An empty model selects the default model of each provider.
    ///
    /// # Errors
    /// The prompt is blank, flags contradict each other, or a reference file cannot be read or is not an image.
    pub(crate) fn request(&self, console: &Console) -> Result<ImageRequest, Failure> {
        self.options.of_prompt(self.prompt(console)?)
    }
}

impl RequestOptions {
    /// The request for a prompt.
    ///
    /// # Errors
    /// As [`RequestArgs::request`].
    pub(crate) fn of_prompt(&self, prompt: String) -> Result<ImageRequest, Failure> {
        let mut request = ImageRequest::new(self.model.as_deref().unwrap_or_default(), prompt);
        request.size = size(self.size, self.tier)?;
        request.references = self.images.iter().map(|image| reference(image)).collect::<Result<_, _>>()?;
        request.count = self.count;
        request.response_format = match self.response_format {
            Some(ResponseForm::Url) => Some(ResponseFormat::Url),
            Some(ResponseForm::B64Json) => Some(ResponseFormat::B64Json),
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
                return Err(Failure::usage(format!("--extra sets `{name}` twice; keep one of them")));
            }
        }
        Ok(request)
    }
}

/// Combines `--size` and `--tier`.
fn size(size: Option<Size>, tier: Option<Tier>) -> Result<Option<Size>, Failure> {
    let Some(tier) = tier else { return Ok(size) };
    match size {
        None | Some(Size::Auto) => Ok(Some(tier.into())),
        Some(Size::Tier(same)) if same == tier => Ok(size),
        Some(Size::Ratio { ratio, tier: named }) if named.is_none_or(|named| named == tier) => {
            Ok(Some(Size::Ratio { ratio, tier: Some(tier) }))
        }
        Some(size) => Err(Failure::usage(format!(
            "--tier {tier} contradicts --size {size}: use --tier alone or with a ratio, such as --size 16:9 --tier {tier}"
        ))),
    }
}

/// Reads a reference image: a URL, a data URI or a file, whose format is detected from its content.
fn reference(text: &str) -> Result<ImageSource, Failure> {
    let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    if ["http://", "https://", "data:"].into_iter().any(starts) {
        return text.parse().map_err(|error| Failure::usage(format!("--image: {error}")));
    }
    let bytes = read(Path::new(text)).map_err(|error| Failure::usage(format!("--image {text}: {error}")))?;
    // The file extension may be wrong, and Ark refuses an image whose stated type differs from its content.
    match infer::get(&bytes).filter(|kind| kind.matcher_type() == infer::MatcherType::Image) {
        Some(kind) => Ok(ImageSource::inline(kind.mime_type(), bytes)),
        None => {
            let message = "not a PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF image: convert it";
            Err(Failure::usage(format!("--image {text}: {message}")))
        }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other(
            "the file is larger than 256 MiB, more than any provider accepts; use a smaller image",
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_stands_alone_or_with_a_ratio() {
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
    fn the_format_of_a_file_is_detected_from_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("really-a-png.jpg");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n0000").unwrap();
        let ImageSource::Inline { media_type, .. } = reference(path.to_str().unwrap()).unwrap() else { panic!() };
        assert_eq!(media_type, "image/png");
        std::fs::write(&path, b"not an image").unwrap();
        assert!(
            reference(path.to_str().unwrap())
                .unwrap_err()
                .message
                .ends_with(": not a PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF image: convert it")
        );
        assert!(reference("/no/such/file").unwrap_err().message.contains("/no/such/file"));
        assert_eq!(reference("HTTPS://a.example/b.png").unwrap(), ImageSource::url("HTTPS://a.example/b.png"));
        assert!(reference("data:image/png;base64,AAAA").is_ok() && reference("data:x").is_err());
    }
}
