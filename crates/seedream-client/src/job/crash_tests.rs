//! What a crash leaves of whole jobs: every sync of one is taken out in turn, and each is needed.

use std::{collections::HashMap, path::Path, sync::Arc};

use base64::Engine as _;
use bytes::Bytes;
use seedream_core::{Charge, ImageData};

use super::Job;
use crate::{
    Client, RecordEntry,
    disk::{
        crash_states::{self, Tree},
        operation_log::{self, Op},
    },
    output::Sidecar,
    record::folder::histories,
};

#[allow(dead_code, reason = "the tests of jobs use all of it")]
#[path = "../../tests/client/jobs/job_transport.rs"]
mod job_transport;
#[allow(dead_code, reason = "the tests of the client use all of it")]
#[path = "../../tests/client/tiny_dialects.rs"]
mod tiny_dialects;

use self::{
    job_transport::{Act, Wire},
    tiny_dialects::{Tiny, TinyTasks, request},
};

const PNG: &[u8] = include_bytes!("../../tests/client/tiny.png");

/// How images come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Url,
    Inline,
    Task,
    Stream,
    /// At URLs, after a refusal that passes.
    Again,
}

const KINDS: [Kind; 5] = [Kind::Url, Kind::Inline, Kind::Task, Kind::Stream, Kind::Again];

/// The image of a number: no two have the same bytes.
fn image(kind: Kind, number: usize) -> Bytes {
    let mut bytes = PNG.to_vec();
    // What comes after its end; inside a response it is too long to stand there.
    bytes.resize(PNG.len() + if kind == Kind::Inline { 3000 } else { 3 }, u8::try_from(number).unwrap());
    bytes.into()
}

fn url(number: usize) -> String {
    format!("https://a.example/{number}.png")
}

fn response(kind: Kind, images: usize) -> Act {
    let inline = |number| base64::engine::general_purpose::STANDARD.encode(image(kind, number));
    let item = |number| match kind {
        Kind::Inline => format!(r#"{{"b64":"{}"}}"#, inline(number)),
        _ => format!(r#"{{"url":"{}"}}"#, url(number)),
    };
    let items: Vec<_> = (0..images).map(item).collect();
    if kind == Kind::Stream {
        let events = items.iter().map(|item| format!("data: {item}\n\n").into());
        return Act::Response(200, events.chain(["data: [DONE]\n\n".into()]).collect());
    }
    Act::ok(format!(r#"{{"status":"done","data":[{}],"billed":{images}}}"#, items.join(",")))
}

/// Runs a job and gives back what it did to the disk, between marks for all that went over the wire.
async fn run(kind: Kind, images: usize) -> Vec<Op> {
    run_as(kind, images, |job| job).await
}

async fn run_as(kind: Kind, images: usize, changed: fn(Job) -> Job) -> Vec<Op> {
    let folder = tempfile::tempdir().unwrap();
    let responses = move |line: &str, number: usize| {
        if let Some(image_url) = (0..images).find(|number| line.contains(&url(*number))) {
            return Act::ok(image(kind, image_url));
        }
        match (kind, line.starts_with("POST")) {
            (Kind::Task, true) => Act::ok(r#"{"id":"job-1"}"#),
            (Kind::Again, true) if number == 0 => Act::status(429),
            _ => response(kind, images),
        }
    };
    let marks = folder.path().to_owned();
    let wire = Arc::new(Wire::new(responses).seen(move |line| operation_log::mark(&marks, line)));
    let builder = if kind == Kind::Task { Client::builder(TinyTasks) } else { Client::builder(Tiny) };
    let client = builder.transport(wire.clone()).download_transport(wire).seed(1).build().unwrap();
    let job = client.job(request().stream(kind == Kind::Stream)).save_to(folder.path());
    let outcome = changed(job).run().await.unwrap();
    assert_eq!((outcome.images.len(), outcome.record), (images, None), "{:?}", outcome.failures);
    operation_log::below(folder.path())
}

/// What is missing in a state, where something is.
fn lost(kind: Kind, images: usize, log: &[Op], tree: &Tree) -> Option<String> {
    let marks =
        |part: &str| log.iter().filter(|op| matches!(op, Op::Mark { what, .. } if what.starts_with(part))).count();
    let records = match histories(tree) {
        Ok(records) => records,
        Err(error) => return Some(format!("a record cannot be read: {error}")),
    };
    let entries = || records.iter().flat_map(|record| &record.entries);
    let is_metadata = |(path, bytes): &(&Path, &[u8])| {
        path.extension().is_some_and(|extension| extension == "json")
            && std::str::from_utf8(bytes).is_ok_and(|text| Sidecar::read(text).is_ok())
    };
    let has_metadata = tree.files().any(|file| is_metadata(&file));
    let missing = || (0..images).find(|number| !tree.has(&image(kind, *number)));

    // The law, and its evidence.
    let posts = marks("POST");
    let begun = entries().filter(|entry| matches!(entry, RecordEntry::Intent(_))).count();
    if posts > 0 && begun == 0 {
        if !has_metadata {
            return Some("a POST left, and neither a record nor metadata tells of it".to_owned());
        }
        // Once the record is gone, all that was bought is in files.
        if let Some(number) = missing() {
            return Some(format!("the record is gone, and image {number} is in no file"));
        }
        return None;
    }
    let is_free = |entry: &&RecordEntry| {
        matches!(entry, RecordEntry::NotSent { .. } | RecordEntry::Refused { charge: Charge::No, .. })
    };
    let free = entries().filter(is_free).count();
    if posts > free + 1 {
        return Some(format!("{posts} attempts left, and only {free} are on record as free, for one purchase"));
    }

    // What is needed to collect what was bought.
    if marks("GET https://tiny.example") > 0 && !entries().any(|entry| matches!(entry, RecordEntry::Accepted { .. })) {
        return Some("the task was asked for, and its id is on no record".to_owned());
    }
    let known = |number: usize| {
        entries().any(|entry| {
            let RecordEntry::Answered { generation, .. } = entry else { return false };
            let is_it = |data: &ImageData| matches!(data, ImageData::Url { url: known, .. } if *known == url(number));
            generation.images().any(|image| is_it(&image.data))
        })
    };
    let fetched = |number: usize| marks(&format!("GET {}", url(number))) > 0;
    if let Some(number) = (0..images).find(|number| fetched(*number) && !known(*number)) {
        return Some(format!("image {number} was fetched, and its URL is on no record"));
    }
    let has_begun =
        |op: &Op| matches!(op, Op::Publish { to, .. } if to.extension().is_some_and(|extension| extension == "json"));
    let is_whole = |entry: &RecordEntry| matches!(entry, RecordEntry::Answered { whole: true, .. });
    if log.iter().any(has_begun) && !has_metadata && !entries().any(is_whole) {
        return Some("neither the record nor metadata says that the response was whole".to_owned());
    }
    let saves = |op: &Op| matches!(op, Op::Publish { to, .. } | Op::Link { to, .. } if to.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tiny-0.png")));
    if kind == Kind::Inline && log.iter().any(saves) {
        if let Some(number) = missing() {
            return Some(format!("an image was saved, and image {number} of the same response is in no file"));
        }
        if !entries().any(|entry| matches!(entry, RecordEntry::Answered { .. })) {
            return Some("an image was saved, and the response is on no record".to_owned());
        }
    }
    None
}

/// The first state in which something is missing, and after how many operations it may come about.
fn first_loss(kind: Kind, images: usize, log: &[Op]) -> Option<String> {
    let mut seen: HashMap<usize, Vec<Tree>> = HashMap::new();
    crash_states::states(log).find_map(|(done, tree)| {
        let states = seen.entry(done).or_default();
        if states.contains(&tree) {
            return None;
        }
        let loss = lost(kind, images, &log[..done], &tree).map(|loss| {
            let next = log.get(done).map_or_else(|| "the end".to_owned(), shown);
            format!("a crash before {next}: {loss}")
        });
        states.push(tree);
        loss
    })
}

fn shown(op: &Op) -> String {
    let name = op.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    match op {
        Op::Mark { what, .. } => format!("`{what}`"),
        Op::Sync(_) => format!("the sync of {name}"),
        Op::SyncFolder(_) => "the sync of the folder".to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn no_crash_loses_what_a_job_bought_and_each_sync_is_needed() {
    let mut told = Vec::new();
    for kind in KINDS {
        let images = if kind == Kind::Stream { 2 } else { 1 };
        let log = run(kind, images).await;
        assert_eq!(first_loss(kind, images, &log), None, "{kind:?}");
        for at in crash_states::syncs(&log) {
            let loss = first_loss(kind, images, &crash_states::without(&log, at));
            let loss = loss.unwrap_or_else(|| panic!("{kind:?} needs no {}: {log:#?}", shown(&log[at])));
            told.push(format!("{kind:?} without {}: {loss}", shown(&log[at])));
        }
    }
    println!("{}", told.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn no_crash_loses_one_of_three_images() {
    for kind in [Kind::Url, Kind::Inline] {
        assert_eq!(first_loss(kind, 3, &run(kind, 3).await), None, "{kind:?}");
    }
}

/// Two for the record, one for the response, one for each image, one for the metadata, one for all names.
#[tokio::test(start_paused = true)]
async fn a_job_syncs_once_for_each_image_and_five_times_beside() {
    for images in [1, 3] {
        for (kind, more) in
            [(Kind::Url, 0), (Kind::Inline, 1), (Kind::Task, 1), (Kind::Again, 1), (Kind::Stream, images)]
        {
            let log = run(kind, images).await;
            let syncs: Vec<_> = crash_states::syncs(&log).into_iter().map(|at| shown(&log[at])).collect();
            assert_eq!(syncs.len(), images + 5 + more, "{kind:?} of {images}: {syncs:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_names_of_images_without_metadata_are_synced_last() {
    let log = run_as(Kind::Url, 1, Job::without_sidecar).await;
    let syncs: Vec<_> = crash_states::syncs(&log).into_iter().map(|at| shown(&log[at])).collect();
    assert_eq!((syncs.len(), syncs.last().unwrap().as_str()), (5, "the sync of the folder"), "{syncs:#?}");
}
