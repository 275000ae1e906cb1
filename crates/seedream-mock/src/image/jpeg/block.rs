//! One block of pixels: transformed, divided by the steps of its plane, and coded.

use crate::image::jpeg::bits::{BitWriter, Bits};
use crate::image::jpeg::tables::{Coding, Plane, ZIGZAG};

/// The side of a block in pixels.
pub(crate) const SIDE: usize = 8;

/// A block as it stands in a file.
pub(crate) struct CodedBlock {
    /// Its mean, in steps.
    mean: i32,
    /// The bits of everything else.
    rest: Vec<Bits>,
}

impl CodedBlock {
    /// Writes it behind the block of the same plane that has this mean.
    pub(crate) fn write(&self, writer: &mut BitWriter, plane: Plane, previous: &mut i32) {
        let (size, value) = magnitude(self.mean - *previous);
        writer.put(plane.coding().means[size as usize].then(value));
        self.rest.iter().for_each(|bits| writer.put(*bits));
        *previous = self.mean;
    }
}

/// Codes a block of a plane by its samples.
pub(crate) fn code(plane: Plane, sample: impl Fn(usize, usize) -> u8) -> CodedBlock {
    let coding = plane.coding();
    let mut samples = [[0; SIDE]; SIDE];
    for (y, row) in samples.iter_mut().enumerate() {
        for (x, value) in row.iter_mut().enumerate() {
            *value = i32::from(sample(x, y)) - 128;
        }
    }
    let waves = transform(samples);
    let of_place = |place: u8| waves[usize::from(place) / SIDE][usize::from(place) % SIDE];
    let mut steps = ZIGZAG.iter().zip(&coding.steps).map(|(place, step)| step.times(of_place(*place)));
    let mean = steps.next().unwrap_or_default();
    CodedBlock { mean, rest: rest(coding, steps) }
}

/// The bits of all values but the first: for each that is not zero how many zeros come before it, and itself.
fn rest(coding: &Coding, values: impl Iterator<Item = i32>) -> Vec<Bits> {
    let mut all = Vec::new();
    let mut last = Bits { bits: 0, count: 0 };
    let mut put = |next: Bits| {
        if last.count + next.count > Bits::MOST {
            all.push(std::mem::replace(&mut last, next));
        } else {
            last = last.then(next);
        }
    };
    let mut zeros = 0;
    for value in values {
        if value == 0 {
            zeros += 1;
            continue;
        }
        for _ in 0..zeros / 16 {
            put(coding.waves[0xf0]);
        }
        let (size, value) = magnitude(value);
        put(coding.waves[((zeros % 16) << 4) | size as usize].then(value));
        zeros = 0;
    }
    if zeros > 0 {
        put(coding.waves[0]);
    }
    all.push(last);
    all
}

/// How many bits a value has, and these bits: those of a negative value are inverted.
fn magnitude(value: i32) -> (u32, Bits) {
    let count = i32::BITS - value.abs().leading_zeros();
    let bits = (value - i32::from(value < 0)) & ((1 << count) - 1);
    (count, Bits { bits: u64::from(bits.unsigned_abs()), count })
}

/// The left halves of the cosines in 2^-13: those of even rows are mirrored on the right, those of odd rows mirrored and negated.
/// They are the sums of the thirteen-bit constants by which common encoders do this in fewer multiplications.
const COSINES: [[i32; SIDE / 2]; SIDE] = [
    [8192, 8192, 8192, 8192],
    [11363, 9633, 6437, 2260],
    [10703, 4433, -4433, -10703],
    [9633, -2259, -11362, -6436],
    [8192, -8192, -8192, 8192],
    [6437, -11362, 2261, 9633],
    [4433, -10704, 10704, -4433],
    [2260, -6436, 9633, -11363],
];

/// The two-dimensional cosine transform, times eight: first of rows, with two more bits, then of columns.
fn transform(samples: [[i32; SIDE]; SIDE]) -> [[i32; SIDE]; SIDE] {
    columns(transposed(columns(transposed(samples), 13 - 2)), 13 + 2)
}

/// The transform of every column; so many bits go in the end.
fn columns(samples: [[i32; SIDE]; SIDE], bits: u32) -> [[i32; SIDE]; SIDE] {
    let mut waves = [[0; SIDE]; SIDE];
    for (number, wave) in waves.iter_mut().enumerate() {
        for (y, cosine) in COSINES[number].iter().enumerate() {
            let mirrored = if number % 2 == 0 { *cosine } else { -cosine };
            let rows = samples[y].iter().zip(&samples[SIDE - 1 - y]);
            for (value, (sample, opposite)) in wave.iter_mut().zip(rows) {
                *value += cosine * sample + mirrored * opposite;
            }
        }
        wave.iter_mut().for_each(|value| *value = (*value + (1 << (bits - 1))) >> bits);
    }
    waves
}

fn transposed(rows: [[i32; SIDE]; SIDE]) -> [[i32; SIDE]; SIDE] {
    let mut columns = [[0; SIDE]; SIDE];
    for (y, row) in rows.iter().enumerate() {
        for (x, value) in row.iter().enumerate() {
            columns[x][y] = *value;
        }
    }
    columns
}
