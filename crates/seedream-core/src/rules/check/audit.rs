//! What a check finds.

use crate::{Field, Nearest, Seller, Source, Violation, Warning, WarningKind};

/// What a check has found so far.
#[derive(Debug)]
pub(super) struct Audit {
    pub(super) seller: Seller,
    pub(super) violations: Vec<Violation>,
    /// Violations that no strictness can send: there is no way to say it in this dialect.
    pub(super) impossible: Vec<Violation>,
    pub(super) warnings: Vec<Warning>,
    /// Refused fields that lenient checking leaves out.
    pub(super) refused: Vec<Field>,
    /// Fields that say what happens anyway, and that this provider refuses to be told.
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

    /// A field that asks for what happens anyway is not sent.
    pub(super) fn unsaid(&mut self, field: Field) {
        self.warn(
            WarningKind::Rewritten,
            field,
            format!("{field}: nothing is sent, since that is what happens anyway"),
        );
        self.unsent.push(field);
    }

    pub(super) fn warn(&mut self, kind: WarningKind, field: Field, message: impl Into<String>) {
        self.warnings.push(Warning::new(kind, field, message));
    }
}
