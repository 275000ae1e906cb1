//! Colours: one small palette an image, chosen from its key.

/// How many steps a gradient has.
pub(crate) const STEPS: u8 = 96;
/// What is added to a gradient's index inside a lighter shape.
pub(crate) const LIGHTER: u8 = STEPS;
/// Behind text.
pub(crate) const PANEL: u8 = 2 * STEPS;
/// Text that must be seen.
pub(crate) const WHITE: u8 = 2 * STEPS + 1;
/// Text that may be read.
pub(crate) const PALE: u8 = 2 * STEPS + 2;

/// Red, green, blue of every index.
pub(crate) type Palette = [[u8; 3]; 256];

/// Two related hues and what belongs on top of them.
pub(crate) fn palette(key: u64) -> Palette {
    let hue = (key % 360) as f32;
    let turn = 40.0 + ((key >> 16) % 80) as f32;
    let (from, to) = (colour(hue, 0.55, 0.38), colour(hue + turn, 0.65, 0.62));
    let mut palette = [[0; 3]; 256];
    for step in 0..STEPS {
        let base = mix(from, to, f32::from(step) / f32::from(STEPS - 1));
        palette[usize::from(step)] = bytes(base);
        palette[usize::from(step + LIGHTER)] = bytes(mix(base, [1.0; 3], 0.18));
    }
    palette[usize::from(PANEL)] = bytes(mix(from, [0.0; 3], 0.7));
    palette[usize::from(WHITE)] = [255; 3];
    palette[usize::from(PALE)] = bytes(mix(to, [1.0; 3], 0.65));
    palette
}

/// Hue in degrees, saturation and lightness from 0 to 1. Only exact operations, so every machine gets the same bytes.
fn colour(hue: f32, saturation: f32, lightness: f32) -> [f32; 3] {
    let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
    let sector = (hue % 360.0) / 60.0;
    let second = chroma * (1.0 - (sector % 2.0 - 1.0).abs());
    let (r, g, b) = match sector as u8 {
        0 => (chroma, second, 0.0),
        1 => (second, chroma, 0.0),
        2 => (0.0, chroma, second),
        3 => (0.0, second, chroma),
        4 => (second, 0.0, chroma),
        _ => (chroma, 0.0, second),
    };
    let floor = lightness - chroma / 2.0;
    [r + floor, g + floor, b + floor]
}

fn mix(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}

fn bytes(colour: [f32; 3]) -> [u8; 3] {
    colour.map(|part| (part.clamp(0.0, 1.0) * 255.0) as u8)
}
