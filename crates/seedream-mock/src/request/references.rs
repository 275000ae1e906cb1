//! References: how many, of which form, and what the first bytes of an inline one say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imagesize::{Compression, ImageType};
use seedream_fixtures::{ErrorCause, FieldFacts, FieldRole, ModelFacts, ReferenceFacts};
use serde_json::Value;

use crate::request::fields::RequestFields;
use crate::request::violation::RuleViolation;

/// How much of an inline image is decoded at first: headers are rarely longer, whatever the image.
const HEADER: usize = 64 * 1024;

/// What a PNG begins with, up to the byte that says which colours it has.
const PNG: (&[u8], usize) = (b"\x89PNG\r\n\x1a\n", 25);

/// Looks at every reference of a request.
pub(crate) fn check(model: &ModelFacts, body: &RequestFields<'_>, found: &mut Vec<RuleViolation>) {
    let (Some((field, said)), Some(rule)) = (body.field(FieldRole::References), &model.references) else { return };
    let references = body.references();
    if references.len() > rule.max as usize {
        let detail = format!("number of reference images cannot exceed {}", rule.max);
        let violation = RuleViolation::new(&field.name, "references", detail);
        found.push(RuleViolation { whole: true, blamed: true, recorded: true, ..violation });
    }
    found.extend(references.iter().filter_map(|reference| match reference.as_str() {
        Some(text) => violation(field, rule, text),
        // What is neither a text nor a list was blamed for its own type.
        None if references.len() == 1 && !said.is_some_and(Value::is_array) => None,
        None => Some(RuleViolation::new(&field.name, "type", "must hold texts only.")),
    }));
}

fn violation(field: &FieldFacts, rule: &ReferenceFacts, text: &str) -> Option<RuleViolation> {
    let invalid =
        |cause, detail: String| Some(RuleViolation { cause, ..RuleViolation::new(&field.name, "reference", detail) });
    if text.starts_with("https://") || text.starts_with("http://") {
        return None;
    }
    if field.url_only {
        return invalid(ErrorCause::Invalid, "must be a URL.".into());
    }
    let parts = split(text);
    if field.data_uri && parts.is_none() && !text.is_empty() {
        let detail = String::from("must be a URL or data:image/<format>;base64,<base64>.");
        return invalid(ErrorCause::ReferenceInvalid, detail);
    }
    // Other dialects take base64 without its prefix.
    let (format, data) = parts.unwrap_or(("", text));
    if !format.is_empty() && !rule.formats.iter().any(|known| known == format) {
        return invalid(ErrorCause::Invalid, format!("image format {format} is not supported."));
    }
    if data.is_empty() {
        return invalid(ErrorCause::ReferenceEmpty, "Empty base64 image url".into());
    }
    let Some(bytes) = length(data) else {
        return invalid(ErrorCause::ReferenceInvalid, "Invalid base64 image url".into());
    };
    if let Some(max) = rule.max_bytes.filter(|max| bytes > *max) {
        return invalid(ErrorCause::ReferenceTooLarge, format!("image must have at most {max} bytes."));
    }
    let Some((width, height)) = dimensions(rule, data) else {
        return invalid(ErrorCause::Invalid, "image format is not supported.".into());
    };
    side_or_area(rule, width, height).and_then(|detail| invalid(ErrorCause::Invalid, detail))
}

/// The format and the base64 of a data URI.
fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("data:image/")?.split_once(";base64,")
}

/// How many bytes a base64 text stands for. Reading all of a large image to know that would cost more than its header.
fn length(data: &str) -> Option<u64> {
    let bare = data.trim_end_matches('=');
    let padding = data.len() - bare.len();
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    (data.len().is_multiple_of(4) && padding <= 2 && bare.bytes().all(good))
        .then(|| (data.len() / 4 * 3 - padding) as u64)
}

/// The beginning of an image, of at least so many bytes if it has them.
fn beginning(data: &str, bytes: usize) -> Vec<u8> {
    let end = data.len().min(bytes.div_ceil(3) * 4);
    STANDARD.decode(&data[..end]).unwrap_or_default()
}

/// The sides of an image of a known format.
fn dimensions(rule: &ReferenceFacts, data: &str) -> Option<(u32, u32)> {
    let read = |bytes: &[u8]| {
        let size = imagesize::blob_size(bytes).ok()?;
        Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))
    };
    let header = beginning(data, HEADER);
    let format = format(imagesize::image_type(&header).ok()?)?;
    if !rule.formats.iter().any(|known| known == format) {
        return None;
    }
    read(&header).or_else(|| read(&beginning(data, data.len())))
}

/// The subtype of `image/` of a format that any provider takes.
fn format(kind: ImageType) -> Option<&'static str> {
    Some(match kind {
        ImageType::Jpeg => "jpeg",
        ImageType::Png => "png",
        ImageType::Webp => "webp",
        ImageType::Bmp => "bmp",
        ImageType::Tiff => "tiff",
        ImageType::Gif => "gif",
        ImageType::Heif(Compression::Hevc) => "heic",
        ImageType::Heif(_) => "heif",
        _ => return None,
    })
}

fn side_or_area(rule: &ReferenceFacts, width: u32, height: u32) -> Option<String> {
    if let Some(longer) = rule.longer_than.filter(|longer| width.min(height) <= *longer) {
        return Some(format!("image width and height must be greater than {longer} pixels."));
    }
    let area = u64::from(width) * u64::from(height);
    if let Some(min) = rule.min_pixels.filter(|min| area < *min) {
        return Some(format!("image must have at least {min} pixels."));
    }
    if let Some(max) = rule.max_pixels.filter(|max| area > *max) {
        return Some(format!("image must have at most {max} pixels."));
    }
    let aspect = rule.aspect.filter(|aspect| !aspect.allows(width, height))?;
    Some(format!("image aspect ratio must be between 1/{} and {}.", 1.0 / aspect.min, aspect.max))
}

/// Whether an inline image is certainly not transparent anywhere: no PNG, or one of colours that have no transparency.
pub(crate) fn is_opaque(text: &str) -> bool {
    const GREY_OR_RGB: [u8; 2] = [0, 2];
    let Some((_, data)) = split(text) else { return false };
    let (signature, colours) = PNG;
    let header = beginning(data, HEADER);
    let plain = header.get(colours).is_some_and(|kind| GREY_OR_RGB.contains(kind));
    // A chunk of its own can name one colour that is transparent.
    !header.starts_with(signature) || (plain && !header.windows(4).any(|name| name == b"tRNS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a PNG, padded to a length.
    fn png(width: u32, height: u32, colours: u8, bytes: usize) -> String {
        let mut file = PNG.0.to_vec();
        file.extend(13u32.to_be_bytes());
        file.extend(b"IHDR");
        file.extend(width.to_be_bytes());
        file.extend(height.to_be_bytes());
        file.extend([8, colours, 0, 0, 0]);
        file.resize(bytes.max(file.len()), 0);
        format!("data:image/png;base64,{}", STANDARD.encode(file))
    }

    fn rule_of(provider: &str, text: &str) -> String {
        let provider = seedream_fixtures::provider(provider).unwrap();
        let field = provider.field(FieldRole::References).unwrap();
        let rule = provider.models[0].references.as_ref().unwrap();
        violation(field, rule, text).map(|violation| violation.detail).unwrap_or_default()
    }

    #[test]
    fn references_are_urls_or_images_within_the_limits() {
        let ark = |text: &str| rule_of("ark", text);
        let good = png(100, 200, 6, 0);
        assert_eq!(ark("https://example.com/a.png"), "");
        assert_eq!(ark(&good), "");
        let bare = good.split_once(',').unwrap().1;
        let form = "must be a URL or data:image/<format>;base64,<base64>.";
        for bare in [bare, "data:text/plain,x", "a.png", "=AAA"] {
            assert_eq!(ark(bare), form, "{bare}");
        }
        assert_eq!(rule_of("aiearth", bare), "", "docs.aioagi.tech takes base64 without its prefix");
        assert_eq!(ark(&good.replace("/png", "/PNG")), "image format PNG is not supported.");
        assert_eq!(ark(&good.replace("/png", "/svg+xml")), "image format svg+xml is not supported.");
        for empty in ["data:image/png;base64,", ""] {
            assert_eq!(ark(empty), "Empty base64 image url");
        }
        for spoilt in ["data:image/png;base64,AAA", "data:image/png;base64,AA*A"] {
            assert_eq!(ark(spoilt), "Invalid base64 image url", "{spoilt}");
        }
        for spoilt in ["a.png", "=AAA"] {
            assert_eq!(rule_of("aiearth", spoilt), "Invalid base64 image url", "{spoilt}");
        }
        assert_eq!(ark("data:image/png;base64,AAAA"), "image format is not supported.");
    }

    #[test]
    fn an_inline_reference_has_bounds_of_its_own() {
        let ark = |width, height| rule_of("ark", &png(width, height, 6, 0));
        assert_eq!((ark(15, 15), ark(6000, 6000), ark(16, 256)), (String::new(), String::new(), String::new()));
        assert_eq!(ark(14, 200), "image width and height must be greater than 14 pixels.");
        assert_eq!(ark(6001, 6000), "image must have at most 36000000 pixels.");
        assert_eq!(ark(16, 257), "image aspect ratio must be between 1/16 and 16.");
        let mib = |provider, bytes| rule_of(provider, &png(100, 100, 6, bytes));
        assert_eq!(mib("ark", 30 << 20), "");
        assert_eq!(mib("ark", (30 << 20) + 1), "image must have at most 31457280 bytes.");
        assert_eq!(mib("aiearth", 10 << 20), "");
        assert_eq!(mib("aiearth", (10 << 20) + 1), "image must have at most 10485760 bytes.");
        assert_eq!(rule_of("evolink", &png(100, 100, 6, 0)), "must be a URL.");
    }

    #[test]
    fn a_long_header_is_read_to_its_end() {
        let mut jpeg = vec![0xff, 0xd8];
        for _ in 0..3 {
            jpeg.extend([0xff, 0xe1, 0xff, 0xff]);
            jpeg.resize(jpeg.len() + 0xfffd, 0);
        }
        jpeg.extend([0xff, 0xc0, 0, 17, 8, 0, 9, 0, 200, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
        let text = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg));
        assert_eq!(rule_of("ark", &text), "image width and height must be greater than 14 pixels.");
    }

    #[test]
    fn only_some_images_can_be_transparent() {
        for (colours, opaque) in [(0, true), (2, true), (3, false), (4, false), (6, false)] {
            assert_eq!(is_opaque(&png(100, 100, colours, 0)), opaque, "{colours}");
        }
        assert!(is_opaque("data:image/jpeg;base64,/9j/AAAA"));
        assert!(!is_opaque("https://example.com/a.jpeg"), "a URL is not fetched");
    }
}
