//! From the description of a test image to its file.

use bytes::Bytes;

use crate::image::test_image::{ImageFormat, TestImage};
use crate::image::{canvas, jpeg, png};

impl TestImage {
    /// Renders the file. Slow (milliseconds): not for a thread that serves connections.
    pub fn render(&self) -> Bytes {
        let canvas = canvas::Canvas::of(self);
        let file = match self.format {
            ImageFormat::Png => png::encode(&canvas),
            ImageFormat::Jpeg => jpeg::encode(&canvas),
        };
        // What is kept of it must not be larger than it is.
        file.into_boxed_slice().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(format: ImageFormat, width: u32, height: u32) -> TestImage {
        TestImage {
            provider: "acme".into(),
            key: 0x5eed,
            index: 0,
            width,
            height,
            format,
            mark: true,
            caption: "a lighthouse at dawn 灯塔 with a very long description".into(),
        }
    }

    #[test]
    fn images_have_exactly_the_promised_size() {
        for (width, height) in [(1, 1), (15, 400), (1024, 1024), (3136, 1344), (6240, 2656)] {
            for format in [ImageFormat::Png, ImageFormat::Jpeg] {
                let bytes = image(format, width, height).render();
                let size = imagesize::blob_size(&bytes).unwrap();
                assert_eq!((size.width, size.height), (width as usize, height as usize), "{format:?}");
            }
        }
    }

    #[test]
    fn png_decodes_and_shows_text_and_mark() {
        let decode = |image: &TestImage| {
            let bytes = image.render();
            let mut decoder = ::png::Decoder::new(std::io::Cursor::new(bytes));
            decoder.set_transformations(::png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            pixels
        };
        let marked = image(ImageFormat::Png, 512, 256);
        let unmarked = TestImage { mark: false, ..marked.clone() };
        let other = TestImage { caption: "another caption".into(), ..unmarked.clone() };
        let (marked, unmarked, other) = (decode(&marked), decode(&unmarked), decode(&other));
        let row = |pixels: &[u8], y: usize| pixels[y * 512 * 3..(y + 1) * 512 * 3].to_vec();
        assert_eq!(row(&marked, 0), row(&unmarked, 0));
        let differing: Vec<usize> = (0..256).filter(|&y| row(&marked, y) != row(&unmarked, y)).collect();
        assert!(differing.iter().all(|&y| y > 200), "the mark is at the bottom: {differing:?}");
        let right = |y: usize| row(&marked, y)[..256 * 3] == row(&unmarked, y)[..256 * 3];
        assert!(!differing.is_empty() && differing.iter().all(|&y| right(y)), "the mark is on the right");
        assert_ne!(unmarked, other, "the words are visible");
    }

    #[test]
    fn images_are_deterministic_and_differ() {
        let one = image(ImageFormat::Png, 300, 200);
        assert_eq!(one.render(), one.clone().render());
        assert_ne!(one.render(), TestImage { index: 1, ..one.clone() }.render());
        assert_ne!(one.render(), TestImage { key: 1, ..one }.render());
    }
}
