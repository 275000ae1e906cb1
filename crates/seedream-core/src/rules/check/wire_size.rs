//! Converts a size to a provider's spelling.

use super::findings::Findings;
use crate::{
    Capabilities, Field, ImageRequest, Nearest, PixelRule, Pixels, Ratio, RelayMinimum, Size, Source, Tier,
    WarningKind, nearest_ratio, row,
};

/// A size in a provider's spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireSize {
    /// The member `size`; `None` if it is omitted and the provider's default applies.
    pub size: Option<String>,
    /// The tier that a separate member adds to a ratio (docs.evolink.ai, seedream-4.5-image-generate, quality).
    pub quality: Option<Tier>,
}

impl WireSize {
    fn plain(size: impl Into<Size>) -> Self {
        Self { size: Some(size.into().to_string()), quality: None }
    }
}

/// The table tier of a ratio without a tier: every model with a table has it.
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
    /// Converts the size to this provider's spelling; a size without one is unchanged, with a violation.
    pub(super) fn check_size(&self, request: &ImageRequest, findings: &mut Findings<'_>) -> Option<WireSize> {
        let size = request.size?;
        let wire = match size {
            Size::Pixels(pixels) => self.pixels(pixels, findings),
            Size::Tier(tier) => self.tier(tier, findings),
            Size::Ratio { ratio, tier } => self.ratio(ratio, tier, findings),
            Size::Auto => self.auto(findings),
        };
        Some(wire.unwrap_or_else(|| WireSize::plain(size)))
    }

    fn pixels(&self, pixels: Pixels, findings: &mut Findings<'_>) -> Option<WireSize> {
        let source = &self.size.source;
        let Some(rule) = self.size.pixels else {
            let message = format!("{pixels} cannot be sent: {} does not take width x height", self.model);
            findings.violation(Field::Size, message, self.nearest_without_pixels(pixels), source);
            return None;
        };
        let broken = self.broken(rule, pixels);
        // First the violations of the provider's own page, then those of other pages.
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
            findings.violation(Field::Size, message, nearest, source);
        }
        if let Some(RelayMinimum { pixels: least, source }) = self.size.relay_min.as_ref().filter(|_| self.relay)
            && (rule.min..*least).contains(&pixels.area())
        {
            let message = format!(
                "{pixels} has {} pixels: the minimum of {} is {} {}, but relays state {least} {}, so a relay may refuse it",
                pixels.area(),
                self.model,
                rule.min,
                self.seller.cites(&self.size.source),
                self.seller.cites(source),
            );
            findings.warn(WarningKind::Advice, Field::Size, message);
        }
        Some(WireSize::plain(pixels))
    }

    /// The bounds that a size violates, each with its message.
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
            broken.push((Bound::Shape, format!("has an aspect ratio outside 1:{max} to {max}:1")));
        }
        if let Some((least, most)) = rule.side.filter(|_| !rule.sides_allowed(pixels)) {
            broken.push((Bound::Sides, format!("has a side outside {least} to {most} pixels")));
        }
        broken
    }

    fn tier(&self, tier: Tier, findings: &mut Findings<'_>) -> Option<WireSize> {
        if self.size.tiers.contains(&tier) {
            return Some(WireSize::plain(tier));
        }
        if self.size.auto && self.size.qualities.contains(&tier) {
            findings.warn(
                WarningKind::Rewritten,
                Field::Size,
                format!("{tier} is sent as size auto with quality {tier}"),
            );
            return Some(WireSize { size: Some("auto".into()), quality: Some(tier) });
        }
        if self.size.tiers.is_empty() && self.size.qualities.is_empty() {
            let square = row(&self.size.table, tier, Ratio::of(1, 1));
            if let Some(pixels) = square {
                let message = format!("{} takes no tiers: {tier} is sent as {pixels}, its 1:1 size", self.provider);
                findings.warn(WarningKind::Rewritten, Field::Size, message);
                return self.pixels(pixels, findings);
            }
        }
        let message = format!("{} has no tier {tier}", self.model);
        findings.violation(Field::Size, message, self.nearest_tier(tier), self.source_of_tier(tier));
        None
    }

    /// The source for a missing tier: another page, if the provider's own page has the tier.
    fn source_of_tier(&self, tier: Tier) -> &Source {
        let narrowed = self.size.narrowed.as_ref().filter(|narrowed| narrowed.tiers.contains(&tier));
        narrowed.map_or(&self.size.source, |narrowed| &narrowed.source)
    }

    fn ratio(&self, ratio: Ratio, tier: Option<Tier>, findings: &mut Findings<'_>) -> Option<WireSize> {
        if !self.size.ratios.is_empty() {
            return self.ratio_by_name(ratio, tier, findings);
        }
        let chosen = tier.unwrap_or(DEFAULT_TIER);
        let Some(pixels) = row(&self.size.table, chosen, ratio) else {
            let offered: Vec<_> =
                self.size.table.iter().filter(|row| row.tier == chosen).map(|row| row.ratio).collect();
            let (message, nearest, source) = match nearest_ratio(offered, ratio) {
                Some(nearest) => (
                    format!("{ratio} has no size at {chosen} in the size table of {}", self.model),
                    Nearest::Size(Size::Ratio { ratio: nearest, tier }),
                    &self.size.table_source,
                ),
                None => {
                    let tier = self.size.table.iter().map(|row| row.tier).min_by_key(|t| distance(*t, chosen)).or(tier);
                    let nearest = Nearest::Size(Size::Ratio { ratio, tier });
                    (format!("{} has no tier {chosen}", self.model), nearest, self.source_of_tier(chosen))
                }
            };
            findings.violation(Field::Size, message, nearest, source);
            return None;
        };
        if tier.is_none() {
            let message = format!("{ratio} names no tier: {chosen} is used ({pixels})");
            findings.warn(WarningKind::Rewritten, Field::Size, message);
        }
        self.pixels(pixels, findings)
    }

    fn ratio_by_name(&self, ratio: Ratio, tier: Option<Tier>, findings: &mut Findings<'_>) -> Option<WireSize> {
        let source = &self.size.source;
        if !self.size.ratios.contains(&ratio) {
            let nearest = nearest_ratio(self.size.ratios.iter().copied(), ratio)
                .map(|ratio| Nearest::Size(Size::Ratio { ratio, tier }));
            findings.violation(Field::Size, format!("{} has no ratio {ratio}", self.model), nearest, source);
            return None;
        }
        if let Some(tier) = tier.filter(|tier| !self.size.qualities.contains(tier)) {
            let quality = self.size.qualities.iter().copied().min_by_key(|q| distance(*q, tier));
            let nearest = Nearest::Size(Size::Ratio { ratio, tier: quality });
            findings.violation(Field::Size, format!("{} has no tier {tier}", self.model), nearest, source);
        }
        Some(WireSize { size: Some(ratio.to_string()), quality: tier })
    }

    fn auto(&self, findings: &mut Findings<'_>) -> Option<WireSize> {
        if self.size.auto {
            return Some(WireSize::plain(Size::Auto));
        }
        let (wire, says) = if self.size.tiers.contains(&DEFAULT_TIER) {
            (WireSize::plain(DEFAULT_TIER), format!("{DEFAULT_TIER}, and the model takes the shape from the prompt"))
        } else {
            let default = self.size.default.as_deref().unwrap_or("not stated");
            (WireSize { size: None, quality: None }, format!("no size, so the provider's default ({default}) applies"))
        };
        findings.warn(
            WarningKind::Rewritten,
            Field::Size,
            format!("{} has no size auto: it receives {says}", self.provider),
        );
        Some(wire)
    }

    /// The tier of the sent size, or of the default; `None` for pixels, whose tier no page defines.
    pub(super) fn tier_of(&self, size: Option<&WireSize>) -> Option<Tier> {
        let written = size.map_or(self.size.default.as_deref(), |size| size.size.as_deref());
        size.and_then(|size| size.quality).or_else(|| written?.parse().ok())
    }

    /// The legal sizes for a model without pixels: the ratio of the nearest shape, or the tiers.
    fn nearest_without_pixels(&self, pixels: Pixels) -> Option<Nearest> {
        let side =
            |side: u32| u16::try_from(side / (pixels.width().max(pixels.height()) / 10_000 + 1)).unwrap_or(u16::MAX);
        let shape = Ratio::of(side(pixels.width()).max(1), side(pixels.height()).max(1));
        if let Some(ratio) = nearest_ratio(self.size.ratios.iter().copied(), shape) {
            return Some(Nearest::Size(Size::Ratio { ratio, tier: None }));
        }
        let tiers: Vec<_> = self.size.tiers.iter().map(ToString::to_string).collect();
        (!tiers.is_empty()).then_some(Nearest::OneOf(tiers))
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

/// The distance between two tiers; of two equal distances the smaller tier comes first, since it costs less.
fn distance(a: Tier, b: Tier) -> (usize, Tier) {
    let place = |tier| Tier::ALL.iter().position(|t| *t == tier).unwrap_or(0);
    (place(a).abs_diff(place(b)), a)
}

#[cfg(test)]
mod tests {
    use crate::{
        Capabilities, Descriptor, ImageRequest, Members, Nearest, Pixels, Ratio, Size, SizeRule, Source, Strictness,
        Tier,
    };

    #[test]
    fn a_model_with_ratios_only_refuses_other_sizes_and_names_the_nearest_ratio() {
        let source = Source::overridden("a test");
        let descriptor = Descriptor::new("shop", "Shop", "page", []);
        let mut size = SizeRule::only_ratios(&[Ratio::of(1, 1), Ratio::of(16, 9)], Some("1:1"), source.clone());
        size.qualities = vec![Tier::K2];
        let members = Members::new::<&str>([], source);
        let rules = Capabilities::new(&descriptor, descriptor.resolve(&"m".into()), size, members);
        let check = |size: Size| rules.check(&ImageRequest::new("m", "a lighthouse").size(size), Strictness::Strict);
        let wide = Size::Ratio { ratio: Ratio::of(16, 9), tier: Some(Tier::K2) };
        let sent = check(wide).unwrap();
        let sent = sent.size().unwrap();
        assert_eq!((sent.size.as_deref(), sent.quality), (Some("16:9"), Some(Tier::K2)));
        let ratio = |width, height| Nearest::Size(Size::Ratio { ratio: Ratio::of(width, height), tier: None });
        for (asked, nearest) in [
            (Size::pixels(2560, 1440), Some(ratio(16, 9))),
            (Size::Pixels(Pixels::of(200_000, 200_001)), Some(ratio(1, 1))),
            (Size::Pixels(Pixels::of(u32::MAX, 1)), Some(ratio(16, 9))),
            (Size::Tier(Tier::K4), Some(Nearest::Size(Size::Tier(Tier::K2)))),
        ] {
            let error = check(asked).unwrap_err();
            assert_eq!(error.violations()[0].nearest, nearest, "{asked}");
        }
    }
}
