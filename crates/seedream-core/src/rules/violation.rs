//! Violations: values that a provider would refuse, found before a byte is sent.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Count, Field, Size, Source, StatedBy, rules::rule_source::cited, stored::known};

/// A rule that a request violates, with the nearest legal value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Violation {
    /// The field of the request. An unknown stored field is read as [`Field::Extra`].
    #[serde(deserialize_with = "field")]
    pub field: Field,
    /// The message: the defect and the rule, in one sentence.
    pub message: String,
    /// The nearest legal value.
    #[serde(default, deserialize_with = "nearest", skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
    /// The source of the rule.
    pub source: Source,
    /// Which party states the rule. Lenient checking sends values that the provider's own page allows.
    pub stated_by: StatedBy,
    /// The display name of the provider.
    pub seller: Cow<'static, str>,
    /// What a check that is not strict does instead of refusing the request.
    #[serde(default)]
    pub waiver: Waiver,
}

/// What a check that is not strict does with a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Waiver {
    /// [`Strictness::Lenient`](crate::Strictness::Lenient) and [`Strictness::Off`](crate::Strictness::Off) send the value.
    Sent,
    /// `Lenient` omits the field; `Off` sends it.
    Omitted,
    /// `Lenient` omits the field; `Off` refuses it, since the dialect has no member for it. Only
    /// [`extra`](crate::ImageRequest::extra) can send a member that no page documents.
    NoMember,
    /// No strictness sends the request. An unknown stored word is read as this.
    #[default]
    #[serde(other)]
    Never,
}

/// The legal value nearest to the requested one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Nearest {
    /// Another size.
    Size(Size),
    /// Another number of images.
    Count(Count),
    /// Another seed.
    Seed(i64),
    /// Another guidance scale.
    GuidanceScale(f64),
    /// One of these; there is no single nearest value, so `fit` does not use it.
    OneOf(Vec<String>),
}

fn field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field, D::Error> {
    Ok(known(deserializer)?.unwrap_or(Field::Extra))
}

/// The one known member; unknown members are ignored.
fn nearest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nearest>, D::Error> {
    let members: Option<Map<String, Value>> = known(deserializer)?;
    let one = |(name, value)| Nearest::deserialize(Value::from_iter([(name, value)])).ok();
    Ok(members.into_iter().flatten().find_map(one))
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Count(count) => count.ceiling().fmt(f),
            Self::Seed(seed) => seed.fmt(f),
            Self::GuidanceScale(scale) => scale.fmt(f),
            Self::OneOf(choices) => f.write_str(&choices.join(", ")),
        }
    }
}

impl Violation {
    /// Whether no value of the field is accepted, so that lenient checking omits the field.
    pub(crate) fn is_of_the_field(&self) -> bool {
        matches!(self.waiver, Waiver::Omitted | Waiver::NoMember)
    }

    /// The message and the page, without field and cure.
    pub(crate) fn fact(&self) -> String {
        format!("{} {}", self.message, cited(&self.source, self.stated_by, &self.seller))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)?;
        match &self.nearest {
            Some(Nearest::OneOf(choices)) if choices.is_empty() => {}
            Some(nearest @ Nearest::OneOf(_)) => write!(f, " (use {nearest})")?,
            Some(nearest) => write!(f, "; {nearest} is the nearest legal value")?,
            None if self.is_of_the_field() && self.field == Field::References => f.write_str(": remove them")?,
            None if self.is_of_the_field() => f.write_str(": remove it")?,
            None => {}
        }
        write!(f, " {}", cited(&self.source, self.stated_by, &self.seller))
    }
}
