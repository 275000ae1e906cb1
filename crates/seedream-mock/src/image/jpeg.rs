//! JPEG: baseline, with half the colour resolution both ways, and the tables that ITU-T T.81 prints as examples.
//!
//! An image of the mock is drawn from few different blocks of pixels. Each is transformed and coded once, and its bits are
//! written wherever it occurs; only the mean of a block is coded against that of its neighbour.

mod bits;
mod block;
mod tables;

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::hash::MixHasher;
use crate::image::canvas::Canvas;
use crate::image::jpeg::bits::BitWriter;
use crate::image::jpeg::block::{CodedBlock, SIDE, code};
use crate::image::jpeg::tables::{Plane, header};

/// The side of what is coded together: four blocks of luminance and one of each colour difference.
const UNIT: usize = 2 * SIDE;

/// Encodes a canvas.
pub(crate) fn encode(canvas: &Canvas) -> Vec<u8> {
    let (width, height) = (canvas.width as usize, canvas.height);
    let mut writer = BitWriter::after(header(canvas.width as u16, height as u16));
    let mut blocks = KnownBlocks::new(canvas);
    let mut means = [0; 3];
    // Beyond the edges the last pixels go on.
    let stride = width.next_multiple_of(UNIT);
    let mut rows = vec![0; stride * UNIT];
    for top in (0..height).step_by(UNIT) {
        for (y, row) in (top..).zip(rows.chunks_exact_mut(stride)) {
            canvas.row(y.min(height - 1), &mut row[..width]);
            let last = row[width - 1];
            row[width..].fill(last);
        }
        for left in (0..stride).step_by(UNIT) {
            for (plane, place) in blocks.unit(&rows, stride, left) {
                blocks.all[place].write(&mut writer, plane, &mut means[plane as usize]);
            }
        }
    }
    writer.done()
}

/// Palette indices of a block: of a row each.
type Indices = [u64; SIDE];

/// The blocks of an image, each coded once.
struct KnownBlocks {
    /// Luminance and two colour differences of every palette index.
    colours: [[u8; 3]; 256],
    all: Vec<CodedBlock>,
    /// The places of blocks of luminance.
    luminance: HashMap<Indices, usize, BuildHasherDefault<MixHasher>>,
    /// The places of both blocks of colour differences, by those of the four blocks of luminance that they lie under.
    colour: HashMap<[usize; 4], [usize; 2], BuildHasherDefault<MixHasher>>,
}

impl KnownBlocks {
    fn new(canvas: &Canvas) -> Self {
        Self {
            colours: canvas.palette.map(luminance),
            all: Vec::new(),
            luminance: HashMap::default(),
            colour: HashMap::default(),
        }
    }

    /// The places of the blocks of a unit, in the order in which they are written.
    fn unit(&mut self, rows: &[u8], stride: usize, left: usize) -> [(Plane, usize); 6] {
        let corners = [(0, 0), (SIDE, 0), (0, SIDE), (SIDE, SIDE)];
        let bright = corners.map(|(right, down)| {
            let start = down * stride + left + right;
            let mut indices: Indices = [0; SIDE];
            for (row, from) in indices.iter_mut().zip((start..).step_by(stride)) {
                *row = rows[from..].first_chunk().map_or(0, |row| u64::from_le_bytes(*row));
            }
            *self.luminance.entry(indices).or_insert_with(|| {
                self.all.push(code(Plane::Luminance, |x, y| self.colours[usize::from(indices[y].to_le_bytes()[x])][0]));
                self.all.len() - 1
            })
        });
        let [blue, red] = *self.colour.entry(bright).or_insert_with(|| {
            [Plane::Blue, Plane::Red].map(|plane| {
                // Every second pixel of every second row.
                let colour = |x: usize, y: usize| rows[2 * y * stride + left + 2 * x];
                self.all.push(code(plane, |x, y| self.colours[usize::from(colour(x, y))][plane as usize]));
                self.all.len() - 1
            })
        });
        let [a, b, c, d] = bright.map(|place| (Plane::Luminance, place));
        [a, b, c, d, (Plane::Blue, blue), (Plane::Red, red)]
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

#[cfg(test)]
mod tests {
    use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType};

    use super::*;
    use crate::image::jpeg::tables::QUALITY;
    use crate::image::test_image::{ImageFormat, TestImage};

    struct CanvasRows<'a>(&'a Canvas);

    impl ImageBuffer for CanvasRows<'_> {
        fn get_jpeg_color_type(&self) -> JpegColorType {
            JpegColorType::Ycbcr
        }

        fn width(&self) -> u16 {
            self.0.width as u16
        }

        fn height(&self) -> u16 {
            self.0.height as u16
        }

        fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
            let mut row = vec![0; self.0.width as usize];
            self.0.row(u32::from(y), &mut row);
            for index in row {
                let colour = luminance(self.0.palette[usize::from(index)]);
                buffers.iter_mut().zip(colour).for_each(|(buffer, part)| buffer.push(part));
            }
        }
    }

    #[test]
    fn files_are_those_of_another_encoder_to_the_byte() {
        for (key, (width, height)) in
            (1u64..).zip([(1, 1), (15, 400), (17, 16), (640, 481), (1024, 1024), (1312, 3136), (2656, 640)])
        {
            let image = TestImage {
                provider: "acme".into(),
                key: key.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                index: 0,
                width,
                height,
                format: ImageFormat::Jpeg,
                mark: key % 2 == 0,
                caption: "a lighthouse at dawn 灯塔".into(),
            };
            let canvas = Canvas::of(&image);
            let mut other = Vec::new();
            Encoder::new(&mut other, QUALITY).encode_image(CanvasRows(&canvas)).unwrap();
            assert!(encode(&canvas) == other, "{width}x{height}");
        }
    }
}
