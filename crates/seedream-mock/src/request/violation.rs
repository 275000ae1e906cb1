//! One rule that a request breaks.

use seedream_fixtures::ErrorCause;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleViolation {
    /// What the provider's error is chosen by.
    pub(crate) cause: ErrorCause,
    /// The member to blame.
    pub(crate) field: String,
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// The end of the provider's sentence, or all of it.
    pub(crate) detail: String,
    /// Whether `detail` is the whole sentence.
    pub(crate) whole: bool,
    /// Whether the sentence says "are" (Ark does, for members a model does not have).
    pub(crate) plural: bool,
    /// Whether the error names the member in `param`.
    pub(crate) blamed: bool,
    /// Whether an upstream was seen to put `detail` like this; else the words are ours.
    pub(crate) recorded: bool,
    /// Whether it breaks advice, and is served all the same.
    pub(crate) advice: bool,
}

impl RuleViolation {
    pub(crate) fn new(field: &str, rule: &'static str, detail: impl Into<String>) -> Self {
        let (field, detail) = (field.to_owned(), detail.into());
        let (whole, plural, blamed, recorded, advice) = (false, false, false, false, false);
        Self { cause: ErrorCause::Invalid, field, rule, detail, whole, plural, blamed, recorded, advice }
    }

    /// The violation in one line, for a header and the journal.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}: {}", self.field, self.rule, self.detail)
    }
}
