//! Images that a record makes durable, or keeps itself.

use bytes::Bytes;
use seedream_core::{Charge, ErrorKind, GeneratedImage, ImageData, Result as Outcomes};

use super::{super::*, Folder, support::*};
use crate::{
    RecordEntry,
    disk::operation_log::{self, Op},
};

fn in_memory(index: u32, length: usize) -> GeneratedImage {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(length, u8::try_from(index).unwrap());
    GeneratedImage::new(index, ImageData::Bytes(bytes.into()))
}

fn in_file(index: u32, path: &Path) -> GeneratedImage {
    GeneratedImage::new(index, ImageData::File(path.into()))
}

fn images(history: &History) -> Vec<ImageData> {
    history.answered().unwrap().images().map(|image| image.data.clone()).collect()
}

#[tokio::test]
async fn small_images_stand_in_the_record_and_large_ones_beside_it() {
    let folder = Folder::new();
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let (small, large) = (in_memory(0, 256 << 10), in_memory(1, (256 << 10) + 1));
    let cut = ImageData::Incomplete { data: Box::new(in_memory(2, 300 << 10).data), reason: "cut".into() };
    let all = [small.clone(), large.clone(), GeneratedImage::new(2, cut)];
    // A stream names an image when it comes, and again at its end.
    let first = RecordEntry::Answered { generation: generation([large.clone()]), whole: false, raw: None };
    record.append(first).await.unwrap();
    record.append(response(all.clone())).await.unwrap();
    assert_eq!(folder.names(), ["ark-0.image-1.png", "ark-0.image-2.png", "ark-0.job.jsonl"]);
    drop(record);
    let (history, mut record) = folder.store().open("ark-0.job.jsonl").await.unwrap();
    let kept = |name: &str| ImageData::File(folder.0.path().join(name));
    let cut = ImageData::Incomplete { data: Box::new(kept("ark-0.image-2.png")), reason: "cut".into() };
    assert_eq!(images(&history), [small.data.clone(), kept("ark-0.image-1.png"), cut]);
    let ImageData::Bytes(bytes) = &large.data else { panic!() };
    assert_eq!(fs::read(folder.0.path().join("ark-0.image-1.png")).unwrap(), *bytes);

    // The next process knows its files: what comes again is not written again, and what was saved elsewhere goes.
    record.append(response([large.clone()])).await.unwrap();
    let copies = [folder.write("out-1.png", bytes), folder.0.path().join("ark-0.image-2.png")];
    let mut outcome = outcome();
    outcome.charge = Charge::Yes;
    outcome.images = vec![saved(0, Path::new("/out/0")), saved(1, &copies[0]), saved(2, &copies[1])];
    record.append(ended(outcome)).await.unwrap();
    assert_eq!(folder.names(), ["ark-0.image-2.png", "out-1.png"], "what is nowhere else stays");
}

#[tokio::test]
async fn files_are_synced_once_and_then_their_folders() {
    let (folder, other) = (Folder::new(), Folder::new());
    let [a, b] = ["unsaved-a.png", "unsaved-b.png"].map(|name| folder.write(name, "image"));
    let c = other.write("unsaved-c.png", "image");
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let before = operation_log::below(folder.0.path()).len();
    let cut = ImageData::Incomplete { data: Box::new(ImageData::File(b.clone())), reason: "cut".into() };
    let all = [in_file(0, &a), GeneratedImage::new(1, cut), in_file(2, &c), url(3, "https://a.example/3.png")];
    record.append(response(all[..1].to_vec())).await.unwrap();
    record.append(response(all)).await.unwrap();
    let log = operation_log::below(folder.0.path());
    let syncs: Vec<_> = log[before..].iter().filter(|op| op.is_sync()).cloned().collect();
    let (of, on_record) = (Op::SyncFolder(folder.0.path().into()), Op::Sync(PathBuf::from(record.id())));
    assert_eq!(syncs, [Op::Sync(a), of.clone(), on_record.clone(), Op::Sync(b), of, on_record]);
    assert_eq!(operation_log::below(other.0.path()), [Op::Sync(c), Op::SyncFolder(other.0.path().into())]);
}

#[tokio::test]
async fn an_image_that_cannot_be_kept_hides_no_other() {
    let folder = Folder::new();
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let gone = folder.0.path().join("gone.png");
    // Its file cannot be made: the folder is a file for now.
    let moved = folder.0.path().with_extension("moved");
    fs::rename(folder.0.path(), &moved).unwrap();
    fs::write(folder.0.path(), "a file").unwrap();
    let all = [in_file(0, &gone), in_memory(1, 300 << 10), url(2, "https://a.example/2.png")];
    let refusal = record.append(response(all)).await.unwrap_err();
    fs::remove_file(folder.0.path()).unwrap();
    fs::rename(&moved, folder.0.path()).unwrap();
    assert!(super::message(&refusal).contains("ark-0.job.jsonl"), "{refusal}");
    let history = History::new("", folder.read("ark-0.job.jsonl").entries);
    let generation = history.answered().unwrap();
    let outcomes: Vec<Outcomes<_, _>> = generation.outcomes;
    assert_eq!(outcomes[0], Ok(in_file(0, &gone)));
    assert_eq!(outcomes[2], Ok(url(2, "https://a.example/2.png")));
    let failure = outcomes[1].as_ref().unwrap_err();
    assert_eq!((failure.index, failure.kind), (1, ErrorKind::Storage));
    assert!(failure.message.contains("could not be kept"), "{failure}");
}

#[tokio::test]
async fn images_are_found_where_their_record_was_moved_to() {
    let folder = Folder::new();
    let [here, gone] = ["unsaved-a.png", "unsaved-b.png"].map(|name| folder.write(name, "image"));
    let mut record = folder.store().begin(&intent()).await.unwrap();
    let inline = GeneratedImage::new(2, ImageData::Bytes(Bytes::from_static(b"\x89PNG")));
    record.append(response([in_file(0, &here), in_file(1, &gone), inline.clone()])).await.unwrap();
    drop(record);
    fs::remove_file(&gone).unwrap();
    let (history, _) = folder.store().open("ark-0.job.jsonl").await.unwrap();
    assert_eq!(images(&history), [ImageData::File(here), ImageData::File(gone.clone()), inline.data.clone()]);
    let there = Folder::new();
    for name in ["unsaved-a.png", "ark-0.job.jsonl"] {
        fs::rename(folder.0.path().join(name), there.0.path().join(name)).unwrap();
    }
    let (history, _) = there.store().open("ark-0.job.jsonl").await.unwrap();
    let moved = ImageData::File(there.0.path().join("unsaved-a.png"));
    assert_eq!(images(&history), [moved, ImageData::File(gone), inline.data]);
}
