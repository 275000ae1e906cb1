//! Glyphs of eight by eight pixels, one byte a row, the lowest bit on the left.

use std::borrow::Cow;

use deunicode::deunicode_char;
use font8x8::{BASIC_FONTS, BOX_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, UnicodeFonts};

/// One glyph.
pub(crate) type Glyph = [u8; 8];

/// The glyph of a character that the font has.
fn known(character: char) -> Option<Glyph> {
    BASIC_FONTS
        .get(character)
        .or_else(|| LATIN_FONTS.get(character))
        .or_else(|| GREEK_FONTS.get(character))
        .or_else(|| HIRAGANA_FONTS.get(character))
        .or_else(|| BOX_FONTS.get(character))
}

/// The glyph of a character of [`drawable`] text.
pub(crate) fn glyph(character: char) -> Glyph {
    known(character).unwrap_or_default()
}

/// A text in characters that the font has. The others are transliterated, such as Chinese to Pinyin.
pub(crate) fn drawable(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| known(character).is_some()) {
        return text.into();
    }
    let mut drawable = String::with_capacity(text.len());
    for character in text.chars() {
        match known(character) {
            Some(_) => drawable.push(character),
            None => drawable.push_str(deunicode_char(character).unwrap_or("?")),
        }
    }
    drawable.trim_end().to_owned().into()
}

#[cfg(test)]
mod tests {
    use super::{drawable, known};

    #[test]
    fn what_the_font_does_not_have_is_transliterated() {
        assert_eq!(drawable("a kite, µm"), "a kite, µm");
        assert_eq!(drawable("雾中的灯塔 at dawn"), "Wu Zhong De Deng Ta  at dawn");
        assert_eq!(drawable("маяк в тумане"), "maiak v tumane");
        for text in ["灯塔🏮", "등대", "\u{e000}منارة"] {
            assert!(drawable(text).chars().all(|character| known(character).is_some()), "{text}");
        }
    }
}
