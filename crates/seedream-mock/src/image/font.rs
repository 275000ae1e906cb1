//! Glyphs of eight by eight pixels, one byte a row, the lowest bit on the left.

use font8x8::{BASIC_FONTS, BOX_FONTS, GREEK_FONTS, HIRAGANA_FONTS, LATIN_FONTS, UnicodeFonts};

/// One glyph.
pub(crate) type Glyph = [u8; 8];

/// The glyph of a character. Characters without one get a small figure of their own, so that two captions in a script the
/// font does not have still look different.
pub(crate) fn glyph(character: char) -> Glyph {
    BASIC_FONTS
        .get(character)
        .or_else(|| LATIN_FONTS.get(character))
        .or_else(|| GREEK_FONTS.get(character))
        .or_else(|| HIRAGANA_FONTS.get(character))
        .or_else(|| BOX_FONTS.get(character))
        .unwrap_or_else(|| figure(character))
}

/// A symmetric figure made from the character's number.
fn figure(character: char) -> Glyph {
    let bits = (u32::from(character)).wrapping_mul(0x9e37_79b9);
    let mut glyph = [0; 8];
    for (row, line) in glyph.iter_mut().enumerate().take(7) {
        let half = (bits >> (row * 4)) as u8 & 0b111;
        let mirrored = half.reverse_bits() >> 1;
        *line = half | 0b1000 & (bits >> (28 - row)) as u8 | mirrored;
    }
    glyph
}
