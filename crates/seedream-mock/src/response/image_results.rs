//! The places of a group: which image is made, which is withheld, and where generation ends.

use seedream_fixtures::ErrorCause;

use crate::faults::grammar::Fault;
use crate::faults::word_values::SseFault;
use crate::image::test_image::TestImage;
use crate::request::context::RequestContext;
use crate::request::generation_spec::GenerationSpec;
use crate::response::error;

/// One place of a group: an image, or why there is none.
#[derive(Debug, Clone)]
pub(crate) enum ImageResult {
    /// An image and the URL that opens it.
    Made { image: TestImage, url: String },
    /// An image that was withheld, or at which generation failed.
    Withheld { cause: ErrorCause, code: String, message: String },
}

impl ImageResult {
    pub(crate) fn image(&self) -> Option<&TestImage> {
        match self {
            Self::Made { image, .. } => Some(image),
            Self::Withheld { .. } => None,
        }
    }
}

/// How many images of a group were made.
pub(crate) fn made(items: &[ImageResult]) -> u32 {
    u32::try_from(items.iter().filter_map(ImageResult::image).count()).unwrap_or(u32::MAX)
}

/// The result of each place: an image, or why there is none. A withheld image does not end the group, an
/// internal error does.
pub(crate) fn places(images: u32, fault: &Fault) -> Vec<Option<ErrorCause>> {
    let mut moderated = fault.moderate.clone();
    // What is cut at a failed image needs one.
    if fault.streams(SseFault::Cut) && moderated.is_empty() && fault.fail.is_none() {
        moderated.push(images.min(2) - 1);
    }
    let mut places = Vec::new();
    for index in 0..images {
        if fault.fail == Some(index) {
            places.push(Some(ErrorCause::Internal));
            break;
        }
        places.push(moderated.contains(&index).then_some(ErrorCause::Moderated));
    }
    places
}

/// The group a request gets.
pub(crate) fn items(context: &RequestContext<'_>, spec: &GenerationSpec<'_>) -> Vec<ImageResult> {
    let seed = context.settings.seed;
    let item = |(index, place): (u32, Option<ErrorCause>)| match place {
        None => {
            let image = spec.image(seed, index);
            let url = context.url(&image);
            ImageResult::Made { image, url }
        }
        Some(cause) => {
            let (code, message) = error::of_image(context, cause);
            let code = context.fault.code.clone().unwrap_or(code);
            ImageResult::Withheld { cause, code, message: context.fault.message.clone().unwrap_or(message) }
        }
    };
    let places = places(spec.image_count, &context.fault);
    // An image is taken apart as a whole or not at all (Ark's API reference).
    if let (Some(_), Some(cause)) = (spec.layers, places.iter().copied().flatten().next()) {
        return vec![item((0, Some(cause)))];
    }
    (0..).zip(places).map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_image_does_not_end_a_group_and_an_internal_error_does() {
        let places = |images, text: &str| super::places(images, &text.parse().unwrap());
        let (made, moderated, internal) = (None, Some(ErrorCause::Moderated), Some(ErrorCause::Internal));
        assert_eq!(places(4, "moderate=0,2"), [moderated, made, moderated, made]);
        assert_eq!(places(4, "fail=2"), [made, made, internal]);
        assert_eq!(places(4, "moderate=0 fail=1"), [moderated, internal]);
        assert_eq!(places(2, "moderate=7 fail=9"), [made, made]);
        assert_eq!(places(3, "sse=cut"), [made, moderated, made]);
        assert_eq!(places(1, "sse=cut"), [moderated]);
        assert_eq!(places(3, "sse=cut fail=0"), [internal]);
    }
}
