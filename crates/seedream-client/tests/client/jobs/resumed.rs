//! What is left of a job is collected, and nothing is bought.

use std::{fs, path::Path, sync::Arc, time::Duration};

use seedream_client::{
    Client, DownloadOptions, FolderStore, Intent, JobRecord, JobStore, Location, Outcome, RecordEntry,
};
use seedream_core::{Charge, ErrorKind, GeneratedImage, Generation, ImageData, Task, TaskId, Timestamp, WarningKind};

use super::{Act, DONE, Ledger, PNG, Shelf, Wire, client, with};
use crate::tiny_dialects::{KEY, Tiny, TinyTasks, request, texts};

/// A client that tries each download once.
fn hasty(wire: &Wire) -> Client {
    let wire = Arc::new(wire.clone());
    let options = DownloadOptions::default().waits(Duration::ZERO, Duration::ZERO);
    let builder = Client::builder(Tiny).transport(wire.clone()).download_transport(wire).download(options);
    builder.seed(1).build().unwrap()
}

fn url(index: u32, expires: Option<&str>) -> GeneratedImage {
    let url = format!("https://a.example/{index}.png");
    GeneratedImage::new(index, ImageData::Url { url, expires_at: expires.map(|at| at.parse::<Timestamp>().unwrap()) })
}

fn answered(images: Vec<GeneratedImage>, whole: bool) -> RecordEntry {
    let mut generation = Generation::new("tiny-1".into());
    generation.outcomes = images.into_iter().map(Ok).collect();
    RecordEntry::Answered { generation, whole, raw: None }
}

async fn begun(store: &dyn JobStore, entries: Vec<RecordEntry>) -> String {
    let mut intent = Intent::new("mine", "tiny", "tiny-1".into());
    intent.endpoint = "https://tiny.example".into();
    intent.purchase = 3;
    let mut record: Box<dyn JobRecord> = store.begin(&intent).await.unwrap();
    for entry in entries {
        record.append(entry).await.unwrap();
    }
    record.id().to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn gets(wire: &Wire) -> Vec<String> {
    wire.lines().into_iter().filter(|line| line.starts_with("GET")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_is_completed_by_the_images_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let two = r#"{"data":[{"url":"https://a.example/0.png"},{"url":"https://a.example/1.png"}]}"#;
    let wire = Wire::new(move |line, number| match (line.starts_with("POST"), line.ends_with("/1.png")) {
        (true, _) => Act::ok(two),
        (false, true) if number == 0 => Act::status(403),
        (false, true) if number == 1 => Act::status(410),
        _ => Act::ok(PNG),
    });
    let client = hasty(&wire);
    let first = client.job(request().count(2)).save_to(folder.path()).run().await.unwrap();
    assert_eq!((first.images.len(), first.failures.len(), first.is_incomplete()), (1, 1, true));
    assert_eq!((first.delivered, first.charge), (2, Charge::Yes), "what could not be saved was delivered");
    assert_eq!(names(folder.path()), ["tiny-0.json", "tiny-0.png"]);
    let sidecar = folder.path().join("tiny-0.json");
    let left = FolderStore::resumable(folder.path()).await.unwrap();
    assert_eq!((left.len(), &left[0].as_ref().unwrap().path), (1, &sidecar));

    let resume = || client.resume(sidecar.to_str().unwrap());
    let failed = resume().run().await.unwrap_err();
    assert_eq!((failed.error().charge(), failed.outcome().charge), (Charge::Yes, Charge::Yes));
    assert!(failed.error().message().contains("no image was saved"), "{failed}");
    assert_eq!(failed.outcome().images.len(), 1, "the one that was there");
    let why = |outcome: &Outcome| outcome.failures[0].message.clone();
    assert!(why(&first).contains("403") && why(failed.outcome()).contains("410"), "{failed}");

    let done = resume().run().await.unwrap();
    assert_eq!(done.images.iter().map(|image| image.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        (done.failures.len(), done.charge, done.sidecar.clone()),
        (0, Charge::Yes, Some(Location::File(sidecar.clone())))
    );
    let stored: Outcome = serde_json::from_str(&fs::read_to_string(&sidecar).unwrap()).unwrap();
    let files: Vec<_> = stored.images.iter().map(|image| image.location.to_string()).collect();
    assert_eq!((files, stored.is_incomplete()), (vec!["tiny-0.png".into(), "tiny-1.png".into()], false));
    assert_eq!((stored.job, stored.purchase), (first.job, first.purchase));
    assert!(FolderStore::resumable(folder.path()).await.unwrap().is_empty());
    // Nothing is left to do.
    let before = wire.lines();
    assert_eq!(resume().run().await.unwrap().images.len(), 2);
    assert_eq!((wire.lines(), wire.posts()), (before, 1));

    for (name, text, told) in [
        ("none.json", None, "cannot be read"),
        ("other.json", Some("{}"), "is not a metadata file of a job"),
        ("newer.json", Some(r#"{"schema":"seedream-sidecar/9"}"#), "seedream-sidecar/9"),
    ] {
        let path = folder.path().join(name);
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let error = client.resume(path.to_str().unwrap()).run().await.unwrap_err();
        assert_eq!(error.error().kind(), ErrorKind::Storage);
        assert!(error.error().message().contains(told), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_expires_first_is_fetched_first_and_what_is_there_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::new(|_, _| Act::ok(PNG));
    fs::write(folder.path().join("tiny-0.png"), PNG).unwrap();
    fs::write(folder.path().join("tiny-1.png"), &PNG[..40]).unwrap();
    fs::write(folder.path().join("tiny-4.png"), PNG).unwrap();
    let sha256 = "43bb3805a75dd0471248ae00fb1b98442b2101cb5994c6122b4985782a526845";
    let saved = |index: u32, file: &str| RecordEntry::Image {
        index,
        location: Location::File(file.into()),
        sha256: sha256.into(),
    };
    let late = Some("2026-11-22T20:00:00Z");
    let mut images: Vec<_> = (0..5).map(|index| url(index, late)).collect();
    images.push(url(5, Some("2026-11-21T20:00:00Z")));
    let store = FolderStore::new(folder.path());
    // The folder was moved since: its images are found all the same.
    let entries = vec![answered(images, true), saved(0, "/gone/tiny-0.png"), saved(1, "/gone/tiny-1.png")];
    // Two are there, and one of them is on record twice.
    let entries = [entries, vec![saved(4, "/gone/tiny-4.png"), saved(0, "/gone/tiny-0.png")]].concat();
    let record = begun(&store, entries).await;
    let outcome = client(Tiny, &wire).resume(&record).run().await.unwrap();
    // Three are fetched at a time.
    let gets = gets(&wire);
    assert!(gets[..3].contains(&"GET https://a.example/5.png".to_owned()), "{gets:?}");
    assert!(
        gets.len() == 4
            && !gets.contains(&"GET https://a.example/4.png".to_owned())
            && !gets.contains(&"GET https://a.example/0.png".to_owned()),
        "{gets:?}"
    );
    assert_eq!(outcome.images.iter().map(|image| image.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        (outcome.job.as_str(), outcome.purchase, outcome.endpoint.as_str()),
        ("mine", 3, "https://tiny.example")
    );
    assert_eq!((outcome.delivered, outcome.charge, wire.posts()), (6, Charge::Yes, 0));
    assert!(!Path::new(&record).exists() && outcome.sidecar.is_some());
    let sidecar = fs::read_to_string(outcome.sidecar.unwrap().file().unwrap()).unwrap();
    assert!(sidecar.contains("\"asked\": null"), "its request was not described: {sidecar}");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_stream_that_broke_off_says_so() {
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let wire = Wire::new(|_, _| Act::ok(PNG));
    let parts = vec![answered(vec![url(0, None)], false), answered(vec![url(1, None)], false)];
    let record = begun(&ledger, parts).await;
    let outcome = with(client(Tiny, &wire).resume(&record), &ledger, &shelf).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.warnings[0].kind), (2, WarningKind::Incomplete));
    let whole = vec![answered(vec![url(0, None)], false), answered(vec![url(0, None), url(1, None)], true)];
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let record = begun(&ledger, whole).await;
    let outcome = with(client(Tiny, &wire).resume(&record), &ledger, &shelf).without_sidecar().run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.warnings.len(), outcome.sidecar), (2, 0, None));
}

#[tokio::test(start_paused = true)]
async fn a_record_with_nothing_to_collect_tells_what_it_may_have_cost() {
    let wire = Wire::new(|_, _| panic!("nothing is sent"));
    let client = client(Tiny, &wire);
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::new(folder.path());
    let open = begun(&store, Vec::new()).await;
    fs::write(folder.path().join("unsaved-1.png"), PNG).unwrap();
    let error = client.resume(&open).run().await.unwrap_err();
    let warnings = &error.outcome().warnings;
    assert!(matches!(&warnings[..], [one] if one.message.contains("unsaved-1.png")), "{warnings:?}");
    assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::NoImages, Charge::Unknown));
    assert_eq!((error.outcome().charge, error.outcome().record.as_deref()), (Charge::Unknown, Some(&*open)));
    assert!(Path::new(&open).exists() && error.error().message().contains("before the response"), "{error}");

    let free = begun(&store, vec![RecordEntry::NotSent { error: None }]).await;
    let error = client.resume(&free).run().await.unwrap_err();
    assert_eq!((error.error().charge(), error.outcome().record.as_deref()), (Charge::No, None));
    assert!(!Path::new(&free).exists() && error.error().message().contains("nothing was bought"), "{error}");
    assert_eq!((error.outcome().provider.as_str(), error.outcome().warnings.len()), ("tiny", 0));

    let other = store.begin(&Intent::new("mine", "other", "m".into())).await.unwrap().id().to_owned();
    let error = client.resume(&other).run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::Config, Charge::Unknown));
    assert!(error.error().message().contains("is of other"), "{error}");
    let error = client.resume("/nonexistent/tiny-0.job.jsonl").run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::Storage, Charge::No));
}

/// A record must not steer the key to a host of its own choice.
#[tokio::test(start_paused = true)]
async fn a_task_elsewhere_is_collected_only_where_the_caller_says() {
    let wire = super::wire(|_, _| Act::ok(DONE));
    let client = client(TinyTasks, &wire);
    let task = Task::new("tiny", "https://evil.example", TaskId::new("job-9").unwrap(), "tiny-1".into());
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let record = begun(&ledger, vec![RecordEntry::Accepted { task: task.clone() }]).await;
    let resume = || with(client.resume(&record), &ledger, &shelf);
    let error = resume().run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.outcome().charge), (ErrorKind::Config, Charge::Unknown));
    assert_eq!((error.outcome().task.as_ref(), error.outcome().record.as_deref()), (Some(&task), Some(&*record)));
    assert!(!texts(error.error()).contains(KEY) && wire.lines().is_empty());
    let outcome = resume().at("https://tiny.example").run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.endpoint.as_str(), wire.posts()), (1, "https://tiny.example", 0));
    assert!(wire.lines()[0].starts_with("GET https://tiny.example/v1/jobs/job-9"));
    assert!(ledger.is_over());
}

#[tokio::test(start_paused = true)]
async fn a_task_of_which_only_the_id_is_known_is_collected_without_a_record() {
    let wire = super::wire(|_, _| Act::ok(DONE));
    let client = client(TinyTasks, &wire);
    let task = client.task(TaskId::new("job-9").unwrap());
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let job = seedream_client::Job::collecting(Arc::new(client.clone()), task.clone());
    assert_eq!(job.plan().unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(job.request().is_none());
    let outcome = with(job, &ledger, &shelf).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.requested, outcome.task), (1, None, Some(task)));
    assert_eq!((ledger.log(), wire.posts()), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_cut_short_was_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::new(|line, _| if line.starts_with("POST") { Act::ok(super::ONE) } else { Act::ok(&PNG[..40]) });
    let error = hasty(&wire).job(request()).save_to(folder.path()).run().await.unwrap_err();
    assert_eq!((error.error().kind(), error.outcome().delivered), (ErrorKind::IncompleteImage, 0));
    assert_eq!((error.outcome().charge, error.outcome().failures.len()), (Charge::Yes, 1));
    assert!(names(folder.path()).contains(&"tiny-0.partial.png".to_owned()), "{:?}", names(folder.path()));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_cut_short_inside_a_response_was_not_delivered() {
    use base64::Engine as _;
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let text = base64::engine::general_purpose::STANDARD.encode(crate::base64_images::png(1, 9000));
    let wire = Wire::new(move |_, _| Act::ok(format!(r#"{{"data":[{{"b64":"{}"#, &text[..9000])));
    let ended = with(client(Tiny, &wire).job(request()), &ledger, &shelf).run().await;
    let outcome = ended.as_ref().unwrap_or_else(|error| error.outcome());
    let came = outcome.generation.iter().flat_map(Generation::images);
    let cut = came.filter(|image| matches!(image.data, ImageData::Incomplete { .. })).count();
    assert_eq!((cut, outcome.delivered, wire.posts()), (1, 0, 1), "{ended:?}");
}

/// The process ended between the image and its entry.
#[tokio::test(start_paused = true)]
async fn an_image_that_was_saved_and_not_recorded_is_not_saved_again() {
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::new(|_, _| Act::ok(PNG));
    fs::write(folder.path().join("tiny-0.png"), PNG).unwrap();
    let record = begun(&FolderStore::new(folder.path()), vec![answered(vec![url(0, None)], true)]).await;
    let outcome = client(Tiny, &wire).resume(&record).run().await.unwrap();
    assert_eq!((outcome.images.len(), names(folder.path())), (1, vec!["tiny-0.json".into(), "tiny-0.png".into()]));
}
