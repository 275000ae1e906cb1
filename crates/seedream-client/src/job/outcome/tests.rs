//! What a job ends with is read again as it was written.

use proptest::{collection::vec, option::of, prelude::*};
use seedream_core::{ErrorKind, Medium, Stage, TaskId, WarningKind};
use serde_json::{Map, Value, json};

use super::*;

fn charge() -> impl Strategy<Value = Charge> {
    prop::sample::select(vec![Charge::No, Charge::Unknown, Charge::Yes])
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_102_444_800, 0_u64..1_000_000_000).prop_map(|(second, nano)| {
        Timestamp::from_unix_seconds(second)
            .and_then(|at| at.checked_add(std::time::Duration::from_nanos(nano)))
            .unwrap()
    })
}

fn location() -> impl Strategy<Value = Location> {
    prop_oneof![".{1,12}".prop_map(|path| Location::File(path.into())), ".{0,12}".prop_map(Location::Url)]
}

fn warning() -> impl Strategy<Value = Warning> {
    let kinds = prop::sample::select(vec![WarningKind::NotKept, WarningKind::Incomplete, WarningKind::FellBack]);
    (kinds, ".{0,12}").prop_map(|(kind, message)| Warning::new(kind, None, message))
}

fn kind() -> impl Strategy<Value = ErrorKind> {
    prop::sample::select(vec![
        ErrorKind::Storage,
        ErrorKind::NotRecorded,
        ErrorKind::Cancelled,
        ErrorKind::rejected(Stage::Output, Medium::Image),
    ])
}

fn task() -> impl Strategy<Value = Task> {
    ("[a-z0-9-]{1,12}", of(moment()), of(any::<u32>())).prop_map(|(id, submitted_at, estimated_seconds)| {
        let mut task = Task::new("tiny", "https://tiny.example", TaskId::new(id).unwrap(), "m".into());
        (task.submitted_at, task.estimated_seconds) = (submitted_at, estimated_seconds);
        task
    })
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = (any::<u32>(), any::<u32>(), ".{0,12}", ".{0,12}").prop_map(|(number, millis, place, outcome)| {
        Attempt::new(number, std::time::Duration::from_millis(millis.into()), place, outcome)
    });
    vec(attempt, 0..3)
}

fn report() -> impl Strategy<Value = StoredError> {
    (kind(), ".{0,12}", charge(), of(task()), attempts(), of("[a-z_]{1,8}")).prop_map(
        |(kind, message, charge, task, attempts, code)| {
            let error =
                Error::new(kind, message).with_charge(charge).with_attempts(attempts).with_code_and_param(code, None);
            StoredError::from(&task.into_iter().fold(error, Error::with_task))
        },
    )
}

fn image() -> impl Strategy<Value = SavedImage> {
    let size = of((any::<u32>(), any::<u32>()));
    let other = prop_oneof![
        Just(Map::new()),
        Just(json!({ "steps": [1, { "b": null }] })).prop_map(|value| value.as_object().unwrap().clone()),
    ];
    let source = (of(".{0,12}"), of(moment()));
    (any::<u32>(), location(), size, any::<u64>(), source, other, vec(warning(), 0..2)).prop_map(
        |(index, location, size, bytes, (url, expires_at), other, warnings)| SavedImage {
            index,
            location,
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            media_type: "image/png".into(),
            bytes,
            sha256: "ab".repeat(32),
            url,
            expires_at,
            other,
            warnings,
        },
    )
}

fn failure() -> impl Strategy<Value = ImageFailure> {
    (any::<u32>(), kind(), ".{0,12}", of((".{0,12}", of(moment())))).prop_map(|(index, kind, message, url)| {
        let failure = ImageFailure::new(index, kind, message);
        match url {
            Some((url, expires_at)) => failure.with_url(url, expires_at),
            None => failure,
        }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let words = (".{0,12}", ".{0,12}", ".{0,12}", of(".{0,12}"), of(".{0,12}"));
    let counts = (any::<u32>(), of(any::<u32>()), any::<u32>(), of(any::<u64>()), any::<u64>());
    let came = (vec(image(), 0..3), vec(failure(), 0..3), vec(warning(), 0..3), attempts());
    let rest = (charge(), of(task()), of(report()), of(location()), of(moment()), moment());
    (words, counts, came, rest).prop_map(
        |(
            (job, provider, endpoint, request_id, record),
            (purchase, requested, delivered, billed, elapsed_ms),
            (images, failures, warnings, attempts),
            (charge, task, error, sidecar, created, begun_at),
        )| {
            let mut outcome = Outcome::new(job, purchase);
            (outcome.provider, outcome.endpoint, outcome.model) = (provider, endpoint, "m".into());
            (outcome.reported_model, outcome.request_id, outcome.record) = (request_id.clone(), request_id, record);
            (outcome.requested, outcome.delivered, outcome.billed) = (requested, delivered, billed);
            outcome.usage.generated_images = billed;
            (outcome.images, outcome.failures, outcome.warnings) = (images, failures, warnings);
            (outcome.attempts, outcome.charge, outcome.task, outcome.error) = (attempts, charge, task, error);
            (outcome.sidecar, outcome.created, outcome.begun_at, outcome.elapsed_ms) =
                (sidecar, created, begun_at, elapsed_ms);
            outcome
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_outcome_is_read_as_it_was_written(outcome in outcome()) {
        let mut stored = serde_json::to_value(&outcome).unwrap();
        prop_assert_eq!(&serde_json::from_value::<Outcome>(stored.clone()).unwrap(), &outcome);
        // A newer version may say more.
        stored["settled"] = json!({ "micros": 1 });
        prop_assert_eq!(&serde_json::from_value::<Outcome>(stored).unwrap(), &outcome);
        let text = serde_json::to_string(&outcome).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Outcome>(&text).unwrap(), &outcome);
    }

    #[test]
    fn what_a_job_failed_with_is_in_its_outcome(report in report()) {
        let failed = JobError::with(Error::from(report.clone()), Outcome::new("mine", 2));
        let stored = serde_json::to_string(failed.outcome()).unwrap();
        let read: Outcome = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(read.error.as_ref(), Some(&report));
        prop_assert_eq!(&StoredError::from(&Error::from(read.error.unwrap())), &report);
        prop_assert_eq!((failed.error().kind(), failed.to_string()), (report.kind, failed.error().to_string()));
    }
}

#[test]
fn every_member_of_an_outcome_is_always_there() {
    let stored = serde_json::to_value(Outcome::new("mine", 1)).unwrap();
    let members: Vec<_> = stored.as_object().unwrap().keys().map(String::as_str).collect();
    for member in ["billed", "error", "record", "sidecar", "task", "requested"] {
        assert!(members.contains(&member) && stored[member] == Value::Null, "{member}");
    }
    assert_eq!(members.len(), 23, "{members:?}");
}
