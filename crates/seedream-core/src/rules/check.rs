//! The check of a request against all rules of a model; it reports all violations at once.

mod callback;
mod checked;
mod extra_members;
mod findings;
mod optional_fields;
mod prompt_and_images;
#[cfg(test)]
mod tests;
mod wire_size;

use crate::{
    Capabilities, Error, Field, ImageRequest, Nearest, Result, Standing, Violation, Waiver, Warning, WarningKind,
};

pub use checked::{Checked, Strictness};
use findings::Findings;
pub use wire_size::WireSize;

impl Capabilities {
    /// Checks a request against these rules.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with every [`Violation`](crate::Violation), under [`Strictness::Strict`]. Under any strictness if the dialect cannot
    /// express a field, or if `extra` contains a member that a field writes.
    pub fn check(&self, request: &ImageRequest, strictness: Strictness) -> Result<Checked> {
        let mut findings = Findings::new(&self.seller);
        let mut sent = request.clone();
        self.check_model(&mut findings);
        self.check_prompt(request, &mut findings);
        self.check_references(request, &mut findings);
        self.check_count(request, &mut findings);
        let size = self.check_size(request, &mut findings);
        self.check_fields(request, &mut findings);
        self.check_extra(request, &mut findings);
        self.check_background(request, &mut findings);
        self.check_layers(request, &mut findings);
        self.check_asked_by_extra(request, &mut findings);

        let is_refused = |violation: &mut Violation| match strictness {
            Strictness::Strict => true,
            Strictness::Lenient => false,
            Strictness::Off => violation.waiver == Waiver::NoMember,
        };
        findings.impossible.extend(findings.violations.extract_if(.., is_refused));
        if !findings.impossible.is_empty() {
            return Err(Error::from_violations(self.provider.clone(), findings.impossible));
        }
        for violation in findings.violations {
            let field = violation.field;
            let is = if field == Field::References { "are" } else { "is" };
            let (kind, message) = match (violation.is_of_the_field(), strictness) {
                (true, Strictness::Lenient) => {
                    findings.unsent.push(field);
                    (WarningKind::LeftOut, format!("{field} {is} omitted: {}", violation.fact()))
                }
                (true, _) => (WarningKind::Violated, format!("{field} {is} sent nevertheless: {}", violation.fact())),
                (false, _) => (WarningKind::Violated, format!("sent nevertheless: {violation}")),
            };
            findings.warnings.push(Warning::new(kind, field, message));
        }
        findings.unsent.into_iter().for_each(|field| sent.clear(field));
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
            warnings: findings.warnings,
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

    fn check_model(&self, findings: &mut Findings<'_>) {
        if self.model.as_str().trim().is_empty() {
            findings.violation(Field::Model, "is empty: name a model", None, &self.members.source);
            return;
        }
        match &self.standing {
            Standing::Sold => {}
            Standing::Elsewhere { sold, source } => {
                let sold = sold.iter().map(ToString::to_string).collect();
                let family = self.family.map(|family| format!(" ({family})")).unwrap_or_default();
                let message = format!("{} does not sell `{}`{family}", self.provider, self.requested);
                findings.violation(Field::Model, message, Nearest::OneOf(sold), source);
            }
            Standing::Unknown => findings.warn(
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
