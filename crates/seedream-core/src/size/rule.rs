//! The pixel rule of a model: area and shape.

use serde::{Deserialize, Serialize};

use super::Pixels;

/// Which widths and heights a model takes. Both the area and the shape have to be within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelRule {
    /// Least number of pixels.
    pub min: u64,
    /// Largest number of pixels; `None` where the document states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Largest quotient of the longer and the shorter side, such as 16; `None` where the document states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_aspect: Option<u32>,
    /// Shortest and longest side in pixels; `None` where the document states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<(u32, u32)>,
}

impl PixelRule {
    /// A rule with both bounds of the area and a bound of the shape.
    pub const fn new(min: u64, max: u64, max_aspect: u32) -> Self {
        Self { min, max: Some(max), max_aspect: Some(max_aspect), side: None }
    }

    /// A rule that bounds each side by itself.
    pub const fn sides(shortest: u32, longest: u32) -> Self {
        Self { min: 1, max: None, max_aspect: None, side: Some((shortest, longest)) }
    }

    /// No rule.
    pub const fn any() -> Self {
        Self { min: 1, max: None, max_aspect: None, side: None }
    }

    /// Whether the rule allows this size.
    pub fn allows(&self, size: Pixels) -> bool {
        size.area() >= self.min
            && self.max.is_none_or(|max| size.area() <= max)
            && self.shape_allowed(size)
            && self.sides_allowed(size)
    }

    /// Whether each side by itself is allowed.
    pub fn sides_allowed(&self, size: Pixels) -> bool {
        self.side
            .is_none_or(|(least, most)| (least..=most).contains(&size.width) && (least..=most).contains(&size.height))
    }

    /// Whether the shape, leaving the area aside, is allowed.
    pub fn shape_allowed(&self, size: Pixels) -> bool {
        let (long, short) = (size.width.max(size.height), size.width.min(size.height));
        self.max_aspect.is_none_or(|max| u64::from(long) <= u64::from(short) * u64::from(max))
    }

    /// The legal size nearest to the one asked for: the same shape where that is legal, scaled until the area fits.
    pub fn nearest(&self, size: Pixels) -> Pixels {
        if self.allows(size) {
            return size;
        }
        if let Some((least, most)) = self.side {
            let clamped = Pixels::new(size.width.clamp(least, most), size.height.clamp(least, most));
            if self.allows(clamped) {
                return clamped;
            }
        }
        let limit = self.max_aspect.map_or(f64::INFINITY, f64::from);
        let aspect = size.aspect().clamp(1.0 / limit, limit);
        let area = (size.area().max(self.min)).min(self.max.unwrap_or(u64::MAX)) as f64;
        let ideal = ((area * aspect).sqrt(), (area / aspect).sqrt());
        // Rounding may leave the bounds by a pixel, so the neighbours of the ideal are tried, the closest first.
        let around = |x: f64| {
            let middle = x.round().max(1.0) as u32;
            (middle.saturating_sub(RADIUS).max(1)..=middle.saturating_add(RADIUS)).collect::<Vec<_>>()
        };
        let heights = around(ideal.1);
        around(ideal.0)
            .into_iter()
            .flat_map(|width| heights.iter().map(move |height| Pixels::new(width, *height)))
            .filter(|candidate| self.allows(*candidate))
            .min_by(|a, b| cost(*a, ideal).total_cmp(&cost(*b, ideal)))
            .unwrap_or_else(|| self.square())
    }

    /// The smallest legal square: the way out where no shape near the one asked for fits (a rule without room).
    fn square(&self) -> Pixels {
        let side = (self.min as f64).sqrt().ceil().max(1.0) as u32;
        Pixels::new(side, side)
    }
}

/// How far from the ideal a neighbour is looked for, in pixels.
const RADIUS: u32 = 16;

/// Relative distance of both sides from the ideal.
fn cost(size: Pixels, ideal: (f64, f64)) -> f64 {
    (f64::from(size.width) / ideal.0).ln().abs() + (f64::from(size.height) / ideal.1).ln().abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LITE: PixelRule = PixelRule::new(3_686_400, 16_777_216, 16);

    #[test]
    fn the_documents_own_example_finds_1920x1920() {
        assert_eq!(PixelRule::sides(512, 2048).nearest(Pixels::new(8192, 512)), Pixels::new(2048, 512));
        assert_eq!(LITE.nearest(Pixels::new(1024, 1024)), Pixels::new(1920, 1920));
        assert_eq!(LITE.nearest(Pixels::new(1280, 720)), Pixels::new(2560, 1440));
        assert_eq!(LITE.nearest(Pixels::new(8192, 8192)), Pixels::new(4096, 4096));
    }

    proptest! {
        #[test]
        fn the_nearest_size_is_legal_and_legal_sizes_stay(
            width in 1u32..40_000,
            height in 1u32..40_000,
            min in 1u64..20_000_000,
            room in 1u64..4,
            aspect in 2u32..20,
        ) {
            let rule = PixelRule::new(min, min * (1 + room), aspect);
            let asked = Pixels::new(width, height);
            let nearest = rule.nearest(asked);
            if min > 1000 {
                prop_assert!(rule.allows(nearest), "{nearest}");
            }
            prop_assert_eq!(rule.nearest(nearest), nearest);
            if rule.allows(asked) {
                prop_assert_eq!(nearest, asked);
            }
        }
    }
}
