//! The optional fields, and the members of `extra`.

use serde_json::{Value, json};

use super::*;

#[test]
fn an_optional_field_is_sent_warned_of_or_refused() {
    let honoured = |field| FieldRule::honoured(field, page("field"));
    let refused = |field| FieldRule::refused(field, page("field"));
    let seed = || honoured(Field::Seed).within(0.0, 10.0);
    let scale = || honoured(Field::GuidanceScale).within(1.0, 10.0).range_from(page("range"));
    let format = || honoured(Field::Format).one_of(&["jpeg"]);
    let callback = || honoured(Field::CallbackUrl);
    let not_sent =
        |field: &str| Some(format!("rewritten {field}: {field}: not sent, since it is the provider's default"));
    let absent = |field: &str| Some(format!("{field}: shop documents no member for it: remove it [page, body]"));
    let told = |text: &str| Some(text.to_owned());
    for (rule, request, expected) in [
        (None, request().seed(1), absent("seed")),
        (None, request().stream(true), absent("stream")),
        (None, request().stream(false), not_sent("stream")),
        (None, request().web_search(false), not_sent("web_search")),
        (None, request().response_format(ResponseFormat::Url), not_sent("response_format")),
        (None, request().response_format(ResponseFormat::B64Json), absent("response_format")),
        (None, request().watermark(false), absent("watermark")),
        (Some(refused(Field::Seed)), request().seed(1), told("seed: m does not accept it: remove it [page, field]")),
        (Some(refused(Field::Stream)), request().stream(false), not_sent("stream")),
        (
            Some(refused(Field::Stream)),
            request().stream(true),
            told("stream: m does not accept it: remove it [page, field]"),
        ),
        (
            Some(FieldRule::ignored(Field::Seed, page("field"))),
            request().seed(1),
            told("ignored seed: m ignores seed: it is sent and has no effect [page, field]"),
        ),
        (Some(honoured(Field::Watermark).unsaid(true)), request().watermark(true), not_sent("watermark")),
        (Some(honoured(Field::Watermark).unsaid(true)), request().watermark(false), None),
        (Some(seed()), request().seed(0), None),
        (Some(seed()), request().seed(10), None),
        (
            Some(seed()),
            request().seed(-1),
            told("seed: -1 is outside 0 to 10; 0 is the nearest legal value [page, field]"),
        ),
        (
            Some(seed()),
            request().seed(11),
            told("seed: 11 is outside 0 to 10; 10 is the nearest legal value [page, field]"),
        ),
        (
            Some(scale()),
            request().guidance_scale(10.5),
            told("guidance_scale: 10.5 is outside 1 to 10; 10 is the nearest legal value [page, range]"),
        ),
        (
            Some(scale()),
            request().guidance_scale(f64::NAN),
            told("guidance_scale: is not a finite number [page, field]"),
        ),
        (Some(format()), request().format(OutputFormat::Jpeg), None),
        (
            Some(format()),
            request().format(OutputFormat::Png),
            told("format: m does not take `png` (use jpeg) [page, field]"),
        ),
        (Some(honoured(Field::Format)), request().format(OutputFormat::Png), None),
        (Some(callback()), request().callback_url("https://a.example/x"), None),
        (
            Some(callback()),
            request().callback_url("http://a.example/x"),
            told("callback_url: is not https: use an https URL [page, field]"),
        ),
    ] {
        let rules = with(|rules| rules.fields = rule.clone().into_iter().collect());
        let found = findings(&rules, &request, Strictness::Strict);
        assert_eq!(found, Vec::from_iter(expected), "{request:?} {rule:?}");
    }
}

#[test]
fn a_refused_field_is_left_out_sent_or_an_error() {
    let known = || Some(FieldRule::refused(Field::Seed, page("field")));
    let ranged = || Some(FieldRule::honoured(Field::Seed, page("field")).within(0.0, 5.0));
    for (rule, strictness, expected) in [
        (known(), Strictness::Strict, Err(())),
        (
            known(),
            Strictness::Lenient,
            Ok((None, "left_out seed: seed is omitted: m does not accept it [page, field]")),
        ),
        (
            known(),
            Strictness::Off,
            Ok((Some(9), "violated seed: seed is sent nevertheless: m does not accept it [page, field]")),
        ),
        (None, Strictness::Strict, Err(())),
        // What the dialect cannot express cannot be sent.
        (None, Strictness::Off, Err(())),
        (
            ranged(),
            Strictness::Lenient,
            Ok((
                Some(9),
                "violated seed: sent nevertheless: seed: 9 is outside 0 to 5; 5 is the nearest legal value [page, field]",
            )),
        ),
    ] {
        let rules = with(|rules| rules.fields = rule.clone().into_iter().collect());
        let checked = rules.check(&request().seed(9), strictness);
        let sent = checked.map_err(|_| ()).map(|checked| {
            let warnings: Vec<_> = checked.warnings().iter().map(shown).collect();
            (checked.request().seed, warnings.join("\n"))
        });
        assert_eq!(sent, expected.map(|(seed, warning)| (seed, warning.to_owned())), "{strictness:?} {rule:?}");
    }
    let waivers = |request: &ImageRequest, strictness| {
        let error = rules().check(request, strictness).unwrap_err();
        error.violations().iter().map(|violation| violation.waiver).collect::<Vec<_>>()
    };
    assert_eq!(
        waivers(&request().seed(9).count(2).size(Tier::K3), Strictness::Strict),
        [Waiver::Omitted, Waiver::Sent, Waiver::NoMember]
    );
    assert_eq!(waivers(&request().seed(9), Strictness::Off), [Waiver::NoMember]);
    assert_eq!(waivers(&request().extra("n", 2), Strictness::Lenient), [Waiver::Never]);
    let lenient = rules().check(&request().seed(9), Strictness::Lenient).unwrap();
    assert_eq!((lenient.request().seed, lenient.warnings()[0].kind), (None, WarningKind::LeftOut));
}

#[test]
fn a_member_of_extra_is_not_one_that_a_field_writes() {
    let rules = with(|rules| {
        rules.ignored_members = Members::new(["quality"], page("ignored"));
        rules.precedence =
            Some(Precedence { member: "group".into(), field: Field::Count, message: "group wins".into() });
        rules.images = ImagesRule::up_to(15, page("n"));
    });
    let streaming = || {
        let mut rules = rules.clone();
        rules.fields.insert(FieldRule::honoured(Field::Stream, page("field")));
        rules
    };
    let event_stream = "extra: the response would be an event stream, which this adapter cannot read: remove it \
                        [page, body]";
    for (rules, member, count, expected) in [
        (rules.clone(), "mine", None, None),
        (
            rules.clone(),
            "n",
            None,
            Some("extra: `n` is written by another field of the request: set that field instead [page, body]"),
        ),
        (rules.clone(), "stream", None, Some(event_stream)),
        (streaming(), "stream", None, None),
        (
            rules.clone(),
            "quality",
            None,
            Some("ignored extra: shop ignores `quality`: it is sent and has no effect [page, ignored]"),
        ),
        (rules.clone(), "group", Some(Count::One), Some("rewritten count: group wins")),
        (rules.clone(), "group", None, None),
        (rules.clone(), "mine", Some(Count::One), None),
    ] {
        let request = ImageRequest { count, ..request().extra(member, "x") };
        assert_eq!(findings(&rules, &request, Strictness::Strict), Vec::from_iter(expected), "{member} {count:?}");
    }
}

#[test]
fn a_background_is_one_of_its_values_and_excludes_jpeg_and_layers() {
    let values = BackgroundRule::one_of(&["transparent", "opaque"], page("background"));
    let refused = BackgroundRule::refused(page("background"));
    let apart = |request: ImageRequest| request.extra("layer_decomposition", true).reference("https://a.example/b");
    let transparent = || request().extra("background", "transparent");
    let jpeg = "extra: `background` transparent is refused with jpeg, which has no transparency: use png \
                [page, background]";
    for (rule, request, expected) in [
        (None, request().extra("background", "any"), None),
        (Some(&values), transparent(), None),
        (Some(&values), request().extra("background", Value::Null), None),
        (
            Some(&values),
            request().extra("background", "blue"),
            Some("extra: m does not take `background` \"blue\" (use transparent, opaque) [page, background]"),
        ),
        (
            Some(&values),
            request().extra("background", 1),
            Some("extra: m does not take `background` 1 (use transparent, opaque) [page, background]"),
        ),
        (Some(&values), transparent().format(OutputFormat::Jpeg), Some(jpeg)),
        (Some(&values), transparent().format(OutputFormat::Png), None),
        (Some(&values), request().extra("background", "opaque").format(OutputFormat::Jpeg), None),
        (
            Some(&values),
            apart(request().extra("background", "opaque")),
            Some(
                "extra: `background` is refused together with `layer_decomposition`: remove one of them [page, background]",
            ),
        ),
        (Some(&refused), transparent(), Some("extra: m refuses `background`: remove it [page, background]")),
    ] {
        let rules = with(|rules| {
            rules.background = rule.cloned();
            rules.references = ReferenceRule::at_most(None, page("image"));
            rules.fields.insert(FieldRule::honoured(Field::Format, page("field")));
        });
        assert_eq!(findings(&rules, &request, Strictness::Strict), Vec::from_iter(expected), "{request:?}");
    }
}

#[test]
fn layers_are_counted_and_need_one_reference() {
    let three = LayersRule::up_to(3, page("layers"));
    let open = three.clone().open();
    let refused = LayersRule::refused(page("layers"));
    let unknown = "cost extra: `layer_decomposition` may bill every layer: the maximum of m is unknown, so the cost is \
                   not bounded; 100 images are counted, the most of any known model";
    let four = "cost extra: `layer_decomposition` bills every layer and the base, up to 4 images [page, layers]";
    for (rule, value, references, layered, expected) in [
        (None, json!(true), 0, 100, Some(unknown)),
        (None, json!(false), 0, 0, None),
        (None, Value::Null, 0, 0, None),
        (None, json!("yes"), 0, 100, Some(unknown)),
        (Some(&three), json!(false), 0, 0, None),
        (Some(&three), json!(true), 1, 4, Some(four)),
        (
            Some(&three),
            json!(true),
            2,
            4,
            Some("references: `layer_decomposition` needs exactly one reference, not 2 [page, layers]"),
        ),
        (
            Some(&open),
            json!(true),
            1,
            4,
            Some(
                "cost extra: `layer_decomposition` bills every layer and the base, up to 4 images: no member that lowers \
                 this is known, so the cost is not bounded by the request [page, layers]",
            ),
        ),
        (
            Some(&refused),
            json!(true),
            1,
            100,
            Some("extra: m does not decompose images: remove `layer_decomposition` [page, layers]"),
        ),
    ] {
        let rules = with(|rules| {
            rules.layers = rule.cloned();
            rules.references = ReferenceRule::at_most(None, page("image"));
        });
        let url = || ImageSource::url("https://a.example/b");
        let request = (0..references).fold(request(), |request, _| request.reference(url()));
        let request = request.extra("layer_decomposition", value.clone());
        assert_eq!(findings(&rules, &request, Strictness::Strict), Vec::from_iter(expected), "{value} {rule:?}");
        let checked = rules.check(&request, Strictness::Off).unwrap();
        assert_eq!((checked.layered(), checked.ceiling()), (layered, layered.max(1)), "{value} {rule:?}");
    }
}

#[test]
fn a_member_that_may_request_several_images_is_counted() {
    let options = |most: Value| json!({ "max_images": most });
    for (members, expected) in [
        (vec![("num_images", json!(3))], Some(("num_images", 3))),
        (vec![("num_images", json!(1))], None),
        (vec![("num_images", json!("3"))], None),
        (vec![("other", json!(3))], None),
        (vec![("count", json!(u64::MAX))], Some(("count", u32::MAX))),
        (vec![("count", json!(2)), ("batch_size", json!(4))], Some(("batch_size", 4))),
        (vec![("sequential_image_generation", json!("disabled"))], None),
        (vec![("sequential_image_generation", Value::Null)], None),
        (vec![("sequential_image_generation", json!("auto"))], Some(("sequential_image_generation", 15))),
        (
            vec![
                ("sequential_image_generation", json!("auto")),
                ("sequential_image_generation_options", options(json!(6))),
            ],
            Some(("sequential_image_generation", 6)),
        ),
    ] {
        let request = members.iter().fold(request(), |request, (name, value)| request.extra(*name, value.clone()));
        let warning = expected.map(|(member, most)| {
            format!("cost extra: `{member}` may request several images: the maximum of {most} is counted")
        });
        let rules = rules();
        assert_eq!(findings(&rules, &request, Strictness::Strict), Vec::from_iter(warning), "{members:?}");
        let ceiling = |rules: &Capabilities| rules.check(&request, Strictness::Strict).unwrap().ceiling();
        assert_eq!(ceiling(&rules), expected.map_or(1, |(_, most)| most), "{members:?}");
        // An adapter with a precedence rule counts them itself.
        let precedence = Precedence { member: "group".into(), field: Field::Count, message: "group wins".into() };
        let rules = with(|rules| rules.precedence = Some(precedence));
        assert_eq!((findings(&rules, &request, Strictness::Strict), ceiling(&rules)), (vec![], 1), "{members:?}");
    }
}
