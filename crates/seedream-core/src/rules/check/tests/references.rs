//! Reference images, from their header and address.

use super::*;

/// A PNG of which only the header says how large it is, padded to a length.
fn png(width: u32, height: u32, length: usize) -> ImageSource {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.resize(length.max(40), 0);
    ImageSource::inline("image/png", bytes)
}

#[test]
fn each_reference_is_checked_by_itself() {
    let any = ReferenceRule::at_most(None, page("image"));
    let urls = ReferenceRule { inline: false, ..any.clone() };
    let jpeg = ReferenceRule { media_types: vec!["image/jpeg".into()], ..any.clone() };
    let large = ReferenceRule { max_bytes: Some(100), ..any.clone() };
    let resold = ReferenceRule { max_bytes_source: Some(page("bytes")), ..large.clone() };
    let sides = ReferenceRule { side_above: Some(14), ..any.clone() };
    let pixels = ReferenceRule { pixels: Some(PixelRule::new(196, 36_000_000, 16)), ..any.clone() };
    let least = ReferenceRule {
        pixels: Some(PixelRule { max: None, max_aspect: None, ..PixelRule::new(196, 1, 1) }),
        ..any.clone()
    };
    let header = "references: image 0 has no readable image header, so its width and height are \
                  unknown: use a whole PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF image [page, image]";
    let scheme = "references: image 0 is not an http or https URL with a host [page, image]";
    let url = ImageSource::url;
    for (rule, reference, expected) in [
        (&any, url("https://a.example/b.png"), None),
        (&any, url("HTTP://a.example/b.png"), None),
        (&any, url("ftp://a.example/b.png"), Some(scheme)),
        (&any, url("/b.png"), Some(scheme)),
        (&any, url("no url"), Some(scheme)),
        (
            &any,
            url("https://10.0.0.1/b"),
            Some("advice references: image 0 has a private address, from which shop cannot fetch it"),
        ),
        (&jpeg, url("https://a.example/b.JPG?x=.png"), None),
        (&jpeg, url("https://a.example/b"), None),
        (&jpeg, url("https://a.example/b.unknown"), None),
        (
            &jpeg,
            url("https://a.example/b.png"),
            Some("advice references: image 0 has the extension .png; shop takes image/jpeg [page, image]"),
        ),
        (&any, png(100, 100, 40), None),
        (&any, ImageSource::inline("image/png", &b"no image"[..]), Some(header)),
        (
            &urls,
            png(100, 100, 40),
            Some(
                "references: image 0 is inline, but only URLs are supported: upload it and pass its URL [page, image]",
            ),
        ),
        (
            &urls,
            ImageSource::inline("image/png", &b"no image"[..]),
            Some(
                "references: image 0 is inline, but only URLs are supported: upload it and pass its URL [page, image]",
            ),
        ),
        (&jpeg, png(100, 100, 40), Some("references: image 0 is image/png; use image/jpeg [page, image]")),
        (&large, png(100, 100, 100), None),
        (
            &large,
            png(100, 100, 101),
            Some("references: image 0 has 101 bytes, but at most 100 are allowed: compress it [page, image]"),
        ),
        (
            &resold,
            png(100, 100, 101),
            Some("references: image 0 has 101 bytes, but at most 100 are allowed: compress it [page, bytes]"),
        ),
        (&sides, png(15, 15, 40), None),
        (
            &sides,
            png(15, 14, 40),
            Some("references: image 0 is 15x14: both sides must be longer than 14 pixels [page, image]"),
        ),
        (
            &sides,
            png(14, 15, 40),
            Some("references: image 0 is 14x15: both sides must be longer than 14 pixels [page, image]"),
        ),
        (&pixels, png(14, 14, 40), None),
        (
            &pixels,
            png(6001, 6000, 40),
            Some(
                "references: image 0 is 6001x6000: use 196 to 36000000 pixels and aspect ratios 1:16 to 16:1 [page, image]",
            ),
        ),
        (&least, png(13, 14, 40), Some("references: image 0 is 13x14: use 196 pixels [page, image]")),
    ] {
        let rules = with(|rules| rules.references = rule.clone());
        let found = findings(&rules, &request().reference(reference.clone()), Strictness::Strict);
        assert_eq!(found, Vec::from_iter(expected), "{reference:?} {rule:?}");
    }
}

#[test]
fn there_are_at_most_so_many_references_and_each_is_named_by_its_place() {
    let with_references = |count: usize, last: &str| {
        let urls = (0..count).map(|_| "https://a.example/b").chain([last]);
        urls.fold(request(), |request, url| request.reference(ImageSource::url(url)))
    };
    let rules = with(|rules| rules.references = ReferenceRule::at_most(3, page("image")));
    assert_eq!(findings(&rules, &with_references(2, "https://a.example/b"), Strictness::Strict), Vec::<String>::new());
    assert_eq!(
        findings(&rules, &with_references(4, "b"), Strictness::Strict),
        [
            "references: 5 images, but m accepts at most 3: remove 2 [page, image]",
            "references: image 4 is not an http or https URL with a host [page, image]"
        ]
    );
}

#[test]
fn references_without_a_member_are_left_out_or_refused() {
    let rules = rules();
    let request = request().reference(ImageSource::url("b"));
    let message = "shop documents no reference images";
    for strictness in [Strictness::Strict, Strictness::Off] {
        assert_eq!(
            findings(&rules, &request, strictness),
            [format!("references: {message}: remove them [page, body]")]
        );
    }
    let checked = rules.check(&request, Strictness::Lenient).unwrap();
    let warnings: Vec<_> = checked.warnings().iter().map(shown).collect();
    assert_eq!(warnings, [format!("left_out references: references are omitted: {message} [page, body]")]);
    assert!(checked.request().references.is_empty());
}
