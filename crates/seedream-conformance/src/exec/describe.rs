//! What a program says of its provider, as the types of the core crate.

use std::collections::BTreeMap;

use seedream_core::{
    BackgroundRule, Capabilities, Descriptor, Family, Field, FieldRule, ImagesRule, LayersRule, Limits, ModelEntry,
    ModelId, Override, PixelRule, Pixels, PromptRule, Ratio, ReferenceRule, Row, SizeRule, Source, Standing, Support,
    Tier, TotalRule,
};
use serde::Deserialize;
use serde_json::Value;

/// The response to `describe`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    id: String,
    document: String,
    base_urls: Vec<String>,
    default_model: String,
    members: Vec<String>,
    #[serde(default)]
    ignored_members: Vec<String>,
    overrides: Option<Overridden>,
    #[serde(default)]
    abilities: Vec<String>,
    models: Vec<Model>,
    unknown: Rules,
}

/// A member that a caller may add, and that a field then gives way to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overridden {
    member: String,
    field: Field,
    says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    id: String,
    family: Family,
    #[serde(default)]
    aliases: Vec<String>,
    rules: Rules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rules {
    size: Sizes,
    references: Option<References>,
    images: Option<Images>,
    prompt_chars: Option<usize>,
    /// Whether the document advises against prompts of more than 300 Chinese characters or 600 English words.
    prompt_advised: bool,
    /// The values of `background` that a caller may add; none where it is refused, absent where nothing is known.
    background: Option<Vec<String>>,
    /// The most layers beside the base, 0 where they are refused, and whether a member that is not known lowers that.
    layers: Option<(u32, bool)>,
    fields: BTreeMap<Field, Optional>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sizes {
    tiers: Vec<Tier>,
    ratios: Vec<Ratio>,
    qualities: Vec<Tier>,
    auto: bool,
    pixels: Option<PixelRule>,
    /// Which pixels a ratio has at a level, where that is not as in Ark's own table.
    table: Option<Vec<TableRow>>,
    default: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRow {
    tier: Tier,
    ratio: Ratio,
    pixels: Pixels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct References {
    max: Option<u32>,
    inline: bool,
    max_bytes: Option<u64>,
    media_types: Vec<String>,
    longer_than: Option<u32>,
    pixels: Option<PixelRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Images {
    max: Option<u32>,
    advised_max: Option<u32>,
    /// Whether a group may be asked for without a number.
    auto: bool,
    count_refused: bool,
    prompt_decides: bool,
    /// The limit of references and images together, and whether fewer are made beyond it.
    with_references: Option<(u32, bool)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Optional {
    support: Support,
    #[serde(default)]
    values: Vec<String>,
    range: Option<(f64, f64)>,
    default: Option<Value>,
    unsaid: Option<Value>,
}

/// What was said, for as long as the program is judged.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) descriptor: &'static Descriptor,
    members: &'static [&'static str],
    ignored_members: &'static [&'static str],
    overrides: Option<Override>,
    abilities: Vec<String>,
    models: BTreeMap<String, Rules>,
    unknown: Rules,
}

/// A descriptor is a constant everywhere else; of a program there is one, until the end.
fn kept(text: String) -> &'static str {
    text.leak()
}

fn all_kept(texts: Vec<String>) -> &'static [&'static str] {
    texts.into_iter().map(kept).collect::<Vec<_>>().leak()
}

impl From<Description> for Described {
    fn from(said: Description) -> Self {
        let document = kept(said.document);
        let (mut entries, mut models) = (Vec::new(), BTreeMap::new());
        for model in said.models {
            let (id, aliases) = (kept(model.id), all_kept(model.aliases));
            entries.push(ModelEntry {
                id,
                family: model.family,
                aliases,
                source: Source::documented(document, "models"),
            });
            models.insert(id.to_owned(), model.rules);
        }
        let id = kept(said.id);
        let descriptor = Descriptor {
            id,
            name: id,
            document,
            pages: &[],
            base_urls: all_kept(said.base_urls),
            key_variables: &[],
            key_optional: false,
            base_url_variables: &[],
            default_model: kept(said.default_model),
            models: entries.leak(),
        };
        let of = |said: Overridden| Override { member: kept(said.member), field: said.field, says: kept(said.says) };
        Self {
            descriptor: Box::leak(Box::new(descriptor)),
            members: all_kept(said.members),
            ignored_members: all_kept(said.ignored_members),
            overrides: said.overrides.map(of),
            abilities: said.abilities,
            models,
            unknown: said.unknown,
        }
    }
}

impl Described {
    pub(super) fn can(&self, ability: &str) -> bool {
        self.abilities.iter().any(|named| named == ability)
    }

    pub(super) fn capabilities(&self, model: &ModelId) -> Capabilities {
        let resolution = self.descriptor.resolve(model);
        let sold = matches!(resolution.standing, Standing::Sold(_));
        let entry = self.descriptor.models.iter().find(|entry| {
            sold && (entry.id == resolution.model.as_str() || entry.aliases.contains(&resolution.model.as_str()))
        });
        let rules = entry.and_then(|entry| self.models.get(entry.id)).unwrap_or(&self.unknown);
        // A program states rules and cites no place for them.
        let source = Source::overridden(self.descriptor.document);
        let size = rules.size.rule(sold, &source);
        let mut all = Capabilities::new(self.descriptor, resolution, size, (self.members, source.clone()));
        all.ignored_members = (self.ignored_members, source.clone());
        all.overrides.clone_from(&self.overrides);
        if let Some(said) = &rules.references {
            let mut rule = ReferenceRule::at_most(said.max, source.clone());
            (rule.inline, rule.max_bytes) = (said.inline, said.max_bytes);
            (rule.media_types, rule.side_above) = (said.media_types.clone(), said.longer_than);
            rule.pixels = said.pixels;
            all.references = rule;
        }
        if let Some(said) = &rules.images {
            let mut rule = ImagesRule::up_to(said.max, source.clone());
            (rule.advised_max, rule.count_refused) = (said.advised_max, said.count_refused);
            (rule.auto, rule.prompt_decides) = (said.auto, said.prompt_decides);
            rule.with_references = said.with_references.map(|(limit, truncates)| {
                let source = source.clone();
                TotalRule { limit, truncates, source }
            });
            all.images = rule;
        }
        if let Some(chars) = rules.prompt_chars {
            all.prompt = PromptRule::at_most(chars, source.clone());
        }
        all.prompt.advised_length = rules.prompt_advised;
        all.background = rules.background.as_ref().map(|said| {
            let values: Vec<_> = said.iter().cloned().map(kept).collect();
            BackgroundRule::one_of(&values, source.clone())
        });
        all.layers = rules.layers.map(|(most, open)| {
            let rule = LayersRule::up_to(most, source.clone());
            if open { rule.open() } else { rule }
        });
        all.fields = rules.fields.iter().map(|(field, said)| said.rule(*field, &source)).collect();
        all
    }
}

impl Sizes {
    fn rule(&self, sold: bool, source: &Source) -> SizeRule {
        // Of a model that nobody knows, any pixels may be sent.
        let mut rule =
            if sold { SizeRule::levels(&[], PixelRule::any(), "", source.clone()) } else { Limits::unknown().size };
        rule.tiers.clone_from(&self.tiers);
        rule.ratios.clone_from(&self.ratios);
        rule.qualities.clone_from(&self.qualities);
        (rule.auto, rule.default) = (self.auto, self.default.clone());
        if let Some(table) = &self.table {
            rule.table = table.iter().map(|&TableRow { tier, ratio, pixels }| Row { tier, ratio, pixels }).collect();
        }
        if sold {
            rule.pixels = self.pixels;
        }
        rule
    }
}

impl Optional {
    fn rule(&self, field: Field, source: &Source) -> FieldRule {
        let mut rule = FieldRule::honoured(field, source.clone());
        rule.support = self.support;
        rule.values = self.values.iter().map(|value| kept(value.clone())).collect();
        (rule.range, rule.default, rule.unsaid) = (self.range, self.default.clone(), self.unsaid.clone());
        rule
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_that_are_none_are_named_and_not_dropped() {
        for (size, wrong) in [
            (json!({ "tiers": ["2K", "2X"] }), "2X"),
            (json!({ "ratios": ["16-9"] }), "16-9"),
            (json!({ "qualities": ["best"] }), "best"),
            (json!({ "table": [{ "tier": "2K", "ratio": "1:1", "pixels": "2048" }] }), "2048"),
        ] {
            let error = serde_json::from_value::<Sizes>(size).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
