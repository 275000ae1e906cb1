//! The prompt and the optional fields.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::{Field, Source};

/// The rule of the prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PromptRule {
    /// The advised maximum in characters; pages state it in tokens, so it is not enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised_chars: Option<usize>,
    /// A note on that number, such as two contradicting statements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Cow<'static, str>>,
    /// Whether the page advises at most 300 Chinese characters or 600 English words.
    #[serde(default)]
    pub advised_length: bool,
    /// The source of the rule.
    pub source: Source,
}

impl PromptRule {
    /// Accepts any length.
    pub fn any(source: Source) -> Self {
        Self { advised_chars: None, note: None, advised_length: false, source }
    }

    /// Accepts any length and warns by Ark's advice, which no provider enforces.
    pub fn advised(source: Source) -> Self {
        Self { advised_length: true, ..Self::any(source) }
    }

    /// Accepts any length and warns above about this many characters.
    pub fn at_most(chars: usize, source: Source) -> Self {
        Self { advised_chars: Some(chars), ..Self::any(source) }
    }
}

/// Whether a field has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// The field has its documented effect.
    Honoured,
    /// The field may be sent and has no effect: always a warning.
    Ignored,
    /// The provider responds with an error: a violation.
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
    /// Whether the field has an effect.
    pub support: Support,
    /// The legal values, in stored form; empty if any is legal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Cow<'static, str>>,
    /// The range of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
    /// The source of the range, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_source: Option<Source>,
    /// The provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// A value that is expressed by omitting the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsaid: Option<serde_json::Value>,
    /// The source of the rule.
    pub source: Source,
}

impl FieldRule {
    /// Creates the rule of a field with an effect.
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

    /// Creates the rule of a field without effect.
    pub fn ignored(field: Field, source: Source) -> Self {
        Self { support: Support::Ignored, ..Self::honoured(field, source) }
    }

    /// Creates the rule of a field that the provider refuses.
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

    /// Sets the source of the range, if the provider's page does not state it.
    #[must_use]
    pub fn range_from(mut self, source: Source) -> Self {
        self.range_source = Some(source);
        self
    }

    /// Sets a value that is expressed by omitting the member.
    #[must_use]
    pub fn unsaid(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.unsaid = Some(value.into());
        self
    }

    /// Sets the provider's default.
    #[must_use]
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}

/// In JSON the field name is the key of the rule.
fn any_field() -> Field {
    Field::Extra
}

/// The rules of the optional fields, one each. In JSON an object by field name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Field, FieldRule>", into = "BTreeMap<Field, FieldRule>")]
pub struct FieldRules(BTreeMap<Field, FieldRule>);

impl FieldRules {
    /// The rule of a field, if any.
    pub fn get(&self, field: Field) -> Option<&FieldRule> {
        self.0.get(&field)
    }

    /// Sets the rule of its field.
    pub fn insert(&mut self, rule: FieldRule) {
        self.0.insert(rule.field, rule);
    }

    /// Removes the rule of a field.
    pub fn remove(&mut self, field: Field) -> Option<FieldRule> {
        self.0.remove(&field)
    }

    /// All rules, in the order of the fields.
    pub fn iter(&self) -> impl Iterator<Item = &FieldRule> {
        self.0.values()
    }

    /// All rules, mutable.
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
