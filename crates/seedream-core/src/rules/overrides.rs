//! Rules of a user's file, which override those of the adapters at run time: limits change more often than releases.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    capabilities::Capabilities, capabilities_patch::CapabilitiesPatch, field_rule::FieldRule, model_limits::Limits,
    model_standing::Standing, rule_source::Source,
};
use crate::{Descriptor, Dialect, Error, ErrorKind, Family, Field, Members, ModelId, Resolution, Result, Support};

/// Models and limits of a user's file, which override those of the adapters.
///
/// The file is JSON: by provider and model, a part of [`Capabilities`]. A model is named by the sent or the requested id; `*` is every
/// model of the provider, with lower precedence. Every member is optional; an unknown one is an error:
///
/// ```
/// # let json = r#"
/// {
///   "ark": {
///     "*": { "references": { "max_bytes": 31457280 } },
///     "doubao-seedream-4-7-270101": {
///       "family": "seedream-4.5",
///       "size": { "tiers": ["2K", "4K"], "pixels": { "min": 3686400, "max": 16777216, "max_aspect": 16 } },
///       "references": { "max": 14 },
///       "images": { "max": 20 },
///       "fields": { "seed": { "support": "honoured" }, "format": { "support": "refused" } }
///     }
///   }
/// }
/// # "#;
/// # let overrides = seedream_core::Overrides::from_json("limits.json", json).unwrap();
/// # assert_eq!(overrides.providers().collect::<Vec<_>>(), ["ark"]);
/// ```
///
/// - `family`: the provider sells this id; the rules of that family ([`Family`]) apply below the other members;
/// - `size.tiers`: the legal tiers; `size.qualities` if a tier is sent in addition to a ratio, as on evolink;
/// - everything else as in `seedream models --json`.
///
/// Each rule of the file has [`Source::overridden`] with the name of the file as its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Overrides {
    file: String,
    providers: BTreeMap<String, BTreeMap<String, CapabilitiesPatch>>,
}

/// Matches every model of a provider.
const EVERY: &str = "*";

/// An id that no provider sells: its rules are everything that a dialect can express.
const UNSOLD: &str = "no-such-model";

impl Overrides {
    /// Parses a file's text; its name becomes the source of the rules.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the text is not JSON of this form, names a field that is not optional, or states a rule that no value
    /// satisfies.
    pub fn from_json(file: impl Into<String>, json: &str) -> Result<Self> {
        let file = file.into();
        let refused = |reason: String| Error::new(ErrorKind::Config, format!("{file}: {reason}"));
        let value: Value = serde_json::from_str(json).map_err(|error| {
            let message = format!("{file}:{}:{}: this is not JSON: {error}", error.line(), error.column());
            Error::new(ErrorKind::Config, message)
        })?;
        let providers = providers(value).map_err(refused)?;
        for (provider, models) in &providers {
            for (model, patch) in models {
                check(model, patch).map_err(|problem| refused(format!("{provider}, {model}: {problem}")))?;
            }
        }
        Ok(Self { file, providers })
    }

    /// The ids of the providers in the file.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// The model ids that the file adds to a provider, with their families.
    pub fn models(&self, provider: &str) -> impl Iterator<Item = (ModelId, Family)> {
        let models = self.providers.get(provider).into_iter().flatten();
        models.filter_map(|(id, patch)| family(patch).map(|family| (id.as_str().into(), family)))
    }

    /// Checks that a dialect can express the rules, and that they do not contradict its own.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if a rule is about a field without a member in the dialect, or leaves no legal size, such as a `min`
    /// above the dialect's `max`.
    pub fn suit(&self, dialect: &dyn Dialect) -> Result<()> {
        let id = &dialect.descriptor().id;
        let all = dialect.capabilities(&UNSOLD.into());
        for (model, patch) in self.providers.get(id.as_str()).into_iter().flatten() {
            let field = fields(patch).find(|field| all.field(*field).is_none());
            let references = patch.get(&["references", "max"]).and_then(Value::as_u64);
            let references = references.is_some_and(|max| max > 0) && !all.references.member;
            if let Some(field) = field.or(references.then_some(Field::References)) {
                let message = format!("{}: {model}: {id} documents no member for {field}: remove this rule", self.file);
                return Err(Error::new(ErrorKind::Config, message).with_provider(id));
            }
            let all = dialect.descriptor().models.iter().map(|entry| entry.id.clone());
            let models: Vec<ModelId> = if model == EVERY { all.collect() } else { vec![model.as_str().into()] };
            for model in models {
                if let Err(problem) = self.merged(dialect, &model) {
                    let message = format!("{}: {id}, {model}: {problem}", self.file);
                    return Err(Error::new(ErrorKind::Config, message).with_provider(id));
                }
            }
        }
        Ok(())
    }

    /// The rules of a model: the dialect's, with these overrides. Overrides that contradict the dialect's rules ([`Overrides::suit`]
    /// returns them as an error) are left out.
    pub fn capabilities(&self, dialect: &dyn Dialect, model: &ModelId) -> Capabilities {
        self.merged(dialect, model).unwrap_or_else(|_| dialect.capabilities(model))
    }

    fn merged(&self, dialect: &dyn Dialect, model: &ModelId) -> std::result::Result<Capabilities, serde_json::Error> {
        let Some(models) = self.providers.get(dialect.descriptor().id.as_str()) else {
            return Ok(dialect.capabilities(model));
        };
        let mut rules = match models.get(model.as_str()).and_then(family) {
            Some(family) => {
                let mut rules = dialect.capabilities(&family.canonical().into());
                (rules.requested, rules.model) = (model.clone(), model.clone());
                (rules.family, rules.standing) = (Some(family), Standing::Sold);
                rules
            }
            None => dialect.capabilities(model),
        };
        let own = [model, &rules.model.clone()].into_iter().find_map(|id| models.get(id.as_str()));
        let source = Source::overridden(self.file.clone());
        for patch in models.get(EVERY).into_iter().chain(own) {
            // If the model has no such rule, or one that only refuses, the dialect's rule for an unknown model applies.
            for field in fields(patch) {
                if rules.field(field).is_none_or(|rule| rule.support == Support::Refused) {
                    let said = dialect.capabilities(&UNSOLD.into()).fields.remove(field);
                    said.into_iter().for_each(|rule| rules.fields.insert(rule));
                }
            }
            rules = patch.apply(&rules, &source)?;
        }
        Ok(rules)
    }
}

/// The parts of a file by provider and model.
///
/// # Errors
/// The value that is not an object, and what to write there.
fn providers(file: Value) -> std::result::Result<BTreeMap<String, BTreeMap<String, CapabilitiesPatch>>, String> {
    let object = |value: Value, at: &str, needs: &str| match value {
        Value::Object(members) => Ok(members),
        _ => Err(format!("{at} needs {needs}")),
    };
    let mut providers = BTreeMap::new();
    for (provider, models) in object(file, "the file", r#"an object of providers, {"<provider>": {…}}"#)? {
        let at = format!("the provider `{provider}`");
        let mut patches = BTreeMap::new();
        for (model, rules) in object(models, &at, r#"an object of models, {"<model or *>": {…}}"#)? {
            let at = format!("{provider}, {model}");
            let rules = object(rules, &at, r#"an object of rules, such as {"images": {"max": 4}}"#)?;
            patches.insert(model, CapabilitiesPatch::from(rules));
        }
        providers.insert(provider, patches);
    }
    Ok(providers)
}

fn family(patch: &CapabilitiesPatch) -> Option<Family> {
    patch.get(&["family"]).and_then(|family| serde_json::from_value(family.clone()).ok())
}

fn fields(patch: &CapabilitiesPatch) -> impl Iterator<Item = Field> {
    patch.names("fields").filter_map(|name| serde_json::from_value(name.into()).ok())
}

/// Applies a part of a file to rules that allow everything, so that errors are reported when the file is read.
fn check(model: &str, patch: &CapabilitiesPatch) -> std::result::Result<(), String> {
    let Limits { size, references, images } = Limits::unknown();
    let source = Source::derived("any model");
    let resolution =
        Resolution { requested: model.into(), model: model.into(), family: None, standing: Standing::Unknown };
    let members = Members::new::<&str>([], source.clone());
    let mut any = Capabilities::new(&Descriptor::new("", "", "", []), resolution, size, members);
    (any.references, any.images) = (references, images);
    any.fields = Field::OPTIONAL.map(|field| FieldRule::honoured(field, source.clone())).into();
    let rules = patch.apply(&any, &Source::overridden("")).map_err(|error| error.to_string())?;
    if model == EVERY && rules.family.is_some() {
        return Err("`family` is not legal for `*`: name a model".into());
    }
    if let Some(field) = fields(patch).find(|field| !Field::OPTIONAL.contains(field)) {
        return Err(format!("`{field}` is not an optional field: use one of the optional fields of a request"));
    }
    if rules.images.max == Some(0) {
        return Err("images.max: 0 allows no image: set at least 1, or remove the member".into());
    }
    Ok(())
}
