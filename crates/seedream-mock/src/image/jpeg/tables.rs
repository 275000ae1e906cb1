//! The tables of a file, as ITU-T T.81 prints them in annex K, and the head that states them.

use std::sync::LazyLock;

use crate::image::jpeg::bits::Bits;

/// What an image is compressed with, from 1 to 100; gradients and text look clean from here on.
pub(crate) const QUALITY: u8 = 80;

/// What a block shows of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plane {
    Luminance,
    /// The difference of blue.
    Blue,
    /// The difference of red.
    Red,
}

impl Plane {
    /// How its blocks are coded.
    pub(crate) fn coding(self) -> &'static Coding {
        static CODINGS: LazyLock<[Coding; 2]> = LazyLock::new(|| TABLES.each_ref().map(Coding::of));
        &CODINGS[usize::from(self != Self::Luminance)]
    }
}

/// How the blocks of a plane are coded.
pub(crate) struct Coding {
    /// The step of every value, in the order of a zigzag.
    pub(crate) steps: [Step; 64],
    /// The codes of a mean's size.
    pub(crate) means: Vec<Bits>,
    /// The codes of other values: zeros before it and its size, in four bits each.
    pub(crate) waves: Vec<Bits>,
}

/// The step of a value, as common encoders divide by it, so that our bytes are theirs: by a reciprocal of fifteen bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    reciprocal: i32,
    /// About half a step, for the nearest.
    half: i32,
}

impl Step {
    const BITS: u32 = 15;

    /// The transform has eight times the value.
    fn of(step: u8) -> Self {
        let step = 8 * i32::from(step);
        let (reciprocal, half) = ((1 << Self::BITS) / step, step / 2);
        match (1 << Self::BITS) % step {
            0 => Self { reciprocal, half },
            rest if rest <= half => Self { reciprocal, half: half + 1 },
            _ => Self { reciprocal: reciprocal + 1, half },
        }
    }

    /// How many steps a value is.
    pub(crate) fn times(self, value: i32) -> i32 {
        (((value.abs() + self.half) * self.reciprocal) >> Self::BITS) * value.signum()
    }
}

/// The place of each value of a block, from slow waves to fast ones.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// Codes: how many there are of each length from 1 on, and what they stand for.
struct Codes {
    lengths: [u8; 16],
    values: &'static [u8],
}

/// The tables for luminance or for colour differences.
struct Tables {
    steps: [u8; 64],
    means: Codes,
    waves: Codes,
}

const TABLES: [Tables; 2] = [
    // Tables K.1, K.3 and K.5.
    Tables {
        steps: [
            16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
            29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87,
            103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
        ],
        means: Codes { lengths: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], values: &MEANS },
        waves: Codes {
            lengths: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
            values: &[
                0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22,
                0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33,
                0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34,
                0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55,
                0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76,
                0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96,
                0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5,
                0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4,
                0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1,
                0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
            ],
        },
    },
    // Tables K.2, K.4 and K.6.
    Tables {
        steps: [
            17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99,
            99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
            99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        ],
        means: Codes { lengths: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], values: &MEANS },
        waves: Codes {
            lengths: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
            values: &[
                0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13,
                0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62,
                0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29,
                0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54,
                0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
                0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94,
                0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3,
                0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2,
                0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea,
                0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
            ],
        },
    },
];

/// The sizes of a mean, in the order of their codes.
const MEANS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

impl Coding {
    fn of(tables: &Tables) -> Self {
        Self { steps: tables.steps().map(Step::of), means: tables.means.codes(), waves: tables.waves.codes() }
    }
}

impl Tables {
    /// The steps at our quality, in the order of a zigzag.
    fn steps(&self) -> [u8; 64] {
        const { assert!(QUALITY >= 50 && QUALITY <= 100, "below, the scale is another one") };
        let scale = 200 - 2 * u16::from(QUALITY);
        let step = |place: u8| (u16::from(self.steps[usize::from(place)]) * scale + 50) / 100;
        ZIGZAG.map(|place| step(place).clamp(1, 255) as u8)
    }
}

impl Codes {
    /// The code of every value: of each length the next numbers.
    fn codes(&self) -> Vec<Bits> {
        let mut codes = vec![Bits { bits: 0, count: 0 }; 256];
        let mut values = self.values.iter();
        let mut next = 0;
        for (count, many) in (1..).zip(self.lengths) {
            for value in values.by_ref().take(usize::from(many)) {
                codes[usize::from(*value)] = Bits { bits: next, count };
                next += 1;
            }
            next <<= 1;
        }
        codes
    }
}

/// Everything before the first block.
pub(crate) fn header(width: u16, height: u16) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    segment(&mut file, 0xe0, &[b"JFIF\0", &[1, 2, 0, 0, 1, 0, 1, 0, 0]]);
    let (lines, columns) = (height.to_be_bytes(), width.to_be_bytes());
    // Twice as many samples of luminance as of the others, both ways.
    segment(&mut file, 0xc0, &[&[8], &lines, &columns, &[3, 0, 0x22, 0, 1, 0x11, 1, 2, 0x11, 1]]);
    for (number, tables) in (0..).zip(&TABLES) {
        segment(&mut file, 0xdb, &[&[number], &tables.steps()]);
    }
    for (number, tables) in (0..).zip(&TABLES) {
        for (class, codes) in [(0, &tables.means), (0x10, &tables.waves)] {
            segment(&mut file, 0xc4, &[&[class | number], &codes.lengths, codes.values]);
        }
    }
    segment(&mut file, 0xda, &[&[3, 0, 0, 1, 0x11, 2, 0x11, 0, 63, 0]]);
    file
}

/// A marker and what belongs to it, with its length.
fn segment(file: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
    file.extend([0xff, marker]);
    // No segment has more than a few hundred bytes.
    file.extend((length as u16).to_be_bytes());
    parts.iter().for_each(|part| file.extend_from_slice(part));
}
