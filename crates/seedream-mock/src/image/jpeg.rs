//! JPEG, row after row.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType};

use crate::image::canvas::Canvas;

/// What the image is compressed with; gradients and text look clean from here on.
const QUALITY: u8 = 80;

/// Encodes a canvas. Writing into memory cannot fail, so a fault of the encoder gives an empty file rather than a panic.
pub(crate) fn encode(canvas: &Canvas) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = CanvasRows { canvas, luminance: canvas.palette.map(luminance) };
    match Encoder::new(&mut bytes, QUALITY).encode_image(rows) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

/// Rows in the encoder's colour space, looked up by palette index.
struct CanvasRows<'a> {
    canvas: &'a Canvas,
    luminance: [[u8; 3]; 256],
}

impl ImageBuffer for CanvasRows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.canvas.width as u16
    }

    fn height(&self) -> u16 {
        self.canvas.height as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let mut row = vec![0; self.canvas.width as usize];
        self.canvas.row(u32::from(y), &mut row);
        for (part, buffer) in buffers.iter_mut().enumerate().take(3) {
            buffer.extend(row.iter().map(|&index| self.luminance[usize::from(index)][part]));
        }
    }
}

/// Red, green, blue to luminance and two colour differences (JFIF), in integers.
fn luminance([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let part = |red: i32, green: i32, blue: i32, offset: i32| {
        (((red * r + green * g + blue * b + 500) / 1000) + offset).clamp(0, 255) as u8
    };
    [part(299, 587, 114, 0), part(-169, -331, 500, 128), part(500, -419, -81, 128)]
}
