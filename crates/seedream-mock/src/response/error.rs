//! Errors in the provider's own words and form.

use seedream_fixtures::{ErrorCause, ErrorFamily, ErrorTemplate, EvidenceKind};
use serde::Serialize;

use crate::profile::RelayBehavior;
use crate::request::context::RequestContext;
use crate::request::rules::RuleViolation;

/// What an error's template is filled with.
#[derive(Debug, Default)]
pub(crate) struct ErrorDetails<'a> {
    pub(crate) field: &'a str,
    pub(crate) plural: bool,
    pub(crate) detail: &'a str,
    pub(crate) model: &'a str,
    pub(crate) param: Option<&'a str>,
    /// A sentence that stands instead of the template.
    pub(crate) sentence: Option<&'a str>,
    /// Whether an upstream was seen to put the detail, or the sentence, like this.
    pub(crate) recorded: bool,
}

impl<'a> ErrorDetails<'a> {
    /// The words of a violation.
    pub(crate) fn of(violation: &'a RuleViolation, model: &'a str) -> Self {
        Self {
            field: &violation.field,
            plural: violation.plural,
            detail: &violation.detail,
            model,
            param: violation.blamed.then_some(violation.field.as_str()),
            sentence: violation.whole.then_some(violation.detail.as_str()),
            recorded: violation.recorded,
        }
    }
}

/// An error, ready to be sent.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) evidence: EvidenceKind,
}

/// The most similar cause, where a provider does not speak of one apart.
fn nearest(cause: ErrorCause) -> Option<ErrorCause> {
    match cause {
        ErrorCause::Internal => None,
        ErrorCause::ReferenceEmpty | ErrorCause::ReferenceInvalid | ErrorCause::ReferenceTooLarge => {
            Some(ErrorCause::Invalid)
        }
        ErrorCause::InvalidSize | ErrorCause::Missing | ErrorCause::Moderated | ErrorCause::TaskIdInvalid => {
            Some(ErrorCause::Invalid)
        }
        ErrorCause::ModeratedPrompt | ErrorCause::ModeratedReference => Some(ErrorCause::Moderated),
        ErrorCause::ModelClosed => Some(ErrorCause::Forbidden),
        ErrorCause::RequestRate | ErrorCause::Concurrency => Some(ErrorCause::RateLimited),
        ErrorCause::Quota => Some(ErrorCause::Balance),
        ErrorCause::TaskNotFound => Some(ErrorCause::ModelNotFound),
        _ => Some(ErrorCause::Internal),
    }
}

/// The family whose answers stand for those that one does not have.
fn general(family: ErrorFamily) -> Option<ErrorFamily> {
    match family {
        ErrorFamily::EvolinkTask | ErrorFamily::EvolinkLegacy => Some(ErrorFamily::Evolink),
        ErrorFamily::Ark | ErrorFamily::Upstream | ErrorFamily::NewApi | ErrorFamily::Evolink => None,
    }
}

/// What new-api makes of the code and the type of an error that it cannot read (providers.md 6.3).
const CODE_LOST: &str = "bad_response_status_code";

impl<'e> RequestContext<'e> {
    /// The provider's error for a cause.
    pub(crate) fn problem(&self, cause: ErrorCause, fill: &ErrorDetails<'_>) -> ErrorResponse {
        match self.template(cause) {
            Some(template) => self.filled(template, fill),
            // A provider file that names no error at all still has to answer somehow.
            None => {
                ErrorResponse { status: 500, body: String::from("{\"error\":{}}"), evidence: EvidenceKind::Derived }
            }
        }
    }

    /// What the provider answers for a cause, or for the nearest one of which it speaks.
    pub(crate) fn template(&self, cause: ErrorCause) -> Option<&'e ErrorTemplate> {
        let family = self.family();
        let causes = || std::iter::successors(Some(cause), |cause| nearest(*cause));
        let families = [Some(family), general(family)];
        let own = causes().find_map(|cause| {
            families.into_iter().flatten().find_map(|family| self.provider.error_template(cause, family))
        });
        // Where the provider says nothing in this form, its software speaks.
        own.or_else(|| {
            let relay = self.engine.library().relay(family)?;
            causes().find_map(|cause| relay.error_template(cause))
        })
    }

    /// An answer for a cause, filled.
    pub(crate) fn filled(&self, template: &ErrorTemplate, fill: &ErrorDetails<'_>) -> ErrorResponse {
        let body = self.write(template, &message(template, fill), fill.param);
        // What nobody has seen in these words is our guess, wherever the rest of the answer stands.
        let evidence =
            if has_detail(template) && !fill.recorded { EvidenceKind::Derived } else { template.source.kind };
        ErrorResponse { status: template.status, body, evidence }
    }

    /// The code and the sentence of a picture that is not there.
    pub(crate) fn sentence(&self, cause: ErrorCause) -> (String, String) {
        self.template(cause).map(|template| (template.code.clone(), template.message.clone())).unwrap_or_default()
    }

    /// The member order of each family is the order its document prints.
    fn write(&self, template: &ErrorTemplate, message: &str, param: Option<&str>) -> String {
        let (code, r#type) = (template.code.as_str(), template.kind.as_str());
        let param = param.filter(|_| !r#type.is_empty()).or(template.param.as_deref());
        let r#type = match r#type {
            "" if self.profile.has(RelayBehavior::UpstreamError) => "upstream_error",
            r#type => r#type,
        };
        let unwrapped = self.profile.has(RelayBehavior::UnwrappedErrors);
        let text = match self.family() {
            ErrorFamily::Ark => {
                let message = &format!("{message} Request id: {}", self.request_id);
                let error = ArkError { code, message, param: param.unwrap_or_default(), r#type };
                if unwrapped { serde_json::to_string(&error) } else { json(error) }
            }
            ErrorFamily::Upstream => json(UpstreamError { message, r#type, code }),
            // What is passed on ends as the provider behind the relay ends it (providers.md 6.3).
            ErrorFamily::NewApi if template.passed_on => {
                let message = &format!("{message} Request id: {}", self.request_id_of(ErrorFamily::Ark));
                // Where there is no `error` it finds no code either.
                let (code, r#type) = if unwrapped { (CODE_LOST, CODE_LOST) } else { (code, r#type) };
                json(NewApiError { message, r#type, param: param.or(Some("")), code })
            }
            ErrorFamily::NewApi => {
                let message = &format!("{message} (request id: {})", self.request_id);
                json(NewApiError { message, r#type, param, code })
            }
            ErrorFamily::Evolink | ErrorFamily::EvolinkTask => {
                json(TextCodeError { code, message, r#type, param: template.param.as_deref() })
            }
            ErrorFamily::EvolinkLegacy => json(StatusCodeError {
                code: template.status,
                message,
                r#type,
                param: template.param.as_deref(),
                fallback_suggestion: template.fallback_suggestion.as_deref(),
            }),
        };
        // Maps of texts always serialise.
        text.unwrap_or_default()
    }
}

/// Providers whose sentence never varies have no place for one.
fn has_detail(template: &ErrorTemplate) -> bool {
    template.message.contains("{detail}")
}

fn message(template: &ErrorTemplate, fill: &ErrorDetails<'_>) -> String {
    if let Some(sentence) = fill.sentence.filter(|_| has_detail(template)) {
        return sentence.to_owned();
    }
    template
        .message
        .replace("{field}", fill.field)
        .replace("{verb}", if fill.plural { "are" } else { "is" })
        .replace("{detail}", fill.detail)
        .replace("{model}", fill.model)
}

#[derive(Serialize)]
struct ErrorEnvelope<T> {
    error: T,
}

#[derive(Serialize)]
struct ArkError<'a> {
    code: &'a str,
    message: &'a str,
    param: &'a str,
    r#type: &'a str,
}

#[derive(Serialize)]
struct UpstreamError<'a> {
    message: &'a str,
    r#type: &'a str,
    code: &'a str,
}

#[derive(Serialize)]
struct NewApiError<'a> {
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    code: &'a str,
}

#[derive(Serialize)]
struct TextCodeError<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

/// Older pages, and the credits, have a number for a code (providers.md 2.5).
#[derive(Serialize)]
struct StatusCodeError<'a> {
    code: u16,
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback_suggestion: Option<&'a str>,
}

fn json<T: Serialize>(error: T) -> serde_json::Result<String> {
    serde_json::to_string(&ErrorEnvelope { error })
}
