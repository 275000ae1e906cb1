//! Puts a size into a provider's own words.

use super::audit::Audit;
use crate::{
    Capabilities, Field, ImageRequest, Nearest, PixelRule, Pixels, Ratio, RelayMinimum, Size, Source, Tier,
    WarningKind, nearest_ratio, row,
};

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

/// A bound of a [`PixelRule`].
#[derive(Clone, Copy, PartialEq)]
enum Bound {
    Least,
    Most,
    Shape,
    Sides,
}

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
        let broken = self.broken(rule, pixels);
        // What the provider's own page rules out, and then what only another page does.
        let (own, others): (Vec<_>, Vec<_>) = match &self.size.narrowed {
            Some(narrowed) => {
                let own = self.broken(narrowed.pixels, pixels);
                broken.into_iter().partition(|(bound, _)| own.iter().any(|(same, _)| same == bound))
            }
            None => (broken, Vec::new()),
        };
        let narrower = self.size.narrowed.as_ref().map_or(source, |narrowed| &narrowed.source);
        for (broken, source) in [(own, source), (others, narrower)] {
            if broken.is_empty() {
                continue;
            }
            let reasons: Vec<_> = broken.into_iter().map(|(_, reason)| reason).collect();
            let message = format!("{pixels} {}", reasons.join(", and it "));
            let nearest = self.size.nearest(pixels).map(|nearest| Nearest::Size(nearest.into()));
            audit.violation(Field::Size, message, nearest, source);
        }
        if let Some(RelayMinimum { pixels: least, source }) = self.size.relay_min.as_ref().filter(|_| self.relay)
            && (rule.min..*least).contains(&pixels.area())
        {
            let message = format!(
                "{pixels} has {} pixels: {} takes {} and more {}, and relays state {least} {}, so a relay may refuse it",
                pixels.area(),
                self.model,
                rule.min,
                self.seller.cites(&self.size.source),
                self.seller.cites(source),
            );
            audit.warn(WarningKind::Advice, Field::Size, message);
        }
        Some(WireSize::plain(pixels))
    }

    /// The bounds of a rule that a size breaks, each with its words.
    fn broken(&self, rule: PixelRule, pixels: Pixels) -> Vec<(Bound, String)> {
        let (area, model) = (pixels.area(), &self.model);
        let mut broken = Vec::new();
        if area < rule.min {
            broken.push((Bound::Least, format!("has {area} pixels, {model} needs at least {}", rule.min)));
        }
        if let Some(max) = rule.max.filter(|max| area > *max) {
            broken.push((Bound::Most, format!("has {area} pixels, {model} takes at most {max}")));
        }
        if let Some(max) = rule.max_aspect.filter(|_| !rule.shape_allowed(pixels)) {
            broken.push((Bound::Shape, format!("is outside the shapes 1:{max} to {max}:1")));
        }
        if let Some((least, most)) = rule.side.filter(|_| !rule.sides_allowed(pixels)) {
            broken.push((Bound::Sides, format!("has a side outside {least} to {most} pixels")));
        }
        broken
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
        let message = format!("{} has no level {tier}", self.model);
        audit.violation(Field::Size, message, self.nearest_tier(tier), self.source_of_level(tier));
        None
    }

    /// Who says that there is no such level: another page where the provider's own has it.
    fn source_of_level(&self, tier: Tier) -> &Source {
        let narrowed = self.size.narrowed.as_ref().filter(|narrowed| narrowed.tiers.contains(&tier));
        narrowed.map_or(&self.size.source, |narrowed| &narrowed.source)
    }

    fn ratio(&self, ratio: Ratio, tier: Option<Tier>, audit: &mut Audit) -> Option<WireSize> {
        if !self.size.ratios.is_empty() {
            return self.ratio_by_name(ratio, tier, audit);
        }
        let level = tier.unwrap_or(DEFAULT_TIER);
        let Some(pixels) = row(&self.size.table, level, ratio) else {
            let offered: Vec<_> = self.size.table.iter().filter(|row| row.tier == level).map(|row| row.ratio).collect();
            let (message, nearest, source) = match nearest_ratio(offered, ratio) {
                Some(nearest) => (
                    format!("{ratio} has no size at {level} in the size table of {}", self.model),
                    Nearest::Size(Size::Ratio { ratio: nearest, tier }),
                    &self.size.table_source,
                ),
                None => {
                    let tier = self.size.table.iter().map(|row| row.tier).min_by_key(|t| distance(*t, level)).or(tier);
                    let nearest = Nearest::Size(Size::Ratio { ratio, tier });
                    (format!("{} has no level {level}", self.model), nearest, self.source_of_level(level))
                }
            };
            audit.violation(Field::Size, message, nearest, source);
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

    /// The level of a size that is sent, or of the default; `None` where pixels are sent, whose level no page defines.
    pub(super) fn tier_of(&self, size: Option<&WireSize>) -> Option<Tier> {
        let written = size.map_or(self.size.default.as_deref(), |size| size.size.as_deref());
        size.and_then(|size| size.quality).or_else(|| written?.parse().ok())
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
