//! The pictures the mock hands out: real files of exactly the promised size, visibly from a mock.
//!
//! A picture is described completely by its [`Picture`], which fits into a URL; nothing is kept until it is fetched.

pub(crate) mod cache;
pub(crate) mod canvas;
pub(crate) mod font;
pub(crate) mod jpeg;
pub(crate) mod palette;
pub(crate) mod png;
pub(crate) mod text;

use bytes::Bytes;

/// The longest caption that is drawn, in characters.
const CAPTION: usize = 96;

/// A file format the providers deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// PNG, `image/png`.
    Png,
    /// JPEG, `image/jpeg`.
    Jpeg,
}

impl ImageFormat {
    /// The word the providers use for it, which is also the file name's ending.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
        }
    }

    /// The format with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg].into_iter().find(|format| format.as_str() == word)
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// Everything that decides how a picture looks. Equal descriptions give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestImage {
    /// The provider's id, which is written on it.
    pub provider: String,
    /// What colours and pattern are chosen from: a hash of the mock's seed and the request.
    pub key: u64,
    /// Its place in its group, from 0.
    pub index: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file format.
    pub format: ImageFormat,
    /// Whether it carries the provider's mark, bottom right.
    pub mark: bool,
    /// The prompt's words.
    pub caption: String,
}

impl TestImage {
    /// The words of a prompt that fit on a picture: one line, shortened.
    pub fn caption_of(prompt: &str) -> String {
        let mut line = String::with_capacity(prompt.len().min(4 * CAPTION));
        // No character has more than four bytes: what follows these would be cut.
        for word in prompt.split_whitespace() {
            if line.len() > 4 * CAPTION {
                break;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if line.len() <= CAPTION {
            return line;
        }
        match line.char_indices().nth(CAPTION) {
            Some((end, _)) => format!("{}...", line[..end].trim_end()),
            None => line,
        }
    }

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
            provider: "anybody".into(),
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
    fn m6_images_have_exactly_the_promised_size() {
        for (width, height) in [(1, 1), (15, 400), (1024, 1024), (3136, 1344), (6240, 2656)] {
            for format in [ImageFormat::Png, ImageFormat::Jpeg] {
                let bytes = image(format, width, height).render();
                let size = imagesize::blob_size(&bytes).unwrap();
                assert_eq!((size.width, size.height), (width as usize, height as usize), "{format:?}");
            }
        }
    }

    #[test]
    fn m6_png_decodes_and_shows_text_and_mark() {
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
    fn m6_images_are_deterministic_and_differ() {
        let one = image(ImageFormat::Png, 300, 200);
        assert_eq!(one.render(), one.clone().render());
        assert_ne!(one.render(), TestImage { index: 1, ..one.clone() }.render());
        assert_ne!(one.render(), TestImage { key: 1, ..one }.render());
    }

    #[test]
    fn captions_are_short_single_lines() {
        assert_eq!(TestImage::caption_of("  two\n\twords "), "two words");
        assert_eq!(TestImage::caption_of(&"字".repeat(500)).chars().count(), CAPTION + 3);
        let words = "sea 海 ".repeat(500);
        assert_eq!(TestImage::caption_of(&words), format!("{}...", &"sea 海 ".repeat(16).trim_end()));
        assert_eq!(TestImage::caption_of(&"sea 海 ".repeat(16)), "sea 海 ".repeat(16).trim_end());
    }
}
