//! Waits and time limits of downloads, through a transport of the test's own and in virtual time.

use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use http::Request;
use seedream_client::{Client, DownloadOptions, SaveOptions};
use seedream_core::{ErrorKind, GeneratedImage, ImageData};

use crate::{
    download_transport::{Answer, End, Source},
    saving::PNG,
    tiny_dialects::{Tiny, client},
};

const URL: &str = "https://pictures.example/a.png?sig=s3cret";

fn through(source: &Source, options: DownloadOptions) -> Client {
    let builder = client(Tiny, "https://tiny.example").download(options);
    builder.download_transport(Arc::new(source.clone())).build().unwrap()
}

fn patient(source: &Source) -> Client {
    through(source, DownloadOptions::default())
}

fn image() -> GeneratedImage {
    GeneratedImage::new(0, ImageData::Url { url: URL.into(), expires_at: None })
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_there_yet_is_waited_for() {
    for status in [202, 404, 408, 425, 429, 500, 502, 503, 504] {
        let source = Source::of(vec![Answer::new(status, b"no"), Answer::new(status, b"no"), Answer::new(200, PNG)]);
        assert_eq!(patient(&source).downloader().fetch(URL).await.unwrap(), PNG, "{status}");
        assert_eq!(source.times(), [0, 500, 1500], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_after_30_seconds_of_waits_and_names_the_url() {
    let no = |status| Answer::new(status, b"no");
    for (response, transfer, kind) in [
        (no(404), 0, ErrorKind::Server),
        (no(429), 0, ErrorKind::Server),
        (no(503), 0, ErrorKind::Server),
        (no(200).end(End::Reset), 0, ErrorKind::Transport),
        (no(200).end(End::Broken), 0, ErrorKind::Transport),
        (no(200).end(End::Stands), 30, ErrorKind::Timeout),
        (Answer::new(200, b""), 0, ErrorKind::MalformedResponse),
    ] {
        let source = Source::of(vec![response]);
        let error = patient(&source).downloader().fetch(URL).await.unwrap_err();
        let waited: u64 = source.times().windows(2).map(|pair| pair[1] - pair[0] - transfer * 1000).sum();
        assert_eq!((waited, error.kind()), (30_000, kind), "{error}");
        assert!(error.message().ends_with(": https://pictures.example/a.png?…"), "{error}");
        assert_eq!(error.message().contains("stalled"), kind == ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_lasts_is_asked_for_once() {
    for status in [204, 300, 304, 400, 401, 403, 405, 410, 451] {
        let source = Source::of(vec![Answer::new(status, b"no")]);
        let kind = patient(&source).downloader().fetch(URL).await.map_err(|error| error.kind());
        let once = if status == 204 { Ok("no".into()) } else { Err(ErrorKind::Server) };
        assert_eq!((kind, source.times()), (once, vec![0]), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_a_server_asks_for_is_kept_within_the_30_seconds() {
    let busy = |after: &str| Answer::new(429, b"").header("retry-after", after);
    for (after, times) in
        [("10", vec![0, 10_000, 20_000, 30_000]), ("3600", vec![0, 30_000]), ("0", vec![0, 500, 1500])]
    {
        let source = Source::of(vec![busy(after); 20]);
        patient(&source).downloader().fetch(URL).await.unwrap_err();
        assert_eq!(source.times()[..times.len()], times, "{after}");
        assert_eq!(*source.times().last().unwrap(), 30_000, "{after}");
    }
}

/// Of an image of this many bytes, the part that is asked for, of which `most` come.
fn part_of(image: &[u8], request: &Request<bytes::Bytes>, most: usize) -> Answer {
    let range = request.headers().get("range").map(|range| range.to_str().unwrap().to_owned());
    let from = range.map_or(0, |range| range["bytes=".len()..range.len() - 1].parse::<usize>().unwrap());
    let end = (from + most).min(image.len());
    let response = Answer::new(if from > 0 { 206 } else { 200 }, &image[from..end]);
    let response = response.header("content-length", (image.len() - from).to_string());
    let response = response.header("content-range", format!("bytes {from}-{}/{}", image.len() - 1, image.len()));
    response.end(if end < image.len() { End::Broken } else { End::Clean })
}

/// What no format knows, and nothing repeats.
fn large() -> &'static [u8] {
    static LARGE: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect());
    &LARGE
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_every_64_kib_delivers_in_the_end() {
    for tag in [Some("\"v1\""), Some("W/\"v1\""), None] {
        let source = Source::new(move |_, request| match tag {
            Some(tag) => part_of(large(), request, 64 << 10).header("etag", tag),
            None => part_of(large(), request, 64 << 10),
        });
        assert!(patient(&source).downloader().fetch(URL).await.unwrap() == large(), "{tag:?}");
        let strong = tag == Some("\"v1\"");
        let second = if strong { "bytes=65536-" } else { "bytes=64512-" };
        assert_eq!(
            (source.ranges()[1].as_str(), source.times().len()),
            (second, if strong { 16 } else { 17 }),
            "{tag:?}"
        );
        assert_eq!(source.requests()[1].headers().contains_key("if-range"), strong, "{tag:?}");
        assert_eq!(source.times().last(), Some(&500), "only the first break is waited after");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_parts_is_asked_for_all_until_the_waits_are_over() {
    let whole = |request: &Request<bytes::Bytes>, most| {
        assert!(!request.headers().contains_key("range"));
        part_of(large(), request, most).header("accept-ranges", "none")
    };
    let source = Source::new(move |number, request| whole(request, if number < 5 { 64 << 10 } else { 2 << 20 }));
    assert!(patient(&source).downloader().fetch(URL).await.unwrap() == large());
    let source = Source::new(move |_, request| whole(request, 64 << 10));
    assert_eq!(patient(&source).downloader().fetch(URL).await.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(source.times().last(), Some(&30_000));
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_another_image_is_never_put_behind_the_first() {
    let other: Vec<u8> = large().iter().map(|byte| !byte).collect();
    let longer = [&other[..], &[0]].concat();
    for now in [other, longer] {
        let expected = now.clone();
        let source = Source::new(move |number, request| match number {
            0 => part_of(large(), request, 100_000),
            _ => part_of(&now, request, 2 << 20),
        });
        assert!(patient(&source).downloader().fetch(URL).await.unwrap() == expected);
        assert_eq!(source.ranges(), ["all", "bytes=98976-", "all"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_ends_before_the_image_is_followed_by_the_next() {
    let source = Source::new(|_, request| part_of(large(), request, 300_000).header("etag", "\"1\"").end(End::Clean));
    assert!(patient(&source).downloader().fetch(URL).await.unwrap() == large());
    assert_eq!(source.times().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_is_cut_at_its_source_is_fetched_again() {
    let cut = |length: usize| Answer::new(200, &PNG[..length]).header("content-length", length.to_string());
    let source = Source::of(vec![cut(40), cut(50), Answer::new(200, PNG)]);
    assert_eq!(patient(&source).downloader().fetch(URL).await.unwrap(), PNG);
    assert_eq!(source.ranges(), ["all"; 3]);

    let source = Source::of(vec![cut(40), cut(60), cut(50)]);
    let error = patient(&source).downloader().fetch(URL).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteImage);
    assert_eq!(error.message(), "the PNG ends before its IEND chunk: https://pictures.example/a.png?…");
}

#[tokio::test(start_paused = true)]
async fn of_an_image_that_stays_cut_the_most_is_kept_and_it_is_a_failure() {
    let cut = |length: usize| Answer::new(200, &PNG[..length]);
    let broken = cut(60).end(End::Broken);
    for responses in
        [vec![cut(40), cut(60), cut(50)], vec![broken, Answer::new(403, b"")], vec![cut(60).end(End::Stands)]]
    {
        let source = Source::of(responses);
        let directory = tempfile::tempdir().unwrap();
        let client = patient(&source);
        let here = client.fetch_into(&image(), directory.path()).await.unwrap();
        let ImageData::Incomplete { data, reason } = &here.data else { panic!("{here:?}") };
        let ImageData::File(path) = &**data else { panic!("{here:?}") };
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("unsaved-") && name.ends_with(".partial.png"), "{name}");
        assert!(reason.starts_with("the PNG ends before its IEND chunk") && reason.ends_with("a.png?…"), "{reason}");
        assert_eq!(fs::read(path).unwrap(), PNG[..60]);
        assert_eq!(names(directory.path()).len(), 1);
    }
    let source = Source::of(vec![cut(60)]);
    let directory = tempfile::tempdir().unwrap();
    let options = SaveOptions::new(directory.path(), "tiny");
    let failure = patient(&source).save_image(&image(), &options).await.unwrap_err();
    assert_eq!((failure.kind, failure.url.as_deref()), (ErrorKind::IncompleteImage, Some(URL)));
    let kept = directory.path().join("tiny-0.partial.png");
    assert!(failure.message.starts_with("the PNG ends before its IEND chunk"), "{failure}");
    assert!(failure.message.ends_with(&kept.display().to_string()), "{failure}");
    assert_eq!(
        (names(directory.path()), fs::read(kept).unwrap()),
        (vec!["tiny-0.partial.png".to_owned()], PNG[..60].to_vec())
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_that_has_its_end_is_complete_however_the_transfer_ends() {
    for end in [End::Broken, End::Stands] {
        let source = Source::of(vec![Answer::new(200, &[PNG, b"trailing"].concat()).end(end)]);
        let bytes = patient(&source).downloader().fetch(URL).await.unwrap();
        assert!(bytes.starts_with(PNG) && source.times() == [0], "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_stands_still_is_said_to_have_stalled() {
    // A byte every 20 s is slow.
    let slow = Answer::new(200, b"picture").end(End::Slow(Duration::from_secs(20)));
    let source = Source::of(vec![slow.clone()]);
    assert_eq!(patient(&source).downloader().fetch(URL).await.unwrap(), "picture");

    let options = DownloadOptions::default().timeouts(Duration::from_secs(30), Duration::from_secs(70));
    let source = Source::of(vec![slow]);
    let error = through(&source, options).downloader().fetch(URL).await.unwrap_err();
    assert_eq!((error.kind(), source.times()), (ErrorKind::Timeout, vec![0]));
    assert!(error.message().contains("not complete within 70 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_first_get_is_made_whatever_time_is_up() {
    let source = Source::of(vec![Answer::new(200, PNG)]);
    let options =
        DownloadOptions::default().timeouts(Duration::ZERO, Duration::ZERO).waits(Duration::ZERO, Duration::ZERO);
    assert_eq!(through(&source, options).downloader().fetch(URL).await.unwrap(), PNG);
}

#[tokio::test(start_paused = true)]
async fn a_transport_of_ones_own_gets_no_hostile_url_and_no_key() {
    let to = |target: &str| Answer::new(302, b"").header("location", target);
    for target in
        ["http://pictures.example/a", "https://169.254.169.254/", "file:///etc/passwd", "https://u:p@a.example/"]
    {
        let source = Source::of(vec![to(target), Answer::new(200, PNG)]);
        let downloads = patient(&source);
        for url in [URL, target] {
            assert_eq!(downloads.downloader().fetch(url).await.unwrap_err().kind(), ErrorKind::Unsupported, "{target}");
        }
        assert_eq!(source.times().len(), 1, "{target}");
    }
    let source = Source::of(vec![to("/other.png#part"), Answer::new(200, PNG)]);
    assert_eq!(patient(&source).downloader().fetch(URL).await.unwrap(), PNG);
    let requests = source.requests();
    assert_eq!(requests[1].uri(), "https://pictures.example/other.png");
    for request in requests {
        let mut names: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["accept-encoding", "user-agent"]);
    }
}
