//! The pixel rule of a model: area and shape.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Pixels;

/// The widths and heights that a model accepts. Area and shape must both be within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct PixelRule {
    /// Least number of pixels.
    pub min: u64,
    /// Largest number of pixels; `None` if no page states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Largest quotient of the longer and the shorter side, such as 16; `None` if no page states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_aspect: Option<u32>,
    /// Shortest and longest side in pixels; `None` if no page states them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<(u32, u32)>,
}

impl Serialize for PixelRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for PixelRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = Self::deserialize(deserializer)?;
        rule.contradiction().map_or(Ok(rule), |problem| Err(de::Error::custom(format!("pixels: {problem}"))))
    }
}

impl PixelRule {
    /// Why the bounds allow no size, and what to set; `None` if they allow one.
    fn contradiction(&self) -> Option<String> {
        let Self { min, max, max_aspect, side } = *self;
        match (max, max_aspect, side) {
            (Some(0), ..) => Some("max is 0, which allows no size: set at least 1".to_owned()),
            (Some(max), ..) if max < min => {
                Some(format!("min {min} is larger than max {max}, which allows no size: set max to at least {min}"))
            }
            (_, Some(0), _) => Some("max_aspect is 0, which allows no size: set at least 1".to_owned()),
            (_, _, Some((shortest, longest))) if shortest == 0 || longest < shortest => Some(format!(
                "side [{shortest}, {longest}] allows no size: write [SHORTEST, LONGEST] in pixels, such as [512, 2048]"
            )),
            _ => None,
        }
    }

    /// Whether the bounds do not exclude each other.
    fn is_consistent(&self) -> bool {
        self.contradiction().is_none()
    }

    /// Creates a rule with both bounds of the area and a bound of the shape.
    pub const fn new(min: u64, max: u64, max_aspect: u32) -> Self {
        Self { min, max: Some(max), max_aspect: Some(max_aspect), side: None }
    }

    /// Creates a rule that bounds each side.
    pub const fn sides(shortest: u32, longest: u32) -> Self {
        Self { min: 1, max: None, max_aspect: None, side: Some((shortest, longest)) }
    }

    /// Creates a rule that allows everything.
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

    /// Whether both sides are within bounds.
    pub fn sides_allowed(&self, size: Pixels) -> bool {
        self.side.is_none_or(|(least, most)| {
            (least..=most).contains(&size.width()) && (least..=most).contains(&size.height())
        })
    }

    /// Whether the shape is within bounds, independent of the area.
    pub fn shape_allowed(&self, size: Pixels) -> bool {
        let (long, short) = (size.width().max(size.height()), size.width().min(size.height()));
        self.max_aspect.is_none_or(|max| u64::from(long) <= u64::from(short) * u64::from(max))
    }

    /// The legal size nearest to the requested one: of the sizes whose shape differs by at most 1 %, the one whose sides differ by the
    /// fewest pixels in sum; of equally near sizes, the one with the nearer shape, then the smaller one, which costs less.
    ///
    /// A shape outside the rule is replaced by the nearest shape inside it. If no legal size has such a shape, all legal sizes are
    /// candidates. If the rule allows no size at all, `size` is returned.
    pub fn nearest(&self, size: Pixels) -> Pixels {
        if self.allows(size) || !self.is_consistent() {
            return size;
        }
        let wanted = self.nearest_shape(size);
        let near = |window| {
            let mut best: Option<(Distance, Pixels)> = None;
            for width in self.widths(size, wanted) {
                let Some(found) = self.nearest_height(width, size, window) else { continue };
                // Shapes are compared only for equally near sides, since that takes a logarithm.
                if best.is_some_and(|(least, _)| apart(found, size) > least.sides) {
                    continue;
                }
                let distance = Distance::between(found, size, wanted);
                if best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, found));
                }
            }
            best.map(|(_, found)| found)
        };
        near(Some(wanted)).or_else(|| near(None)).unwrap_or(size)
    }

    /// The nearest legal size, or one of `named` if it is equally near.
    pub(crate) fn nearest_of(&self, asked: Pixels, named: impl IntoIterator<Item = Pixels>) -> Pixels {
        if !self.is_consistent() {
            return asked;
        }
        let (nearest, shape) = (self.nearest(asked), self.nearest_shape(asked));
        let as_near = |size: &Pixels| {
            let found = self.nearest_height(size.width(), *size, Some(shape));
            apart(*size, asked) == apart(nearest, asked) && found == Some(*size)
        };
        named.into_iter().find(as_near).unwrap_or(nearest)
    }

    /// The shape to keep, as a width and a height: the requested one, or the nearest legal one.
    fn nearest_shape(&self, size: Pixels) -> Pixels {
        match self.max_aspect {
            Some(max) if !self.shape_allowed(size) && size.width() > size.height() => Pixels::of(max, 1),
            Some(max) if !self.shape_allowed(size) => Pixels::of(1, max),
            _ => size,
        }
    }

    /// The candidate widths: from the smaller to the larger of the requested width and the widths at the area bounds in this shape, with
    /// room for the 1 %.
    fn widths(&self, size: Pixels, wanted: Pixels) -> std::ops::RangeInclusive<u32> {
        let at = |area: u64| (area as f64 * wanted.aspect()).sqrt();
        let asked = f64::from(size.width());
        let mut ends = vec![asked, at(self.min)];
        ends.extend(self.max.map(at));
        // Without a shape to keep, one side may limit the other.
        ends.extend(self.max.map(|max| max as f64 / f64::from(size.height())));
        ends.push(self.min as f64 / f64::from(size.height()));
        let (shortest, longest) = self.side.unwrap_or((1, u32::MAX));
        // The width at the shortest legal height.
        ends.extend(self.side.map(|(least, _)| f64::from(least) * wanted.aspect()));
        let least = ends.iter().copied().fold(f64::INFINITY, f64::min) * 0.98 - ROOM;
        let most = ends.iter().copied().fold(0.0, f64::max) * 1.02 + ROOM;
        // The largest legal width.
        let limit = match (self.max, self.max_aspect) {
            (Some(max), Some(aspect)) => (max as f64 * f64::from(aspect)).sqrt(),
            (Some(max), None) => max as f64,
            (None, _) => f64::from(u32::MAX),
        };
        let first = (least.max(1.0) as u32).clamp(shortest, longest);
        let last = (most.min(limit) as u32).clamp(shortest, longest);
        first..=last.min(first.saturating_add(MOST_WIDTHS))
    }

    /// The legal height for this width that is nearest to the requested height; `shape` bounds the shape to 1 % around it.
    fn nearest_height(&self, width: u32, size: Pixels, shape: Option<Pixels>) -> Option<Pixels> {
        let wide = u64::from(width);
        let (mut least, mut most) = self.side.map_or((1, u64::from(u32::MAX)), |(a, b)| (u64::from(a), u64::from(b)));
        if !(least..=most).contains(&wide) {
            return None;
        }
        least = least.max(self.min.div_ceil(wide));
        if let Some(max) = self.max {
            most = most.min(max / wide);
        }
        if let Some(aspect) = self.max_aspect.map(u64::from) {
            least = least.max(wide.div_ceil(aspect));
            most = most.min(wide.saturating_mul(aspect));
        }
        if let Some(shape) = shape {
            let (across, down) = (u128::from(shape.width()), u128::from(shape.height()));
            let scaled = u128::from(wide) * down * 100;
            least = least.max(u64::try_from(scaled.div_ceil(across * (100 + NEAR_PERCENT))).unwrap_or(u64::MAX));
            most = most.min(u64::try_from(scaled / (across * (100 - NEAR_PERCENT))).unwrap_or(u64::MAX));
        }
        let height = (least <= most).then(|| u64::from(size.height()).clamp(least, most))?;
        Pixels::new(width, u32::try_from(height).ok()?).ok()
    }
}

/// The largest difference between the requested shape and that of the nearest size, in percent.
const NEAR_PERCENT: u128 = 1;

/// Room around the candidate widths, for rounding.
const ROOM: f64 = 16.0;

/// The most candidate widths: more than the widest legal size of any model.
const MOST_WIDTHS: u32 = 1 << 17;

/// The distance between a legal size and the requested one; the order of the members is the order of importance.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Distance {
    /// The difference of the sides in pixels, in sum.
    sides: u64,
    /// The difference of the shapes.
    shape: f64,
    area: u64,
}

/// The difference of the sides in pixels, in sum.
fn apart(size: Pixels, asked: Pixels) -> u64 {
    u64::from(size.width().abs_diff(asked.width())) + u64::from(size.height().abs_diff(asked.height()))
}

impl Distance {
    fn between(size: Pixels, asked: Pixels, shape: Pixels) -> Self {
        Self { sides: apart(size, asked), shape: (size.aspect() / shape.aspect()).ln().abs(), area: size.area() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LITE: PixelRule = PixelRule::new(3_686_400, 16_777_216, 16);

    #[test]
    fn a_rule_that_allows_nothing_is_refused_and_makes_nothing_panic() {
        let size = Pixels::of(3, 5);
        for (rule, reason) in [
            (PixelRule::new(1, 100, 0), "max_aspect is 0, which allows no size: set at least 1"),
            (PixelRule::new(100, 1, 16), "min 100 is larger than max 1, which allows no size: set max to at least 100"),
            (PixelRule::new(0, 0, 1), "max is 0, which allows no size: set at least 1"),
            (
                PixelRule::sides(0, 0),
                "side [0, 0] allows no size: write [SHORTEST, LONGEST] in pixels, such as [512, 2048]",
            ),
            (
                PixelRule::sides(9, 1),
                "side [9, 1] allows no size: write [SHORTEST, LONGEST] in pixels, such as [512, 2048]",
            ),
        ] {
            assert!(!rule.allows(size), "{rule:?}");
            assert_eq!(rule.nearest(size), size);
            assert_eq!(rule.nearest_of(size, [Pixels::of(1, 1)]), size, "{rule:?}");
            let refused = serde_json::from_value::<PixelRule>(serde_json::to_value(rule).unwrap()).unwrap_err();
            assert_eq!(refused.to_string(), format!("pixels: {reason}"));
        }
    }

    #[test]
    fn the_nearest_size_differs_by_the_fewest_pixels() {
        let nearest = |rule: PixelRule, w, h| rule.nearest(Pixels::of(w, h)).to_string();
        assert_eq!(nearest(LITE, 1024, 1024), "1920x1920");
        assert_eq!(nearest(LITE, 1919, 1920), "1920x1920");
        assert_eq!(nearest(LITE, 8192, 8192), "4096x4096");
        assert_eq!(nearest(LITE, 8000, 480), "8000x500");
        assert_eq!(nearest(PixelRule::new(921_600, 16_777_216, 16), 959, 960), "960x960");
        assert_eq!(nearest(PixelRule::sides(512, 2048), 8192, 512), "2048x512");
        assert_eq!(nearest(PixelRule::sides(512, 2048), 100, 100), "512x512");
    }

    /// Rules like those of the models, and a size asked for.
    fn asked() -> impl Strategy<Value = (PixelRule, Pixels)> {
        let bounds = (1_000_u64..20_000_000, 1_u64..4, 1_u32..20)
            .prop_map(|(min, room, aspect)| PixelRule::new(min, min * (1 + room), aspect));
        let sides = (1_u32..1000, 1_u32..4000).prop_map(|(least, room)| PixelRule::sides(least, least + room));
        let side = || prop_oneof![1_u32..40_000, 1_u32..3000];
        (prop_oneof![bounds, sides], side(), side()).prop_map(|(rule, width, height)| (rule, Pixels::of(width, height)))
    }

    proptest! {
        #[test]
        fn no_legal_size_of_this_shape_is_nearer(
            (rule, asked) in asked(),
            (x, y) in (0.0_f64..1.0, -0.01_f64..0.01),
            (dx, dy) in (-40_i64..40, -40_i64..40),
        ) {
            let nearest = rule.nearest(asked);
            prop_assert!(rule.allows(nearest), "{nearest}");
            prop_assert_eq!(rule.nearest(nearest), nearest);
            let shape = rule.nearest_shape(asked);
            let near = |size: Pixels| {
                let (a, b) = (u128::from(size.width()) * u128::from(shape.height()), u128::from(size.height()) * u128::from(shape.width()));
                a * 100 <= b * 101 && a * 100 >= b * 99
            };
            // One anywhere, and one around the size that was found.
            let area = 1.0 + x * 4.0 * rule.min.max(rule.max.unwrap_or(0)).max(1_000_000) as f64;
            let aspect = shape.aspect() * (1.0 + y);
            let anywhere = Pixels::of(((area * aspect).sqrt() as u32).max(1), ((area / aspect).sqrt() as u32).max(1));
            let moved = |side: u32, by: i64| u32::try_from(i64::from(side) + by).unwrap_or(1).max(1);
            let around = Pixels::of(moved(nearest.width(), dx), moved(nearest.height(), dy));
            for other in [anywhere, around].into_iter().filter(|other| rule.allows(*other)) {
                // Where no legal size has the shape, the shape does not count.
                if near(other) == near(nearest) {
                    let distance = |size| Distance::between(size, asked, shape);
                    prop_assert!(distance(nearest) <= distance(other), "{asked}: {nearest}, and not {other}");
                } else {
                    prop_assert!(near(nearest), "{asked}: {nearest} is of another shape than {other}");
                }
            }
        }
    }
}
