//! An image as rows of palette indices: one row at a time, so that size costs no memory.

use crate::image::palette::{LIGHTER, PANEL, Palette, STEPS, palette};
use crate::image::test_image::TestImage;
use crate::image::text::{TextLine, layout};

/// An image that can be asked for any of its rows.
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) palette: Palette,
    /// The background's indices, long enough that every row is a window of it.
    strip: Vec<u8>,
    pattern: CanvasPattern,
    discs: Vec<CanvasDisc>,
    /// First and last row of the band under the caption.
    panel: (u32, u32),
    lines: Vec<TextLine>,
}

/// How many rows the background stays where it is: a row that is equal to the one above costs an encoder next to nothing.
const STEP: u32 = 4;

/// How far the background's window moves from step to step.
struct CanvasPattern {
    period: u32,
    /// Rows a step of the slope.
    slope: u32,
    /// The height of one wave; 0 for none.
    wave: u32,
}

/// A lighter circle.
struct CanvasDisc {
    x: i64,
    y: i64,
    radius: i64,
}

impl Canvas {
    pub(crate) fn of(image: &TestImage) -> Self {
        let (width, height, key) = (image.width, image.height, image.key ^ index_salt(image.index));
        let period = (width.max(height) / (1 + (key >> 8) as u32 % 3)).max(2);
        let strip = (0..width + period).map(|x| triangle(x, period, u32::from(STEPS - 1)) as u8).collect();
        let wave = if key >> 12 & 1 == 0 { 0 } else { height / (2 + (key >> 13) as u32 % 4) };
        let pattern = CanvasPattern { period, slope: 1 + (key >> 20) as u32 % 3, wave };
        let lines = layout(image);
        let panel = panel(&lines, image);
        Self { width, height, palette: palette(key), strip, pattern, discs: discs(key, width, height), panel, lines }
    }

    /// Writes row `y` into `row`, which is as long as the image is wide.
    pub(crate) fn row(&self, y: u32, row: &mut [u8]) {
        let start = self.pattern.shift(y) as usize;
        row.copy_from_slice(&self.strip[start..start + row.len()]);
        for (from, to) in self.discs.iter().filter_map(|disc| disc.span(y, self.width)) {
            // Overlapping circles do not get lighter twice: there is one lighter copy of the gradient.
            for index in row[from..to].iter_mut().filter(|index| **index < LIGHTER) {
                *index += LIGHTER;
            }
        }
        if (self.panel.0..self.panel.1).contains(&y) {
            row.fill(PANEL);
        }
        for line in &self.lines {
            line.draw(y, row);
        }
    }
}

impl CanvasPattern {
    fn shift(&self, y: u32) -> u32 {
        let y = y - y % STEP;
        let wave = if self.wave == 0 { 0 } else { triangle(y, self.wave, self.period / 8) };
        (y / self.slope + wave) % self.period
    }
}

impl CanvasDisc {
    /// The part of row `y` that is inside, if any.
    fn span(&self, y: u32, width: u32) -> Option<(usize, usize)> {
        let up = i64::from(y) - self.y;
        let half = (self.radius * self.radius - up * up).max(0).isqrt();
        let inside = |x: i64| usize::try_from(x.clamp(0, i64::from(width))).unwrap_or(0);
        let (from, to) = (inside(self.x - half), inside(self.x + half));
        (from < to).then_some((from, to))
    }
}

fn discs(key: u64, width: u32, height: u32) -> Vec<CanvasDisc> {
    let side = i64::from(width.min(height));
    let at = |salt: u64, range: u32| ((key.rotate_left(salt as u32 * 11) >> 7) % u64::from(range.max(1))) as i64;
    let count = 2 + (key >> 30) % 3;
    (0..count)
        .map(|n| CanvasDisc {
            x: at(n + 1, width),
            y: at(n + 4, height),
            radius: side / 8 + at(n + 2, width.min(height)) / 4,
        })
        .collect()
}

/// Every image of a group has its own colours, chosen from the group's.
fn index_salt(index: u32) -> u64 {
    u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The band under the caption: all lines but the mark.
fn panel(lines: &[TextLine], image: &TestImage) -> (u32, u32) {
    let caption = || lines.iter().filter(|line| !line.is_mark);
    let top = caption().map(|line| line.y).min().unwrap_or(0);
    let bottom = caption().map(TextLine::bottom).max().unwrap_or(0);
    let air = image.height / 40;
    (top.saturating_sub(air), (bottom + air).min(image.height))
}

/// Up from 0 to `top` and down again, once a period.
fn triangle(x: u32, period: u32, top: u32) -> u32 {
    let half = u64::from((period / 2).max(1));
    let place = u64::from(x % period.max(1));
    let climbed = if place < half { place } else { (2 * half).saturating_sub(place) };
    (climbed * u64::from(top) / half).min(u64::from(top)) as u32
}
