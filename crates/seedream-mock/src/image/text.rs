//! What is written on an image, and where.

use crate::image::font::{self, Glyph, glyph};
use crate::image::palette::{PALE, WHITE};
use crate::image::test_image::TestImage;

/// The most lines of the prompt.
const LINES: usize = 5;
/// The provider's mark, in our words.
const MARK: &str = "AI generated";

/// One line of text at its place.
pub(crate) struct TextLine {
    x: u32,
    pub(crate) y: u32,
    scale: u32,
    colour: u8,
    glyphs: Vec<Glyph>,
    pub(crate) is_mark: bool,
}

impl TextLine {
    fn new(text: &str, x: u32, y: u32, scale: u32, colour: u8) -> Self {
        Self { x, y, scale, colour, glyphs: text.chars().map(glyph).collect(), is_mark: false }
    }

    /// The first row below it.
    pub(crate) fn bottom(&self) -> u32 {
        self.y + 8 * self.scale
    }

    /// Draws what falls on row `y`; what does not fit is cut.
    pub(crate) fn draw(&self, y: u32, row: &mut [u8]) {
        if !(self.y..self.bottom()).contains(&y) {
            return;
        }
        let line = ((y - self.y) / self.scale) as usize;
        for (place, glyph) in (0..).zip(&self.glyphs) {
            for bit in (0..8).filter(|bit| glyph[line] >> bit & 1 == 1) {
                let from = (self.x + (place * 8 + bit) * self.scale) as usize;
                let to = (from + self.scale as usize).min(row.len());
                if from < to {
                    row[from..to].fill(self.colour);
                }
            }
        }
    }
}

/// The lines of an image: the provider, its place in the group, the prompt, the mark.
pub(crate) fn layout(image: &TestImage) -> Vec<TextLine> {
    let short = image.width.min(image.height);
    let scale = (short / 320).max(1);
    let margin = short / 20;
    let columns = (image.width.saturating_sub(2 * margin) / (8 * scale)).max(1) as usize;

    let mut y = image.height / 4;
    let mut lines = Vec::new();
    let mut write = |text: &str, scale: u32, colour: u8| {
        lines.push(TextLine::new(text, margin, y, scale, colour));
        y += 11 * scale;
    };
    write(&format!("MOCK {}", image.provider), scale * 2, WHITE);
    write(&format!("#{} {}x{}", image.index, image.width, image.height), scale, PALE);
    for text in wrap(&font::drawable(&image.caption), columns) {
        write(&text, scale, WHITE);
    }
    if image.mark {
        lines.push(mark(image, scale, margin));
    }
    lines
}

fn mark(image: &TestImage, scale: u32, margin: u32) -> TextLine {
    let width = 8 * scale * MARK.len() as u32;
    let x = image.width.saturating_sub(width + margin / 2);
    let y = image.height.saturating_sub(8 * scale + margin / 2);
    TextLine { is_mark: true, ..TextLine::new(MARK, x, y, scale, WHITE) }
}

/// Breaks at spaces, or inside a word that is longer than a line.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let last = lines.last_mut().expect("there is always a line");
            let used = last.chars().count();
            let space = usize::from(used > 0);
            if used + space + word.len() <= columns {
                last.extend(std::iter::repeat_n(' ', space));
                last.extend(word.iter());
                break;
            }
            if used == 0 {
                last.extend(word.drain(..columns));
            }
            lines.push(String::new());
        }
    }
    lines.truncate(LINES);
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn words_wrap_and_long_ones_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
