//! What a crash leaves, after every step of a purchase.

use std::path::Path;

use bytes::Bytes;
use seedream_core::{Charge, GeneratedImage, ImageData};

use super::{super::*, support::*};
use crate::{
    Location, RecordEntry,
    disk::{
        GrowingFile, NumberedName,
        crash_states::{self, Tree},
        image_file,
        operation_log::{self, Op},
    },
};

const PNG: &[u8] = include_bytes!("../../../../tests/client/tiny.png");
const URL: &str = "https://a.example/0.png?signature=s";

const SENT: &str = "first byte of the POST";
const ANSWERED: &str = "the response is on record";
const ENDED: &str = "the purchase is over";

/// How an image arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrives {
    Url,
    File,
    Memory,
}

/// An image that is too large for an entry.
fn large() -> Bytes {
    let mut bytes = PNG.to_vec();
    bytes.resize(300 << 10, 7);
    bytes.into()
}

/// Buys one image and saves it, in the order in which a job does.
async fn buy(folder: &Path, arrives: Arrives) -> Vec<Op> {
    let store = FolderStore::new(folder);
    let mut record = store.begin(&intent()).await.unwrap();
    operation_log::mark(folder, SENT);
    let data = match arrives {
        Arrives::Url => ImageData::Url { url: URL.into(), expires_at: None },
        Arrives::Memory => ImageData::Bytes(large()),
        Arrives::File => {
            let (part, _) = GrowingFile::append(None, folder, PNG.to_vec()).unwrap();
            ImageData::File(part.keep("unsaved-0").unwrap())
        }
    };
    let generation = generation([GeneratedImage::new(0, data.clone())]);
    record.append(RecordEntry::Answered { generation, whole: true, raw: Some("{}".into()) }).await.unwrap();
    operation_log::mark(folder, ANSWERED);
    let name = NumberedName::new("out");
    let image = match &data {
        ImageData::File(from) => image_file::move_in(from, true, false, folder, &name, 0, "png"),
        ImageData::Bytes(bytes) => image_file::write(folder, &name, 0, "png", bytes),
        _ => image_file::write(folder, &name, 0, "png", PNG),
    };
    let image = image.unwrap();
    let (location, saved) = (Location::File(image.clone()), saved(0, &image));
    record.append(RecordEntry::Image { index: 0, location, sha256: saved.sha256.clone() }).await.unwrap();
    let sidecar = image_file::write_beside(Some(&image), folder, &name, "json", URL.as_bytes()).unwrap();
    image_file::sync_folder(folder).unwrap();
    let mut outcome = outcome();
    (outcome.charge, outcome.images) = (Charge::Yes, vec![saved]);
    outcome.sidecar = Some(Location::File(sidecar));
    record.append(ended(outcome)).await.unwrap();
    operation_log::mark(folder, ENDED);
    operation_log::below(folder)
}

/// What is lost in a state.
fn lost(log: &[Op], tree: &Tree, arrives: Arrives, image: &[u8]) -> Option<&'static str> {
    let is_past = |mark: &str| log.iter().any(|op| op.is_mark(mark));
    let Ok(histories) = histories(tree) else { return Some("a record cannot be read") };
    let entries = || histories.iter().flat_map(|history| &history.entries);
    let has_sidecar = tree.tells(".json", URL);
    if is_past(SENT)
        && !entries().any(|entry| matches!(entry, RecordEntry::Intent(_)))
        && !(has_sidecar && tree.has(image))
    {
        return Some("that something was sent");
    }
    let has_image = arrives == Arrives::Url || tree.has(image);
    if is_past(ANSWERED) && !((has_sidecar || entries().any(is_answered)) && has_image) {
        return Some("what came");
    }
    (is_past(ENDED) && !tree.has(image)).then_some("an image")
}

/// Whether an entry says where the image is.
fn is_answered(entry: &RecordEntry) -> bool {
    let is_here = |image: &GeneratedImage| match &image.data {
        ImageData::Url { url, .. } => url == URL,
        data => matches!(data, ImageData::File(_)),
    };
    matches!(entry, RecordEntry::Answered { generation, .. } if generation.images().any(is_here))
}

fn first_loss(log: &[Op], arrives: Arrives) -> Option<&'static str> {
    let image = if arrives == Arrives::Memory { large() } else { PNG.into() };
    crash_states::states(log).find_map(|(done, tree)| lost(&log[..done], &tree, arrives, &image))
}

#[tokio::test]
async fn no_crash_loses_what_was_paid_for_and_no_sync_is_one_too_many() {
    for (arrives, syncs) in [(Arrives::Url, 6), (Arrives::File, 7), (Arrives::Memory, 8)] {
        let folder = tempfile::tempdir().unwrap();
        let log = buy(folder.path(), arrives).await;
        assert_eq!(first_loss(&log, arrives), None, "{arrives:?}");
        let places = crash_states::syncs(&log);
        println!("{arrives:?}: {} syncs, {} states", places.len(), crash_states::states(&log).count());
        assert_eq!(places.len(), syncs, "{arrives:?}");
        for at in places {
            let without = crash_states::without(&log, at);
            assert!(first_loss(&without, arrives).is_some(), "{arrives:?} needs no {:?}", log[at]);
        }
    }
}
