//! Sizes in a provider's spelling.

use super::*;

/// What is sent (`size`, or `size at quality`, or nothing), and the findings.
fn sized(rules: &Capabilities, size: &str) -> (Option<String>, Vec<String>) {
    let request = request().size(size.parse::<crate::Size>().unwrap());
    let sent = rules.check(&request, Strictness::Off).unwrap();
    let sent = sent.size().and_then(|wire| match (&wire.size, wire.quality) {
        (Some(size), Some(quality)) => Some(format!("{size} at {quality}")),
        (size, _) => size.clone(),
    });
    (sent, findings(rules, &request, Strictness::Strict))
}

#[track_caller]
fn assert_sizes<const N: usize>(rules: &Capabilities, cases: [(&str, &str, &[&str]); N]) {
    for (size, sent, expected) in cases {
        let (wire, found) = sized(rules, size);
        assert_eq!((wire.as_deref().unwrap_or("nothing"), &*found), (sent, &*owned(expected)), "{size}");
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn a_provider_with_tiers_receives_tiers_or_pixels() {
    assert_sizes(
        &rules(),
        [
            ("2K", "2K", &[]),
            ("3K", "3K", &["size: m has no tier 3K; 2K is the nearest legal value [page, size]"]),
            ("1K", "1K", &["size: m has no tier 1K; 2K is the nearest legal value [page, size]"]),
            ("1920x1920", "1920x1920", &[]),
            (
                "1919x1920",
                "1919x1920",
                &[
                    "size: 1919x1920 has 3684480 pixels, m needs at least 3686400; 1920x1920 is the nearest legal value \
                 [page, size]",
                ],
            ),
            ("4096x4096", "4096x4096", &[]),
            // 4097x4095 is as near, and not in the table.
            (
                "4097x4096",
                "4097x4096",
                &[
                    "size: 4097x4096 has 16781312 pixels, m takes at most 16777216; 4096x4096 is the nearest legal value \
                 [page, size]",
                ],
            ),
            ("8000x500", "8000x500", &[]),
            (
                "8001x500",
                "8001x500",
                &[
                    "size: 8001x500 has an aspect ratio outside 1:16 to 16:1; 8000x500 is the nearest legal value [page, size]",
                ],
            ),
            (
                "17x1",
                "17x1",
                &[
                    "size: 17x1 has 17 pixels, m needs at least 3686400, and it has an aspect ratio outside 1:16 to 16:1; \
                 7649x482 is the nearest legal value [page, size]",
                ],
            ),
            ("16:9@4K", "5504x3040", &[]),
            ("16:9", "2848x1600", &["rewritten size: 16:9 names no tier: 2K is used (2848x1600)"]),
            ("16:9@1K", "16:9@1K", &["size: m has no tier 1K; 16:9@2K is the nearest legal value [page, size]"]),
            (
                "5:4@4K",
                "5:4@4K",
                &[
                    "size: 5:4 has no size at 4K in the size table of m; 4:3@4K is the nearest legal value [page, table]",
                ],
            ),
            (
                "auto",
                "2K",
                &[
                    "rewritten size: shop has no size auto: it receives 2K, and the model takes the shape from the prompt",
                ],
            ),
        ],
    );
    let more = with(|rules| rules.size.tiers = vec![Tier::K1, Tier::K2, Tier::K3]);
    assert_sizes(&more, [("4K", "4K", &["size: m has no tier 4K; 3K is the nearest legal value [page, size]"])]);
    // Nothing is sent if nothing is requested.
    let checked = rules().check(&request(), Strictness::Strict).unwrap();
    assert_eq!((checked.size(), checked.warnings()), (None, &[][..]));
}

#[test]
fn a_provider_without_tiers_receives_pixels() {
    let pixels = PixelRule::sides(512, 3072);
    let mut only = with(|rules| rules.size = SizeRule::only_pixels(pixels, "1024x1024", page("size")));
    let outside = "size: 4096x4096 has a side outside 512 to 3072 pixels; 3072x3072 is the nearest legal value \
                   [page, size]";
    assert_sizes(
        &only,
        [
            ("2K", "2048x2048", &["rewritten size: shop takes no tiers: 2K is sent as 2048x2048, its 1:1 size"]),
            ("4K", "4096x4096", &[outside]),
            ("1K", "1K", &["size: m has no tier 1K; 2K is the nearest legal value [page, size]"]),
            ("512x3072", "512x3072", &[]),
            (
                "511x512",
                "511x512",
                &[
                    "size: 511x512 has a side outside 512 to 3072 pixels; 512x512 is the nearest legal value [page, size]",
                ],
            ),
            (
                "auto",
                "nothing",
                &["rewritten size: shop has no size auto: it receives no size, so the provider's default (1024x1024) \
                 applies"],
            ),
        ],
    );
    only.size.default = None;
    assert_eq!(
        sized(&only, "auto").1,
        ["rewritten size: shop has no size auto: it receives no size, so the provider's default (not stated) applies"]
    );
    let none = with(|rules| rules.size.pixels = None);
    assert_sizes(
        &none,
        [
            (
                "2048x2048",
                "2048x2048",
                &["size: 2048x2048 cannot be sent: m does not take width x height (use 2K, 4K) [page, size]"],
            ),
            ("4K", "4K", &[]),
        ],
    );
}

#[test]
fn a_provider_with_ratios_receives_a_ratio_and_a_quality() {
    let named = with(|rules| {
        rules.size.tiers.clear();
        rules.size.ratios = vec![crate::Ratio::of(1, 1), crate::Ratio::of(16, 9)];
        rules.size.qualities = vec![Tier::K2, Tier::K4];
        rules.size.auto = true;
    });
    assert_sizes(
        &named,
        [
            ("16:9", "16:9", &[]),
            ("16:9@4K", "16:9 at 4K", &[]),
            // Of two tiers as near the smaller one.
            ("16:9@3K", "16:9 at 3K", &["size: m has no tier 3K; 16:9@2K is the nearest legal value [page, size]"]),
            ("3:2", "3:2", &["size: m has no ratio 3:2; 16:9 is the nearest legal value [page, size]"]),
            ("3:2@4K", "3:2@4K", &["size: m has no ratio 3:2; 16:9@4K is the nearest legal value [page, size]"]),
            ("4K", "auto at 4K", &["rewritten size: 4K is sent as size auto with quality 4K"]),
            ("3K", "3K", &["size: m has no tier 3K; 2K is the nearest legal value [page, size]"]),
            ("auto", "auto", &[]),
        ],
    );
}

#[test]
fn a_bound_of_another_page_cites_that_page() {
    let narrowed = with(|rules| {
        let vendor = Source::published("volcengine.com/docs/1", "size");
        let narrow = SizeRule::levels(&[Tier::K2], PixelRule::new(3_686_400, 9_000_000, 16), "2K", vendor);
        rules.size =
            narrow.stated_by(page("size"), &[Tier::K1, Tier::K2, Tier::K4], PixelRule::new(921_600, 16_777_216, 16));
    });
    const VENDOR: &str =
        "(Ark's rule [volcengine.com/docs/1, size, read 2026-11-20]; the page of Shop does not state it)";
    for (size, expected) in [
        ("2048x2048", vec![]),
        ("1024x1024", vec![format!(
            "size: 1024x1024 has 1048576 pixels, m needs at least 3686400; 1920x1920 is the nearest legal value {VENDOR}"
        )]),
        ("512x512", vec![
            "size: 512x512 has 262144 pixels, m needs at least 3686400; 1920x1920 is the nearest legal value [page, size]"
                .to_owned(),
        ]),
        ("15000x800", vec![
            "size: 15000x800 has an aspect ratio outside 1:16 to 16:1; 12000x750 is the nearest legal value [page, size]"
                .to_owned(),
            format!(
                "size: 15000x800 has 12000000 pixels, m takes at most 9000000; 12000x750 is the nearest legal value \
                 {VENDOR}"
            ),
        ]),
        ("4K", vec![format!("size: m has no tier 4K; 2K is the nearest legal value {VENDOR}")]),
        ("3K", vec!["size: m has no tier 3K; 2K is the nearest legal value [page, size]".to_owned()]),
        ("1:1@1K", vec![format!("size: m has no tier 1K; 1:1@2K is the nearest legal value {VENDOR}")]),
    ] {
        assert_eq!(sized(&narrowed, size).1, expected, "{size}");
    }
}

#[test]
fn a_relay_may_state_a_higher_minimum() {
    let relay = |relay| {
        with(|rules| {
            rules.relay = relay;
            rules.size.pixels = Some(PixelRule::new(921_600, 16_777_216, 16));
            let source = Source::published("relay.example", "size");
            rules.size.relay_min = Some(RelayMinimum { pixels: 3_686_400, source });
        })
    };
    let told = |pixels: &str, area: u32| {
        vec![format!(
            "advice size: {pixels} has {area} pixels: the minimum of m is 921600 [page, size], but relays state 3686400 \
             (the rule of another reseller [relay.example, size, read 2026-11-20]; the page of Shop does not state it), \
             so a relay may refuse it"
        )]
    };
    for (size, expected) in [
        ("960x960", told("960x960", 921_600)),
        ("1919x1920", told("1919x1920", 3_684_480)),
        ("1920x1920", vec![]),
        (
            "959x960",
            vec![
            "size: 959x960 has 920640 pixels, m needs at least 921600; 960x960 is the nearest legal value [page, size]"
                .to_owned(),
        ],
        ),
    ] {
        assert_eq!(sized(&relay(true), size).1, expected, "{size}");
    }
    assert_eq!(sized(&relay(false), "960x960").1, owned(&[]));
}
