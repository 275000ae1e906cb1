//! Every public future is `Send`, whatever it borrows: it can be spawned.

use std::path::PathBuf;

use seedream_client::{
    Client, Control, Downloader, EventStream, Exactly, Fallback, FolderStore, ImageProvider, Job, JobHandle, JobStream,
    SaveOptions,
};
use seedream_core::{GeneratedImage, Generation, ImageData, ImageRequest, Task};

use crate::{
    saving::PNG,
    tiny_dialects::{Tiny, client},
};

fn spawnable<T: Send + 'static>(_: impl FnOnce() -> T) {}

/// Each is only type-checked: nothing is called.
#[test]
fn every_public_future_can_be_spawned() {
    let path = PathBuf::new;
    spawnable(|| async { client_of().models().await });
    spawnable(|| async { client_of().fetch(&image()).await });
    spawnable(move || async move { client_of().fetch_into(&image(), &path()).await });
    spawnable(|| async { client_of().save(&generation(), &SaveOptions::new("out", "a")).await });
    spawnable(|| async { client_of().save_image(&image(), &SaveOptions::new("out", "a")).await });
    spawnable(|| async { client_of().events(request()).await });
    spawnable(|| async { client_of().generate(request()).await });
    spawnable(|| async { client_of().collect(of::<Task>()).await });
    spawnable(|| async { of::<Fallback>().generate(request()).await });
    spawnable(|| async { of::<Fallback>().collect(of::<Task>()).await });
    spawnable(|| async { of::<EventStream>().next().await });
    spawnable(|| async { of::<JobStream>().next().await });
    spawnable(|| async { of::<Job>().run().await });
    spawnable(|| async { of::<JobHandle>().cancel().await });
    spawnable(|| async { of::<JobHandle>().await });
    spawnable(|| async { of::<Exactly>().run().await });
    spawnable(|| async { of::<Exactly>().run_with_events(|_, _| ()).await });
    spawnable(|| async { of::<Control>().until_cancelled().await });
    #[cfg(feature = "webhook")]
    spawnable(|| async { of::<seedream_client::webhook::Webhooks>().submit(request()).await });
    #[cfg(feature = "webhook")]
    spawnable(|| async { of::<seedream_client::webhook::PendingTask>().wait().await });
    spawnable(|| async { FolderStore::resumable("out").await });
    spawnable(|| async { of::<Downloader>().fetch("").await });
    spawnable(move || async move { of::<Downloader>().fetch_into("", &path()).await });
}

fn of<T>() -> T {
    unreachable!("it is only type-checked")
}

fn client_of() -> Client {
    of()
}

fn image() -> GeneratedImage {
    of()
}

fn generation() -> Generation {
    of()
}

fn request() -> ImageRequest {
    of()
}

#[tokio::test]
async fn images_are_saved_in_a_spawned_task() {
    let folder = tempfile::tempdir().unwrap();
    let mut generation = Generation::new("m".into());
    generation.outcomes = vec![Ok(GeneratedImage::new(0, ImageData::Bytes(PNG.into())))];
    let (client, options) =
        (client(Tiny, "https://tiny.example").build().unwrap(), SaveOptions::new(folder.path(), "a"));
    let saved = tokio::spawn(async move { client.save(&generation, &options).await }).await.unwrap();
    assert_eq!(saved.require_all().unwrap().len(), 1);
}
