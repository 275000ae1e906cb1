//! Draws one mock image of each dialect side by side, as the README shows them:
//! `cargo run -p seedream-mock --example images -- crates/seedream-mock/images.png`.

use std::io::{Error, ErrorKind};

use seedream_mock::{ImageFormat, TestImage};

/// The side of one image, and what is between two of them.
const SIDE: usize = 300;
const GAP: usize = 12;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| Error::new(ErrorKind::InvalidInput, "name the file to write"))?;
    let providers = seedream_fixtures::providers();
    let width = providers.len() * (SIDE + GAP) - GAP;
    let mut sheet = vec![255; width * SIDE * 3];
    for (place, provider) in providers.iter().enumerate() {
        let image = TestImage {
            provider: provider.id.clone(),
            key: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(place as u64 + 1),
            index: 0,
            width: SIDE as u32,
            height: SIDE as u32,
            format: ImageFormat::Png,
            mark: place % 2 == 0,
            caption: String::from("a lighthouse in fog"),
        };
        let pixels = decode(&image.render())?;
        for (y, row) in pixels.chunks(SIDE * 3).enumerate() {
            let start = (y * width + place * (SIDE + GAP)) * 3;
            sheet[start..start + row.len()].copy_from_slice(row);
        }
    }
    std::fs::write(path, encode(&sheet, width)?)
}

/// The pixels of a PNG, three bytes each.
fn decode(file: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(Error::other)?;
    let mut pixels = vec![0; reader.output_buffer_size().unwrap_or_default()];
    reader.next_frame(&mut pixels).map_err(Error::other)?;
    Ok(pixels)
}

fn encode(pixels: &[u8], width: usize) -> std::io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(Error::other)?;
    writer.write_image_data(pixels).map_err(Error::other)?;
    writer.finish().map_err(Error::other)?;
    Ok(file)
}
