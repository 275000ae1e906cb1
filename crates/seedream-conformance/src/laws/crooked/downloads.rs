//! Images that are fetched late, or in part, on a simulated clock: only a GET is repeated, and an image that stays incomplete is kept as
//! a part and reported as a failure.

use std::{fmt, fs, path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, header};
use seedream_client::{Client, ImageProvider as _, SaveOptions, Saved};
use seedream_core::{ErrorKind, Strictness};
use tokio::time::Instant;

use super::{
    image_host::{BodyEnd, ImageHost, ImageResponse, ScriptedProvider},
    inline_images::{chunk, crc32, png},
    shape_fixture::{IMAGES, ShapeFixture},
};
use crate::{CaseFailure, fixture::convert_exchange, harness::difference::Differences};

/// The result of saving the first image of a response.
struct FetchedImage {
    saved: Saved,
    /// The files, and what is in them.
    files: Vec<(String, Vec<u8>)>,
    /// The purchases.
    posts: usize,
    /// When each request for an image was sent.
    gets: Vec<Duration>,
}

impl fmt::Debug for FetchedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.files.iter().map(|(name, bytes)| (name, bytes.len())).collect();
        write!(f, "{:?}, files {files:?}, requests at {:?}", self.saved.failures().collect::<Vec<_>>(), self.gets)
    }
}

impl FetchedImage {
    /// The image came whole, by GETs alone, and was bought once.
    fn whole(&self, d: &mut Differences, name: &str, image: &[u8]) {
        let same = matches!(&self.files[..], [(_, bytes)] if bytes == image);
        d.holds(same && self.saved.failures().count() == 0, || format!("{name}: not as it is: {self:?}"));
        d.same(&format!("{name}: purchases"), &1, &self.posts);
    }

    /// How long after the first request another was sent.
    fn waited(&self, number: usize) -> Duration {
        let at = |number: usize| self.gets.get(number).copied().unwrap_or_default();
        at(number).saturating_sub(at(0))
    }

    /// A failure of this kind names the URL, and was bought once.
    fn failed(&self, d: &mut Differences, name: &str, kind: ErrorKind) {
        let failure = self.saved.failures().next();
        d.same(&format!("{name}: failure"), &Some(kind), &failure.map(|failure| failure.kind));
        let named = failure.is_some_and(|failure| failure.url.as_deref().is_some_and(|url| url.starts_with(IMAGES)));
        d.holds(named, || format!("{name}: the URL is lost: {self:?}"));
        d.same(&format!("{name}: purchases"), &1, &self.posts);
    }
}

/// Buys an image of the documented kind and saves it, each request for it getting the response of its number.
fn fetch(
    fixture: &ShapeFixture,
    responses: impl Fn(usize, &http::Request<Bytes>) -> ImageResponse + Send + Sync + 'static,
) -> Result<FetchedImage, CaseFailure> {
    let harness = |what: &str, error: &dyn fmt::Display| CaseFailure::harness(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| harness("no runtime", &error))?;
    let folder = tempfile::tempdir().map_err(|error| harness("no folder", &error))?;
    let mut request =
        convert_exchange::checked(&**fixture.subject.dialect(), fixture.documented.exchange)?.request().clone();
    request.stream = None;
    runtime.block_on(async {
        let source = Arc::new(ImageHost::new(Instant::now(), responses));
        let provider = Arc::new(ScriptedProvider::new(fixture.script()));
        let driver = fixture.subject.hooks();
        let client = Client::builder(fixture.subject.dialect().clone())
            .base_url(&*fixture.subject.dialect().descriptor().base_urls[0])
            .key("a-key-that-no-image-needs")
            .strictness(Strictness::Off)
            .transport((driver.transport)(provider.clone()))
            .download_transport((driver.download)(source.clone()))
            .build()
            .map_err(|error| harness("no client", &error))?;
        let generation = client.generate(request).await;
        let mut generation = generation.map_err(|error| CaseFailure::new(format!("no images: {error}")))?;
        generation.outcomes.truncate(1);
        let saved = client.save(&generation, &SaveOptions::new(folder.path(), "image")).await;
        let sent = source.sent();
        let other = sent.iter().find(|(_, sent)| sent.method() != Method::GET || !sent.body().is_empty());
        if let Some((_, other)) = other {
            return Err(CaseFailure::new(format!("a {} was sent for an image", other.method())));
        }
        if sent.iter().any(|(_, sent)| sent.headers().contains_key(header::AUTHORIZATION)) {
            return Err(CaseFailure::new("the key was sent for an image"));
        }
        Ok(FetchedImage {
            saved,
            files: files(folder.path().to_owned()).map_err(|error| harness("no files", &error))?,
            posts: provider.posts(),
            gets: sent.iter().map(|(at, _)| *at).collect(),
        })
    })
}

fn files(folder: PathBuf) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}

/// ImageResponder one by one, and the image then.
fn then(first: Vec<ImageResponse>, image: &Bytes) -> impl Fn(usize, &http::Request<Bytes>) -> ImageResponse + use<> {
    let image = image.clone();
    move |number, _| first.get(number).cloned().unwrap_or_else(|| ImageResponse::new(200, &image))
}

/// An image that is not there yet is waited for.
pub(super) fn not_there_yet(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let image = png(fixture);
    let drawn = [408, 425, 429, 500, 502, 503, 504][fixture.draw(7)];
    for status in [404, drawn] {
        let no = ImageResponse::new(status, b"no");
        let fetched = fetch(fixture, then(vec![no.clone(), no], &image))?;
        fetched.whole(&mut d, &format!("after {status} twice"), &image);
    }
    // One that never comes is given up after half a minute, and named.
    let fetched = fetch(fixture, |_, _| ImageResponse::new(404, b"no"))?;
    fetched.failed(&mut d, "404 for ever", ErrorKind::Server);
    let waited = fetched.waited(fetched.gets.len().saturating_sub(1));
    d.holds(waited >= Duration::from_secs(30), || format!("404 for ever: given up after {waited:?}"));
    d.into_result()
}

/// The client waits as long as the host asks.
pub(super) fn patient(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let image = png(fixture);
    let seconds = 5 + fixture.draw(10) as u64;
    let status = [429, 503][fixture.draw(2)];
    let busy = ImageResponse::new(status, b"").header("retry-after", seconds.to_string());
    let fetched = fetch(fixture, then(vec![busy], &image))?;
    fetched.whole(&mut d, "after a wait", &image);
    let waited = fetched.waited(1);
    d.holds(waited >= Duration::from_secs(seconds), || format!("asked to wait {seconds} s, waited {waited:?}"));
    d.into_result()
}

/// A connection that breaks or stands still is made again.
pub(super) fn lost(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let image = png(fixture);
    let part = &image[..1 + fixture.draw(image.len() - 20)];
    for (name, bad) in [
        ("a reset", ImageResponse::new(200, b"").end(BodyEnd::Reset)),
        ("a break", ImageResponse::new(200, part).end(BodyEnd::Broken)),
        ("a stall", ImageResponse::new(200, part).end(BodyEnd::Stands)),
    ] {
        // A request for the rest gets the whole image here, as from a host that knows no ranges.
        fetch(fixture, then(vec![bad], &image))?.whole(&mut d, name, &image);
    }
    d.into_result()
}

/// A source that closes every 64 KiB delivers in the end.
pub(super) fn in_parts(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let mut image = b"\x89PNG\r\n\x1a\n".to_vec();
    let noise: Vec<u8> = (0..150_000 + fixture.draw(40_000)).map(|at| (at * 31 % 251) as u8).collect();
    chunk(&mut image, b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    chunk(&mut image, b"IDAT", &noise);
    chunk(&mut image, b"IEND", &[]);
    let source = image.clone();
    let fetched = fetch(fixture, move |_, request| {
        let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
        let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let from: usize = from.unwrap_or(0).min(source.len() - 1);
        let to = (from + (64 << 10)).min(source.len());
        let response = ImageResponse::new(if from > 0 { 206 } else { 200 }, &source[from..to]).header("etag", "\"1\"");
        let response = response.header("content-length", (source.len() - from).to_string());
        let response = response.header("content-range", format!("bytes {from}-{}/{}", source.len() - 1, source.len()));
        response.end(if to < source.len() { BodyEnd::Broken } else { BodyEnd::Clean })
    })?;
    fetched.whole(&mut d, "in parts", &image);
    d.into_result()
}

/// A compressed image is unpacked, labelled or not.
pub(super) fn compressed(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let image = png(fixture);
    let packed = gzip(&image);
    let label = ["gzip", "GZIP", "x-gzip"][fixture.draw(3)];
    let labelled = ImageResponse::new(200, &packed).header("content-encoding", label);
    for (name, response) in [("labelled", labelled), ("not labelled", ImageResponse::new(200, &packed))] {
        fetch(fixture, then(vec![response], &image))?.whole(&mut d, name, &image);
    }
    // A label without compression is read as it is.
    let plain = ImageResponse::new(200, &image).header("content-encoding", label);
    fetch(fixture, then(vec![plain], &image))?.whole(&mut d, "labelled, and plain", &image);
    d.into_result()
}

/// An image that is cut off is fetched again, and if it stays so, kept as a part and reported as a failure.
pub(super) fn cut(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let image = png(fixture);
    let part = image.slice(..40 + fixture.draw(image.len() - 60));
    let length = part.len().to_string();
    for (name, response) in [
        ("with its length", ImageResponse::new(200, &part).header("content-length", length)),
        ("without a length", ImageResponse::new(200, &part)),
    ] {
        fetch(fixture, then(vec![response.clone()], &image))?.whole(&mut d, &format!("cut once {name}"), &image);
        let fetched = fetch(fixture, move |_, _| response.clone())?;
        let name = format!("cut {name}");
        fetched.failed(&mut d, &name, ErrorKind::IncompleteImage);
        let kept = matches!(&fetched.files[..], [(name, bytes)] if name.contains(".partial.") && *bytes == part);
        d.holds(kept, || format!("{name}: the part is not kept as one: {fetched:?}"));
    }
    // The same inside the response: there is nothing to fetch again.
    let Some(inline) =
        ShapeFixture::of(&fixture.subject, 0)?.map(|fixture| fixture.with_image(&STANDARD.encode(&part)))
    else {
        return d.into_result();
    };
    let fetched = fetch(&inline, |_, _| ImageResponse::new(404, b""))?;
    let failure = fetched.saved.failures().next().map(|failure| failure.kind);
    d.same("cut, inline: failure", &Some(ErrorKind::IncompleteImage), &failure);
    d.same("cut, inline: requests", &0, &fetched.gets.len());
    d.same("cut, inline: purchases", &1, &fetched.posts);
    d.into_result()
}

/// An image that is gone is requested once.
pub(super) fn gone(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    let status = [401, 403, 410][fixture.draw(3)];
    let fetched = fetch(fixture, move |_, _| ImageResponse::new(status, b"no"))?;
    fetched.failed(&mut d, &status.to_string(), ErrorKind::Server);
    d.same(&format!("{status}: requests"), &1, &fetched.gets.len());
    d.into_result()
}

/// A gzip of one block that is stored as it is.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend_from_slice(bytes);
    packed.extend(crc32(bytes).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}
