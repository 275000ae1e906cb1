//! The number of images.

use super::*;

fn referring(count: impl Into<Count>, references: usize) -> ImageRequest {
    let request = ImageRequest::new("m", "a series of kites").count(count);
    (0..references).fold(request, |request, _| request.reference(ImageSource::url("https://a.example/b")))
}

#[test]
fn a_number_of_images_is_legal_advised_against_or_refused() {
    let single = ImagesRule::single(page("n"));
    let group = ImagesRule::up_to(15, page("n"));
    let any = ImagesRule::up_to(None, page("n"));
    let auto = ImagesRule { auto: true, ..group.clone() };
    let advised = ImagesRule { advised_max: Some(4), ..group.clone() };
    let total = |truncates| {
        let total = TotalRule { limit: 15, truncates, source: page("total") };
        ImagesRule { with_references: Some(total), ..any.clone() }
    };
    let (strict, truncating) = (total(false), total(true));
    let zero = "count: is 0: request at least one image; 1 is the nearest legal value [page, n]";
    for (rule, count, references, expected) in [
        (&single, Count::UpTo(0), 0, Some(zero)),
        (&group, Count::UpTo(0), 0, Some(zero)),
        (&single, Count::One, 0, Some("rewritten count: m makes one image per request: the number is not sent")),
        (
            &single,
            Count::UpTo(2),
            0,
            Some("count: m makes one image per request, not 2; 1 is the nearest legal value [page, n]"),
        ),
        (
            &single,
            Count::Auto,
            0,
            Some("count: m makes one image per request, not a group; 1 is the nearest legal value [page, n]"),
        ),
        (&auto, Count::Auto, 0, None),
        (
            &group,
            Count::Auto,
            0,
            Some("count: shop needs a number of images: set a number instead of auto [page, body]"),
        ),
        (&group, Count::UpTo(15), 0, None),
        (&any, Count::UpTo(16), 0, None),
        (
            &group,
            Count::UpTo(16),
            0,
            Some("count: 16 images, but m makes at most 15 per request; 15 is the nearest legal value [page, n]"),
        ),
        (&advised, Count::UpTo(4), 0, None),
        (&advised, Count::UpTo(5), 0, Some("advice count: 5 images, but at most 4 per request are advised [page, n]")),
        (&strict, Count::UpTo(16), 0, None),
        (&strict, Count::UpTo(12), 3, None),
        (
            &strict,
            Count::UpTo(13),
            3,
            Some(
                "count: 3 references and 13 images are more than 15 together; 12 is the nearest legal value [page, total]",
            ),
        ),
        (&strict, Count::One, 15, Some("count: 15 references and 1 images are more than 15 together [page, total]")),
        (&truncating, Count::UpTo(12), 3, None),
        (
            &truncating,
            Count::UpTo(13),
            3,
            Some(
                "truncated count: 3 references and 13 images are more than 15 together: shop makes at most 12 [page, total]",
            ),
        ),
    ] {
        let rules = with(|rules| {
            rules.images = rule.clone();
            rules.references = ReferenceRule::at_most(None, page("image"));
        });
        let found = findings(&rules, &referring(count, references), Strictness::Strict);
        assert_eq!(found, Vec::from_iter(expected), "{count:?} {references} {rule:?}");
    }
}

#[test]
fn a_refused_count_is_not_sent_where_that_changes_nothing_or_is_asked_for() {
    for (count, strictness, sent, kinds) in [
        (Count::One, Strictness::Strict, None, vec![WarningKind::Rewritten]),
        (Count::One, Strictness::Off, None, vec![WarningKind::Rewritten]),
        (Count::UpTo(2), Strictness::Lenient, None, vec![WarningKind::LeftOut]),
        (Count::UpTo(2), Strictness::Off, Some(Count::UpTo(2)), vec![WarningKind::Violated]),
    ] {
        let checked = rules().check(&request().count(count), strictness).unwrap();
        let found: Vec<_> = checked.warnings().iter().map(|warning| warning.kind).collect();
        assert_eq!((checked.request().count, found), (sent, kinds), "{count:?} {strictness:?}");
    }
}

#[test]
fn the_most_images_that_can_be_billed() {
    let total = |truncates| {
        let total = TotalRule { limit: 15, truncates, source: page("total") };
        ImagesRule { auto: true, with_references: Some(total), ..ImagesRule::up_to(None, page("n")) }
    };
    let any = ImagesRule { auto: true, ..ImagesRule::up_to(None, page("n")) };
    for (rule, count, references, most) in [
        (&any, None, 0, 1),
        (&any, Some(Count::UpTo(0)), 0, 1),
        (&any, Some(Count::UpTo(20)), 3, 20),
        (&any, Some(Count::Auto), 3, 15),
        (&total(false), Some(Count::UpTo(20)), 3, 20),
        (&total(false), Some(Count::Auto), 3, 12),
        (&total(true), Some(Count::UpTo(20)), 3, 12),
        (&total(true), Some(Count::UpTo(20)), 15, 1),
        (&total(true), None, 3, 1),
    ] {
        let rules = with(|rules| {
            rules.images = rule.clone();
            rules.references = ReferenceRule::at_most(None, page("image"));
        });
        let request = ImageRequest { count, ..referring(1, references) };
        let checked = rules.check(&request, Strictness::Off).unwrap();
        assert_eq!(checked.ceiling(), most, "{count:?} {references} {rule:?}");
    }
}
