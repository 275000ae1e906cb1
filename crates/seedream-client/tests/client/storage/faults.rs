//! Stores that fail: no image is lost, none is bought twice, and no key is shown.

use std::{fs, path::Path};

use seedream_client::{
    FolderStore, Job, JobError, Location, Outcome,
    storage::{BucketOutput, CheckedStep, Proof, StorageCheck, check},
};
use seedream_core::{Charge, ErrorKind};
use tempfile::TempDir;

use super::{
    Act, ID, SECRET, Wire, client, job, names, open, provider, settings,
    store_double::{Answer, StoreDouble},
};

const ENDPOINT: [(&str, &str); 1] = [("AWS_ENDPOINT_URL_S3", "https://store.example")];

/// More than a part.
const LARGE: usize = 9 << 20;

async fn opened(store: &StoreDouble, spool: &Path) -> BucketOutput {
    open(settings("s3://b/p", &ENDPOINT), spool, store.clone()).await.unwrap()
}

/// A store with checksums, a spool folder, and its output.
async fn setup() -> (StoreDouble, TempDir, BucketOutput) {
    let (store, spool) = (StoreDouble::new(true), tempfile::tempdir().unwrap());
    let output = opened(&store, spool.path()).await;
    (store, spool, output)
}

/// Continues the only record of the spool.
async fn resume(wire: &Wire, output: &BucketOutput, spool: &Path) -> Result<Outcome, JobError> {
    let record = names(spool).into_iter().find(|name| name.ends_with(".job.jsonl")).expect("a record");
    let record = spool.join(record).to_str().unwrap().to_owned();
    Job::resumed(std::sync::Arc::new(client(wire)), record).output(std::sync::Arc::new(output.clone())).run().await
}

/// What is in the bucket are these images and their metadata, and in the spool nothing.
#[track_caller]
fn all_is_saved(store: &StoreDouble, spool: &Path, outcome: &Outcome, bytes: usize) {
    let objects = store.objects();
    assert_eq!(outcome.failures, []);
    assert_eq!(outcome.record, None);
    for image in &outcome.images {
        let url = image.location.to_string();
        let key = url.strip_prefix("s3://b/").unwrap();
        assert!(key.starts_with("p/team/fox-") && key.ends_with(&format!("-{}.png", image.index)), "{key}");
        assert_eq!(objects[key], super::png(image.index as usize, bytes));
    }
    let Some(Location::Url(sidecar)) = &outcome.sidecar else { panic!("{:?}", outcome.sidecar) };
    let text = &objects[sidecar.strip_prefix("s3://b/").unwrap()];
    let metadata: serde_json::Value = serde_json::from_slice(text).unwrap();
    assert_eq!(metadata["images"][0]["saved_url"], outcome.images[0].location.to_string());
    assert_eq!(objects.len(), outcome.images.len() + 1, "{:?}", objects.keys());
    assert_eq!((names(spool), store.uploads()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn a_busy_store_and_a_cut_connection_are_tried_again() {
    for (bytes, requests) in
        [(100, &["PUT p/team", "HEAD p/team"][..]), (LARGE, &["POST uploads", "PUT part", "POST upload "])]
    {
        for answer in [Answer::Refuse(503, "SlowDown"), Answer::Cut, Answer::Lost] {
            let (store, spool, output) = setup().await;
            assert_eq!(output.proof(), Proof::Sha256);
            let (requests, first) = (requests.to_vec(), answer.clone());
            store.rule(move |name, number| {
                let is_one = requests.iter().any(|request| name.starts_with(request));
                if is_one && number == 0 { first.clone() } else { Answer::Serve }
            });
            let (client, wire) = provider(1, bytes);
            let outcome = job(&client, &output, spool.path()).run().await.unwrap();
            // An upload whose beginning was lost is not known: no note can name it.
            let unknown = usize::from(bytes == LARGE && matches!(answer, Answer::Lost));
            assert_eq!(store.uploads(), unknown);
            if unknown == 0 {
                all_is_saved(&store, spool.path(), &outcome, bytes);
            }
            assert_eq!((wire.posts(), outcome.images.len()), (1, 1), "{answer:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_sent_waits_and_is_sent_when_the_job_is_resumed() {
    for (images, bytes) in [(2, 100), (1, LARGE)] {
        for (fault, message) in [
            (Answer::Refuse(403, "AccessDenied"), "HTTP 403 AccessDenied; the keys lack a permission"),
            (Answer::Refuse(503, "SlowDown"), "HTTP 503 SlowDown; try again later"),
            (Answer::Cut, "the connection was lost"),
            (Answer::Size(7), "the store has 7 bytes of"),
        ] {
            let (store, spool, output) = setup().await;
            let is_head = matches!(fault, Answer::Size(_));
            let first = fault.clone();
            store.rule(move |name, _| {
                let is_it =
                    name.ends_with(".png") && name.starts_with("HEAD") == is_head && !name.starts_with("DELETE");
                if is_it { first.clone() } else { Answer::Serve }
            });
            let (client, wire) = provider(images, bytes);
            let error = job(&client, &output, spool.path()).run().await.unwrap_err();
            let outcome = error.outcome();
            assert_eq!((outcome.charge, outcome.failures.len(), wire.posts()), (Charge::Yes, images, 1));
            assert_eq!(outcome.failures[0].kind, ErrorKind::Storage);
            let text = &outcome.failures[0].message;
            assert!(text.contains(message) && text.contains("it waits in"), "{text}");
            for canary in [ID, SECRET] {
                assert!(!format!("{error:?} {error}").contains(canary), "{error:?}");
            }
            assert!(outcome.record.is_some());
            assert_eq!(names(spool.path()).iter().filter(|name| name.starts_with("waiting-")).count(), images);
            let record = outcome.record.clone().unwrap();
            let refused = Job::resumed(std::sync::Arc::new(client.clone()), record).run().await.unwrap_err();
            assert!(refused.error().message().contains("go to s3://b/p: resume it with that output"), "{refused}");
            // The images at their URLs are gone by now.
            let gone = Wire::new(|_, _| Act::status(403));
            store.rule(|_, _| Answer::Serve);
            let outcome = resume(&gone, &output, spool.path()).await.unwrap();
            assert_eq!((gone.lines().len(), outcome.images.len()), (0, images));
            all_is_saved(&store, spool.path(), &outcome, bytes);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_bucket_is_not_fetched_again() {
    let (store, spool, output) = setup().await;
    store.rule(|name, _| if name.contains("-1.png") { Answer::Refuse(403, "AccessDenied") } else { Answer::Serve });
    let (client, _) = provider(3, 100);
    let outcome = job(&client, &output, spool.path()).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.failures.len(), outcome.record.is_some()), (2, 1, true));
    let sent = store.count("PUT p/team");
    store.rule(|_, _| Answer::Serve);
    let gone = Wire::new(|_, _| Act::status(403));
    let outcome = resume(&gone, &output, spool.path()).await.unwrap();
    all_is_saved(&store, spool.path(), &outcome, 100);
    // The image that was missing, and the metadata.
    assert_eq!((store.count("PUT p/team"), gone.lines().len()), (sent + 2, 0));
}

/// As after a kill between the upload and its entry in the record.
#[tokio::test(start_paused = true)]
async fn an_image_that_was_sent_and_not_recorded_is_sent_to_the_same_key() {
    let (store, spool, output) = setup().await;
    store.rule(|name, _| if name.ends_with(".json") { Answer::Refuse(403, "AccessDenied") } else { Answer::Serve });
    let (client, wire) = provider(2, 100);
    let outcome = job(&client, &output, spool.path()).run().await.unwrap();
    assert!(
        outcome.record.is_some() && outcome.warnings.iter().any(|warning| warning.to_string().contains("metadata"))
    );
    let before = store.objects();
    let record = outcome.record.unwrap();
    let text = fs::read_to_string(&record).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.contains(r#""entry":"image""#)).collect();
    assert!(kept.len() + 2 == text.lines().count(), "{text}");
    fs::write(&record, kept.join("\n") + "\n").unwrap();
    store.rule(|_, _| Answer::Serve);
    let outcome = resume(&wire, &output, spool.path()).await.unwrap();
    all_is_saved(&store, spool.path(), &outcome, 100);
    let mut after = store.objects();
    after.retain(|key, _| key.ends_with(".png"));
    assert_eq!((after, wire.posts()), (before, 1));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_cannot_be_ended_is_noted_and_ended_by_the_next_start() {
    let (store, spool, output) = setup().await;
    let refuse = |name: &str, _: usize| match name {
        name if name.starts_with("PUT part") => Answer::Refuse(403, "AccessDenied"),
        name if name.starts_with("DELETE upload") => Answer::Refuse(403, "AccessDenied"),
        _ => Answer::Serve,
    };
    store.rule(refuse);
    let (client, _) = provider(1, LARGE);
    job(&client, &output, spool.path()).run().await.unwrap_err();
    let notes = |spool: &Path| names(spool).iter().filter(|name| name.ends_with(".upload")).count();
    assert_eq!((store.uploads(), notes(spool.path())), (1, 1));
    // Another bucket's start leaves it alone, and one that may not end it says so.
    let other = settings("s3://b/p", &[("AWS_ENDPOINT_URL_S3", "https://other.example")]);
    open(other, spool.path(), store.clone()).await.unwrap();
    let again = opened(&store, spool.path()).await;
    assert!(again.warnings()[0].contains("still open") && again.warnings()[0].contains(".upload"), "{again:?}");
    assert_eq!((store.uploads(), notes(spool.path())), (1, 1));
    store.rule(|_, _| Answer::Serve);
    assert_eq!(opened(&store, spool.path()).await.warnings(), [""; 0]);
    assert_eq!((store.uploads(), notes(spool.path())), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_without_checksums_is_used_and_its_proof_is_size() {
    let (store, spool) = (StoreDouble::new(false), tempfile::tempdir().unwrap());
    let output = opened(&store, spool.path()).await;
    assert_eq!(output.proof(), Proof::Size);
    let (client, _) = provider(1, 100);
    let outcome = job(&client, &output, spool.path()).run().await.unwrap();
    all_is_saved(&store, spool.path(), &outcome, 100);
}

#[tokio::test(start_paused = true)]
async fn what_saving_needs_is_refused_before_anything_is_bought() {
    for (request, status, code, remedy) in [
        ("PUT", 404, "NoSuchBucket", "create the bucket"),
        ("PUT", 403, "InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID"),
        ("PUT", 403, "AccessDenied", "s3:PutObject"),
        ("PUT", 403, "InvalidPathAccess", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true"),
        ("HEAD", 403, "", "s3:GetObject"),
    ] {
        let (store, spool) = (StoreDouble::new(true), tempfile::tempdir().unwrap());
        store.rule(move |name, _| if name.starts_with(request) { Answer::Refuse(status, code) } else { Answer::Serve });
        let error = open(settings("s3://b/p", &ENDPOINT), spool.path(), store.clone()).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{request} s3://b/p/seedream-probe-")), "{error}");
        assert!(error.remedy().contains(remedy), "{error}: {}", error.remedy());
        assert_eq!(store.objects().len(), 0);
    }
    // A probe that must not be deleted is told.
    let (store, spool) = (StoreDouble::new(true), tempfile::tempdir().unwrap());
    store.rule(|name, _| if name.starts_with("DELETE") { Answer::Refuse(403, "AccessDenied") } else { Answer::Serve });
    assert!(opened(&store, spool.path()).await.warnings()[0].contains("the probe stays in the bucket"));
}

#[tokio::test(start_paused = true)]
async fn a_check_says_what_a_store_refuses() {
    let checked = |refused: &'static str| async move {
        let store = StoreDouble::new(true);
        store.rule(
            move |name, _| if name.starts_with(refused) { Answer::Refuse(403, "AccessDenied") } else { Answer::Serve },
        );
        let checked = check(&settings("s3://b", &ENDPOINT), std::sync::Arc::new(store.clone())).await;
        (checked, store.objects().len(), store.uploads())
    };
    let failed = |checked: &StorageCheck| -> Vec<&'static str> {
        checked.steps.iter().filter(|step| !step.ok).map(|step: &CheckedStep| step.step).collect()
    };
    for (refused, steps, usable, left) in [
        ("nothing", &[][..], true, (0, 0)),
        ("PUT seedream", &["put"], false, (0, 0)),
        ("HEAD", &["head", "multipart"], false, (1, 0)),
        ("GET", &["get"], true, (0, 0)),
        ("POST uploads", &["multipart", "abort"], false, (0, 0)),
        ("PUT part", &["multipart"], false, (0, 0)),
        ("DELETE upload", &["abort"], true, (0, 1)),
        ("DELETE seedream", &["delete"], true, (2, 0)),
    ] {
        let (checked, objects, uploads) = checked(refused).await;
        assert_eq!((failed(&checked), checked.is_usable()), (steps.to_vec(), usable), "{refused}: {checked:#?}");
        assert_eq!((objects, uploads), left, "{refused}");
    }
}

/// The id of a job is not taken twice in one folder, which is not what a bucket asks.
#[tokio::test(start_paused = true)]
async fn two_jobs_of_one_id_write_to_different_keys() {
    let (store, spool, output) = setup().await;
    let (client, _) = provider(1, 100);
    for _ in 0..2 {
        let outcome = job(&client, &output, spool.path()).run().await.unwrap();
        assert_eq!(outcome.images.len(), 1);
    }
    assert_eq!(store.objects().len(), 4, "{:?}", store.objects().keys());
    assert!(FolderStore::resumable(spool.path()).await.unwrap().is_empty());
}
