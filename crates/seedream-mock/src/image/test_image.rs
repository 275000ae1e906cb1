//! The description of a test image.

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
    /// Its name in requests and in file names: `png`, `jpeg`.
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

/// The description of an image. Equal descriptions give equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestImage {
    /// The provider's id, which is written on it.
    pub provider: String,
    /// The hash of the mock's seed and the request from which colours and pattern are chosen.
    pub key: u64,
    /// Its place in the group, from 0.
    pub index: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file format.
    pub format: ImageFormat,
    /// Whether it carries the provider's mark, bottom right.
    pub mark: bool,
    /// The text on it: the beginning of the prompt.
    pub caption: String,
}

impl TestImage {
    /// The words of a prompt that fit on an image: one line, shortened.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_short_single_lines() {
        assert_eq!(TestImage::caption_of("  two\n\twords "), "two words");
        assert_eq!(TestImage::caption_of(&"字".repeat(500)).chars().count(), CAPTION + 3);
        let words = "sea 海 ".repeat(500);
        assert_eq!(TestImage::caption_of(&words), format!("{}...", &"sea 海 ".repeat(16).trim_end()));
        assert_eq!(TestImage::caption_of(&"sea 海 ".repeat(16)), "sea 海 ".repeat(16).trim_end());
    }
}
