//! Puts a size into a provider's own words.

use super::Audit;
use crate::{Capabilities, Field, ImageRequest, Nearest, Pixels, Ratio, Size, Tier, WarningKind, nearest_ratio, row};

/// A size in a provider's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireSize {
    /// The member `size`; `None` where it is left out and the provider's default holds.
    pub size: Option<String>,
    /// The level that goes with a ratio in a member of its own (document 002, quality).
    pub quality: Option<Tier>,
}

impl WireSize {
    fn plain(size: impl Into<Size>) -> Self {
        Self { size: Some(size.into().to_string()), quality: None }
    }
}

/// The level at which a table is read where a ratio comes without one: the level that every model with a table has.
const DEFAULT_TIER: Tier = Tier::K2;

impl Capabilities {
    /// Finds this provider's words for the size; what has none goes out as it was written, with a violation.
    pub(super) fn check_size(&self, request: &ImageRequest, audit: &mut Audit) -> Option<WireSize> {
        let size = request.size?;
        let wire = match size {
            Size::Pixels(pixels) => self.pixels(pixels, audit),
            Size::Tier(tier) => self.tier(tier, audit),
            Size::Ratio { ratio, tier } => self.ratio(ratio, tier, audit),
            Size::Auto => self.auto(audit),
        };
        Some(wire.unwrap_or_else(|| WireSize::plain(size)))
    }

    fn pixels(&self, pixels: Pixels, audit: &mut Audit) -> Option<WireSize> {
        let source = &self.size.source;
        let Some(rule) = self.size.pixels else {
            let message = format!("{pixels} cannot be sent: {} takes no width and height", self.model);
            audit.violation(Field::Size, message, self.levels(), source);
            return None;
        };
        if !rule.allows(pixels) {
            let mut reasons = Vec::new();
            if pixels.area() < rule.min {
                reasons.push(format!("has {} pixels, {} needs at least {}", pixels.area(), self.model, rule.min));
            }
            if let Some(max) = rule.max.filter(|max| pixels.area() > *max) {
                reasons.push(format!("has {} pixels, {} takes at most {max}", pixels.area(), self.model));
            }
            if let Some(max) = rule.max_aspect.filter(|_| !rule.shape_allowed(pixels)) {
                reasons.push(format!("is outside the shapes 1:{max} to {max}:1"));
            }
            if let Some((least, most)) = rule.side.filter(|_| !rule.sides_allowed(pixels)) {
                reasons.push(format!("has a side outside {least} to {most} pixels"));
            }
            let message = format!("{pixels} {}", reasons.join(", and it "));
            audit.violation(Field::Size, message, Nearest::Size(rule.nearest(pixels).into()), source);
        }
        Some(WireSize::plain(pixels))
    }

    fn tier(&self, tier: Tier, audit: &mut Audit) -> Option<WireSize> {
        if self.size.tiers.contains(&tier) {
            return Some(WireSize::plain(tier));
        }
        if self.size.auto && self.size.qualities.contains(&tier) {
            audit.warn(WarningKind::Rewritten, Field::Size, format!("{tier} is sent as size auto with quality {tier}"));
            return Some(WireSize { size: Some("auto".into()), quality: Some(tier) });
        }
        if self.size.tiers.is_empty() && self.size.qualities.is_empty() {
            let square = row(&self.size.table, tier, Ratio::new(1, 1));
            if let Some(pixels) = square {
                let message = format!("{} takes no levels: {tier} is sent as {pixels}, its 1:1 size", self.provider);
                audit.warn(WarningKind::Rewritten, Field::Size, message);
                return self.pixels(pixels, audit);
            }
        }
        audit.violation(
            Field::Size,
            format!("{} has no level {tier}", self.model),
            self.nearest_tier(tier),
            &self.size.source,
        );
        None
    }

    fn ratio(&self, ratio: Ratio, tier: Option<Tier>, audit: &mut Audit) -> Option<WireSize> {
        if !self.size.ratios.is_empty() {
            return self.ratio_by_name(ratio, tier, audit);
        }
        let level = tier.unwrap_or(DEFAULT_TIER);
        let Some(pixels) = row(&self.size.table, level, ratio) else {
            let offered: Vec<_> = self.size.table.iter().filter(|row| row.tier == level).map(|row| row.ratio).collect();
            let (message, nearest) = match nearest_ratio(offered, ratio) {
                Some(nearest) => (
                    format!("{ratio} has no size at {level} in the size table of {}", self.model),
                    Nearest::Size(Size::Ratio { ratio: nearest, tier }),
                ),
                None => {
                    let tier = self.size.table.iter().map(|row| row.tier).min_by_key(|t| distance(*t, level)).or(tier);
                    let nearest = Nearest::Size(Size::Ratio { ratio, tier });
                    (format!("{} has no level {level}", self.model), nearest)
                }
            };
            audit.violation(Field::Size, message, nearest, &self.size.source);
            return None;
        };
        if tier.is_none() {
            let message = format!("{ratio} has no level: {level} is taken, which is {pixels}");
            audit.warn(WarningKind::Rewritten, Field::Size, message);
        }
        self.pixels(pixels, audit)
    }

    fn ratio_by_name(&self, ratio: Ratio, tier: Option<Tier>, audit: &mut Audit) -> Option<WireSize> {
        let source = &self.size.source;
        if !self.size.ratios.contains(&ratio) {
            let nearest = nearest_ratio(self.size.ratios.iter().copied(), ratio)
                .map(|ratio| Nearest::Size(Size::Ratio { ratio, tier }));
            audit.violation(Field::Size, format!("{} has no ratio {ratio}", self.model), nearest, source);
            return None;
        }
        if let Some(tier) = tier.filter(|tier| !self.size.qualities.contains(tier)) {
            let quality = self.size.qualities.iter().copied().min_by_key(|q| distance(*q, tier));
            let nearest = Nearest::Size(Size::Ratio { ratio, tier: quality });
            audit.violation(Field::Size, format!("{} has no quality {tier}", self.model), nearest, source);
        }
        Some(WireSize { size: Some(ratio.to_string()), quality: tier })
    }

    fn auto(&self, audit: &mut Audit) -> Option<WireSize> {
        if self.size.auto {
            return Some(WireSize::plain(Size::Auto));
        }
        let (wire, says) = if self.size.tiers.contains(&DEFAULT_TIER) {
            (
                WireSize::plain(DEFAULT_TIER),
                format!("the level {DEFAULT_TIER}, whose shape the model takes from the prompt"),
            )
        } else {
            let default = self.size.default.as_deref().unwrap_or("not stated");
            (
                WireSize { size: None, quality: None },
                format!("no size at all, so the provider's default ({default}) holds"),
            )
        };
        audit.warn(WarningKind::Rewritten, Field::Size, format!("{} has no size auto: it gets {says}", self.provider));
        Some(wire)
    }

    /// The levels in words, where pixels cannot be sent.
    fn levels(&self) -> Nearest {
        Nearest::OneOf(self.size.tiers.iter().map(ToString::to_string).collect())
    }

    fn nearest_tier(&self, tier: Tier) -> Option<Nearest> {
        let offered = self.size.tiers.iter().chain(&self.size.qualities).copied().chain(
            self.size
                .table
                .iter()
                .map(|row| row.tier)
                .filter(|_| self.size.tiers.is_empty() && self.size.qualities.is_empty()),
        );
        offered.min_by_key(|t| distance(*t, tier)).map(|tier| Nearest::Size(Size::Tier(tier)))
    }
}

/// How many levels lie between two; of two equally far the smaller comes first, since it costs less.
fn distance(a: Tier, b: Tier) -> (usize, Tier) {
    let place = |tier| Tier::ALL.iter().position(|t| *t == tier).unwrap_or(0);
    (place(a).abs_diff(place(b)), a)
}
