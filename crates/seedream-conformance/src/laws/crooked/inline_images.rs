//! Images inside the response, in other forms than plain base64.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::shape_fixture::{DeliveredImage, ShapeFixture, delivered};
use crate::{CaseFailure, harness::difference::Differences};

/// A PNG with bytes of which each letter of base64 comes.
pub(super) fn png(fixture: &ShapeFixture) -> Bytes {
    let mut data = vec![0xfb, 0xff, 0xfe, 0xfb, 0xef, 0xbe];
    // Never a multiple of three, so that there is padding.
    data.extend((0..90 + 3 * fixture.draw(20)).map(|_| u8::try_from(fixture.draw(256)).unwrap_or_default()));
    while (8 + 25 + 12 + data.len() + 12) % 3 == 0 {
        data.push(0xff);
    }
    let mut image = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut image, b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    chunk(&mut image, b"IDAT", &data);
    chunk(&mut image, b"IEND", &[]);
    image.into()
}

/// Adds a chunk to a PNG.
pub(super) fn chunk(image: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    image.extend(u32::try_from(data.len()).unwrap_or_default().to_be_bytes());
    let start = image.len();
    image.extend_from_slice(name);
    image.extend_from_slice(data);
    image.extend(crc32(&image[start..]).to_be_bytes());
}

/// The check that PNG and gzip share.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

type Base64Form = fn(&ShapeFixture, &[u8]) -> String;

/// Data URIs and bare base64 where a link is expected.
pub(super) fn data_uris(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let dresses: [(&str, Base64Form); 9] = [
        ("plain", |g, b| g.cased("data:image/png;base64,") + &encoded(b)),
        ("with a parameter", |g, b| g.cased("data:Image/PNG;charset=utf-8;base64,") + &encoded(b)),
        ("without a type", |g, b| g.cased("data:;base64,") + &encoded(b)),
        ("with a blank", |g, b| format!("{} {}\n", g.cased("data:image/png;base64,"), encoded(b))),
        ("with two heads", |g, b| g.cased("data:image/png;base64,").repeat(2) + &encoded(b)),
        ("percent-encoded", |g, b| {
            g.cased("data:image/png,") + &b.iter().map(|b| format!("%{b:02x}")).collect::<String>()
        }),
        ("base64, percent-encoded", |g, b| {
            let text = encoded(b).replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
            g.cased("data:image/png;base64,") + &text
        }),
        ("url-safe", |g, b| g.cased("data:image/png;base64,") + &URL_SAFE.encode(b)),
        ("without a head", |_, b| encoded(b)),
    ];
    each(fixture, "url", &dresses)
}

/// Base64 in other alphabets, with blanks, without padding, or with a head.
pub(super) fn base64(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let dresses: [(&str, Base64Form); 8] = [
        ("url-safe", |_, b| URL_SAFE.encode(b)),
        ("mixed", |g, b| {
            let safe = URL_SAFE.encode(b);
            let plain = encoded(b);
            plain.chars().zip(safe.chars()).map(|(a, b)| if g.draw(2) == 0 { a } else { b }).collect()
        }),
        ("in lines", |g, b| {
            let width = 1 + g.draw(76);
            let text = encoded(b);
            let lines: Vec<_> = text.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            lines.join(["\n", "\r\n", " ", "\t"][g.draw(4)])
        }),
        ("with blanks around it", |_, b| format!(" \n{}\r\n ", encoded(b))),
        ("without padding", |_, b| encoded(b).trim_end_matches('=').to_owned()),
        ("url-safe without padding", |_, b| URL_SAFE.encode(b).trim_end_matches('=').to_owned()),
        ("with a head", |g, b| g.cased("data:image/png;base64,") + &encoded(b)),
        ("with two heads", |g, b| g.cased("data:image/jpeg;base64,data:image/png;base64,") + &URL_SAFE.encode(b)),
    ];
    each(fixture, "b64_json", &dresses)
}

fn each(fixture: &ShapeFixture, member: &str, dresses: &[(&str, Base64Form)]) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for (name, dress) in dresses {
        let images: Vec<Bytes> = fixture.urls.iter().map(|_| png(fixture)).collect();
        let items = images.iter().map(|image| json!({ member: dress(fixture, image) })).collect();
        let run = fixture.simulate_json(&fixture.holding(items))?;
        let expected: Vec<_> = images.into_iter().map(DeliveredImage::Inline).collect();
        delivered(&mut d, &format!("{member} {name}"), &expected, &run);
    }
    d.into_result()
}

/// A link where base64 is expected.
pub(super) fn links(fixture: &ShapeFixture) -> Result<(), CaseFailure> {
    let mut d = Differences::default();
    for member in ["b64_json", "b64", "image_base64"] {
        let items: Value = fixture.urls.iter().map(|url| json!({ member: url })).collect();
        let run = fixture.simulate_json(&fixture.holding(items))?;
        fixture.delivers(&mut d, &format!("a link in {member}"), &run);
    }
    d.into_result()
}
