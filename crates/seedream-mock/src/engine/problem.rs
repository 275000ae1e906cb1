//! Errors in the provider's own words and form.

use seedream_fixtures::{Cause, ErrorAnswer, ErrorFamily, Kind};
use serde::Serialize;

use super::call::Call;
use super::rules::Violation;
use crate::profile::Habit;

/// What an error's template is filled with.
#[derive(Debug, Default)]
pub(crate) struct Fill<'a> {
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

impl<'a> Fill<'a> {
    /// The words of a violation.
    pub(crate) fn of(violation: &'a Violation, model: &'a str) -> Self {
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
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) evidence: Kind,
}

/// The most similar cause, where a provider does not speak of one apart.
fn nearest(cause: Cause) -> Option<Cause> {
    match cause {
        Cause::Internal => None,
        Cause::ReferenceEmpty | Cause::ReferenceInvalid | Cause::ReferenceTooLarge => Some(Cause::Invalid),
        Cause::InvalidSize | Cause::Missing | Cause::Moderated | Cause::TaskIdInvalid => Some(Cause::Invalid),
        Cause::ModeratedPrompt | Cause::ModeratedReference => Some(Cause::Moderated),
        Cause::ModelClosed => Some(Cause::Forbidden),
        Cause::RequestRate | Cause::Concurrency => Some(Cause::RateLimited),
        Cause::Quota => Some(Cause::Balance),
        Cause::TaskNotFound => Some(Cause::ModelNotFound),
        _ => Some(Cause::Internal),
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

impl<'e> Call<'e> {
    /// The provider's error for a cause.
    pub(crate) fn problem(&self, cause: Cause, fill: &Fill<'_>) -> Problem {
        match self.template(cause) {
            Some(answer) => self.filled(answer, fill),
            // A provider file that names no error at all still has to answer somehow.
            None => Problem { status: 500, body: String::from("{\"error\":{}}"), evidence: Kind::Derived },
        }
    }

    /// What the provider answers for a cause, or for the nearest one of which it speaks.
    pub(crate) fn template(&self, cause: Cause) -> Option<&'e ErrorAnswer> {
        let family = self.family();
        let causes = || std::iter::successors(Some(cause), |cause| nearest(*cause));
        let families = [Some(family), general(family)];
        let own = causes().find_map(|cause| {
            families.into_iter().flatten().find_map(|family| self.provider.error_answer(cause, family))
        });
        // Where the provider says nothing in this form, its software speaks.
        own.or_else(|| {
            let relay = self.engine.library().relay(family)?;
            causes().find_map(|cause| relay.error_answer(cause))
        })
    }

    /// An answer for a cause, filled.
    pub(crate) fn filled(&self, answer: &ErrorAnswer, fill: &Fill<'_>) -> Problem {
        let body = self.write(answer, &message(answer, fill), fill.param);
        // What nobody has seen in these words is our guess, wherever the rest of the answer stands.
        let evidence = if has_detail(answer) && !fill.recorded { Kind::Derived } else { answer.source.kind };
        Problem { status: answer.status, body, evidence }
    }

    /// The code and the sentence of a picture that is not there.
    pub(crate) fn sentence(&self, cause: Cause) -> (String, String) {
        self.template(cause).map(|answer| (answer.code.clone(), answer.message.clone())).unwrap_or_default()
    }

    /// The member order of each family is the order its document prints.
    fn write(&self, answer: &ErrorAnswer, message: &str, param: Option<&str>) -> String {
        let (code, r#type) = (answer.code.as_str(), answer.kind.as_str());
        let param = param.filter(|_| !r#type.is_empty()).or(answer.param.as_deref());
        let r#type = match r#type {
            "" if self.profile.has(Habit::UpstreamError) => "upstream_error",
            r#type => r#type,
        };
        let unwrapped = self.profile.has(Habit::UnwrappedErrors);
        let text = match self.family() {
            ErrorFamily::Ark => {
                let message = &format!("{message} Request id: {}", self.request_id);
                let error = Ark { code, message, param: param.unwrap_or_default(), r#type };
                if unwrapped { serde_json::to_string(&error) } else { json(error) }
            }
            ErrorFamily::Upstream => json(Upstream { message, r#type, code }),
            // What is passed on ends as the provider behind the relay ends it (providers.md 6.3).
            ErrorFamily::NewApi if answer.passed_on => {
                let message = &format!("{message} Request id: {}", self.request_id_of(ErrorFamily::Ark));
                // Where there is no `error` it finds no code either.
                let (code, r#type) = if unwrapped { (CODE_LOST, CODE_LOST) } else { (code, r#type) };
                json(NewApi { message, r#type, param: param.or(Some("")), code })
            }
            ErrorFamily::NewApi => {
                let message = &format!("{message} (request id: {})", self.request_id);
                json(NewApi { message, r#type, param, code })
            }
            ErrorFamily::Evolink | ErrorFamily::EvolinkTask => {
                json(Evolink { code, message, r#type, param: answer.param.as_deref() })
            }
            ErrorFamily::EvolinkLegacy => json(EvolinkLegacy {
                code: answer.status,
                message,
                r#type,
                param: answer.param.as_deref(),
                fallback_suggestion: answer.fallback_suggestion.as_deref(),
            }),
        };
        // Maps of texts always serialise.
        text.unwrap_or_default()
    }
}

/// Providers whose sentence never varies have no place for one.
fn has_detail(answer: &ErrorAnswer) -> bool {
    answer.message.contains("{detail}")
}

fn message(answer: &ErrorAnswer, fill: &Fill<'_>) -> String {
    if let Some(sentence) = fill.sentence.filter(|_| has_detail(answer)) {
        return sentence.to_owned();
    }
    answer
        .message
        .replace("{field}", fill.field)
        .replace("{verb}", if fill.plural { "are" } else { "is" })
        .replace("{detail}", fill.detail)
        .replace("{model}", fill.model)
}

#[derive(Serialize)]
struct Envelope<T> {
    error: T,
}

#[derive(Serialize)]
struct Ark<'a> {
    code: &'a str,
    message: &'a str,
    param: &'a str,
    r#type: &'a str,
}

#[derive(Serialize)]
struct Upstream<'a> {
    message: &'a str,
    r#type: &'a str,
    code: &'a str,
}

#[derive(Serialize)]
struct NewApi<'a> {
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    code: &'a str,
}

#[derive(Serialize)]
struct Evolink<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

/// Older pages, and the credits, have a number for a code (providers.md 2.5).
#[derive(Serialize)]
struct EvolinkLegacy<'a> {
    code: u16,
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback_suggestion: Option<&'a str>,
}

fn json<T: Serialize>(error: T) -> serde_json::Result<String> {
    serde_json::to_string(&Envelope { error })
}
