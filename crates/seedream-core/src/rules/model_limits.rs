//! The limits of ByteDance's models, as Ark publishes them: every reseller forwards requests to these.

use crate::{
    Family, ImagesRule, PixelRule, Pixels, Ratio, ReferenceRule, Row, SizeRule, Source, TABLE, Tier, TotalRule,
    rules::rule_source::ARK,
};

/// Ark's published rules of a model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Sizes.
    pub size: SizeRule,
    /// Reference images, with Ark's 30 MB each; resellers accept less.
    pub references: ReferenceRule,
    /// The number of images.
    pub images: ImagesRule,
}

/// A reseller's page on 5.5 and its date, since no page of Ark on 5.5 is available. Exact pixels and reference rules are those of
/// 5.0 pro.
const SEEDREAM_5_5: &str = "docs.laozhang.ai/en/api-capabilities/seedream-5-5";
const SEEDREAM_5_5_READ: &str = "2026-11-28";

impl Limits {
    /// The limits of a family.
    pub fn of(family: Family) -> Self {
        let source = |at| Source::published(ARK, at);
        let size = |tiers: &[Tier], pixels, default: &str, table: Vec<Row>| {
            let mut rule = SizeRule::levels(tiers, pixels, default, source("size"));
            rule.table = table;
            rule
        };
        let group = || {
            let mut rule = ImagesRule::up_to(15, source("sequential_image_generation"));
            rule.auto = true;
            let source = source("sequential_image_generation_options.max_images");
            rule.with_references = Some(TotalRule { limit: 15, truncates: false, source });
            rule
        };
        let single = || ImagesRule::single(source("sequential_image_generation"));
        let (size, references, images) = match family {
            Family::Seedream5Lite => {
                let rule = PixelRule::new(3_686_400, 16_777_216, 16);
                (size(&[Tier::K2, Tier::K3, Tier::K4], rule, "2048x2048", TABLE.to_vec()), Some(14), group())
            }
            Family::Seedream4_5 => {
                let rule = PixelRule::new(3_686_400, 16_777_216, 16);
                (size(&[Tier::K2, Tier::K4], rule, "2048x2048", without(Tier::K3)), Some(14), group())
            }
            Family::Seedream4 => {
                let rule = PixelRule::new(921_600, 16_777_216, 16);
                let table = ONE_K.into_iter().chain(without(Tier::K3)).collect();
                (size(&[Tier::K1, Tier::K2, Tier::K4], rule, "2048x2048", table), Some(14), group())
            }
            Family::Seedream5Pro | Family::Seedream5Flash => {
                let rule = PixelRule::new(921_600, 4_624_220, 16);
                (size(&[Tier::K1, Tier::K1_5, Tier::K2], rule, "2K", PRO.to_vec()), Some(10), single())
            }
            Family::Seedream5_5 => {
                let source = |at| Source::published_on(SEEDREAM_5_5_READ, SEEDREAM_5_5, at);
                let rule = PixelRule::new(921_600, 4_624_220, 16);
                let mut size = size(&[Tier::K1, Tier::K1_5, Tier::K2], rule, "2K", PRO.to_vec());
                size.source = source("size");
                (size, Some(10), ImagesRule::single(source("unsupported parameters")))
            }
            Family::Seedream3T2i => {
                let rule = PixelRule::sides(512, 2048);
                (size(&[], rule, "1024x1024", ONE_K.to_vec()), None, single())
            }
            Family::Seededit3I2i => {
                // Accepts only `adaptive`, its default: the size follows the reference.
                let mut rule = size(&[], PixelRule::new(1, 1, 1), "adaptive", Vec::new());
                rule.pixels = None;
                (rule, Some(1), single())
            }
        };
        let image = match family {
            Family::Seedream5_5 => Source::published_on(SEEDREAM_5_5_READ, SEEDREAM_5_5, "image"),
            _ => source("image"),
        };
        let references = match references {
            Some(max) => ReferenceRule {
                max_bytes: Some(30 * 1024 * 1024),
                media_types: ["jpeg", "png", "webp", "bmp", "tiff", "gif", "heic", "heif"]
                    .map(|f| format!("image/{f}"))
                    .into(),
                side_above: Some(14),
                pixels: Some(PixelRule::new(196, 36_000_000, 16)),
                ..ReferenceRule::at_most(max, image)
            },
            None => ReferenceRule { member: true, ..ReferenceRule::absent(image) },
        };
        Self { size, references, images }
    }

    /// The rules of an unknown model: everything that the dialect can express is legal.
    pub fn unknown() -> Self {
        let source = Source::derived("the model is unknown");
        let any = PixelRule::any();
        let mut size = SizeRule::levels(&Tier::ALL, any, "not known", source.clone());
        size.table = ONE_K.into_iter().chain(TABLE).collect();
        size.default = None;
        Self { size, references: ReferenceRule::at_most(None, source.clone()), images: ImagesRule::up_to(None, source) }
    }
}

fn without(tier: Tier) -> Vec<Row> {
    TABLE.into_iter().filter(|row| row.tier != tier).collect()
}

const fn at(tier: Tier, ratio: (u16, u16), width: u32, height: u32) -> Row {
    Row { tier, ratio: Ratio::of(ratio.0, ratio.1), pixels: Pixels::of(width, height) }
}

/// The 1K rows of 4.0, which 3.0 shares.
const ONE_K: [Row; 8] = [
    at(Tier::K1, (1, 1), 1024, 1024),
    at(Tier::K1, (4, 3), 1152, 864),
    at(Tier::K1, (3, 4), 864, 1152),
    at(Tier::K1, (16, 9), 1280, 720),
    at(Tier::K1, (9, 16), 720, 1280),
    at(Tier::K1, (3, 2), 1248, 832),
    at(Tier::K1, (2, 3), 832, 1248),
    at(Tier::K1, (21, 9), 1512, 648),
];

/// All tiers of 5.0 pro and flash.
const PRO: [Row; 24] = [
    at(Tier::K1, (1, 1), 1024, 1024),
    at(Tier::K1, (4, 3), 1152, 864),
    at(Tier::K1, (3, 4), 864, 1152),
    at(Tier::K1, (16, 9), 1424, 800),
    at(Tier::K1, (9, 16), 800, 1424),
    at(Tier::K1, (3, 2), 1248, 832),
    at(Tier::K1, (2, 3), 832, 1248),
    at(Tier::K1, (21, 9), 1568, 672),
    at(Tier::K1_5, (1, 1), 1536, 1536),
    at(Tier::K1_5, (4, 3), 1792, 1344),
    at(Tier::K1_5, (3, 4), 1344, 1792),
    at(Tier::K1_5, (16, 9), 2048, 1152),
    at(Tier::K1_5, (9, 16), 1152, 2048),
    at(Tier::K1_5, (3, 2), 1872, 1248),
    at(Tier::K1_5, (2, 3), 1248, 1872),
    at(Tier::K1_5, (21, 9), 2352, 1008),
    at(Tier::K2, (1, 1), 2048, 2048),
    at(Tier::K2, (4, 3), 2368, 1776),
    at(Tier::K2, (3, 4), 1776, 2368),
    at(Tier::K2, (16, 9), 2816, 1584),
    at(Tier::K2, (9, 16), 1584, 2816),
    at(Tier::K2, (3, 2), 2496, 1664),
    at(Tier::K2, (2, 3), 1664, 2496),
    at(Tier::K2, (21, 9), 3136, 1344),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_of_a_table_is_legal_for_its_model() {
        for family in [
            Family::Seedream3T2i,
            Family::Seedream4,
            Family::Seedream4_5,
            Family::Seedream5Lite,
            Family::Seedream5Pro,
            Family::Seedream5Flash,
            Family::Seedream5_5,
        ] {
            let size = Limits::of(family).size;
            let rule = size.pixels.unwrap();
            for row in &size.table {
                assert!(rule.allows(row.pixels), "{family} {row:?}");
            }
        }
    }
}
