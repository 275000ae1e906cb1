//! The check before money: every rule of a model against one request, all violations at once.

mod callback;
mod fields;
mod images;
mod size;
mod special;

use serde::{Deserialize, Serialize};

use crate::{
    Amount, Capabilities, Error, ErrorKind, Field, ImageRequest, ModelId, Nearest, Price, Result, Source, Standing,
    Violation, Warning, WarningKind, source::Seller,
};

pub use size::WireSize;

/// What happens to a request that breaks a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// It is refused before a byte is sent.
    #[default]
    Strict,
    /// It is sent without the fields that the provider refuses, and everything else is a warning. This is the way to send what
    /// only another page than the provider's own rules out ([`Violation::stated_by`]).
    Lenient,
    /// It is sent as it is; what breaks a rule is still a warning.
    Off,
}

/// A request that was checked against one provider's rules: only [`Capabilities::check`] makes one, so that nothing can be
/// encoded unchecked, or with another provider's proof.
#[derive(Clone, Debug)]
pub struct Checked {
    provider: &'static str,
    model: ModelId,
    request: ImageRequest,
    size: Option<WireSize>,
    ceiling: u32,
    layered: u32,
    price: Option<Price>,
    most: Option<Amount>,
    warnings: Vec<Warning>,
}

impl Checked {
    /// The provider whose rules it was checked against.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// The model id to send.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// What is to be sent: the request, without the fields that were left out.
    pub fn request(&self) -> &ImageRequest {
        &self.request
    }

    /// The size in this provider's words; `None` where its default is to hold.
    pub fn size(&self) -> Option<&WireSize> {
        self.size.as_ref()
    }

    /// The most images that this request can cost.
    pub fn ceiling(&self) -> u32 {
        self.ceiling
    }

    /// The most images that a request for layers (`layer_decomposition` in `extra`) can cost, whatever else it says; 0 where
    /// it asks for none.
    pub fn layered(&self) -> u32 {
        self.layered
    }

    /// What an image costs here, where that is published.
    pub fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }

    /// The most that this request can cost, by the price that is published.
    pub fn most(&self) -> Option<&Amount> {
        self.most.as_ref()
    }

    /// What a user should know before it is sent.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What remains of it once it was accepted.
    pub(crate) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }

    /// Proves that it was checked against the rules of `provider`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where it was another's: a bug of the caller.
    pub fn belongs_to(&self, provider: &str) -> Result<()> {
        if self.provider == provider {
            return Ok(());
        }
        let message = format!("this request was checked for {}, not for {provider}", self.provider);
        Err(Error::new(ErrorKind::Config, message))
    }
}

/// What a check has found so far.
#[derive(Debug)]
struct Audit {
    seller: Seller,
    violations: Vec<Violation>,
    /// Violations that no strictness can send: there is no way to say it in this dialect.
    impossible: Vec<Violation>,
    warnings: Vec<Warning>,
    /// Refused fields that lenient checking leaves out.
    refused: Vec<Field>,
    /// Fields that say what happens anyway, and that this provider refuses to be told.
    unsent: Vec<Field>,
}

impl Audit {
    fn new(seller: Seller) -> Self {
        let (violations, impossible, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Self { seller, violations, impossible, warnings, refused: Vec::new(), unsent: Vec::new() }
    }

    fn violation(
        &mut self,
        field: Field,
        message: impl Into<String>,
        nearest: impl Into<Option<Nearest>>,
        source: &Source,
    ) {
        let violation = self.broken(field, message.into(), nearest.into(), source);
        self.violations.push(violation);
    }

    fn impossible(&mut self, field: Field, message: impl Into<String>, source: &Source) {
        let violation = self.broken(field, message.into(), None, source);
        self.impossible.push(violation);
    }

    fn broken(&self, field: Field, message: String, nearest: Option<Nearest>, source: &Source) -> Violation {
        let (stated_by, seller) = (self.seller.states(source), self.seller.name.into());
        Violation { field, message, nearest, source: source.clone(), stated_by, seller }
    }

    /// A field that asks for what happens anyway is not sent.
    fn unsaid(&mut self, field: Field) {
        self.warn(
            WarningKind::Rewritten,
            field,
            format!("{field}: nothing is sent, since that is what happens anyway"),
        );
        self.unsent.push(field);
    }

    fn warn(&mut self, kind: WarningKind, field: Field, message: impl Into<String>) {
        self.warnings.push(Warning::new(kind, field, message));
    }
}

impl Capabilities {
    /// Checks a request against these rules.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] with every [`Violation`], under [`Strictness::Strict`]. Under any strictness where a
    /// field cannot be said in this dialect at all, and where `extra` names a member that a field writes.
    pub fn check(&self, request: &ImageRequest, strictness: Strictness) -> Result<Checked> {
        let mut audit = Audit::new(self.seller);
        let mut sent = request.clone();
        self.check_model(&mut audit);
        self.check_prompt(request, &mut audit);
        self.check_references(request, strictness, &mut audit);
        self.check_count(request, &mut audit);
        let size = self.check_size(request, &mut audit);
        self.check_fields(request, strictness, &mut audit);
        self.check_extra(request, &mut audit);
        self.check_background(request, &mut audit);
        self.check_layers(request, &mut audit);
        self.check_asked_by_extra(request, &mut audit);

        if strictness == Strictness::Strict {
            audit.impossible.append(&mut audit.violations);
        }
        if !audit.impossible.is_empty() {
            return Err(Error::violations(self.provider, audit.impossible));
        }
        for violation in audit.violations {
            let left_out = audit.refused.contains(&violation.field);
            let kind = if left_out && strictness == Strictness::Lenient {
                WarningKind::LeftOut
            } else {
                WarningKind::Violated
            };
            let did = match kind {
                WarningKind::LeftOut => "left out:",
                _ => "sent all the same:",
            };
            audit.warnings.push(Warning::new(kind, violation.field, format!("{did} {violation}")));
        }
        if strictness == Strictness::Lenient {
            audit.unsent.append(&mut audit.refused);
        }
        audit.unsent.into_iter().for_each(|field| sent.clear(field));
        let layered = self.layered(&sent);
        // Where the adapter knows what the gateway makes of such a member, it says so itself.
        let by_extra = self.asked_by_extra(&sent).filter(|_| self.overrides.is_none()).map_or(0, |(_, most)| most);
        let ceiling = self.ceiling(&sent).max(layered).max(by_extra);
        let references = u32::try_from(sent.references.len()).unwrap_or(u32::MAX);
        let most = self.price.as_ref().and_then(|price| price.most(ceiling, references, self.tier_of(size.as_ref())));
        Ok(Checked {
            provider: self.provider,
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

    /// The request with every value that has a nearest legal one replaced by it, and what was replaced.
    ///
    /// Fields that are refused as a whole stay: leaving one out changes what is bought.
    pub fn fit(&self, request: &ImageRequest) -> (ImageRequest, Vec<Warning>) {
        let mut fitted = request.clone();
        let mut warnings = Vec::new();
        // Taking one value can bring another rule into play (a count that fits the references), so a few rounds.
        for _ in 0..3 {
            let Err(error) = self.check(&fitted, Strictness::Strict) else { break };
            let before = fitted.clone();
            for violation in error.violation_list() {
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

    fn check_model(&self, audit: &mut Audit) {
        if self.model.as_str().trim().is_empty() {
            audit.violation(Field::Model, "is empty: name a model", None, &self.members.1);
            return;
        }
        match &self.standing {
            Standing::Sold(_) => {}
            Standing::Elsewhere { family, sold, source } => {
                let sold = sold.iter().map(ToString::to_string).collect();
                let message = format!("{} does not sell `{}` ({family})", self.provider, self.requested);
                audit.violation(Field::Model, message, Nearest::OneOf(sold), source);
            }
            Standing::Unknown => audit.warn(
                WarningKind::UnknownModel,
                Field::Model,
                format!(
                    "`{}` is not a model that {} is known to sell: its limits were not checked",
                    self.requested, self.provider
                ),
            ),
        }
    }
}
