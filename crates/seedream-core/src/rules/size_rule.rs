//! The sizes that a model takes.

use serde::{Deserialize, Serialize};

use crate::{PixelRule, Pixels, Ratio, Row, Source, TABLE, Tier, rules::source::ARK};

/// Which sizes a model takes, and in which spelling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SizeRule {
    /// Levels that may be sent as `size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// Ratios that may be sent as `size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<Ratio>,
    /// Levels that go with a ratio in a member of their own (document 002, quality).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualities: Vec<Tier>,
    /// Whether `auto` may be sent as `size`.
    #[serde(default)]
    pub auto: bool,
    /// The rule of width x height; `None` where pixels may not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRule>,
    /// Which pixels a ratio has at a level, where a ratio has to be put into pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Row>,
    /// Where the table was read.
    pub table_source: Source,
    /// What the provider takes where nothing is sent, as it would be written on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Where the levels, the ratios and the qualities were read, and `pixels`, unless `narrowed` says otherwise.
    pub source: Source,
    /// Who narrows `tiers` and `pixels`, where the provider's own page allows more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrowed: Option<Narrowed>,
    /// The least number of pixels that relays of the dialect state, where it is more than `pixels` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_min: Option<RelayMinimum>,
}

/// The least number of pixels that relays of a dialect state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayMinimum {
    /// The number of pixels.
    pub pixels: u64,
    /// Where this was read.
    pub source: Source,
}

/// Rules of a size that are not the provider's own: those of the vendor whose models it resells, or ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowed {
    /// The levels that the provider's own page allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The width and height that the provider's own page allows.
    pub pixels: PixelRule,
    /// Where the narrower rules were read.
    pub source: Source,
}

impl SizeRule {
    /// Width x height only; a level or a ratio is put into pixels by the table of document 004.
    pub fn only_pixels(pixels: PixelRule, default: &str, source: Source) -> Self {
        Self::levels(&[], pixels, default, source)
    }

    /// Levels or pixels, as Ark and its relays take them, with the table of document 004.
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

    /// States that the provider's own page, `source`, allows these levels and pixels, and that everything narrower is the rule
    /// of the page from which the sizes were read.
    #[must_use]
    pub fn stated_by(mut self, source: Source, tiers: &[Tier], pixels: PixelRule) -> Self {
        let narrower = std::mem::replace(&mut self.source, source);
        self.narrowed = Some(Narrowed { tiers: tiers.to_vec(), pixels, source: narrower });
        self
    }

    /// The legal size nearest to the one asked for ([`PixelRule::nearest`]); one of the table takes its place where it is as near.
    /// `None` where pixels may not be sent.
    pub fn nearest(&self, asked: Pixels) -> Option<Pixels> {
        Some(self.pixels?.nearest_of(asked, self.table.iter().map(|row| row.pixels)))
    }
}
