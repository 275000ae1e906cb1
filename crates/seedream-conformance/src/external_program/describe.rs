//! The description that a program gives of its provider, as the types of the core crate.

use std::collections::BTreeMap;

use seedream_core::{
    Capabilities, CapabilitiesPatch, Descriptor, Family, ImagesRule, Limits, Members, ModelEntry, ModelId, PixelRule,
    ReferenceRule, SizeRule, Source, Standing,
};
use serde::Deserialize;

/// The response to `describe`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DescribeResult {
    id: String,
    document: String,
    base_urls: Vec<String>,
    default_model: String,
    #[serde(default)]
    abilities: Vec<String>,
    /// The environment variables of the key; `<ID>_API_KEY` unless stated.
    #[serde(default)]
    key_variables: Vec<String>,
    /// What holds for every model.
    #[serde(default)]
    capabilities: CapabilitiesPatch,
    models: Vec<DescribedModel>,
    /// What holds for a model that is not known, beside what holds for every model.
    unknown: CapabilitiesPatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedModel {
    id: String,
    family: Family,
    #[serde(default)]
    aliases: Vec<String>,
    capabilities: CapabilitiesPatch,
}

/// The description, checked.
#[derive(Debug)]
pub(super) struct ProgramDescription {
    pub(super) descriptor: Descriptor,
    abilities: Vec<String>,
    every: CapabilitiesPatch,
    models: BTreeMap<ModelId, CapabilitiesPatch>,
    unknown: CapabilitiesPatch,
}

impl TryFrom<DescribeResult> for ProgramDescription {
    type Error = String;

    /// Reads every rule once, so that one that cannot be read is an error at once.
    fn try_from(description: DescribeResult) -> Result<Self, String> {
        let DescribeResult { id, document, base_urls, default_model, abilities, capabilities, models, unknown, .. } =
            description;
        let mut key_variables = description.key_variables;
        if key_variables.is_empty() {
            key_variables.push(format!("{}_API_KEY", id.to_uppercase().replace('-', "_")));
        }
        let source = Source::documented_by(document.clone(), "models");
        let entries = models.iter().map(|model| {
            ModelEntry::new(model.id.as_str(), model.family, source.clone())
                .aliases(model.aliases.iter().map(String::as_str))
        });
        let descriptor = Descriptor::new(id.clone(), id, document, entries)
            .base_urls(base_urls)
            .default_model(default_model)
            .key_variables(key_variables);
        let models = models.into_iter().map(|model| (model.id.into(), model.capabilities)).collect();
        let described = Self { descriptor, abilities, every: capabilities, models, unknown };
        for model in described.models.keys().cloned().chain(["no-such-model".into()]) {
            described.rules(&model).map_err(|error| format!("{model}: {error}"))?;
        }
        Ok(described)
    }
}

impl ProgramDescription {
    pub(super) fn can(&self, ability: &str) -> bool {
        self.abilities.iter().any(|named| named == ability)
    }

    pub(super) fn capabilities(&self, model: &ModelId) -> Capabilities {
        self.rules(model).unwrap_or_else(|error| unreachable!("read before: {error}"))
    }

    fn rules(&self, model: &ModelId) -> Result<Capabilities, serde_json::Error> {
        let resolution = self.descriptor.resolve(model);
        let sold = resolution.standing == Standing::Sold;
        let entry = self.descriptor.models.iter().find(|entry| sold && entry.is_named(&resolution.model));
        let own = entry.and_then(|entry| self.models.get(&entry.id)).unwrap_or(&self.unknown);
        // A program states rules and need not cite a place for them.
        let source = Source::overridden(self.descriptor.document.clone());
        let mut size = SizeRule::levels(&[], PixelRule::any(), "", source.clone());
        if sold {
            (size.pixels, size.default) = (None, None);
        } else {
            // Any pixels may be sent of a model that is not known.
            size = Limits::unknown().size;
            (size.tiers, size.source) = (Vec::new(), source.clone());
        }
        let members = Members::new::<&str>([], source.clone());
        let mut rules = Capabilities::new(&self.descriptor, resolution, size, members);
        // A part that is stated begins without a limit; one that is not is absent.
        let states = |part: &str| self.every.get(&[part]).or(own.get(&[part])).is_some();
        if states("references") {
            rules.references = ReferenceRule::at_most(None, source.clone());
            rules.references.inline = false;
        }
        if states("images") {
            rules.images = ImagesRule::up_to(None, source.clone());
            rules.images.prompt_decides = false;
        }
        own.apply(&self.every.apply(&rules, &source)?, &source)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_that_cannot_be_read_are_named_and_not_dropped() {
        for (size, wrong) in [
            (json!({ "tiers": ["2K", "2X"] }), "2X"),
            (json!({ "ratios": ["16-9"] }), "16-9"),
            (json!({ "qualities": ["best"] }), "best"),
            (json!({ "table": [{ "tier": "2K", "ratio": "1:1", "pixels": "2048" }] }), "2048"),
            (json!({ "levels": ["2K"] }), "levels"),
        ] {
            let description = json!({
                "id": "p", "document": "d", "base_urls": [], "default_model": "m",
                "models": [{ "id": "m", "family": "seedream-4.5", "capabilities": { "size": size } }], "unknown": {},
            });
            let description: DescribeResult = serde_json::from_value(description).unwrap();
            let error = ProgramDescription::try_from(description).unwrap_err();
            assert!(error.starts_with("m: ") && error.contains(wrong), "{error}");
        }
    }
}
