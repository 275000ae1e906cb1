//! The prompt and the optional fields.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{Field, Source};

/// What a prompt may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PromptRule {
    /// The most characters that are advised; documents state it in tokens, so it is no rule of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised_chars: Option<usize>,
    /// What there is to know about that number, such as two statements of it that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Cow<'static, str>>,
    /// Whether the document advises at most 300 Chinese characters or 600 English words.
    #[serde(default)]
    pub advised_length: bool,
    /// Where this was read.
    pub source: Source,
}

impl PromptRule {
    /// Any length.
    pub fn any(source: Source) -> Self {
        Self { advised_chars: None, note: None, advised_length: false, source }
    }

    /// Ark's advice on the length, which no provider enforces.
    pub fn advised(source: Source) -> Self {
        Self { advised_length: true, ..Self::any(source) }
    }

    /// At most about this many characters.
    pub fn at_most(chars: usize, source: Source) -> Self {
        Self { advised_chars: Some(chars), ..Self::any(source) }
    }
}

/// Whether a field has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// It does what it says.
    Honoured,
    /// It may be sent and changes nothing: always warned about.
    Ignored,
    /// The provider answers with an error: refused here.
    Refused,
}

/// The rule of one optional field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FieldRule {
    /// The field.
    #[serde(skip, default = "any_field")]
    pub field: Field,
    /// Whether it has an effect.
    pub support: Support,
    /// The values it may have, in their stored form; empty where any is allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Cow<'static, str>>,
    /// The range of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    /// Where the range was read, if not where the rest was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_source: Option<Source>,
    /// What the provider takes where nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// A value that is said by sending nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<serde_json::Value>,
    /// Where this was read.
    pub source: Source,
}

impl FieldRule {
    /// A field with an effect.
    pub fn honoured(field: Field, source: Source) -> Self {
        Self {
            field,
            support: Support::Honoured,
            values: Vec::new(),
            range: None,
            range_source: None,
            default: None,
            unsaid: None,
            source,
        }
    }

    /// A field that may be sent and changes nothing.
    pub fn ignored(field: Field, source: Source) -> Self {
        Self { support: Support::Ignored, ..Self::honoured(field, source) }
    }

    /// A field that the provider answers with an error.
    pub fn refused(field: Field, source: Source) -> Self {
        Self { support: Support::Refused, ..Self::honoured(field, source) }
    }

    /// Limits the values.
    #[must_use]
    pub fn one_of(mut self, values: &[&'static str]) -> Self {
        self.values = values.iter().copied().map(Cow::Borrowed).collect();
        self
    }

    /// Limits the range.
    #[must_use]
    pub fn within(mut self, least: f64, most: f64) -> Self {
        self.range = Some((least, most));
        self
    }

    /// States where the range was read, which the provider's own page does not name.
    #[must_use]
    pub fn range_from(mut self, source: Source) -> Self {
        self.range_source = Some(source);
        self
    }

    /// States a value that is said by sending nothing.
    #[must_use]
    pub fn unsaid(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.unsaid = Some(value.into());
        self
    }

    /// States the provider's default.
    #[must_use]
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}

/// The name stands beside the rule in JSON.
fn any_field() -> Field {
    Field::Extra
}

/// The rules of the optional fields, one each. In JSON an object by the field's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Field, FieldRule>", into = "BTreeMap<Field, FieldRule>")]
pub struct FieldRules(BTreeMap<Field, FieldRule>);

impl FieldRules {
    /// The rule of a field; `None` where there is none.
    pub fn get(&self, field: Field) -> Option<&FieldRule> {
        self.0.get(&field)
    }

    /// Sets the rule of its field.
    pub fn insert(&mut self, rule: FieldRule) {
        self.0.insert(rule.field, rule);
    }

    /// Takes the rule of a field out.
    pub fn remove(&mut self, field: Field) -> Option<FieldRule> {
        self.0.remove(&field)
    }

    /// Every rule, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = &FieldRule> {
        self.0.values()
    }

    /// Every rule, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut FieldRule> {
        self.0.values_mut()
    }
}

impl FromIterator<FieldRule> for FieldRules {
    fn from_iter<I: IntoIterator<Item = FieldRule>>(rules: I) -> Self {
        Self(rules.into_iter().map(|rule| (rule.field, rule)).collect())
    }
}

impl<const N: usize> From<[FieldRule; N]> for FieldRules {
    fn from(rules: [FieldRule; N]) -> Self {
        rules.into_iter().collect()
    }
}

impl From<Vec<FieldRule>> for FieldRules {
    fn from(rules: Vec<FieldRule>) -> Self {
        rules.into_iter().collect()
    }
}

impl From<BTreeMap<Field, FieldRule>> for FieldRules {
    fn from(rules: BTreeMap<Field, FieldRule>) -> Self {
        rules.into_iter().map(|(field, rule)| FieldRule { field, ..rule }).collect()
    }
}

impl From<FieldRules> for BTreeMap<Field, FieldRule> {
    fn from(rules: FieldRules) -> Self {
        rules.0
    }
}
