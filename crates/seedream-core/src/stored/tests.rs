//! Stored values round-trip, also with members and words of a newer version.

use std::fmt::Debug;

use bytes::Bytes;
use http::StatusCode;
use proptest::{collection::vec, option::of, prelude::*};
use serde::Serialize;
use serde_json::{Map, json};

use super::*;
use crate::{
    Amount, Attempt, Charge, Count, Error, ErrorKind, Field, GeneratedImage, Generation, ImageData, ImageFailure,
    Medium, ModelId, Nearest, OutputFormat, Pixels, Size, Source, SourceKind, Stage, StatedBy, StoredError, Task,
    TaskId, Tier, Timestamp, Usage, Violation, Waiver, Warning, WarningKind,
};

fn charge() -> impl Strategy<Value = Charge> {
    prop::sample::select(vec![Charge::No, Charge::Unknown, Charge::Yes])
}

fn kind() -> impl Strategy<Value = ErrorKind> {
    let stage = prop::sample::select(vec![Stage::Input, Stage::Output, Stage::Unknown]);
    let medium = prop::sample::select(vec![Medium::Text, Medium::Image, Medium::Unknown]);
    let plain = vec![ErrorKind::Config, ErrorKind::RateLimited, ErrorKind::Timeout, ErrorKind::NotRecorded];
    prop_oneof![
        (stage, medium).prop_map(|(stage, medium)| ErrorKind::rejected(stage, medium)),
        prop::sample::select(plain),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,12}", ".{0,12}"]
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_102_444_800, 0_u64..1_000_000_000).prop_map(|(second, nano)| {
        Timestamp::from_unix_seconds(second).and_then(|at| at.checked_add(Duration::from_nanos(nano))).unwrap()
    })
}

/// Members without a field: any JSON.
fn other() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!({ "a": [1, { "b": false }] })),
    ];
    vec(("[a-z_]{1,8}", value), 0..3).prop_map(|members| members.into_iter().collect())
}

fn amount() -> impl Strategy<Value = Amount> {
    (any::<i64>(), text()).prop_map(|(micros, unit)| Amount { micros, unit: unit.into() })
}

fn usage() -> impl Strategy<Value = Usage> {
    let count = || of(any::<u64>());
    ((count(), count(), count()), (count(), count(), count()), of(amount()), other()).prop_map(
        |(
            (generated_images, input_images, output_tokens),
            (input_tokens, total_tokens, web_searches),
            reserved,
            other,
        )| {
            Usage {
                generated_images,
                input_images,
                output_tokens,
                input_tokens,
                total_tokens,
                web_searches,
                reserved,
                other,
            }
        },
    )
}

fn warning() -> impl Strategy<Value = Warning> {
    let kinds = vec![WarningKind::Ignored, WarningKind::Incomplete, WarningKind::BilledMore, WarningKind::Other];
    (prop::sample::select(kinds), of(field()), text())
        .prop_map(|(kind, field, message)| Warning::new(kind, field, message))
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(vec![Field::Model, Field::Size, Field::Seed, Field::Extra])
}

fn pixels() -> impl Strategy<Value = Pixels> {
    (1..=u32::MAX, 1..=u32::MAX).prop_map(|(width, height)| Pixels::of(width, height))
}

fn nearest() -> impl Strategy<Value = Nearest> {
    let size = prop_oneof![
        pixels().prop_map(Size::Pixels),
        Just(Size::Auto),
        Just(Size::Tier(Tier::K1_5)),
        Just(Size::ratio(16, 9).at(Tier::K2)),
    ];
    let count = prop_oneof![Just(Count::One), Just(Count::Auto), any::<u32>().prop_map(Count::UpTo)];
    prop_oneof![
        size.prop_map(Nearest::Size),
        count.prop_map(Nearest::Count),
        any::<i64>().prop_map(Nearest::Seed),
        (-1000..1000).prop_map(|tenths| Nearest::GuidanceScale(f64::from(tenths) / 10.0)),
        vec(text(), 0..3).prop_map(Nearest::OneOf),
    ]
}

fn violation() -> impl Strategy<Value = Violation> {
    let source = prop::sample::select(vec![
        Source::documented("003", "size"),
        Source::published("https://a.example", "limits"),
        Source::derived("a test"),
        Source::overridden("limits.json"),
    ]);
    let by = prop::sample::select(vec![StatedBy::Seller, StatedBy::Vendor, StatedBy::Ours, StatedBy::User]);
    let waiver = prop::sample::select(vec![Waiver::Sent, Waiver::Omitted, Waiver::NoMember, Waiver::Never]);
    (field(), text(), of(nearest()), source, by, text(), waiver).prop_map(
        |(field, message, nearest, source, stated_by, seller, waiver)| Violation {
            field,
            message,
            nearest,
            source,
            stated_by,
            seller: seller.into(),
            waiver,
        },
    )
}

fn attempt() -> impl Strategy<Value = Attempt> {
    (any::<u32>(), any::<u64>(), text(), text())
        .prop_map(|(number, nanos, place, outcome)| Attempt::new(number, Duration::from_nanos(nanos), place, outcome))
}

fn task() -> impl Strategy<Value = Task> {
    let id = || "[a-z0-9-]{1,12}".prop_map(|id| TaskId::new(id).unwrap());
    let said = (of(moment()), of(any::<u32>()), of(any::<bool>()));
    (text(), text(), id(), vec(id(), 0..3), text(), said, usage()).prop_map(
        |(provider, endpoint, id, other_ids, model, (submitted_at, estimated_seconds, can_cancel), usage)| Task {
            provider: provider.into(),
            endpoint,
            id,
            other_ids,
            model: ModelId::new(model),
            submitted_at,
            estimated_seconds,
            can_cancel,
            usage,
        },
    )
}

fn data() -> impl Strategy<Value = ImageData> {
    let data = prop_oneof![
        (text(), of(moment())).prop_map(|(url, expires_at)| ImageData::Url { url, expires_at }),
        vec(any::<u8>(), 0..9).prop_map(|bytes| ImageData::Bytes(Bytes::from(bytes))),
        text().prop_map(|file| ImageData::File(file.into())),
    ];
    (data, of(text())).prop_map(|(data, reason)| match reason {
        Some(reason) => ImageData::Incomplete { data: Box::new(data), reason },
        None => data,
    })
}

fn image() -> impl Strategy<Value = GeneratedImage> {
    let format = prop::sample::select(vec![OutputFormat::Png, OutputFormat::Jpeg]);
    (any::<u32>(), data(), of(pixels()), of(format), other())
        .prop_map(|(index, data, size, format, other)| GeneratedImage { index, data, size, format, other })
}

fn failure() -> impl Strategy<Value = ImageFailure> {
    (any::<u32>(), kind(), of(text()), text(), of(text()), of(moment())).prop_map(
        |(index, kind, code, message, url, expires_at)| ImageFailure { index, kind, code, message, url, expires_at },
    )
}

fn generation() -> impl Strategy<Value = Generation> {
    let outcome = prop_oneof![image().prop_map(Ok), failure().prop_map(Err)];
    let said = (of(text()), of(moment()), of(text()));
    (text(), said, vec(outcome, 0..4), usage(), vec(warning(), 0..3), of(charge())).prop_map(
        |(model, (reported_model, created, request_id), outcomes, usage, warnings, charged)| Generation {
            model: ModelId::new(model),
            reported_model,
            created,
            request_id,
            outcomes,
            usage,
            warnings,
            charged,
            raw: Bytes::new(),
        },
    )
}

fn error() -> impl Strategy<Value = Error> {
    let words = (text(), of(text()), of(text()), of(text()), of(text()));
    let held = (of(task()), vec(violation(), 0..3), vec(attempt(), 0..3), of(generation()), of(text()));
    (kind(), charge(), words, of(100_u16..1000), of(any::<u32>()), held).prop_map(
        |(kind, charge, (message, advice, provider, code, param), status, wait, held)| {
            let (task, violations, attempts, generation, kept) = held;
            let mut headers = http::HeaderMap::new();
            headers.extend(wait.map(|wait| (http::header::RETRY_AFTER, wait.into())));
            let response = |status| {
                crate::Response::new(StatusCode::from_u16(status).unwrap(), headers, "", Timestamp::UNIX_EPOCH)
            };
            let mut error = match (violations.is_empty(), status.map(response)) {
                (false, _) => Error::from_violations(message, violations),
                (true, Some(response)) => Error::from_response(kind, message, &response),
                (true, None) => Error::new(kind, message),
            };
            error = error.with_charge(charge).with_code_and_param(code.clone(), param).with_request_id(code);
            error = advice.into_iter().fold(error, |error, advice| error.with_advice(advice).adding("; see above"));
            error = provider.into_iter().fold(error, Error::with_provider);
            error = task.into_iter().fold(error, Error::with_task);
            error = generation.into_iter().fold(error, Error::with_generation);
            error = kept.into_iter().fold(error, |error, kept| error.with_kept(kept));
            error.with_attempts(attempts)
        },
    )
}

/// Adds unknown members to every object, except to objects whose members all belong to the provider.
fn sprinkled(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let known = members.iter().map(|(name, value)| {
                let is_free = name == "other";
                (name.clone(), if is_free { value.clone() } else { sprinkled(value) })
            });
            let mut members: Map<_, _> =
                [("a_newer_one".to_owned(), json!({ "x": [1, { "kind": 2 }] }))].into_iter().collect();
            members.extend(known);
            members.insert("zz_newest".to_owned(), json!("z"));
            members.into()
        }
        Value::Array(values) => values.iter().map(sprinkled).collect(),
        other => other.clone(),
    }
}

fn round_trips<T: Serialize + DeserializeOwned + PartialEq + Debug>(stored: &T) {
    let text = serde_json::to_string(stored).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), stored, "{text}");
    let newer = sprinkled(&serde_json::from_str(&text).unwrap()).to_string();
    assert_eq!(&serde_json::from_str::<T>(&newer).unwrap(), stored, "{newer}");
}

proptest! {
    #[test]
    fn parts_of_a_record_are_read_as_they_were_written(
        usage in usage(), warning in warning(), violation in violation(), attempt in attempt(), task in task(),
        amount in amount(), image in image(), failure in failure(),
    ) {
        round_trips(&usage);
        round_trips(&warning);
        round_trips(&violation);
        round_trips(&attempt);
        round_trips(&task);
        round_trips(&amount);
        round_trips(&image);
        round_trips(&failure);
    }

    #[test]
    fn a_generation_is_read_as_it_was_written(generation in generation()) {
        round_trips(&generation);
    }

    #[test]
    fn an_error_is_the_same_after_it_was_stored(error in error()) {
        let stored = StoredError::from(&error);
        round_trips(&stored);
        let again = Error::from(stored.clone());
        prop_assert_eq!(StoredError::from(&again), stored);
        prop_assert_eq!(again.to_string(), error.to_string());
        prop_assert_eq!(again.is_safe_to_retry(), error.is_safe_to_retry());
    }

    #[test]
    fn a_word_of_a_newer_version_is_never_safe_to_retry(word in "[a-z_]{0,12}x", charge in charge()) {
        let stored = json!({ "kind": word, "message": "", "charge": charge });
        let error = Error::from(serde_json::from_value::<StoredError>(stored).unwrap());
        prop_assert!(!error.is_safe_to_retry());
        prop_assert_eq!(error.charge(), charge);
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn words_of_a_newer_version_are_read_with_caution() {
    assert_eq!(read::<Charge>("partly".into()), Charge::Unknown);
    assert_eq!(read::<ErrorKind>("melted".into()), ErrorKind::Server);
    assert_eq!(read::<Stage>("between".into()), Stage::Unknown);
    assert_eq!(read::<Medium>("sound".into()), Medium::Unknown);
    assert_eq!(read::<SourceKind>("rumoured".into()), SourceKind::Derived);
    assert_eq!(read::<StatedBy>("court".into()), StatedBy::Seller);
    assert_eq!(read::<Waiver>("bribed".into()), Waiver::Never);
    let warning: Warning = read(json!({ "kind": "sings", "field": "melody", "message": "m" }));
    assert_eq!(warning, Warning::new(WarningKind::Other, None, "m"));
    let violation: Violation = read(json!({
        "field": "melody", "message": "m", "nearest": { "melody": "a b" }, "stated_by": "court", "seller": "s",
        "source": { "document": "d", "at": "a", "read": "2026-11-20", "kind": "rumoured" },
    }));
    assert_eq!((violation.field, violation.nearest), (Field::Extra, None));
    let image: GeneratedImage =
        read(json!({ "index": 0, "url": "https://a.example", "size": "2048x2048x8", "format": "avif" }));
    assert_eq!((image.size, image.format), (None, None));
}

#[test]
fn every_kind_has_a_word_that_is_read_as_itself() {
    for word in ["config", "overloaded", "task_not_found", "storage", "not_recorded", "content_rejected"] {
        assert_eq!(read::<ErrorKind>(word.into()).as_str(), word);
    }
}

#[test]
fn a_stored_image_in_a_form_of_a_newer_version_is_a_failure_that_keeps_its_url() {
    let generation: Generation = read(json!({
        "model": "m", "usage": {}, "warnings": [], "outcomes": [
            { "outcome": "film", "index": 7, "url": "https://a.example/7.mp4" },
            { "outcome": "image", "layers": [] },
            { "outcome": "image", "index": 2, "base64": "!" },
        ],
    }));
    let failures: Vec<_> = generation.failures().map(|f| (f.index, f.kind, f.url.as_deref())).collect();
    let kind = ErrorKind::MalformedResponse;
    assert_eq!(failures, [(7, kind, Some("https://a.example/7.mp4")), (1, kind, None), (2, kind, None)]);
}

#[test]
fn an_error_and_a_generation_have_one_stored_form() {
    let mut task = Task::new("evolink", "https://api.evolink.ai", TaskId::new("task-1").unwrap(), "m".into());
    task.submitted_at = Some("2026-11-20T20:00:00Z".parse().unwrap());
    let mut generation = Generation::new("seedream-4.5".into());
    let expires_at = "2026-11-21T20:00:00Z".parse().unwrap();
    let at = |index, data| GeneratedImage { size: Some(Pixels::of(2048, 2048)), ..GeneratedImage::new(index, data) };
    let file = || ImageData::File("images/ark-1-2.png".into());
    let reason = "the PNG ends without its IEND chunk".to_owned();
    let mut inline = at(1, ImageData::Bytes(Bytes::from_static(b"\x89PNG")));
    (inline.format, inline.other) = (Some(OutputFormat::Png), Map::from_iter([("seed".to_owned(), 7.into())]));
    let rejected = ErrorKind::rejected(Stage::Output, Medium::Image);
    generation.outcomes = vec![
        Ok(at(0, ImageData::Url { url: "https://a.example/0.png?sig=1".into(), expires_at: Some(expires_at) })),
        Ok(inline),
        Ok(at(2, ImageData::Incomplete { data: Box::new(file()), reason })),
        Err(ImageFailure::new(3, rejected, "refused").with_code("SensitiveContent".to_owned())),
    ];
    generation.usage.generated_images = Some(3);
    generation.warnings.push(Warning::new(WarningKind::Truncated, Field::Count, "3 of 4"));
    generation.charged = Some(Charge::Unknown);
    insta::assert_snapshot!("generation", serde_json::to_string_pretty(&generation).unwrap());

    let violation = Violation {
        field: Field::Size,
        message: "is too small".to_owned(),
        nearest: Some(Nearest::Size(Size::pixels(1920, 1920))),
        source: Source::documented("003", "size"),
        stated_by: StatedBy::Seller,
        seller: "Ark".into(),
        waiver: Waiver::Sent,
    };
    let stored = StoredError {
        kind: ErrorKind::rejected(Stage::Input, Medium::Text),
        message: "the prompt was refused".to_owned(),
        advice: Some("change it".to_owned()),
        charge: Charge::No,
        provider: Some("ark".to_owned()),
        status: Some(400),
        code: Some("InputTextSensitiveContentDetected".to_owned()),
        param: Some("prompt".to_owned()),
        request_id: Some("0217".to_owned()),
        retry_after_ms: Some(1500),
        task: Some(task),
        kept: Some("images/ark-1.response".into()),
        violations: vec![violation],
        attempts: vec![Attempt::new(1, Duration::from_micros(1_234_567), "https://ark.example", "HTTP 400")],
        generation: Some(Generation::new("seedream-4.5".into())),
    };
    insta::assert_snapshot!("stored_error", serde_json::to_string_pretty(&stored).unwrap());
}
