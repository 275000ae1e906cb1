//! The responses that are read.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::Bytes;

/// An image in a response, in bytes.
pub(crate) const IMAGE: usize = 256 << 10;

/// Noise that begins as a PNG does.
fn image(seed: usize, bytes: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x04\0\0\0\x03\0\x08\x02\0\0\0\xcf\x3e\x3c\xc2".to_vec();
    let mut noise = seed as u64 + 1;
    png.resize_with(bytes, || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (noise >> 56) as u8
    });
    png
}

pub(crate) fn plain(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// As PHP writes it.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    plain(bytes).replace('/', "\\/")
}

/// As encoders for e-mail write it.
pub(crate) fn lines(bytes: &[u8]) -> String {
    plain(bytes).as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\\r\\n").collect()
}

pub(crate) fn url_safe(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// `-` beside `/`.
pub(crate) fn mixed(bytes: &[u8]) -> String {
    plain(bytes).replace('+', "-")
}

pub(crate) fn body(images: usize, bytes: usize, encode: &dyn Fn(&[u8]) -> String) -> Bytes {
    let item = |seed| format!(r#"{{"b64_json":"{}","size":"1024x768"}}"#, encode(&image(seed, bytes)));
    let items: Vec<_> = (0..images).map(item).collect();
    let items = items.join(",");
    format!(r#"{{"created":1763668800,"data":[{items}],"usage":{{"generated_images":{images}}}}}"#).into()
}

pub(crate) fn events(images: usize) -> Bytes {
    let event = |seed| {
        format!(
            "event: image_generation.partial_succeeded\ndata: {{\"type\":\"image_generation.partial_succeeded\",\"image_index\":{seed},\"b64_json\":\"{}\",\"size\":\"1024x768\"}}\n\n",
            plain(&image(seed, IMAGE))
        )
    };
    ((0..images).map(event).collect::<String>() + "data: [DONE]\n\n").into()
}

/// Events of a link each, without the index of the image.
pub(crate) fn small_events(count: usize) -> Bytes {
    let event = |seed| {
        format!(
            "data: {{\"type\":\"image_generation.partial_succeeded\",\"url\":\"https://images.example/{seed}.png\"}}\n\n"
        )
    };
    ((0..count).map(event).collect::<String>() + "data: [DONE]\n\n").into()
}

/// A response of links and words.
pub(crate) fn words(items: usize) -> Bytes {
    let item = |seed| {
        format!(
            r#"{{"url":"https:\/\/images.example\/{seed}.png?X-Tos-Signature=0123456789abcdef","size":"1024x768","revised_prompt":"a lighthouse in fog,\nseen \"from\" the sea","index":{seed}}}"#
        )
    };
    let items: Vec<_> = (0..items).map(item).collect();
    format!(r#"{{"created":1763668800,"data":[{}],"usage":{{"generated_images":1}}}}"#, items.join(",")).into()
}
