//! Setting any field of a request changes the bytes that are sent, or is refused, or is warned about: metamorphic, for every
//! model that the provider sells and an unknown one. Another value of the field changes them again, and a value that the document's
//! member takes as it is stands there.

mod written_members;

use seedream_core::{
    Dialect, Field, ImageRequest, ImageSource, ModelId, OutputFormat, PromptMode, ResponseFormat, Result, Size,
    Strictness, Tier, Warning,
};
use seedream_fixtures::ProviderFacts;
use serde_json::Value;

use super::claims::unknown_model::UNKNOWN_MODEL;
use crate::{Case, CaseFailure, Law, Subject};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let descriptor = subject.dialect().descriptor();
    let models = descriptor.models.iter().map(|entry| entry.id.clone()).chain([UNKNOWN_MODEL.into()]);
    models
        .flat_map(|model| {
            changes().into_iter().map(move |change| (model.clone(), change)).map(|(model, change)| {
                let (dialect, provider) = (subject.dialect().clone(), subject.provider());
                let id = format!("{}/{model}/{}", descriptor.id, change.name);
                Case::new(Law::NothingDropped, id, None, move || check(&*dialect, provider, &model, &change))
            })
        })
        .collect()
}

/// A black image of 64 by 64 pixels, which no document has anything against.
const PNG_IMAGE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0@\0\0\0@\x01\0\0\0\0\x82\x12Ls\0\
    \0\0\x0fIDATx\xdac`\x18\x05\xa3\x80|\0\0\x02@\0\x01\xe0M\x1dD\0\0\0\0IEND\xaeB`\x82";

type RequestEdit = fn(ImageRequest) -> ImageRequest;

/// A field with one kind of value that it can have.
struct FieldChange {
    field: Field,
    name: &'static str,
    value: RequestEdit,
    /// Another value of the same kind, where there is one.
    another: Option<RequestEdit>,
}

/// Every field, with each kind of value it can have.
fn changes() -> Vec<FieldChange> {
    use Field::{
        CallbackUrl, Count, Extra, Format, GuidanceScale, PromptMode as Mode, References,
        ResponseFormat as ResponseFormatField, Seed, Size as SizeField, Stream, Watermark, WebSearch,
    };
    let of =
        |field, name, value: RequestEdit, another: Option<RequestEdit>| FieldChange { field, name, value, another };
    vec![
        of(
            Field::Prompt,
            "prompt",
            |r| ImageRequest::new(r.model, "3 images of something else"),
            Some(|r| ImageRequest::new(r.model, "3 images of a kite")),
        ),
        of(
            References,
            "references-url",
            |r| r.reference(ImageSource::url("https://example.com/a.png")),
            Some(|r| r.reference(ImageSource::url("https://example.com/b.png"))),
        ),
        of(References, "references-inline", |r| r.reference(ImageSource::inline("image/png", PNG_IMAGE)), None),
        of(SizeField, "size-tier", |r| r.size(Tier::K2), Some(|r| r.size(Tier::K3))),
        of(SizeField, "size-tier-4k", |r| r.size(Tier::K4), Some(|r| r.size(Tier::K1))),
        of(SizeField, "size-pixels", |r| r.size(Size::pixels(2560, 1440)), Some(|r| r.size(Size::pixels(1440, 2560)))),
        of(SizeField, "size-ratio", |r| r.size(Size::ratio(16, 9)), Some(|r| r.size(Size::ratio(9, 16)))),
        of(
            SizeField,
            "size-ratio-tier",
            |r| r.size(Size::ratio(16, 9).at(Tier::K2)),
            Some(|r| r.size(Size::ratio(16, 9).at(Tier::K4))),
        ),
        of(
            SizeField,
            "size-ratio-odd",
            |r| r.size(Size::ratio(4, 5).at(Tier::K2)),
            Some(|r| r.size(Size::ratio(5, 4).at(Tier::K2))),
        ),
        of(SizeField, "size-auto", |r| r.size(Size::Auto), None),
        of(Count, "count-one", |r| r.count(1), Some(|r| r.count(2))),
        of(Count, "count-three", |r| r.count(3), Some(|r| r.count(4))),
        of(
            ResponseFormatField,
            "response-format-url",
            |r| r.response_format(ResponseFormat::Url),
            Some(|r| r.response_format(ResponseFormat::B64Json)),
        ),
        of(ResponseFormatField, "response-format-b64-json", |r| r.response_format(ResponseFormat::B64Json), None),
        of(Format, "format-png", |r| r.format(OutputFormat::Png), Some(|r| r.format(OutputFormat::Jpeg))),
        of(Format, "format-jpeg", |r| r.format(OutputFormat::Jpeg), None),
        of(Watermark, "watermark-true", |r| r.watermark(true), Some(|r| r.watermark(false))),
        of(Watermark, "watermark-false", |r| r.watermark(false), None),
        of(Seed, "seed", |r| r.seed(7), Some(|r| r.seed(8))),
        of(GuidanceScale, "guidance-scale", |r| r.guidance_scale(2.5), Some(|r| r.guidance_scale(3.5))),
        of(
            Mode,
            "prompt-mode-standard",
            |r| r.prompt_mode(PromptMode::Standard),
            Some(|r| r.prompt_mode(PromptMode::Fast)),
        ),
        of(Mode, "prompt-mode-fast", |r| r.prompt_mode(PromptMode::Fast), None),
        of(WebSearch, "web-search", |r| r.web_search(true), Some(|r| r.web_search(false))),
        of(WebSearch, "web-search-false", |r| r.web_search(false), None),
        of(
            CallbackUrl,
            "callback-url",
            |r| r.callback_url("https://hooks.example.com/done"),
            Some(|r| r.callback_url("https://hooks.example.com/done/2")),
        ),
        of(Stream, "stream", |r| r.stream(true), Some(|r| r.stream(false))),
        of(Stream, "stream-false", |r| r.stream(false), None),
        of(Extra, "extra", |r| r.extra("member_of_theirs", 1), Some(|r| r.extra("member_of_theirs", 2))),
    ]
}

/// The bytes that are sent, and the warnings about them; an error where the request is refused.
fn sent(dialect: &dyn Dialect, request: &ImageRequest, strictness: Strictness) -> Result<(Vec<u8>, Vec<Warning>)> {
    let checked = dialect.capabilities(&request.model).check(request, strictness)?;
    let encoded = dialect.encode(&checked)?;
    Ok((encoded.body().to_vec(), checked.warnings().to_vec()))
}

fn check(
    dialect: &dyn Dialect,
    provider: Option<&ProviderFacts>,
    model: &ModelId,
    change: &FieldChange,
) -> std::result::Result<(), CaseFailure> {
    let field = change.field;
    let plain = ImageRequest::new(model, "3 images of a lighthouse");
    let changed = (change.value)(plain.clone());
    for strictness in [Strictness::Strict, Strictness::Lenient, Strictness::Off] {
        let failure = |what: &str| Err(CaseFailure::new(format!("under {strictness:?}, {field} {what}")));
        let (before, known) = sent(dialect, &plain, strictness)
            .map_err(|error| CaseFailure::new(format!("the plain request: {error}")))?;
        let warned = |warnings: &[Warning]| {
            warnings.iter().any(|warning| warning.field == Some(field) && !known.contains(warning))
        };
        let Ok((after, warnings)) = sent(dialect, &changed, strictness) else { continue };
        if warned(&warnings) {
            continue;
        }
        if before == after {
            return failure("changes nothing, without a warning");
        }
        let body: Value = serde_json::from_slice(&after).unwrap_or_default();
        if let Some(difference) =
            provider.and_then(|provider| written_members::difference(provider, &changed, field, &body))
        {
            return failure(&difference);
        }
        let another = change.another.and_then(|another| sent(dialect, &another(plain.clone()), strictness).ok());
        if another.is_some_and(|(other, warnings)| other == after && !warned(&warnings)) {
            return failure("is sent alike with two values, without a warning");
        }
    }
    Ok(())
}
