//! The nearest legal size that an adapter names is the nearest, found here by trying every width.

use crate::harness::random::Rng;
use seedream_core::{Capabilities, Error, ImageRequest, Nearest, Pixels, Size, Strictness};
use seedream_fixtures::ModelFacts;

use crate::{
    harness::difference::Differences,
    harness::random::{below, seeded},
};

/// How many sizes are drawn for a model.
const ROUNDS: u64 = 12;

/// The rule of a model, as its provider's facts have it.
struct SizeBounds {
    area: (u64, u64),
    sides: (u64, u64),
    /// The largest quotient of the longer and the shorter side.
    aspect: f64,
}

pub(super) fn check(d: &mut Differences, model: &ModelFacts, rules: &Capabilities, refused: fn(Error) -> Error) {
    let Some(said) = model.size.pixels else { return };
    let (most, aspect) = (said.max.unwrap_or(u64::MAX), said.aspect.map_or(f64::INFINITY, |aspect| aspect.max));
    // No legal width is larger than this.
    let widest = ((most as f64 * aspect).sqrt() as u64).saturating_add(1).min(1 << 16);
    let rule = SizeBounds {
        area: (said.min.unwrap_or(1), most),
        sides: said.side.map_or((1, widest), |side| (side.min.into(), side.max.into())),
        aspect,
    };
    for round in 0..ROUNDS {
        let asked = rule.draw(&mut seeded(&model.id, round));
        if rule.allows(asked) {
            continue;
        }
        let request = ImageRequest::new(model.id.as_str(), "a lighthouse in fog").size(asked);
        let named = rules.check(&request, Strictness::Strict).err().map(refused).and_then(|error| {
            error.violations().iter().find_map(|violation| match violation.nearest {
                Some(Nearest::Size(Size::Pixels(size))) => Some(size),
                _ => None,
            })
        });
        let Some(named) = named else {
            d.holds(false, || format!("nearest to {asked}: none is named"));
            continue;
        };
        let Some(nearest) = rule.nearest(asked) else { continue };
        let right = rule.allows(named) && distance(named, asked) == distance(nearest, asked);
        d.holds(right, || format!("nearest to {asked}: expected {nearest}, saw {named}"));
    }
}

fn distance(a: Pixels, b: Pixels) -> u32 {
    a.width().abs_diff(b.width()) + a.height().abs_diff(b.height())
}

impl SizeBounds {
    /// A size around a bound, or anywhere.
    fn draw(&self, random: &mut Rng) -> Pixels {
        let least = f64::from(u32::try_from(self.area.0.max(self.sides.0 * self.sides.0)).unwrap_or(u32::MAX));
        let most = if self.area.1 == u64::MAX { (self.sides.1 * self.sides.1) as f64 } else { self.area.1 as f64 };
        let area = match below(random, 4) {
            0 => least * 0.999,
            1 => most * 1.001,
            2 => least * (0.05 + 0.01 * below(random, 90) as f64),
            _ => most * (1.0 + 0.05 * below(random, 90) as f64),
        };
        let shapes = [(1.0, 1.0), (16.0, 9.0), (3.0, 4.0), (21.0, 9.0), (1.0, 3.0), (40.0, 1.0), (7.0, 5.0)];
        let (across, down) = shapes[below(random, shapes.len())];
        let width = (area * across / down).sqrt();
        Pixels::of((width as u32).max(1), ((area / width) as u32).max(1))
    }

    fn allows(&self, size: Pixels) -> bool {
        let (width, height) = (u64::from(size.width()), u64::from(size.height()));
        let inside = |side| (self.sides.0..=self.sides.1).contains(&side);
        (self.area.0..=self.area.1).contains(&(width * height))
            && inside(width)
            && inside(height)
            && width.max(height) as f64 <= width.min(height) as f64 * self.aspect
    }

    /// The legal size whose sides differ by the fewest pixels, among those of nearly the same shape, else among all.
    fn nearest(&self, asked: Pixels) -> Option<Pixels> {
        let shape = asked.aspect().clamp(1.0 / self.aspect, self.aspect);
        let best = |least: f64, most: f64| {
            let of = |width: u64| {
                let wide = width as f64;
                let low = self.area.0.div_ceil(width).max(self.sides.0);
                let low = low.max((wide / self.aspect).ceil() as u64).max((wide / most - 1e-9).ceil() as u64);
                let high = (self.area.1 / width).min(self.sides.1);
                let high = high.min((wide * self.aspect) as u64).min((wide / least + 1e-9) as u64);
                let height = (low <= high).then(|| u64::from(asked.height()).clamp(low, high))?;
                let size = Pixels::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?).ok()?;
                self.allows(size).then_some(size)
            };
            (self.sides.0..=self.sides.1).filter_map(of).min_by_key(|size| distance(*size, asked))
        };
        best(shape * 0.99, shape * 1.01).or_else(|| best(0.0, f64::INFINITY))
    }
}
