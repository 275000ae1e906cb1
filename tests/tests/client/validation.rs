//! What is refused before anything is sent.

use bytes::Bytes;
use seedream::seedream_core::{Field, WarningKind};
use seedream::{
    Charge, Count, ErrorKind, ImageProvider as _, ImageRequest, ImageSource, OutputFormat, Size, Strictness, Warning,
    dialects,
};

use crate::mock_and_clients::{Desk, dialect};

#[tokio::test]
async fn a_size_that_is_too_small_names_the_rule_and_the_nearest_and_nothing_is_sent() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let request = ImageRequest::new("seedream-4.5", "a lighthouse").size(Size::pixels(1024, 1024)).seed(-9);
        let error = desk.client(&dialect).generate(request.clone()).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(text.contains("3686400") && text.contains("1920x1920"), "{text}");
        assert!(error.violations().len() >= 2, "all violations at once: {text}");
        assert_eq!(desk.journal().len(), 0, "{dialect:?}");
    }
    let desk = Desk::open().await;
    let request = ImageRequest::new("seedream-4.5", "a lighthouse").size(Size::pixels(1024, 1024));
    let unchecked = desk.with(&dialect("ark"), Strictness::Off, "sk-any");
    let error = unchecked.generate(request).await.unwrap_err();
    assert_eq!((desk.posts(), error.code()), (1, Some("InvalidParameter")), "{error}");
}

#[tokio::test]
async fn lenient_warns_of_every_violation_leaves_out_what_is_refused_and_sends() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        // Too small everywhere, and a seed that nobody takes.
        let request = ImageRequest::new("seedream-4.5", "a lighthouse").size(Size::pixels(1024, 1024)).seed(-9);
        let strict = desk.client(&dialect).plan(&request).unwrap_err();
        let lenient = desk.with(&dialect, Strictness::Lenient, "sk-any");
        let warnings = lenient.plan(&request).unwrap().warnings;
        let broken: Vec<_> = strict.violations().iter().map(|violation| violation.field).collect();
        for field in &broken {
            assert!(
                warnings.iter().any(|warning| warning.field == Some(*field)),
                "{dialect:?}: {field:?} of {warnings:?}"
            );
        }
        let error = lenient.generate(request).await.unwrap_err();
        assert_eq!((desk.posts(), error.charge()), (1, Charge::No), "{dialect:?}: {error}");
        let sent = desk.journal()[0].body.clone();
        assert_eq!(sent["size"], "1024x1024", "{dialect:?}: what can be said is sent as it was asked");
    }
    // A member that they know and refuse for this model.
    let png = ImageRequest::new("seedream-4.5", "a lighthouse").format(OutputFormat::Png);
    for dialect in ["ark", "aiearth"].map(dialect) {
        let desk = Desk::open().await;
        let planned = |strictness| desk.with(&dialect, strictness, "sk-any").plan(&png);
        assert!(planned(Strictness::Strict).is_err(), "{dialect:?}");
        let (off, lenient) = (planned(Strictness::Off).unwrap(), planned(Strictness::Lenient).unwrap());
        assert!(off.body.get().contains(r#""output_format":"png""#), "{dialect:?}: {}", off.body);
        assert!(!lenient.body.get().contains("output_format"), "{dialect:?}: {}", lenient.body);
        let left_out = |warning: &Warning| warning.kind == WarningKind::LeftOut && warning.field == Some(Field::Format);
        assert!(lenient.warnings.iter().any(left_out), "{dialect:?}: {:?}", lenient.warnings);
    }
}

#[tokio::test]
async fn fit_takes_the_nearest_and_the_provider_takes_that() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let request = ImageRequest::new("seedream-4.5", "a lighthouse").size(Size::pixels(1024, 1024));
        let (fitted, warnings) = dialect.capabilities(&request.model).fit(&request);
        assert!(warnings.iter().any(|warning| warning.message.contains("1920x1920")), "{dialect:?}: {warnings:?}");
        let generation = desk.client(&dialect).generate(fitted).await.unwrap();
        assert_eq!((generation.images().count(), desk.posts()), (1, 1), "{dialect:?}");
        assert_eq!(desk.journal()[0].body["size"], "1920x1920", "{dialect:?}");
    }
}

/// A PNG of which only the header says how large it is, padded to a length.
fn png(width: u32, height: u32, length: usize) -> Bytes {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.resize(length.max(bytes.len() + 16), 0);
    bytes.into()
}

#[tokio::test]
async fn references_are_checked_from_their_headers_by_each_dialects_own_limits() {
    let urls =
        |count: usize| (0..count).map(|n| ImageSource::url(format!("https://example.com/{n}.png"))).collect::<Vec<_>>();
    let inline = |width, height, length| vec![ImageSource::inline("image/png", png(width, height, length))];
    let megabytes = |tenths: usize| tenths * 1024 * 1024 / 10;
    for (provider, model, references, says) in [
        ("evolink", "seedream-4.5", urls(15), "at most 14"),
        ("ark", "seedream-5.0-lite", urls(15), "at most 14"),
        ("ark", "seedream-4.5", urls(15), "at most 14"),
        ("ark", "seedream-4.0", urls(15), "at most 14"),
        ("ark", "seedream-5.0-pro", urls(11), "at most 10"),
        ("ark", "seedream-5.0-flash", urls(11), "at most 10"),
        ("ark", "seedream-4.5", inline(2048, 2048, megabytes(301)), "bytes"),
        ("ark", "seedream-4.5", inline(6100, 5920, 100), "36000000"),
        ("ark", "seedream-4.5", inline(1700, 100, 100), "1:16 to 16:1"),
        ("ark", "seedream-4.5", inline(14, 200, 100), "longer than 14"),
        ("ark", "seedream-3.0-t2i", urls(1), "accepts no reference images"),
        ("evolink", "seedream-4.5", inline(2048, 2048, 100), "only URLs"),
        ("aiearth", "seedream-4.5", inline(2048, 2048, megabytes(101)), "bytes"),
        ("gogogotoken", "seedream-4.5", urls(1), "documents no reference images"),
    ] {
        let desk = Desk::open().await;
        let mut request = ImageRequest::new(model, "this lighthouse at dawn");
        request.references = references;
        let error = desk.client(&dialect(provider)).generate(request).await.unwrap_err();
        assert!(error.to_string().contains(says), "{provider} {model}: {error}");
        assert_eq!(desk.journal().len(), 0, "{provider} {model}");
    }
    for (provider, model, references) in [
        ("evolink", "seedream-4.5", urls(14)),
        ("ark", "seedream-5.0-pro", urls(10)),
        ("ark", "seedream-4.5", inline(1600, 100, 100)),
        ("aiearth", "seedream-4.5", inline(2048, 2048, megabytes(99))),
    ] {
        let desk = Desk::open().await;
        let mut request = ImageRequest::new(model, "this lighthouse at dawn");
        request.references = references;
        let plan = desk.client(&dialect(provider)).plan(&request);
        assert!(plan.is_ok(), "{provider} {model}: {}", plan.unwrap_err());
    }
    assert!("data:image/PNG;base64,AAEC".parse::<ImageSource>().unwrap().to_wire().starts_with("data:image/png;"));
}

#[tokio::test]
async fn a_group_without_a_number_is_said_or_refused_and_never_sent_as_one_image() {
    for dialect in dialects() {
        for strictness in [Strictness::Strict, Strictness::Lenient, Strictness::Off] {
            let desk = Desk::open().await;
            let request = ImageRequest::new(&dialect.descriptor().default_model, "a set of kites").count(Count::Auto);
            match desk.with(&dialect, strictness, "sk-any").plan(&request) {
                Ok(plan) => {
                    assert!(plan.body.get().contains(r#""sequential_image_generation":"auto""#), "{}", plan.body);
                    assert_eq!(plan.max_images, 15, "{dialect:?}");
                }
                Err(error) => assert_eq!(error.violations()[0].field, Field::Count, "{dialect:?} {strictness:?}"),
            }
        }
    }
}
