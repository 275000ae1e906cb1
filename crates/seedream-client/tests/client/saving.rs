//! Images on disk.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use seedream_client::{Client, FinishedPurchase, FolderOutput, Output as _, SaveOptions};
use seedream_core::{ErrorKind, GeneratedImage, Generation, ImageData, ImageFailure, Pixels, WarningKind};

use crate::{
    raw_server::{Raw, response},
    tiny_dialects::{Tiny, client},
};

/// A PNG of 3 x 2 pixels with all its chunks.
pub(crate) const PNG: &[u8] = include_bytes!("tiny.png");
/// A JPEG without a frame, so that nothing states its size.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x02data\xff\xd9";

fn local() -> Client {
    client(Tiny, "http://127.0.0.1:9").build().unwrap()
}

fn inline(index: u32, bytes: &'static [u8]) -> GeneratedImage {
    GeneratedImage::new(index, ImageData::Bytes(Bytes::from_static(bytes)))
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_outcome_becomes_files_named_by_place_and_content() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("made/on/the/way");
    let file = directory.path().join("lifted");
    fs::write(&file, PNG).unwrap();
    let mut generation = Generation::new("m".into());
    generation.outcomes = vec![
        Ok(inline(0, PNG)),
        Err(ImageFailure::new(1, ErrorKind::Server, "refused")),
        Ok(inline(2, JPEG)),
        Ok(GeneratedImage::new(3, ImageData::File(file))),
    ];
    let saved = local().save(&generation, &SaveOptions::new(&out, "tiny")).await;
    assert_eq!(names(&out), ["tiny-0.png", "tiny-2.jpg", "tiny-3.png"]);
    let first = saved.images().next().unwrap();
    assert_eq!((first.index, first.width, first.height, first.bytes), (0, Some(3), Some(2), PNG.len() as u64));
    assert_eq!((first.media_type.as_str(), first.file().unwrap()), ("image/png", out.join("tiny-0.png").as_path()));
    assert_eq!(first.sha256.len(), 64);
    assert_eq!(saved.images().nth(1).unwrap().width, None, "a header that ends early is saved all the same");
    assert_eq!(saved.failures().map(|failure| failure.index).collect::<Vec<_>>(), [1]);
    assert_eq!(fs::read(out.join("tiny-0.png")).unwrap(), PNG);
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    for taken in ["tiny-0.jpg", "tiny-1.png", "tiny-x.png", "tinier-2.png"] {
        fs::write(directory.path().join(taken), "precious").unwrap();
    }
    let options = SaveOptions::new(directory.path(), "tiny");
    let saved = local().save_image(&inline(0, PNG), &options).await.unwrap();
    assert_eq!(saved.file().unwrap(), directory.path().join("tiny-2.png"));
    for taken in ["tiny-0.jpg", "tiny-1.png", "tiny-x.png", "tinier-2.png"] {
        assert_eq!(fs::read(directory.path().join(taken)).unwrap(), b"precious");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_writers_each_get_a_name_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let client = Arc::new(local());
    let racers: Vec<_> = (0..32)
        .map(|_| {
            let (client, options) = (client.clone(), SaveOptions::new(directory.path(), "tiny"));
            tokio::spawn(async move {
                client.save_image(&inline(0, PNG), &options).await.unwrap().file().unwrap().to_owned()
            })
        })
        .collect();
    let mut paths = Vec::new();
    for racer in racers {
        paths.push(racer.await.unwrap());
    }
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 32);
    assert_eq!(names(directory.path()).len(), 32, "no temporary file is left");
    assert!(paths.iter().all(|path| fs::read(path).unwrap() == PNG));
}

#[tokio::test]
async fn a_page_in_place_of_an_image_is_a_failure_that_keeps_the_url() {
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    let server = Raw::start(vec![response("200 OK", "Content-Type: image/png\r\n", page)]).await;
    let url = format!("{}/0.png?sig=1", server.url);
    let expires_at = Some("2026-11-21T20:00:00Z".parse().unwrap());
    let image = GeneratedImage::new(0, ImageData::Url { url: url.clone(), expires_at });
    let directory = tempfile::tempdir().unwrap();
    let client = client(Tiny, &server.url).build().unwrap();
    let failure = client.save_image(&image, &SaveOptions::new(directory.path(), "tiny")).await.unwrap_err();
    assert_eq!((failure.kind, failure.url, failure.expires_at), (ErrorKind::MalformedResponse, Some(url), expires_at));
    assert!(failure.message.contains("an HTML page of 48 bytes"), "{}", failure.message);
    assert!(names(directory.path()).is_empty());
}

#[tokio::test]
async fn a_disk_that_fails_loses_no_url_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let not_a_directory = directory.path().join("file");
    fs::write(&not_a_directory, "x").unwrap();
    let failure = local().save_image(&inline(7, PNG), &SaveOptions::new(&not_a_directory, "tiny")).await.unwrap_err();
    assert_eq!((failure.kind, failure.index), (ErrorKind::Storage, 7));
    assert_eq!(names(directory.path()), ["file"]);
}

#[tokio::test]
async fn a_prefix_cannot_leave_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    for (prefix, name) in
        [("../../x", "_.._x-0.png"), ("", "image-0.png"), ("a/b\\c:d", "a_b_c_d-0.png"), ("..", "image-1.png")]
    {
        let saved = local().save_image(&inline(0, PNG), &SaveOptions::new(&out, prefix)).await.unwrap();
        assert_eq!(saved.file().unwrap(), out.join(name), "{prefix}");
    }
    assert_eq!(names(directory.path()), ["out"]);
}

#[cfg(unix)]
#[tokio::test]
async fn an_image_is_as_readable_as_any_other_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other");
    fs::write(&other, "x").unwrap();
    let saved = local().save_image(&inline(0, PNG), &SaveOptions::new(directory.path(), "tiny")).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(saved.file().unwrap()), mode(&other));
}

#[tokio::test]
async fn an_image_of_another_size_than_the_response_says_or_was_asked_for_is_a_warning() {
    let pixels = |text: &str| -> Option<Pixels> { text.parse().ok() };
    for (stated, asked, said) in [
        ("3x2", "3x2", ""),
        ("-", "-", ""),
        ("4x4", "-", "image 0 is 3x2, but the response says 4x4"),
        ("3x2", "4x4", "image 0 is 3x2, but 4x4 was asked for"),
        ("4x4", "4x4", "image 0 is 3x2, but the response says 4x4, as was asked for"),
        ("4x4", "5x5", "image 0 is 3x2, but the response says 4x4, and 5x5 was asked for"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut image = inline(0, PNG);
        image.size = pixels(stated);
        let options = SaveOptions::new(directory.path(), "tiny").asked(pixels(asked));
        let saved = local().save_image(&image, &options).await.unwrap();
        let warnings: Vec<_> = saved.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings.join(";"), said);
        assert!(saved.warnings.iter().all(|warning| warning.kind == WarningKind::OtherSize));
    }
}

#[tokio::test]
async fn an_incomplete_image_takes_no_number_from_the_file_that_tells_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let options = SaveOptions::new(directory.path(), "tiny");
    let failure = local().save_image(&inline(0, &PNG[..60]), &options).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::IncompleteImage);
    let output = FolderOutput::new(directory.path()).prefix("tiny");
    let mut purchase = FinishedPurchase::new("tiny", "job", 1, "");
    purchase.metadata = Some("{}".to_owned());
    output.finish(purchase).await.unwrap();
    local().save_image(&inline(0, PNG), &options).await.unwrap();
    local().save_image(&inline(0, &PNG[..60]), &options).await.unwrap_err();
    assert_eq!(names(directory.path()), ["tiny-0.json", "tiny-0.partial.png", "tiny-1.png", "tiny-2.partial.png"]);
}

#[tokio::test]
async fn an_image_that_came_inside_the_response_has_a_second_place() {
    let directory = tempfile::tempdir().unwrap();
    // No folder can be made below a file.
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let options = SaveOptions::new(file.join("out"), "picture");
    let cut: &'static [u8] = &PNG[..PNG.len() - 6];
    for (image, is, ending) in [(PNG, ErrorKind::Storage, ".png"), (cut, ErrorKind::IncompleteImage, ".partial.png")] {
        let failure = local().save_image(&inline(0, image), &options).await.unwrap_err();
        assert_eq!(failure.kind, is, "{failure}");
        let (_, kept) = failure.message.split_once("; it is in ").expect(&failure.message);
        let kept = Path::new(kept);
        assert!(kept.starts_with(std::env::temp_dir()) && kept.to_str().unwrap().ends_with(ending), "{failure}");
        assert_eq!(fs::read(kept).unwrap(), image);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(kept).unwrap().permissions()) & 0o777, 0o600);
        fs::remove_file(kept).unwrap();
    }
}

#[tokio::test]
async fn what_came_inside_the_response_and_is_not_known_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    let options = SaveOptions::new(directory.path(), "picture");
    let failure = local().save_image(&inline(0, svg), &options).await.unwrap_err();
    assert_eq!(failure.kind, ErrorKind::MalformedResponse);
    assert!(failure.message.contains("picture-0.partial.bin"), "{failure}");
    assert_eq!(fs::read(directory.path().join("picture-0.partial.bin")).unwrap(), svg);
}
