//! The findings of a check.

use crate::{Field, Nearest, Seller, Source, Violation, Warning, WarningKind};

/// The findings of a check so far.
#[derive(Debug)]
pub(super) struct Audit {
    pub(super) seller: Seller,
    pub(super) violations: Vec<Violation>,
    /// Violations that no strictness can send: the dialect cannot express the field.
    pub(super) impossible: Vec<Violation>,
    pub(super) warnings: Vec<Warning>,
    /// Refused fields that lenient checking omits.
    pub(super) refused: Vec<Field>,
    /// Fields with the default value that this provider refuses to receive.
    pub(super) unsent: Vec<Field>,
}

impl Audit {
    pub(super) fn new(seller: Seller) -> Self {
        let (violations, impossible, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Self { seller, violations, impossible, warnings, refused: Vec::new(), unsent: Vec::new() }
    }

    pub(super) fn violation(
        &mut self,
        field: Field,
        message: impl Into<String>,
        nearest: impl Into<Option<Nearest>>,
        source: &Source,
    ) {
        let violation = self.broken(field, message.into(), nearest.into(), source);
        self.violations.push(violation);
    }

    pub(super) fn impossible(&mut self, field: Field, message: impl Into<String>, source: &Source) {
        let violation = self.broken(field, message.into(), None, source);
        self.impossible.push(violation);
    }

    pub(super) fn broken(&self, field: Field, message: String, nearest: Option<Nearest>, source: &Source) -> Violation {
        let (stated_by, seller) = (self.seller.states(source), self.seller.name.clone());
        Violation { field, message, nearest, source: source.clone(), stated_by, seller }
    }

    /// A field with the default value is not sent.
    pub(super) fn unsaid(&mut self, field: Field) {
        self.warn(WarningKind::Rewritten, field, format!("{field}: not sent, since it is the provider's default"));
        self.unsent.push(field);
    }

    pub(super) fn warn(&mut self, kind: WarningKind, field: Field, message: impl Into<String>) {
        self.warnings.push(Warning::new(kind, field, message));
    }
}
