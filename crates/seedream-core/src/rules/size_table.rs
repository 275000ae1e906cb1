//! The pixels of a ratio at a tier, in 24 rows, as ope.ai documents them for the seedream series; Ark and its relays use the same.

use serde::{Deserialize, Serialize};

use crate::{Pixels, Ratio, Tier};

/// One row of a size table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The tier.
    pub tier: Tier,
    /// The aspect ratio.
    pub ratio: Ratio,
    /// Width and height in pixels.
    pub pixels: Pixels,
}

const fn at(tier: Tier, rw: u16, rh: u16, width: u32, height: u32) -> Row {
    Row { tier, ratio: Ratio::of(rw, rh), pixels: Pixels::of(width, height) }
}

use Tier::{K2, K3, K4};

/// The tiers 2K, 3K and 4K in eight ratios (ope.ai, the seedream series, section 3).
///
/// The page swaps the pixels of the 4K rows 4:3 and 3:4 (4:3 as 3520x4704, which is portrait). This table follows Ark's table, to which
/// the page refers.
pub const TABLE: [Row; 24] = [
    at(K2, 1, 1, 2048, 2048),
    at(K2, 4, 3, 2304, 1728),
    at(K2, 3, 4, 1728, 2304),
    at(K2, 16, 9, 2848, 1600),
    at(K2, 9, 16, 1600, 2848),
    at(K2, 3, 2, 2496, 1664),
    at(K2, 2, 3, 1664, 2496),
    at(K2, 21, 9, 3136, 1344),
    at(K3, 1, 1, 3072, 3072),
    at(K3, 4, 3, 3456, 2592),
    at(K3, 3, 4, 2592, 3456),
    at(K3, 16, 9, 4096, 2304),
    at(K3, 9, 16, 2304, 4096),
    at(K3, 3, 2, 3744, 2496),
    at(K3, 2, 3, 2496, 3744),
    at(K3, 21, 9, 4704, 2016),
    at(K4, 1, 1, 4096, 4096),
    at(K4, 4, 3, 4704, 3520),
    at(K4, 3, 4, 3520, 4704),
    at(K4, 16, 9, 5504, 3040),
    at(K4, 9, 16, 3040, 5504),
    at(K4, 3, 2, 4992, 3328),
    at(K4, 2, 3, 3328, 4992),
    at(K4, 21, 9, 6240, 2656),
];

/// The pixels of a ratio at a tier in a table; ratios are compared as numbers, so `32:18` finds `16:9`.
pub fn row(table: &[Row], tier: Tier, ratio: Ratio) -> Option<Pixels> {
    let same =
        |r: Ratio| u32::from(r.width()) * u32::from(ratio.height()) == u32::from(r.height()) * u32::from(ratio.width());
    table.iter().find(|row| row.tier == tier && same(row.ratio)).map(|row| row.pixels)
}

/// The ratio of `choices` with the nearest shape, by the quotient of the two aspects.
pub fn nearest_ratio(choices: impl IntoIterator<Item = Ratio>, wanted: Ratio) -> Option<Ratio> {
    let distance = |ratio: Ratio| (ratio.aspect() / wanted.aspect()).ln().abs();
    choices.into_iter().min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_shape_it_says_and_is_found() {
        for entry in TABLE {
            let error = entry.pixels.aspect() / entry.ratio.aspect();
            assert!((0.98..1.02).contains(&error), "{entry:?}");
            assert_eq!(row(&TABLE, entry.tier, entry.ratio), Some(entry.pixels));
        }
        assert_eq!(row(&TABLE, K2, Ratio::of(32, 18)), Some(Pixels::of(2848, 1600)));
        assert_eq!(row(&TABLE, K2, Ratio::of(4, 5)), None);
    }

    #[test]
    fn the_nearest_ratio_is_nearest_by_shape() {
        let ratios = || TABLE.iter().map(|row| row.ratio);
        assert_eq!(nearest_ratio(ratios(), Ratio::of(4, 5)), Some(Ratio::of(3, 4)));
        assert_eq!(nearest_ratio(ratios(), Ratio::of(32, 9)), Some(Ratio::of(21, 9)));
        assert_eq!(nearest_ratio([], Ratio::of(1, 1)), None);
    }
}
