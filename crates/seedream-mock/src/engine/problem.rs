//! Errors in the provider's own words and form.

use seedream_fixtures::{Cause, ErrorAnswer, ErrorFamily, Kind, Provider};
use serde::Serialize;

use super::rules::Violation;

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

/// The provider's error for a cause, in a family.
pub(crate) fn problem(
    provider: &Provider,
    family: ErrorFamily,
    cause: Cause,
    fill: &Fill<'_>,
    request_id: &str,
) -> Problem {
    match template(provider, family, cause) {
        Some(answer) => self::fill(family, answer, fill, request_id),
        // A provider file that names no error at all still has to answer somehow.
        None => Problem { status: 500, body: String::from("{\"error\":{}}"), evidence: Kind::Derived },
    }
}

/// What a provider answers for a cause, or for the nearest one of which it speaks.
pub(crate) fn template(provider: &Provider, family: ErrorFamily, cause: Cause) -> Option<&ErrorAnswer> {
    provider.error_answer(cause, family).or_else(|| fallback(provider, family, cause))
}

/// An answer for a cause, filled.
pub(crate) fn fill(family: ErrorFamily, answer: &ErrorAnswer, fill: &Fill<'_>, request_id: &str) -> Problem {
    Problem {
        status: answer.status,
        body: write(family, answer, &message(answer, fill), fill.param, request_id),
        evidence: answer.source.kind,
    }
}

/// Causes of which a provider does not speak apart are answered like the nearest one of which it does.
fn fallback(provider: &Provider, family: ErrorFamily, cause: Cause) -> Option<&ErrorAnswer> {
    let nearest = match cause {
        Cause::InvalidSize | Cause::Missing | Cause::Moderated | Cause::TaskIdInvalid => Cause::Invalid,
        Cause::TaskNotFound => Cause::ModelNotFound,
        _ => Cause::Internal,
    };
    provider.error_answer(nearest, family)
}

/// The code and the sentence of a picture that was withheld from a group.
pub(crate) fn withheld(provider: &Provider) -> (String, String) {
    sentence(provider, Cause::Moderated, "OutputImageSensitiveContentDetected")
}

/// The code and the sentence of a picture at which generation failed.
pub(crate) fn failed(provider: &Provider) -> (String, String) {
    sentence(provider, Cause::Internal, "InternalServiceError")
}

fn sentence(provider: &Provider, cause: Cause, code: &str) -> (String, String) {
    match provider.error_answer(cause, provider.errors) {
        Some(answer) => (answer.code.clone(), answer.message.clone()),
        None => (code.to_owned(), String::new()),
    }
}

fn message(answer: &ErrorAnswer, fill: &Fill<'_>) -> String {
    // Providers whose sentence never varies keep it.
    if let Some(sentence) = fill.sentence.filter(|_| answer.message.contains("{detail}")) {
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

/// The member order of each family is the order its document prints.
fn write(family: ErrorFamily, answer: &ErrorAnswer, message: &str, param: Option<&str>, request_id: &str) -> String {
    let (code, r#type) = (answer.code.as_str(), answer.kind.as_str());
    let param = param.filter(|_| !r#type.is_empty()).or(answer.param.as_deref());
    let text = match family {
        ErrorFamily::Ark => {
            let message = &format!("{message} Request id: {request_id}");
            json(Ark { code, message, param: param.unwrap_or_default(), r#type })
        }
        ErrorFamily::Upstream => json(Upstream { message, r#type, code }),
        ErrorFamily::NewApi => {
            let message = &format!("{message} (request id: {request_id})");
            json(NewApi { message, r#type, param, code })
        }
        ErrorFamily::Evolink => json(Evolink { code, message, r#type, param: answer.param.as_deref() }),
    };
    // Maps of texts always serialise.
    text.unwrap_or_default()
}

fn json<T: Serialize>(error: T) -> serde_json::Result<String> {
    serde_json::to_string(&Envelope { error })
}
