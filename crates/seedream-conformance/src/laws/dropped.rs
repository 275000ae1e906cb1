//! Setting any field of a request changes the bytes that are sent, or is refused, or is warned about: metamorphic, for every
//! model that the provider sells and an unknown one.

use seedream_core::{
    Dialect, Field, ImageRequest, ImageSource, ModelId, OutputFormat, PromptMode, ResponseFormat, Result, Size,
    Strictness, Tier, Warning,
};

use crate::{Case, CaseFailure, Law, Subject};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let descriptor = subject.dialect().descriptor();
    let models = descriptor.models.iter().map(|entry| entry.id.clone()).chain(["model-that-nobody-knows".into()]);
    models
        .flat_map(|model| {
            changes().into_iter().map(move |(field, name, change)| (model.clone(), field, name, change)).map(
                |(model, field, name, change)| {
                    let dialect = subject.dialect().clone();
                    let id = format!("{}/{model}/{name}", descriptor.id);
                    Case::new(Law::NothingDropped, id, None, move || check(&*dialect, &model, field, change))
                },
            )
        })
        .collect()
}

/// A black image of 64 by 64 pixels, which no document has anything against.
const PNG_IMAGE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0@\0\0\0@\x01\0\0\0\0\x82\x12Ls\0\
    \0\0\x0fIDATx\xdac`\x18\x05\xa3\x80|\0\0\x02@\0\x01\xe0M\x1dD\0\0\0\0IEND\xaeB`\x82";

type FieldChange = fn(ImageRequest) -> ImageRequest;

/// Every field, with each kind of value it can have.
fn changes() -> Vec<(Field, &'static str, FieldChange)> {
    use Field::{
        CallbackUrl, Count, Extra, Format, GuidanceScale, PromptMode as Mode, References,
        ResponseFormat as ResponseFormatField, Seed, Size as SizeField, Stream, Watermark, WebSearch,
    };
    vec![
        (Field::Prompt, "prompt", |r| ImageRequest::new(r.model, "3 images of something else")),
        (References, "references-url", |r| r.reference(ImageSource::url("https://example.com/a.png"))),
        (References, "references-inline", |r| r.reference(ImageSource::inline("image/png", PNG_IMAGE))),
        (SizeField, "size-tier", |r| r.size(Tier::K2)),
        (SizeField, "size-tier-4k", |r| r.size(Tier::K4)),
        (SizeField, "size-pixels", |r| r.size(Size::pixels(2560, 1440))),
        (SizeField, "size-ratio", |r| r.size(Size::ratio(16, 9))),
        (SizeField, "size-ratio-tier", |r| r.size(Size::ratio(16, 9).at(Tier::K2))),
        (SizeField, "size-ratio-odd", |r| r.size(Size::ratio(4, 5).at(Tier::K2))),
        (SizeField, "size-auto", |r| r.size(Size::Auto)),
        (Count, "count-one", |r| r.count(1)),
        (Count, "count-three", |r| r.count(3)),
        (ResponseFormatField, "response-format-url", |r| r.response_format(ResponseFormat::Url)),
        (ResponseFormatField, "response-format-b64-json", |r| r.response_format(ResponseFormat::B64Json)),
        (Format, "format-png", |r| r.format(OutputFormat::Png)),
        (Format, "format-jpeg", |r| r.format(OutputFormat::Jpeg)),
        (Watermark, "watermark-true", |r| r.watermark(true)),
        (Watermark, "watermark-false", |r| r.watermark(false)),
        (Seed, "seed", |r| r.seed(7)),
        (GuidanceScale, "guidance-scale", |r| r.guidance_scale(2.5)),
        (Mode, "prompt-mode-standard", |r| r.prompt_mode(PromptMode::Standard)),
        (Mode, "prompt-mode-fast", |r| r.prompt_mode(PromptMode::Fast)),
        (WebSearch, "web-search", |r| r.web_search(true)),
        (WebSearch, "web-search-false", |r| r.web_search(false)),
        (CallbackUrl, "callback-url", |r| r.callback_url("https://hooks.example.com/done")),
        (Stream, "stream", |r| r.stream(true)),
        (Stream, "stream-false", |r| r.stream(false)),
        (Extra, "extra", |r| r.extra("member_of_theirs", 1)),
    ]
}

/// The bytes that go out, and what is said about them; an error where the request is refused.
fn sent(dialect: &dyn Dialect, request: &ImageRequest, strictness: Strictness) -> Result<(Vec<u8>, Vec<Warning>)> {
    let checked = dialect.capabilities(&request.model).check(request, strictness)?;
    let encoded = dialect.encode(&checked)?;
    Ok((encoded.body().to_vec(), checked.warnings().to_vec()))
}

fn check(
    dialect: &dyn Dialect,
    model: &ModelId,
    field: Field,
    change: FieldChange,
) -> std::result::Result<(), CaseFailure> {
    let plain = ImageRequest::new(model, "3 images of a lighthouse");
    let changed = change(plain.clone());
    for strictness in [Strictness::Strict, Strictness::Lenient, Strictness::Off] {
        let before = sent(dialect, &plain, strictness)
            .map_err(|error| CaseFailure::new(format!("the plain request: {error}")))?;
        let Ok(after) = sent(dialect, &changed, strictness) else { continue };
        let warned = after.1.iter().any(|warning| warning.field == Some(field) && !before.1.contains(warning));
        if before.0 == after.0 && !warned {
            return Err(CaseFailure::new(format!("under {strictness:?}, {field} changes nothing, without a warning")));
        }
    }
    Ok(())
}
