//! The sizes that a model accepts.

use serde::{Deserialize, Serialize};

use crate::{PixelRule, Pixels, Ratio, Row, Source, TABLE, Tier, rules::rule_source::ARK};

/// The sizes that a model accepts, and their spelling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SizeRule {
    /// Tiers that are legal as `size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// Ratios that are legal as `size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<Ratio>,
    /// Tiers that a separate member adds to a ratio (docs.evolink.ai, seedream-4.5-image-generate, quality).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualities: Vec<Tier>,
    /// Whether `auto` is legal as `size`.
    #[serde(default)]
    pub auto: bool,
    /// The rule of width x height; `None` if pixels cannot be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRule>,
    /// The pixels of a ratio at a tier, for models that accept no ratios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Row>,
    /// The source of the table.
    pub table_source: Source,
    /// The provider's default, as it is written in a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The source of tiers, ratios and qualities, and of `pixels` unless `narrowed` states another.
    pub source: Source,
    /// The rule that narrows `tiers` and `pixels`, if the provider's own page allows more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowed: Option<Narrowed>,
    /// The minimum number of pixels that relays of the dialect state, if it is higher than that of `pixels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_min: Option<RelayMinimum>,
}

/// The minimum number of pixels that relays of a dialect state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayMinimum {
    /// The number of pixels.
    pub pixels: u64,
    /// The source of the minimum.
    pub source: Source,
}

/// Size rules that the provider's page does not state: those of ByteDance, whose models it resells, or of this project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowed {
    /// The tiers that the provider's own page allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The width and height that the provider's own page allows.
    pub pixels: PixelRule,
    /// The source of the narrower rules.
    pub source: Source,
}

impl SizeRule {
    /// Accepts width x height only; a tier or a ratio is converted to pixels by [`TABLE`].
    pub fn only_pixels(pixels: PixelRule, default: &str, source: Source) -> Self {
        Self::levels(&[], pixels, default, source)
    }

    /// Accepts aspect ratios only: neither tiers nor width x height can be sent. A model with tiers for its ratios sets
    /// [`qualities`](Self::qualities) too.
    pub fn only_ratios(ratios: &[Ratio], default: Option<&str>, source: Source) -> Self {
        Self {
            tiers: Vec::new(),
            ratios: ratios.to_vec(),
            qualities: Vec::new(),
            auto: false,
            pixels: None,
            table: Vec::new(),
            table_source: source.clone(),
            default: default.map(Into::into),
            source,
            narrowed: None,
            relay_min: None,
        }
    }

    /// Accepts tiers or pixels, as Ark and its relays do, with [`TABLE`] for ratios.
    pub fn levels(tiers: &[Tier], pixels: PixelRule, default: &str, source: Source) -> Self {
        Self {
            tiers: tiers.to_vec(),
            ratios: Vec::new(),
            qualities: Vec::new(),
            auto: false,
            pixels: Some(pixels),
            table: TABLE.to_vec(),
            table_source: Source::published(ARK, "size"),
            default: Some(default.into()),
            source,
            narrowed: None,
            relay_min: None,
        }
    }

    /// States that the provider's own page, `source`, allows these tiers and pixels; everything narrower is the rule of the current
    /// source of the sizes.
    #[must_use]
    pub fn stated_by(mut self, source: Source, tiers: &[Tier], pixels: PixelRule) -> Self {
        let narrower = std::mem::replace(&mut self.source, source);
        self.narrowed = Some(Narrowed { tiers: tiers.to_vec(), pixels, source: narrower });
        self
    }

    /// The legal size nearest to the requested one ([`PixelRule::nearest`]); a size of the table is preferred if it is equally near.
    /// `None` if pixels cannot be sent.
    pub fn nearest(&self, asked: Pixels) -> Option<Pixels> {
        Some(self.pixels?.nearest_of(asked, self.table.iter().map(|row| row.pixels)))
    }
}
