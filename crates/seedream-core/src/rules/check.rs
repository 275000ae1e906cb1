//! The check of a request against all rules of a model; it reports all violations at once.

mod audit;
mod callback;
mod checked;
mod extra_members;
mod images;
mod optional_fields;
mod size;
#[cfg(test)]
mod tests;

use crate::{
    Capabilities, Error, Field, ImageRequest, Nearest, Result, Standing, Violation, Waiver, Warning, WarningKind,
};

use audit::Audit;
pub use checked::{Checked, Strictness};
pub use size::WireSize;

impl Capabilities {
    /// Checks a request against these rules.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with every [`Violation`](crate::Violation), under [`Strictness::Strict`]. Under any strictness if the dialect cannot
    /// express a field, or if `extra` contains a member that a field writes.
    pub fn check(&self, request: &ImageRequest, strictness: Strictness) -> Result<Checked> {
        let mut audit = Audit::new(&self.seller);
        let mut sent = request.clone();
        self.check_model(&mut audit);
        self.check_prompt(request, &mut audit);
        self.check_references(request, &mut audit);
        self.check_count(request, &mut audit);
        let size = self.check_size(request, &mut audit);
        self.check_fields(request, &mut audit);
        self.check_extra(request, &mut audit);
        self.check_background(request, &mut audit);
        self.check_layers(request, &mut audit);
        self.check_asked_by_extra(request, &mut audit);

        let is_refused = |violation: &mut Violation| match strictness {
            Strictness::Strict => true,
            Strictness::Lenient => false,
            Strictness::Off => violation.waiver == Waiver::NoMember,
        };
        audit.impossible.extend(audit.violations.extract_if(.., is_refused));
        if !audit.impossible.is_empty() {
            return Err(Error::from_violations(self.provider.clone(), audit.impossible));
        }
        for violation in audit.violations {
            let field = violation.field;
            let is = if field == Field::References { "are" } else { "is" };
            let (kind, message) = match (violation.is_of_the_field(), strictness) {
                (true, Strictness::Lenient) => {
                    audit.unsent.push(field);
                    (WarningKind::LeftOut, format!("{field} {is} omitted: {}", violation.fact()))
                }
                (true, _) => (WarningKind::Violated, format!("{field} {is} sent nevertheless: {}", violation.fact())),
                (false, _) => (WarningKind::Violated, format!("sent nevertheless: {violation}")),
            };
            audit.warnings.push(Warning::new(kind, field, message));
        }
        audit.unsent.into_iter().for_each(|field| sent.clear(field));
        let layered = self.layered(&sent);
        // An adapter with a precedence rule reports the effect of such a member itself.
        let by_extra = self.asked_by_extra(&sent).filter(|_| self.precedence.is_none()).map_or(0, |(_, most)| most);
        let ceiling = self.ceiling(&sent).max(layered).max(by_extra);
        let references = u32::try_from(sent.references.len()).unwrap_or(u32::MAX);
        let most = self.price.as_ref().and_then(|price| price.most(ceiling, references, self.tier_of(size.as_ref())));
        Ok(Checked {
            provider: self.provider.clone(),
            model: self.model.clone(),
            ceiling,
            layered,
            request: sent,
            size,
            price: self.price.clone(),
            most,
            warnings: audit.warnings,
        })
    }

    /// Returns the request with every illegal value replaced by its nearest legal value, and a warning for each.
    ///
    /// Refused fields are not removed: that would change the result.
    pub fn fit(&self, request: &ImageRequest) -> (ImageRequest, Vec<Warning>) {
        let mut fitted = request.clone();
        let mut warnings = Vec::new();
        // A replaced value can violate another rule (a count that fits the references), hence several rounds.
        for _ in 0..3 {
            let Err(error) = self.check(&fitted, Strictness::Strict) else { break };
            let before = fitted.clone();
            for violation in error.violations() {
                match &violation.nearest {
                    Some(Nearest::Size(size)) => fitted.size = Some(*size),
                    Some(Nearest::Count(count)) => fitted.count = Some(*count),
                    Some(Nearest::Seed(seed)) => fitted.seed = Some(*seed),
                    Some(Nearest::GuidanceScale(scale)) => fitted.guidance_scale = Some(*scale),
                    Some(Nearest::OneOf(_)) | None => continue,
                }
                warnings.push(Warning::new(WarningKind::Rewritten, violation.field, format!("fitted: {violation}")));
            }
            if fitted == before {
                break;
            }
        }
        (fitted, warnings)
    }

    fn check_model(&self, audit: &mut Audit<'_>) {
        if self.model.as_str().trim().is_empty() {
            audit.violation(Field::Model, "is empty: name a model", None, &self.members.source);
            return;
        }
        match &self.standing {
            Standing::Sold => {}
            Standing::Elsewhere { sold, source } => {
                let sold = sold.iter().map(ToString::to_string).collect();
                let family = self.family.map(|family| format!(" ({family})")).unwrap_or_default();
                let message = format!("{} does not sell `{}`{family}", self.provider, self.requested);
                audit.violation(Field::Model, message, Nearest::OneOf(sold), source);
            }
            Standing::Unknown => audit.warn(
                WarningKind::UnknownModel,
                Field::Model,
                format!(
                    "`{}` is not a known model of {}: it is sent unchanged and its limits are not checked",
                    self.requested, self.provider
                ),
            ),
        }
    }
}
