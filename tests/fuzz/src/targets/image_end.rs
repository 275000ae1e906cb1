//! Downloads, and whether an image is complete as its own format says.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use seedream::ErrorKind;
use seedream::seedream_client::{DownloadOptions, Downloader, Endpoint};

use crate::{
    input::{chunkings, split},
    scripted_client::{self, Scripted},
};

/// An image; the first byte chooses where it is cut.
pub fn run(input: &[u8]) {
    let (choice, image) = split(input);
    let whole = fetch(image, usize::MAX);
    for size in chunkings(choice, image.len()) {
        assert_eq!(fetch(image, size), whole, "chunks of {size} bytes");
    }
    match &whole {
        Ok(bytes) => assert_eq!(bytes, image, "an image is delivered as it came"),
        Err((kind, message)) => {
            assert!(message.len() < 500, "{message}");
            // What was complete before more bytes came is complete with them; a box may always be followed by a cut one.
            let cut = &image[..image.len() * usize::from(choice) / 256];
            let has_end =
                [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"GIF8"].iter().any(|sign| cut.starts_with(sign));
            if *kind == ErrorKind::IncompleteImage && has_end && cut.len() > 14 {
                assert!(fetch(cut, usize::MAX).is_err(), "a part is complete and the whole is not: {message}");
            }
        }
    }
}

fn fetch(image: &[u8], chunk: usize) -> Result<Bytes, (ErrorKind, String)> {
    let body = Bytes::copy_from_slice(image);
    let scripted =
        Scripted { accepted: None, headers: HeaderMap::new(), body, chunk, broken: false, purchases: 0.into() };
    let endpoint = Endpoint::new("https://api.example/v1").expect("it is a URL");
    let options = DownloadOptions::default().waits(Duration::ZERO, Duration::ZERO);
    let downloader = Downloader::new(&endpoint, options).with_transport(Arc::new(scripted));
    scripted_client::run(downloader.fetch("https://p.example/0.png"))
        .map_err(|error| (error.kind(), error.message().to_owned()))
}
