//! The findings of a check.

use crate::{Field, Nearest, Seller, Source, Violation, Waiver, Warning, WarningKind};

/// The findings of a check so far.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) seller: &'a Seller,
    pub(super) violations: Vec<Violation>,
    /// Violations that no strictness can send: the dialect cannot express the field.
    pub(super) impossible: Vec<Violation>,
    pub(super) warnings: Vec<Warning>,
    /// Fields with the default value that this provider refuses to receive.
    pub(super) unsent: Vec<Field>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(seller: &'a Seller) -> Self {
        let (violations, impossible, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Self { seller, violations, impossible, warnings, unsent: Vec::new() }
    }

    /// A value that breaks a rule.
    pub(super) fn violation(
        &mut self,
        field: Field,
        message: impl Into<String>,
        nearest: impl Into<Option<Nearest>>,
        source: &Source,
    ) {
        let violation = self.broken(field, message, nearest, source, Waiver::Sent);
        self.violations.push(violation);
    }

    /// A field of which no value is accepted: lenient checking omits it.
    pub(super) fn refused(
        &mut self,
        field: Field,
        message: impl Into<String>,
        nearest: impl Into<Option<Nearest>>,
        source: &Source,
    ) {
        let violation = self.broken(field, message, nearest, source, Waiver::Omitted);
        self.violations.push(violation);
    }

    /// A field without a member in the dialect: lenient checking omits it, and the unchanged request cannot be sent.
    pub(super) fn no_member(&mut self, field: Field, message: impl Into<String>, source: &Source) {
        let violation = self.broken(field, message, None, source, Waiver::NoMember);
        self.violations.push(violation);
    }

    /// A request that no strictness sends.
    pub(super) fn impossible(&mut self, field: Field, message: impl Into<String>, source: &Source) {
        let violation = self.broken(field, message, None, source, Waiver::Never);
        self.impossible.push(violation);
    }

    fn broken(
        &self,
        field: Field,
        message: impl Into<String>,
        nearest: impl Into<Option<Nearest>>,
        source: &Source,
        waiver: Waiver,
    ) -> Violation {
        let (stated_by, seller) = (self.seller.states(source), self.seller.name.clone());
        let (message, nearest, source) = (message.into(), nearest.into(), source.clone());
        Violation { field, message, nearest, source, stated_by, seller, waiver }
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
