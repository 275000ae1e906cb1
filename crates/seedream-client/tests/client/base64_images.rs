//! Images that stand in the response itself, over real sockets.

use std::{fs, path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Request;
use seedream_client::{Client, ClientBuilder, ImageProvider as _, SaveOptions};
use seedream_core::{
    Capabilities, Charge, Checked, Decoded, Descriptor, Dialect, Effective, ErrorKind, Event, Generation, ImageData,
    ModelId, Response, Result, StreamDecoder, StreamDialect, WarningKind,
};
use seedream_wire::Reader;
use serde_json::{Map, Value};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    raw_server::{Act, Raw, response},
    tiny_dialects::{Tiny, request},
};

/// Asks as [`Tiny`] does and reads as all our adapters do.
#[derive(Debug)]
struct Wired;

fn reader(request: &Checked) -> Reader {
    Reader { model: request.model().clone(), kind_of: |_, _| None, lifetime: None }
}

impl Dialect for Wired {
    fn descriptor(&self) -> &Descriptor {
        Tiny.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Tiny.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        Tiny.encode(request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        reader(request).outcome(response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        Tiny.effective(request, members)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        Some(self)
    }
}

impl StreamDialect for Wired {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        reader(request).stream(request.ceiling())
    }
}

pub(crate) fn client(url: &str) -> ClientBuilder {
    Client::builder(Wired).base_url(url).key("canary-0123456789")
}

/// A PNG with a private chunk of so many bytes before its end.
pub(crate) fn png(seed: usize, length: usize) -> Vec<u8> {
    let (image, end) = crate::saving::PNG.split_at(crate::saving::PNG.len() - 12);
    let data: Vec<u8> = (0..length).map(|at| (at * 31 + seed + at / 253) as u8).collect();
    let chunk = [b"juNk", &data[..]].concat();
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [image, &length, &chunk, &crc32fast::hash(&chunk).to_be_bytes(), end].concat()
}

/// How many images came, those that are not complete apart.
pub(crate) fn complete(generation: &Generation) -> (usize, usize) {
    let cut = generation.images().filter(|image| matches!(image.data, ImageData::Incomplete { .. })).count();
    (generation.images().count() - cut, cut)
}

pub(crate) fn item(seed: usize, length: usize) -> String {
    format!(r#"{{"b64_json":"{}","size":"3x2"}}"#, STANDARD.encode(png(seed, length)))
}

pub(crate) fn body(items: &[String]) -> String {
    format!(r#"{{"created":1763668800,"data":[{}],"usage":{{"generated_images":{}}}}}"#, items.join(","), items.len())
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn file(data: &ImageData) -> &Path {
    let ImageData::File(path) = data else { panic!("{data:?} is no file") };
    path
}

#[tokio::test]
async fn images_in_a_response_go_to_files_and_saving_renames_them() {
    let items = [
        item(1, 40_000),
        item(2, 3_000_000),
        format!(r#"{{"url":"data:image/png;base64,{}"}}"#, STANDARD.encode(png(3, 5000))),
    ];
    let server = Raw::start(vec![response("200 OK", "", &body(&items))]).await;
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("not/there/yet");
    let client = client(&server.url).spool(&out).build().unwrap();
    let generation = client.generate(request()).await.unwrap();
    assert!(generation.raw.len() < 500, "{} bytes are left of the answer", generation.raw.len());
    let lifted: Vec<_> = generation.images().map(|image| file(&image.data).to_owned()).collect();
    assert_eq!(lifted.len(), 3);
    assert!(lifted.iter().all(|path| path.parent() == Some(&out) && path.extension().unwrap() == "png"), "{lifted:?}");
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&lifted[1]).unwrap());

    let saved = client.save(&generation, &SaveOptions::new(&out, "tiny")).await;
    assert_eq!(names(&out), ["tiny-0.png", "tiny-1.png", "tiny-2.png"]);
    for (image, (seed, length)) in saved.images().zip([(1, 40_000), (2, 3_000_000), (3, 5000)]) {
        let bytes = fs::read(image.file().unwrap()).unwrap();
        assert!(bytes == png(seed, length), "image {seed}");
        assert_eq!((image.bytes, image.width, image.height), (bytes.len() as u64, Some(3), Some(2)));
    }
    assert_eq!(saved.images().next().unwrap().sha256.len(), 64);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&fs::metadata(out.join("tiny-1.png")).unwrap()), inode, "moved");
    // Twice is not possible, and says so.
    let again = client.save(&generation, &SaveOptions::new(&out, "tiny")).await;
    assert_eq!((again.images().count(), again.failures().next().unwrap().kind), (0, ErrorKind::Storage));
}

#[tokio::test]
async fn the_shortest_image_that_is_worth_a_file_gets_one() {
    for (bytes, lifted) in [(768, true), (765, false)] {
        let length = bytes - png(1, 0).len();
        let item = item(1, length);
        let server = Raw::start(vec![response("200 OK", "", &body(&[item]))]).await;
        let directory = tempfile::tempdir().unwrap();
        let client = client(&server.url).spool(directory.path()).build().unwrap();
        let generation = client.generate(request()).await.unwrap();
        let image = generation.images().next().unwrap();
        assert_eq!(matches!(image.data, ImageData::File(_)), lifted, "{bytes} bytes");
        assert_eq!(client.fetch(image).await.unwrap(), png(1, length));
    }
}

#[tokio::test]
async fn images_go_to_memory_where_no_directory_is_named_or_it_fails() {
    let body = body(&[item(1, 40_000), item(2, 1_000_000)]);
    let server = Raw::start(vec![response("200 OK", "", &body), response("200 OK", "", &body)]).await;
    let directory = tempfile::tempdir().unwrap();
    let no_directory = directory.path().join("file");
    fs::write(&no_directory, "x").unwrap();
    for builder in [client(&server.url), client(&server.url).spool(&no_directory)] {
        let generation = builder.build().unwrap().generate(request()).await.unwrap();
        let images: Vec<_> = generation.images().map(|image| image.data.clone()).collect();
        assert!(images == [ImageData::Bytes(png(1, 40_000).into()), ImageData::Bytes(png(2, 1_000_000).into())]);
        assert!(generation.raw.len() < 300);
    }
    assert_eq!(names(directory.path()), ["file"]);
}

/// Measured in a process of its own, where nothing else takes memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_response_of_any_size_costs_little_memory() {
    const CHILD: &str = "SEEDREAM_TEST_URL";
    let status = |name: &str| {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let Ok(url) = std::env::var(CHILD) else {
        let items: Vec<_> = (0..4).map(|seed| item(seed, 10_000_000)).collect();
        let server = Raw::start(vec![response("200 OK", "", &body(&items))]).await;
        let name = "base64_images::a_response_of_any_size_costs_little_memory";
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", name]).env(CHILD, &server.url);
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(server.count("POST"), 1);
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let client = client(&url).spool(directory.path()).build().unwrap();
    let before = status("VmRSS");
    let generation = client.generate(request()).await.unwrap();
    let saved = client.save(&generation, &SaveOptions::new(directory.path(), "tiny")).await;
    let grown = status("VmHWM") - before;
    assert_eq!(saved.images().map(|image| image.bytes).min(), Some(png(0, 10_000_000).len() as u64));
    assert_eq!(saved.images().count(), 4);
    assert!(grown < 16 << 10, "grown by {grown} KiB");
}

/// How images stand in a response: what is in front of all of them, of each, behind each and behind all, and how base64 is written.
#[cfg(target_os = "linux")]
type Form = (&'static str, &'static str, &'static str, &'static str, fn(&str) -> String);

#[cfg(target_os = "linux")]
const FORMS: [Form; 18] = {
    fn plain(base64: &str) -> String {
        base64.to_owned()
    }
    fn url_safe(base64: &str) -> String {
        base64.replace('+', "-").replace('/', "_")
    }
    fn escaped(base64: &str) -> String {
        base64.replace('/', "\\/")
    }
    fn lines(base64: &str) -> String {
        base64.as_bytes().chunks(64).map(|line| format!("{}\\r\\n", String::from_utf8_lossy(line))).collect()
    }
    fn raw_lines(base64: &str) -> String {
        lines(base64).replace("\\r\\n", "\n")
    }
    fn lines_of_data(base64: &str) -> String {
        lines(base64).replace("\\r\\n", "\ndata: ")
    }
    [
        ("{\"data\":[", "{\"b64_json\":\"", "\"}", "]}", plain),
        ("{\"data\":[", "{\"b64\":\"", "\"}", "]}", plain),
        ("{\"data\":[", "{\"url\":\"data:image/png;base64,", "\"}", "]}", plain),
        ("{\"data\":[", "{\"url\":\"DATA:Image/PNG;charset=utf-8;base64,", "\"}", "]}", escaped),
        ("{\"data\":[", "{\"url\":\"data:image/png;base64,data:image/png;base64,", "\"}", "]}", plain),
        ("{\"data\":[", "{\"url\":\"", "\"}", "]}", plain),
        ("{\"data\":[", "{\"url\":[\"", "\"]}", "]}", plain),
        ("{\"data\":[", "{\"image_url\":\"", "\"}", "]}", plain),
        ("{\"data\":[", "{\"image_url\":{\"url\":\"", "\"}}", "]}", plain),
        ("{\"images\":[", "\"", "\"", "]}", plain),
        ("{\"output\":[", "\"", "\"", "]}", plain),
        ("[", "\"", "\"", "]", plain),
        ("{\"data\":{\"images\":[", "\"", "\"", "]}}", plain),
        ("{\"data\":[", "{\"b64_json\":\"", "\"}", "]}", url_safe),
        ("{\"data\":[", "{\"b64_json\":\"", "\"}", "]}", lines),
        ("{\"data\":[", "{\"b64_json\":\"", "\"}", "]}", raw_lines),
        ("data: {\"data\":[", "{\"url\":\"", "\"}", "]}\n\n", url_safe),
        ("data: {\"data\":[", "{\"x\":\"", "\"}", "]}\n\n", lines_of_data),
    ]
};

/// Answers with images that are made while they are read.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Large {
    form: Form,
    images: usize,
    /// Of each, as many as it takes.
    blocks: usize,
}

#[cfg(target_os = "linux")]
impl Large {
    /// The first bytes of an image, and what comes behind it again and again.
    fn parts() -> (Vec<u8>, Vec<u8>) {
        let mut head = crate::saving::PNG.to_vec();
        head.resize(head.len().next_multiple_of(48), 0);
        (head, (0..48 << 10).map(|at| (at * 31 + at / 253) as u8).collect())
    }
}

#[cfg(target_os = "linux")]
#[async_trait::async_trait]
impl seedream_client::Transport for Large {
    async fn send(
        &self,
        _: Request<Bytes>,
    ) -> Result<http::Response<seedream_client::ResponseBody>, seedream_client::TransportError> {
        let (head, before, after, tail, written) = self.form;
        let (first, block) = Self::parts();
        let block = Bytes::from(written(&STANDARD.encode(block)));
        let blocks = self.blocks;
        let images = (0..self.images).flat_map(move |at| {
            // Each its own: a repeated image is kept once.
            let first = [&first[..first.len() - 1], &[at as u8]].concat();
            let first = Bytes::from(written(&STANDARD.encode(first)));
            let before = if at == 0 { before.into() } else { Bytes::from(format!(",{before}")) };
            let base64 = std::iter::once(first).chain(std::iter::repeat_n(block.clone(), blocks));
            [before].into_iter().chain(base64).chain([after.into()])
        });
        let all = std::iter::once(head.into()).chain(images).chain([tail.into()]);
        let frames = all.map(|bytes: Bytes| Ok(http_body::Frame::data(bytes)));
        let body =
            seedream_client::ResponseBody::new(http_body_util::StreamBody::new(futures_util::stream::iter(frames)));
        let mut response = http::Response::new(body);
        let is_stream = head.starts_with("data:");
        let content_type = if is_stream { "text/event-stream" } else { "application/json" };
        response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        Ok(response)
    }
}

/// Reads images in every form, and measures by how much the process grows at most. What the decoder makes of the response does
/// not matter: the images are there.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "what was measured is told to who asks for it")]
async fn lifts_every_form(images: usize, mib: usize, most_kib: u64) {
    const CHILD: &str = "SEEDREAM_TEST_FORMS";
    if std::env::var_os(CHILD).is_none() {
        // In a process of its own, where nothing else takes memory.
        let test = std::thread::current().name().unwrap().to_owned();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", &test, "--include-ignored", "--nocapture"]).env(CHILD, "1");
        let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let (told, said) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success() && said.contains("1 passed"), "{said}{told}");
        println!("{said}");
        return;
    }
    let status = |name: &str| {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let blocks = (mib << 20) / (48 << 10);
    let mut before = None;
    // The first time counts for nothing: it takes the program itself into memory.
    for form in [FORMS[0]].into_iter().chain(FORMS) {
        let directory = tempfile::tempdir().unwrap();
        let large = Large { form, images, blocks };
        let client = client("https://tiny.example").transport(Arc::new(large)).spool(directory.path());
        let is_stream = form.0.starts_with("data:");
        let outcome = client.build().unwrap().generate(request().stream(is_stream)).await;
        let grown = status("VmHWM").saturating_sub(*before.get_or_insert_with(|| status("VmRSS")));
        println!("{}{}…{}: grown by {grown} KiB", form.0, form.1, form.2);
        assert!(grown < most_kib, "{form:?}: grown by {grown} KiB");
        let (first, block) = Large::parts();
        let lifted: Vec<_> = names(directory.path()).into_iter().filter(|name| name.starts_with("unsaved-")).collect();
        assert_eq!(lifted.len(), images, "{form:?}: {outcome:?}");
        for name in lifted {
            let mut file = fs::File::open(directory.path().join(name)).unwrap();
            let mut same = |expected: &[u8], unlike: usize| {
                let mut bytes = vec![0; expected.len() + unlike];
                std::io::Read::read_exact(&mut file, &mut bytes).unwrap();
                assert!(bytes[..expected.len()] == *expected, "{form:?}");
            };
            same(&first[..first.len() - 1], 1);
            (0..blocks).for_each(|_| same(&block, 0));
            assert_eq!(std::io::Read::read(&mut file, &mut [0]).unwrap(), 0, "{form:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn images_under_any_name_and_in_any_dress_cost_little_memory() {
    lifts_every_form(3, 1, 4 << 10).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "takes minutes without optimization"]
async fn fifteen_images_of_16_mib_under_any_name_and_in_any_dress_stay_under_16_mib() {
    lifts_every_form(15, 16, 16 << 10).await;
}

#[tokio::test]
async fn of_a_response_that_is_cut_or_too_large_the_images_before_are_kept() {
    let whole = body(&[item(1, 600_000), item(2, 600_000), item(3, 600_000)]);
    let cut = whole.len() - 300_000;
    let short = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", whole.len(), &whole[..cut]);
    let directory = tempfile::tempdir().unwrap();
    let server = Raw::start(vec![Act::Answer(short.into()), response("200 OK", "", &whole)]).await;
    for reason in ["broke off", "larger than the limit"] {
        let client = client(&server.url).spool(directory.path()).max_response_bytes(cut as u64).build().unwrap();
        let generation = client.generate(request()).await.unwrap();
        assert_eq!((complete(&generation), generation.failures().count()), ((2, 1), 0));
        let why = generation.warnings.iter().find(|warning| warning.kind == WarningKind::Incomplete).unwrap();
        assert!(why.message.contains(reason), "{why}");
        let saved = client.save(&generation, &SaveOptions::new(directory.path(), "tiny")).await;
        let failure = saved.failures().next().unwrap();
        assert_eq!((saved.images().count(), failure.kind), (2, ErrorKind::IncompleteImage));
        assert!(failure.message.contains(".partial.png"), "{failure}");
    }
    // Beside them the two answers as they came.
    let (saved, kept): (Vec<_>, Vec<_>) =
        names(directory.path()).into_iter().partition(|name| name.starts_with("tiny-"));
    let (partial, saved): (Vec<_>, Vec<_>) = saved.into_iter().partition(|name| name.contains(".partial."));
    assert_eq!((saved.len(), partial.len()), (4, 2), "{saved:?} {partial:?}");
    assert!(kept.len() == 2 && kept.iter().all(|name| name.starts_with("unreadable-")), "{kept:?}");
    kept.iter().for_each(|name| fs::remove_file(directory.path().join(name)).unwrap());

    // Not one image before the limit: what came of the first is told as incomplete.
    let server = Raw::start(vec![response("200 OK", "", &whole)]).await;
    let client = client(&server.url).spool(directory.path()).max_response_bytes(700_000).build().unwrap();
    let generation = client.generate(request()).await.unwrap();
    assert_eq!((complete(&generation), generation.charge(), server.count("POST")), ((0, 1), Charge::Yes, 1));
    let left: Vec<_> = names(directory.path()).into_iter().filter(|name| !name.starts_with("tiny-")).collect();
    assert!(
        matches!(&left[..], [kept, cut] if kept.starts_with("unreadable-") && cut.ends_with(".partial.png")),
        "{left:?}"
    );
}

#[tokio::test]
async fn what_is_no_base64_is_told_as_it_came() {
    let text = "A".repeat(900_000);
    let odd =
        format!(r#"{{"data":[{{"b64_json":"{text}\/\u002b?"}},{{"url":"https://a.example/1.png"}}],"note":"{text}"}}"#);
    let server = Raw::start(vec![response("200 OK", "", &odd), response("200 OK", "", &odd)]).await;
    let directory = tempfile::tempdir().unwrap();
    for builder in [client(&server.url), client(&server.url).spool(directory.path())] {
        let generation = builder.build().unwrap().generate(request()).await.unwrap();
        assert!(generation.raw == odd.as_bytes());
        assert_eq!((generation.images().count(), generation.failures().count()), (1, 1));
    }
    // An image is missing, so the response is kept as it came.
    let kept = names(directory.path());
    assert_eq!(kept.len(), 1);
    assert!(fs::read(directory.path().join(&kept[0])).unwrap() == odd.as_bytes());
}

#[tokio::test]
async fn an_image_of_a_stream_is_on_disk_before_the_next_exists() {
    let event = |seed, crlf: &str| {
        let json = format!(
            "{{\"type\":\"image_generation.partial_succeeded\",\"image_index\":{seed},\"b64_json\":\"{}\"}}",
            STANDARD.encode(png(seed, 700_000))
        );
        format!("event: image_generation.partial_succeeded{crlf}data: {json}{crlf}{crlf}")
    };
    let preview = format!(
        "data: {{\"type\":\"image_generation.partial_image\",\"b64_json\":\"{}\"}}\n\n",
        STANDARD.encode(png(9, 5000))
    );
    let (open, gate) = oneshot::channel();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: \"\n\n";
    let first = format!("{head}{preview}{}", event(0, "\r\n"));
    let second = format!("{}data: [DONE]\n\n", event(1, "\n"));
    let server = Raw::start(vec![Act::Gated(first.into(), gate, second.into())]).await;
    let directory = tempfile::tempdir().unwrap();
    let client = client(&server.url).spool(directory.path()).build().unwrap();
    let options = SaveOptions::new(directory.path(), "tiny");
    let mut events = client.events(request().stream(true)).await.unwrap();
    let event = timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap().unwrap();
    let Event::Image(image) = event else { panic!("{event:?}") };
    let saved = client.save_image(&image, &options).await.unwrap();
    assert!(fs::read(saved.file().unwrap()).unwrap() == png(0, 700_000));
    // The server writes nothing more until here.
    open.send(()).unwrap();
    let rest: Vec<_> = events.map(Result::unwrap).collect().await;
    let [Event::Image(second), Event::Finished(_)] = &rest[..] else { panic!("{rest:?}") };
    assert!(fs::read(file(&second.data)).unwrap() == png(1, 700_000));
    client.save_image(second, &options).await.unwrap();
    assert_eq!(names(directory.path()), ["tiny-0.png", "tiny-1.png"], "the preview is gone");
}

#[tokio::test]
async fn an_event_of_32_mib_is_one_image() {
    let length = 24 << 20;
    let event = format!("data: {{\"b64_json\":\"{}\"}}\n\ndata: [DONE]\n\n", STANDARD.encode(png(1, length)));
    assert!(event.len() > 32 << 20);
    let server = Raw::start(vec![response("200 OK", "Content-Type: text/event-stream\r\n", &event)]).await;
    let directory = tempfile::tempdir().unwrap();
    let client = client(&server.url).spool(directory.path()).build().unwrap();
    let generation = client.generate(request().stream(true)).await.unwrap();
    assert!(fs::read(file(&generation.images().next().unwrap().data)).unwrap() == png(1, length));
    assert_eq!((generation.images().count(), generation.warnings.len(), server.count("POST")), (1, 0, 1));
}

#[tokio::test]
async fn a_stream_that_breaks_in_an_image_keeps_those_before() {
    let event = |seed| format!("data: {{\"b64_json\":\"{}\"}}\n\n", STANDARD.encode(png(seed, 900_000)));
    let stream = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999999\r\n\r\n{}{}",
        event(0),
        event(1)
    );
    let server = Raw::start(vec![Act::Answer(stream.as_bytes()[..stream.len() - 5000].to_vec())]).await;
    let directory = tempfile::tempdir().unwrap();
    let client = client(&server.url).spool(directory.path()).build().unwrap();
    let generation = client.generate(request().stream(true)).await.unwrap();
    assert_eq!(complete(&generation), (1, 1));
    assert!(generation.warnings.iter().any(|warning| warning.kind == WarningKind::Incomplete));
    let kept: Vec<_> = names(directory.path());
    assert_eq!(kept.iter().filter(|name| name.starts_with("unsaved-")).count(), 2);
    assert_eq!(kept.iter().filter(|name| name.ends_with(".partial.png")).count(), 1);
    assert_eq!(kept.iter().filter(|name| name.starts_with("unreadable-")).count(), 1);
}

#[tokio::test]
async fn whoever_drops_the_response_leaves_complete_images_only() {
    let whole = body(&[item(1, 600_000), item(2, 2_000_000)]);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", whole.len());
    let (_open, gate) = oneshot::channel();
    let first = format!("{head}{}", &whole[..whole.len() - 500_000]);
    let server = Raw::start(vec![Act::Gated(first.into(), gate, Vec::new())]).await;
    let directory = tempfile::tempdir().unwrap();
    let client = client(&server.url).spool(directory.path()).build().unwrap();
    let mut waiting = Box::pin(client.generate(request()));
    let is = |name: &str| names(directory.path()).iter().any(|other| other.starts_with(name));
    let start = std::time::Instant::now();
    let patient = || assert!(start.elapsed() < Duration::from_secs(20), "{:?}", names(directory.path()));
    while !(is("unsaved-") && is(".lifted-")) {
        patient();
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(waiting);
    // A write that was under way on another thread ends, and takes the file with it.
    while is(".lifted-") {
        patient();
        tokio::task::yield_now().await;
    }
    let left = names(directory.path());
    assert!(matches!(&left[..], [name] if name.starts_with("unsaved-")), "{left:?}");
    assert!(fs::read(directory.path().join(&left[0])).unwrap() == png(1, 600_000));
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_kept_and_named() {
    let page = format!("<html>{}</html>", "x".repeat(200_000));
    // An image where nobody looks for one is in the file too.
    let strange = format!(r#"{{"unheard":[{}]}}"#, item(1, 5000));
    let server = Raw::start(vec![
        response("200 OK", "", &page),
        response("200 OK", "", &strange),
        response("200 OK", "", &strange),
        response("500 Oops", "", &page),
    ])
    .await;
    let directory = tempfile::tempdir().unwrap();
    let spooling = client(&server.url).spool(directory.path()).build().unwrap();

    let error = spooling.generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge()), (ErrorKind::MalformedResponse, Charge::Unknown));
    let kept = error.kept().unwrap();
    assert!(error.to_string().contains(&format!("the response is kept in {}", kept.display())), "{error}");
    assert!(kept.parent() == Some(directory.path()) && fs::read(kept).unwrap() == page.as_bytes());
    assert!(page.as_bytes().starts_with(error.body().unwrap()) && error.body().unwrap().len() < 100_000);

    let error = spooling.generate(request()).await.unwrap_err();
    let body = fs::read_to_string(error.kept().unwrap()).unwrap();
    let lifted = names(directory.path()).into_iter().find(|name| name.starts_with("unsaved-")).unwrap();
    let token = lifted.strip_prefix("unsaved-").unwrap().strip_suffix(".png").unwrap();
    assert_eq!(body, format!(r#"{{"unheard":[{{"b64_json":"{token}","size":"3x2"}}]}}"#));
    assert!(fs::read(directory.path().join(lifted)).unwrap() == png(1, 5000));

    // Without a directory the error itself holds all of it.
    let error = client(&server.url).build().unwrap().generate(request()).await.unwrap_err();
    assert!(error.kept().is_none() && error.body().unwrap() == strange.as_bytes());
    // What was refused is not kept.
    let error = spooling.generate(request()).await.unwrap_err();
    assert!(error.kept().is_none() && error.body().unwrap() == page.as_bytes());
    assert_eq!(names(directory.path()).len(), 3);
}
