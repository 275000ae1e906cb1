//! The model, the checked request, and the nearest legal request.

use super::*;
use crate::ErrorKind;

#[test]
fn a_model_is_sold_here_or_elsewhere_or_is_unknown() {
    let elsewhere = |family| {
        with(|rules| {
            rules.requested = "other".into();
            rules.family = family;
            rules.standing = Standing::Elsewhere { sold: vec!["m".into(), "m2".into()], source: page("models") };
        })
    };
    let unknown = with(|rules| {
        rules.requested = "m9".into();
        rules.standing = Standing::Unknown;
    });
    for (rules, expected) in [
        (rules(), None),
        (with(|rules| rules.model = " ".into()), Some("model: is empty: name a model [page, body]")),
        (
            elsewhere(Some(Family::Seedream3T2i)),
            Some("model: shop does not sell `other` (seedream-3.0-t2i) (use m, m2) [page, models]"),
        ),
        (elsewhere(None), Some("model: shop does not sell `other` (use m, m2) [page, models]")),
        (
            unknown,
            Some(
                "unknown_model model: `m9` is not a known model of shop: it is sent unchanged and its limits are not checked",
            ),
        ),
    ] {
        assert_eq!(findings(&rules, &request(), Strictness::Strict), Vec::from_iter(expected));
    }
}

#[test]
fn a_checked_request_says_what_it_may_cost_at_most() {
    let dollars = |dollars: i64| Amount::micros(dollars * 1_000_000, "USD");
    let price = Price::by_tier([(&[Tier::K2][..], dollars(1)), (&[Tier::K4], dollars(10))], page("price"))
        .with_reference(dollars(100));
    let rules = with(|rules| {
        rules.price = Some(price.clone());
        rules.images = ImagesRule::up_to(15, page("n"));
        rules.references = ReferenceRule::at_most(None, page("image"));
        rules.size.auto = true;
        rules.size.qualities = vec![Tier::K3, Tier::K4];
        rules.size.tiers = vec![Tier::K2];
    });
    let request = || request().count(3);
    for (request, most) in [
        // The default is 2K.
        (request(), 3),
        (request().size(Tier::K2), 3),
        (request().size(Tier::K4), 30),
        // No page says which tier they are.
        (request().size(Pixels::of(2048, 2048)), 30),
        (request().reference("https://a.example/b").reference("https://a.example/c"), 203),
    ] {
        let checked = rules.check(&request, Strictness::Strict).unwrap();
        assert_eq!((checked.most(), checked.price()), (Some(&dollars(most)), Some(&price)), "{request:?}");
        assert_eq!((checked.provider().as_str(), checked.model().as_str()), ("shop", "m"));
    }
    let free = with(|_| {}).check(&super::request(), Strictness::Strict).unwrap();
    assert_eq!((free.price(), free.most()), (None, None));
    assert!(free.belongs_to("shop").is_ok());
    let error = free.belongs_to("ark").unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Config, "this request was checked for shop, not for ark"));
}

#[test]
fn the_nearest_legal_request_breaks_no_rule_that_has_a_nearest_value() {
    let rules = with(|rules| {
        let total = TotalRule { limit: 15, truncates: false, source: page("total") };
        rules.images = ImagesRule { with_references: Some(total), ..ImagesRule::up_to(14, page("n")) };
        rules.references = ReferenceRule::at_most(None, page("image"));
        let seed = FieldRule::honoured(Field::Seed, page("seed")).within(0.0, 10.0);
        let scale = FieldRule::honoured(Field::GuidanceScale, page("scale")).within(1.0, 10.0);
        let format = FieldRule::honoured(Field::Format, page("format")).one_of(&["jpeg"]);
        rules.fields = [seed, scale, format].into();
    });
    let asked = request().size(Tier::K3).seed(11).guidance_scale(0.5).format(OutputFormat::Png).count(20);
    let asked = (0..3).fold(asked, |request, _| request.reference("https://a.example/b"));
    let (fitted, warnings) = rules.fit(&asked);
    let expected = asked.clone().size(Tier::K2).seed(10).guidance_scale(1.0).count(12);
    assert_eq!(fitted, expected);
    let told: Vec<_> = warnings.iter().map(|warning| (warning.kind, warning.field.unwrap())).collect();
    // 20 images become 14, which are too many beside three references.
    assert_eq!(
        told,
        [Field::Count, Field::Size, Field::Seed, Field::GuidanceScale, Field::Count]
            .map(|f| (WarningKind::Rewritten, f))
    );
    assert_eq!(warnings[1].message, "fitted: size: m has no tier 3K; 2K is the nearest legal value [page, size]");
    // One of several values is not chosen, and a legal request is unchanged.
    assert_eq!(findings(&rules, &fitted, Strictness::Strict).len(), 1);
    assert_eq!(rules.fit(&request()), (request(), Vec::new()));
}
