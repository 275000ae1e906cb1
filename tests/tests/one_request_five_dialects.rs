//! One request through every dialect: what goes over the wire, what the provider makes of it, and what a user is told.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use seedream::seedream_core::{Dialect, Encoded, PromptMode};
use seedream::{Count, ImageRequest, ImageSource, OutputFormat, ResponseFormat, Size, Strictness, Tier, dialects};

/// Everything that can be seen of a request before it is sent, as text.
fn seen(dialect: &dyn Dialect, request: &ImageRequest, strictness: Strictness) -> String {
    let mut text = String::new();
    let descriptor = dialect.descriptor();
    writeln!(text, "== {}", descriptor.id).unwrap();
    match dialect.capabilities(&request.model).check(request, strictness) {
        Ok(checked) => {
            let prepared = Encoded::new(dialect, checked).unwrap();
            let (checked, wire, effective) = (prepared.checked(), prepared.request(), prepared.effective(dialect));
            writeln!(text, "{} {}", wire.method(), wire.uri()).unwrap();
            writeln!(text, "{}", String::from_utf8_lossy(wire.body())).unwrap();
            writeln!(text, "effective: {}", serde_json::to_string(&effective.body).unwrap()).unwrap();
            writeln!(text, "at most {} images", effective.max_images.unwrap()).unwrap();
            for warning in checked.warnings() {
                writeln!(text, "warning ({}): {warning}", warning.kind.as_str()).unwrap();
            }
        }
        Err(error) => writeln!(text, "refused: {error}").unwrap(),
    }
    text
}

fn through_all(request: &ImageRequest, strictness: Strictness) -> String {
    dialects().iter().map(|dialect| seen(&**dialect, request, strictness)).collect()
}

#[test]
fn a_plain_request() {
    insta::assert_snapshot!(through_all(&ImageRequest::new("seedream-4.5", "a lighthouse in fog"), Strictness::Strict));
}

#[test]
fn a_group_with_references_at_a_ratio() {
    let request = ImageRequest::new("seedream-4.5", "three views of this lighthouse")
        .reference(ImageSource::url("https://example.com/lighthouse.png"))
        .reference(ImageSource::url("https://example.com/sea.png"))
        .size(Size::ratio(16, 9).at(Tier::K2))
        .count(3)
        .watermark(false);
    insta::assert_snapshot!(through_all(&request, Strictness::Lenient));
}

#[test]
fn every_field_at_once_is_refused_by_name_where_it_cannot_be_honoured() {
    let request = ImageRequest::new("seedream-4.5", "a lighthouse")
        .size(Size::pixels(1024, 1024))
        .count(20)
        .response_format(ResponseFormat::B64Json)
        .format(OutputFormat::Png)
        .watermark(true)
        .seed(-5)
        .guidance_scale(50.0)
        .prompt_mode(PromptMode::Fast)
        .web_search(true)
        .callback_url("http://127.0.0.1/hook")
        .stream(true)
        .extra("model", "another");
    insta::assert_snapshot!(through_all(&request, Strictness::Strict));
}

#[test]
fn every_size_in_every_dialects_words() {
    let sizes = ["2K", "4K", "2048x2048", "16:9", "16:9@2K", "4:5", "4:5@2K", "auto", "3:2@3K", "1K"];
    let mut text = String::new();
    for dialect in dialects() {
        writeln!(text, "== {}", dialect.descriptor().id).unwrap();
        for size in sizes {
            let request = ImageRequest::new("seedream-4.5", "a lighthouse").size(size.parse::<Size>().unwrap());
            let said = match dialect.capabilities(&request.model).check(&request, Strictness::Strict) {
                Ok(checked) => {
                    let wire = checked.size().unwrap();
                    let quality = wire.quality.map(|quality| format!(" quality {quality}")).unwrap_or_default();
                    let note = if checked.warnings().is_empty() { "" } else { " (with a warning)" };
                    format!("{}{quality}{note}", wire.size.as_deref().unwrap_or("left out"))
                }
                Err(error) => format!("refused: {}", error.message()),
            };
            writeln!(text, "{size:10} {said}").unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn fit_takes_the_nearest_legal_value() {
    let request = ImageRequest::new("seedream-4.5", "twenty lighthouses").size(Size::pixels(1024, 1024)).count(20);
    for dialect in dialects() {
        let rules = dialect.capabilities(&request.model);
        let (fitted, warnings) = rules.fit(&request);
        assert!(rules.check(&fitted, Strictness::Strict).is_ok(), "{dialect:?}");
        assert_eq!(fitted.size, Some(Size::pixels(1920, 1920)), "{dialect:?}");
        // A ceiling that a document only advises is nothing to be fitted into.
        let advised = rules.images.max.is_none();
        assert_eq!(fitted.count, Some(Count::UpTo(if advised { 20 } else { 15 })), "{dialect:?}");
        assert!(!warnings.is_empty());
    }
}
