//! A job that was given an id is bought once.

use std::fs;

use seedream_client::{Exactly, FolderStore, Intent, JobError, JobStore as _, Refusal};
use seedream_core::{Charge, ErrorKind};

use super::{Act, ONE, client, wire};
use crate::tiny_dialects::{Tiny, request};

fn known(error: &JobError) -> &str {
    assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::NotRecorded, Charge::No));
    match error.error().cause().unwrap().downcast_ref() {
        Some(Refusal::AlreadyBought { id }) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_refuses_an_id_whose_images_or_record_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let wire = wire(|_, _| Act::ok(ONE));
    let client = client(Tiny, &wire);
    let job = |id: &str| client.job(request()).save_to(folder.path()).id(id);
    job("a \"job\"").run().await.unwrap();
    let error = job("a \"job\"").run().await.unwrap_err();
    assert!(known(&error).ends_with("tiny-0.json"), "{error}");
    assert_eq!(wire.posts(), 1);
    // Another id, and another purchase of the same.
    job("other").run().await.unwrap();
    Exactly::new(job("four"), 2).run().await;
    let again = Exactly::new(job("four"), 3).at_a_time(1).run().await;
    assert_eq!((again.delivered(), wire.posts()), (0, 4), "{again:?}");
    client.job(request()).save_to(folder.path()).run().await.unwrap();
    client.job(request()).save_to(folder.path()).spawn().await.unwrap();
    assert_eq!(wire.posts(), 6, "a random id is never known");

    // A record of a process that runs, of one that was killed, and of one that sent nothing.
    let store = FolderStore::new(folder.path());
    let mut intent = Intent::new("open", "tiny", "tiny-1".into());
    intent.is_named = true;
    let running = store.begin(&intent).await.unwrap();
    assert_eq!(known(&job("open").run().await.unwrap_err()), running.id());
    let id = running.id().to_owned();
    drop(running);
    assert_eq!(known(&job("open").run().await.unwrap_err()), id);
    fs::write(&id, "{\"damaged\": \"open\"").unwrap();
    assert_eq!(known(&job("open").run().await.unwrap_err()), id);
    fs::remove_file(&id).unwrap();
    let mut free = store.begin(&intent).await.unwrap();
    free.append(seedream_client::RecordEntry::NotSent { error: None }).await.unwrap();
    assert_eq!(known(&job("open").run().await.unwrap_err()), free.id(), "its process may try again");
    drop(free);
    job("open").run().await.unwrap();
    assert_eq!(wire.posts(), 7);
}
