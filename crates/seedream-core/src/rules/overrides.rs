//! Rules that a user sets over those of the documents, at run time: limits rot faster than releases are made.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Capabilities, Dialect, Error, ErrorKind, Family, Field, ModelId, PixelRule, Result, Row, Source, Standing, Support,
    TABLE, Tier,
};

/// Models and limits that a user states over those of the documents.
///
/// The file is JSON. A model is named as it is sent or as it is asked for, and `*` stands for every model of the provider, below
/// what is said of one. Every member is optional, and an unknown one is refused:
///
/// ```
/// # let json = r#"
/// {
///   "ark": {
///     "*": { "references": { "max_bytes": 31457280 } },
///     "doubao-seedream-4-7-270101": {
///       "family": "seedream-4.5",
///       "size": { "levels": ["2K", "4K"], "pixels": { "min": 3686400, "max": 16777216, "max_aspect": 16 } },
///       "references": { "max": 14 },
///       "images": { "max": 20 },
///       "fields": { "seed": "honoured", "format": "refused", "watermark": "ignored" }
///     }
///   }
/// }
/// # "#;
/// # let overrides = seedream_core::Overrides::from_json("limits.json", json).unwrap();
/// # assert_eq!(overrides.providers().collect::<Vec<_>>(), ["ark"]);
/// ```
///
/// - `family`: the provider sells this id, with the rules of that family ([`Family`]) below those that follow;
/// - `size.levels`, `size.pixels`: what may be sent as a level (on evolink, as `quality`) and as width x height;
/// - `references.max`, `references.max_bytes`: how many reference images, and the bytes of one;
/// - `images.max`: how many images a request may ask for;
/// - `fields`: what an optional field does ([`Support`]), by its name in [`Field`].
///
/// Each rule that is set so has [`Source::overridden`] with the name of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Overrides {
    file: String,
    providers: BTreeMap<String, BTreeMap<String, Rules>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rules {
    family: Option<Family>,
    size: Sizes,
    references: References,
    images: Images,
    fields: BTreeMap<Field, Support>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sizes {
    levels: Option<Vec<Tier>>,
    pixels: Option<PixelRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct References {
    max: Option<u32>,
    max_bytes: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Images {
    max: Option<u32>,
}

/// Stands for every model of a provider.
const EVERY: &str = "*";

/// An id that nobody sells: its rules are everything that a dialect can say.
const NOBODYS: &str = "no-such-model";

impl Overrides {
    /// Reads a file's text; its name is what rules then give as their source.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it is not JSON of this form, names a field that is not optional, or a rule that nothing can
    /// meet.
    pub fn from_json(file: impl Into<String>, json: &str) -> Result<Self> {
        let file = file.into();
        let refused = |reason: String| Error::new(ErrorKind::Config, format!("{file}: {reason}"));
        let providers: BTreeMap<String, BTreeMap<String, Rules>> =
            serde_json::from_str(json).map_err(|error| refused(error.to_string()))?;
        for (provider, models) in &providers {
            for (model, rules) in models {
                rules
                    .problem(model)
                    .map_or(Ok(()), |problem| Err(refused(format!("{provider}, {model}: {problem}"))))?;
            }
        }
        Ok(Self { file, providers })
    }

    /// The ids of the providers that it speaks of.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// The ids that it adds to the models of a provider, with their families.
    pub fn models(&self, provider: &str) -> impl Iterator<Item = (ModelId, Family)> {
        let models = self.providers.get(provider).into_iter().flatten();
        models.filter_map(|(id, rules)| rules.family.map(|family| (id.as_str().into(), family)))
    }

    /// Whether a dialect can say what is set here.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where a rule is about something that has no member in its body.
    pub fn suit(&self, dialect: &dyn Dialect) -> Result<()> {
        let id = dialect.descriptor().id;
        let all = dialect.capabilities(&NOBODYS.into());
        for (model, rules) in self.providers.get(id).into_iter().flatten() {
            let field = rules.fields.keys().find(|field| all.field(**field).is_none());
            let references = rules.references.max.is_some_and(|max| max > 0) && !all.references.member;
            if let Some(field) = field.or(references.then_some(&Field::References)) {
                let message = format!("{}: {model}: {id} has no member for {field}", self.file);
                return Err(Error::new(ErrorKind::Config, message).with_provider(id));
            }
        }
        Ok(())
    }

    /// The rules of a model: the dialect's, with these over them.
    pub fn capabilities(&self, dialect: &dyn Dialect, model: &ModelId) -> Capabilities {
        let Some(models) = self.providers.get(dialect.descriptor().id) else { return dialect.capabilities(model) };
        let mut rules = match models.get(model.as_str()).and_then(|rules| rules.family) {
            Some(family) => {
                let mut rules = dialect.capabilities(&family.canonical().into());
                (rules.requested, rules.model) = (model.clone(), model.clone());
                rules.standing = Standing::Sold(Some(family));
                rules
            }
            None => dialect.capabilities(model),
        };
        let own = [model, &rules.model.clone()].into_iter().find_map(|id| models.get(id.as_str()));
        for set in models.get(EVERY).into_iter().chain(own) {
            set.apply(dialect, &mut rules, &Source::overridden(self.file.clone()));
        }
        rules
    }
}

impl Rules {
    fn problem(&self, model: &str) -> Option<String> {
        if model == EVERY && self.family.is_some() {
            return Some("one family cannot be every model".into());
        }
        if let Some(field) = self.fields.keys().find(|field| !Field::OPTIONAL.contains(field)) {
            return Some(format!("`{field}` cannot be switched on or off"));
        }
        let pixels = self.size.pixels.is_some_and(|rule| rule.max.is_some_and(|max| max < rule.min));
        let none = self.images.max == Some(0);
        (pixels || none).then(|| "nothing could meet this".into())
    }

    fn apply(&self, dialect: &dyn Dialect, rules: &mut Capabilities, source: &Source) {
        if let Some(levels) = &self.size.levels {
            let size = &mut rules.size;
            let spelled = if size.qualities.is_empty() { &mut size.tiers } else { &mut size.qualities };
            spelled.clone_from(levels);
            let missing = |row: &Row| size.table.iter().all(|other| other.tier != row.tier);
            let added: Vec<_> = TABLE.into_iter().filter(missing).collect();
            size.table.extend(added);
            size.table.retain(|row| levels.contains(&row.tier));
            size.source = source.clone();
            size.narrowed = None;
        }
        if let Some(pixels) = self.size.pixels {
            rules.size.pixels = Some(pixels);
            rules.size.source = source.clone();
            (rules.size.narrowed, rules.size.relay_min) = (None, None);
        }
        if let Some(max) = self.references.max {
            rules.references.max = Some(max);
            let before = std::mem::replace(&mut rules.references.source, source.clone());
            rules.references.max_bytes_source.get_or_insert(before);
        }
        if let Some(bytes) = self.references.max_bytes {
            rules.references.max_bytes = Some(bytes);
            rules.references.max_bytes_source = Some(source.clone());
        }
        if let Some(max) = self.images.max {
            let images = &mut rules.images;
            (images.max, images.advised_max) = (Some(max), None);
            if max > 1 {
                images.count_refused = false;
            }
            // The total that the document states would take the rest away again.
            if let Some(total) = &mut images.with_references {
                total.limit = total.limit.max(max);
                total.source = source.clone();
            }
            images.source = source.clone();
        }
        for (field, support) in &self.fields {
            // Where the model had no such rule, or one that only refused, the dialect's own words hold.
            let known = rules.field(*field).filter(|rule| rule.support != Support::Refused).cloned();
            let known = known.or_else(|| dialect.capabilities(&NOBODYS.into()).field(*field).cloned());
            let Some(mut rule) = known else { continue };
            let before = std::mem::replace(&mut rule.source, source.clone());
            rule.support = *support;
            rule.range_source.get_or_insert(before);
            rules.fields.retain(|other| other.field != *field);
            rules.fields.push(rule);
        }
    }
}
