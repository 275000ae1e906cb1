//! Downloads that break off, over real sockets.

use std::{fs, time::Duration};

use seedream_client::{Client, DownloadOptions, SaveOptions};
use seedream_core::{ErrorKind, GeneratedImage, ImageData};

use crate::{
    raw_server::{Act, Raw, response},
    saving::PNG,
    tiny_dialects::{Tiny, client},
};

fn downloads(server: &Raw) -> Client {
    let options = DownloadOptions::default().waits(Duration::from_millis(3), Duration::from_millis(1)).max_bytes(1000);
    client(Tiny, &server.url).download(options).build().unwrap()
}

/// The first five of ten bytes, under a name.
fn half(tag: &str) -> Act {
    Act::Answer(format!("HTTP/1.1 200 OK\r\n{tag}Content-Length: 10\r\n\r\n01234").into_bytes())
}

/// What each request asked for, in the order of the requests.
fn ranges(server: &Raw) -> Vec<String> {
    let header = |request: &str, name: &str| {
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line.split_once(": ")?.1.to_owned())
    };
    let asked = |request: &String| match (header(request, "range:"), header(request, "if-range:")) {
        (Some(range), Some(tag)) => format!("{range} if {tag}"),
        (None, None) => "all".to_owned(),
        other => format!("{other:?}"),
    };
    server.requests().iter().map(asked).collect()
}

const TAG: &str = "ETag: \"v1\"\r\n";

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let rest = response("206 Partial Content", "ETag: \"v1\"\r\nContent-Range: bytes 5-9/10\r\n", "56789");
    let server = Raw::start(vec![half(TAG), rest]).await;
    assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap(), "0123456789");
    assert_eq!(ranges(&server), ["all", "bytes=5- if \"v1\""]);
}

#[tokio::test]
async fn it_breaks_off_again_and_goes_on_from_there() {
    let more =
        "HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56";
    let rest = response("206 Partial Content", "Content-Range: bytes 7-9/10\r\n", "789");
    let server = Raw::start(vec![half(TAG), Act::Answer(more.into()), rest]).await;
    assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap(), "0123456789");
    assert_eq!(ranges(&server), ["all", "bytes=5- if \"v1\"", "bytes=7- if \"v1\""]);
}

#[tokio::test]
async fn what_does_not_belong_to_it_is_never_put_behind_it() {
    let all = || response("200 OK", "ETag: \"v2\"\r\n", "abcdefghij");
    let other = "ETag: \"v2\"\r\nContent-Range: bytes 5-9/10\r\n";
    let elsewhere = "ETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n";
    for (what, second, asked) in [
        ("another image as a whole", all(), vec!["all", "bytes=5- if \"v1\""]),
        (
            "a part of another image",
            response("206 Partial Content", other, "fghij"),
            vec!["all", "bytes=5- if \"v1\"", "all"],
        ),
        (
            "another part",
            response("206 Partial Content", elsewhere, "456789"),
            vec!["all", "bytes=5- if \"v1\"", "all"],
        ),
        (
            "a part without a place",
            response("206 Partial Content", "", "56789"),
            vec!["all", "bytes=5- if \"v1\"", "all"],
        ),
        ("a shorter image", response("416 Range Not Satisfiable", "", ""), vec!["all", "bytes=5- if \"v1\"", "all"]),
    ] {
        let server = Raw::start(vec![half(TAG), second, all()]).await;
        assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap(), "abcdefghij", "{what}");
        assert_eq!(ranges(&server), asked, "{what}");
    }
}

#[tokio::test]
async fn without_a_name_for_equal_bytes_it_begins_anew() {
    for tag in ["", "ETag: W/\"v1\"\r\n"] {
        let server = Raw::start(vec![half(tag), response("200 OK", "", "0123456789")]).await;
        assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap(), "0123456789", "{tag}");
        assert_eq!(ranges(&server), ["all", "all"], "{tag}");
    }
    // Nor is a part believed that nobody asked for.
    let part = || response("206 Partial Content", "Content-Range: bytes 0-4/10\r\n", "01234");
    let server = Raw::start(vec![part(), part(), part()]).await;
    assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap_err().kind(), ErrorKind::Server);
}

#[tokio::test]
async fn the_limit_holds_over_all_tries() {
    let rest = response("206 Partial Content", "Content-Range: bytes 5-1000/1001\r\n", &"x".repeat(996));
    // The first says nothing of its length.
    let half = format!("HTTP/1.1 200 OK\r\n{TAG}Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n");
    let server = Raw::start(vec![Act::Answer(half.into_bytes()), rest]).await;
    assert_eq!(downloads(&server).downloader().fetch(&server.url).await.unwrap_err().kind(), ErrorKind::TooLarge);
}

#[tokio::test]
async fn an_image_goes_to_a_file_beside_its_place_and_saving_renames_it() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new");
    let (first, second) = PNG.split_at(20);
    let cut = format!("HTTP/1.1 200 OK\r\n{TAG}Content-Length: {}\r\n\r\n", PNG.len()).into_bytes();
    let length = second.len();
    let range = format!("HTTP/1.1 206 Partial\r\nContent-Range: bytes 20-/*\r\nContent-Length: {length}\r\n\r\n");
    let server =
        Raw::start(vec![Act::Answer([&cut, first].concat()), Act::Answer([range.as_bytes(), second].concat())]).await;
    let client = downloads(&server);
    let image = GeneratedImage::new(0, ImageData::Url { url: server.url.clone(), expires_at: None });
    let here = client.fetch_into(&image, &out).await.unwrap();
    let ImageData::File(path) = &here.data else { panic!("{here:?}") };
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("unsaved-") && path.starts_with(&out), "{path:?}");
    assert_eq!(fs::read(path).unwrap(), PNG);
    let saved = client.save_image(&here, &SaveOptions::new(&out, "tiny")).await.unwrap();
    assert_eq!((fs::read(saved.file().unwrap()).unwrap().as_slice(), fs::read_dir(&out).unwrap().count()), (PNG, 1));
}

#[tokio::test]
async fn a_download_that_fails_leaves_nothing_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let server = Raw::start(vec![half(TAG), Act::Close, Act::Close]).await;
    let image = GeneratedImage::new(3, ImageData::Url { url: server.url.clone(), expires_at: None });
    let failure = downloads(&server).fetch_into(&image, directory.path()).await.unwrap_err();
    assert_eq!((failure.index, failure.url.as_deref()), (3, Some(server.url.as_str())));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_nobody_knows_stays_in_its_file_and_a_page_does_not() {
    for (body, left, said) in
        [("\x01unknown", 1, "unknown data of 8 bytes; it is in "), ("<html>", 0, "an HTML page of 6")]
    {
        let directory = tempfile::tempdir().unwrap();
        let server = Raw::start(vec![response("200 OK", "", body)]).await;
        let image = GeneratedImage::new(0, ImageData::Url { url: server.url.clone(), expires_at: None });
        let options = SaveOptions::new(directory.path(), "tiny");
        let failure = downloads(&server).save_image(&image, &options).await.unwrap_err();
        assert_eq!((failure.kind, failure.url.as_deref()), (ErrorKind::MalformedResponse, Some(server.url.as_str())));
        assert!(failure.message.contains(said), "{failure}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), left, "{failure}");
    }
}

/// Where nothing can be written, the image is still in memory: the disk may be another's fault.
#[tokio::test]
async fn an_image_whose_directory_cannot_be_written_to_is_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let server = Raw::start(vec![response("200 OK", "", "0123456789")]).await;
    let image = GeneratedImage::new(0, ImageData::Url { url: server.url.clone(), expires_at: None });
    let here = downloads(&server).fetch_into(&image, &file.join("below")).await.unwrap();
    assert_eq!(here.data, ImageData::Bytes("0123456789".into()));
}
