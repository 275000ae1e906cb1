//! PNG with a palette: one byte a pixel, row after row.

use std::io::Write;

use crate::image::canvas::Canvas;

/// Encodes a canvas. Writing into memory cannot fail, so a fault of the encoder gives an empty file rather than a panic.
pub(crate) fn encode(canvas: &Canvas) -> Vec<u8> {
    let mut bytes = Vec::new();
    match write(canvas, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

fn write(canvas: &Canvas, bytes: &mut Vec<u8>) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(bytes, canvas.width, canvas.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(canvas.palette.concat());
    encoder.set_compression(png::Compression::Fastest);
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer_with_size(64 * 1024)?;
    let mut row = vec![0; canvas.width as usize];
    for y in 0..canvas.height {
        canvas.row(y, &mut row);
        stream.write_all(&row)?;
    }
    stream.finish()
}
