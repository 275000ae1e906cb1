use proptest::prelude::*;

use super::*;

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&name[..], data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

fn png() -> Vec<u8> {
    let header = [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0];
    let chunks = [chunk(b"IHDR", &header), chunk(b"tEXt", b"a\0IEND"), chunk(b"IDAT", b"data"), chunk(b"IEND", b"")];
    [png::SIGNATURE, &chunks.concat()].concat()
}

/// Real ones, as far as there are encoders for them in this workspace.
fn encoded() -> [(&'static str, Vec<u8>); 4] {
    let pixels: Vec<u8> = (0..40 * 30 * 3).map(|at| (at * 7 % 256) as u8).collect();
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, 40, 30);
    encoder.set_color(::png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    let jpeg = |progressive: bool| {
        let mut out = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut out, 90);
        encoder.set_progressive(progressive);
        encoder.set_restart_interval(if progressive { 0 } else { 2 });
        // A thumbnail with an end of its own.
        encoder.add_app_segment(1, b"Exif\0\0\xff\xd8\xff\xda\0\x02\xff\xd9".to_vec()).unwrap();
        encoder.encode(&pixels, 40, 30, jpeg_encoder::ColorType::Rgb).unwrap();
        out
    };
    [("png of an encoder", out), ("jpeg", jpeg(false)), ("progressive jpeg", jpeg(true)), ("png", png())]
}

fn heif_box(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
}

fn made() -> [(&'static str, Vec<u8>); 11] {
    let gif_head = b"GIF89a\x03\0\x02\0\x80\0\0\0\0\0\xff\xff\xff";
    let extension = b"!\xf9\x04\0\0\0\0\0";
    let image = b",\0\0\0\0\x03\0\x02\0\0\x02\x03\x84;\x05\0";
    let with_table = b",\0\0\0\0\x03\0\x02\0\x80\0\0\0\xff\xff\xff\x02\x03\x84;\x05\0";
    let ftyp = heif_box(b"ftyp", b"avif\0\0\0\0avifmif1");
    let children = [heif_box(b"hdlr", &[7; 9]), heif_box(b"iloc", &[])].concat();
    let meta = heif_box(b"meta", &[&[0; 4][..], &children].concat());
    let within = heif_box(b"meta", &[&[0; 4][..], &children, &heif_box(b"idat", b"data")].concat());
    let mdat = heif_box(b"mdat", &[9; 30]);
    let long = [&b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x14"[..], b"data"].concat();
    let bmp = [&b"BM\x22\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0"[..], &[5; 8]].concat();
    [
        ("gif", [&gif_head[..], extension, image, b";"].concat()),
        ("gif with tables", [&gif_head[..], image, extension, with_table, b";"].concat()),
        ("webp", b"RIFF\x12\0\0\0WEBPVP8 \x06\0\0\0sixsix".to_vec()),
        ("webp with padding left out", b"RIFF\x11\0\0\0WEBPVP8 \x05\0\0\0fives".to_vec()),
        ("avif", [ftyp.clone(), meta.clone(), mdat.clone()].concat()),
        ("avif with its data first", [ftyp.clone(), mdat, meta.clone()].concat()),
        ("heif with its data in the description", [heif_box(b"ftyp", b"heic\0\0\0\0"), within].concat()),
        ("avif with a long box", [ftyp.clone(), meta.clone(), long].concat()),
        ("bmp", bmp),
        (
            "jpeg with filling",
            b"\xff\xd8\xff\xff\xe0\0\x04ab\xff\xda\0\x03xdata\xff\0\xff\xd0data\xff\xff\xd9".to_vec(),
        ),
        ("jpeg of two scans", b"\xff\xd8\xff\xda\0\x02a\xff\xc4\0\x05\xff\xd9\0\xff\xda\0\x02b\xff\xd9".to_vec()),
    ]
}

fn judge(bytes: &[u8]) -> Completeness {
    let mut end = ImageEndCheck::default();
    end.feed(bytes);
    end.completeness()
}

#[test]
fn an_image_is_complete_as_a_whole_and_cut_wherever_it_is_cut() {
    for (name, bytes) in encoded().into_iter().chain(made()) {
        assert_eq!(judge(&bytes), Completeness::Complete, "{name}");
        assert_eq!(judge(&[&bytes[..], b"trailing"].concat()), trailing(name), "{name} with bytes behind its end");
        for cut in 1..bytes.len() {
            assert!(
                matches!(judge(&bytes[..cut]), Completeness::Incomplete(_)),
                "{name} cut at {cut} of {}",
                bytes.len()
            );
        }
    }
}

/// What follows a box is a box.
fn trailing(name: &str) -> Completeness {
    match name.contains("avif") || name.contains("heif") {
        true => Completeness::Incomplete("the HEIF or AVIF ends in the middle of a box".into()),
        false => Completeness::Complete,
    }
}

#[test]
fn an_end_is_known_as_soon_as_it_is_there() {
    for (name, bytes) in encoded().into_iter().chain(made()) {
        let mut end = ImageEndCheck::default();
        let ended = bytes.iter().position(|byte| {
            end.feed(&[*byte]);
            end.has_ended()
        });
        let marks_it = !(name.contains("avif") || name.contains("heif"));
        assert_eq!(ended, marks_it.then_some(bytes.len() - 1), "{name}");
    }
}

#[test]
fn a_box_may_go_on_to_the_end() {
    let [.., (_, avif), _, _, _, _, _, _] = made();
    let at = memchr::memmem::find(&avif, b"mdat").unwrap() - 4;
    let open = [&avif[..at], &[0; 4], &avif[at + 4..], b"and more"].concat();
    assert_eq!(judge(&open), Completeness::Complete);
}

#[test]
fn damage_is_named() {
    let png = png();
    let at = |name: &[u8]| memchr::memmem::find(&png, name).unwrap();
    let with = |at: usize, byte: u8| {
        let mut damaged = png.clone();
        damaged[at] = byte;
        damaged
    };
    let without_data = [png::SIGNATURE, &chunk(b"IHDR", &[0; 13]), &chunk(b"IEND", b"")].concat();
    for (bytes, reason) in [
        (with(at(b"IDAT") + 5, b'x'), "the PNG is damaged: the checksum of its IDAT chunk is wrong"),
        (with(at(b"tEXt") + 5, b'x'), "the PNG is damaged: the checksum of its tEXt chunk is wrong"),
        (with(at(b"IDAT"), 0), "the PNG is damaged: what follows a chunk is no chunk"),
        (png[..60].to_vec(), "the PNG ends before its IEND chunk"),
        (without_data, "the PNG is damaged: it has no image data"),
        (b"\xff\xd8\xff\xe0\0\x02\xff\xd9......".to_vec(), "the JPEG is damaged: it has no image data"),
        (b"\xff\xd8\xff\xe0\0\x01.........".to_vec(), "the JPEG is damaged: a segment has no length"),
        (b"GIF89a\x03\0\x02\0\0\0\0;".to_vec(), "the GIF is damaged: it has no image data"),
        (b"GIF89a\x03\0\x02\0\0\0\0x".to_vec(), "the GIF is damaged: what follows a block is no block"),
        (b"RIFF\xff\xff\0\0WEBPVP8 ".to_vec(), "the WebP ends after 16 of 65543 bytes"),
        (
            b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x02mdat".to_vec(),
            "the HEIF or AVIF is damaged: a box is shorter than its head",
        ),
        (b"\0\0\0\x10ftypavif\0\0\0\0".to_vec(), "the HEIF or AVIF ends before its description"),
        (b"\x89PNG".to_vec(), "the image ends within its first bytes"),
    ] {
        assert_eq!(judge(&bytes), Completeness::Incomplete(reason.into()));
    }
}

#[test]
fn what_is_not_known_is_not_checked() {
    let film = heif_box(b"ftyp", b"isom\0\0\0\0");
    for bytes in [
        &b""[..],
        b"picture",
        b"<!DOCTYPE html><html>",
        b"{\"error\":\"no\"}",
        b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0",
        b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\0",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"BM\0\0\0\0\0\0\0\0\x1a\0\0\0\0\0\0\0",
        b"BMW is a brand of cars",
        &film,
    ] {
        assert_eq!(judge(bytes), Completeness::NotChecked, "{bytes:?}");
    }
}

fn any_image() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<_> = encoded().into_iter().chain(made()).map(|(_, bytes)| bytes).collect();
    let damaged = (proptest::sample::select(known), proptest::collection::vec((any::<u16>(), any::<u8>()), 0..3))
        .prop_map(|(mut bytes, changes)| {
            for (at, byte) in changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            bytes
        });
    prop_oneof![damaged, proptest::collection::vec(any::<u8>(), 0..300)]
}

proptest! {
    #[test]
    fn chunks_change_nothing(bytes in any_image(), chunk in 1_usize..50) {
        let mut end = ImageEndCheck::default();
        bytes.chunks(chunk).for_each(|chunk| end.feed(chunk));
        let mut whole = ImageEndCheck::default();
        whole.feed(&bytes);
        prop_assert_eq!(end.completeness(), whole.completeness());
        prop_assert_eq!(end.has_ended(), whole.has_ended());
    }
}
