//! One difference, and how it is made.

use std::fmt;

use seedream_fixtures::{EvidenceKind, FactSource};
use serde_json::Value;

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriftSeverity {
    /// A request that was right may be refused, or a response may be read wrongly.
    Breaking,
    /// Something is new, or wider than it was.
    Notice,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    /// How much it matters.
    pub severity: DriftSeverity,
    /// What differs: `request.n.maximum`.
    pub at: String,
    /// What the fixtures say.
    pub fixtures: String,
    /// What the provider says now.
    pub now: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            DriftSeverity::Breaking => "breaking",
            DriftSeverity::Notice => "notice",
        };
        write!(f, "{severity:8}  {}: the fixtures say {}, now it is {}", self.at, self.fixtures, self.now)
    }
}

pub(super) fn drift(
    severity: DriftSeverity,
    at: impl Into<String>,
    fixtures: impl fmt::Display,
    now: impl fmt::Display,
) -> Drift {
    Drift { severity, at: at.into(), fixtures: fixtures.to_string(), now: now.to_string() }
}

/// What our documents state, and nothing that was read elsewhere.
pub(super) fn documented(source: &FactSource) -> bool {
    source.kind == EvidenceKind::Documented
}

/// The JSON type of a value, as schemas name it.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
