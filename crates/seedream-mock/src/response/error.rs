//! Errors in the provider's own words and form.

use std::borrow::Cow;

use seedream_fixtures::{
    CodeFacts, ErrorCause, ErrorFamily, ErrorTemplate, EvidenceKind, FieldRole, JsonTemplate, Placeholder, TemplateSink,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::faults::grammar::Fault;
use crate::request::context::RequestContext;
use crate::request::violation::RuleViolation;
use crate::response::endpoint_response::EndpointResponse;
use crate::settings::relay_profile::RelayBehavior;

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

/// The family whose templates stand in for those that a family does not have.
fn general(family: ErrorFamily) -> Option<ErrorFamily> {
    match family {
        ErrorFamily::TextCodePoll | ErrorFamily::StatusCode => Some(ErrorFamily::TextCode),
        ErrorFamily::CodeParam
        | ErrorFamily::Upstream
        | ErrorFamily::NewApi
        | ErrorFamily::TextCode
        | ErrorFamily::Template => None,
    }
}

/// What new-api makes of the code and the type of an error that it cannot read (new-api's source).
const CODE_LOST: &str = "bad_response_status_code";

/// The provider's error for a cause.
pub(crate) fn of(context: &RequestContext<'_>, cause: ErrorCause, fill: &ErrorDetails<'_>) -> ErrorResponse {
    match template(context, cause) {
        Some(template) => filled(context, template, fill),
        // A provider file without errors still needs a response.
        None => ErrorResponse { status: 500, body: String::from("{\"error\":{}}"), evidence: EvidenceKind::Derived },
    }
}

/// The provider's template for a cause, or for the nearest cause that it has.
fn template<'e>(context: &RequestContext<'e>, cause: ErrorCause) -> Option<&'e ErrorTemplate> {
    let family = context.family();
    let causes = || std::iter::successors(Some(cause), |cause| nearest(*cause));
    let families = [Some(family), general(family)];
    let own = causes().find_map(|cause| {
        families.into_iter().flatten().find_map(|family| context.provider.error_template(cause, family))
    });
    // Where the provider says nothing in this form, its software speaks.
    own.or_else(|| {
        let relay = context.services.library.relay(family)?;
        causes().find_map(|cause| relay.error_template(cause))
    })
}

/// A response for a cause, filled.
fn filled(context: &RequestContext<'_>, template: &ErrorTemplate, fill: &ErrorDetails<'_>) -> ErrorResponse {
    let body = write(context, template, &message(template, fill), fill.param);
    // Words that were not observed are an assumption, wherever the rest of the response is documented.
    let evidence = if has_detail(template) && !fill.recorded { EvidenceKind::Derived } else { template.source.kind };
    ErrorResponse { status: template.status, body, evidence }
}

/// The code and the sentence of an image that is not there.
pub(crate) fn of_image(context: &RequestContext<'_>, cause: ErrorCause) -> (String, String) {
    template(context, cause).map(|template| (template.code.to_string(), template.message.clone())).unwrap_or_default()
}

/// The member order of each family is the order its document prints.
fn write(context: &RequestContext<'_>, template: &ErrorTemplate, message: &str, param: Option<&str>) -> String {
    let (code, r#type) = (&template.code, template.kind.as_str());
    let param = param.filter(|_| !r#type.is_empty()).or(template.param.as_deref());
    let r#type = match r#type {
        "" if context.profile.has(RelayBehavior::UpstreamError) => "upstream_error",
        r#type => r#type,
    };
    let unwrapped = context.profile.has(RelayBehavior::UnwrappedErrors);
    let text = match context.family() {
        ErrorFamily::CodeParam => {
            let message = &format!("{message} Request id: {}", context.request_id);
            let error = CodeParamError { code, message, param: param.unwrap_or_default(), r#type };
            if unwrapped { serde_json::to_string(&error) } else { enveloped(error) }
        }
        ErrorFamily::Upstream => enveloped(UpstreamError { message, r#type, code }),
        // An error that is passed on ends as the provider after the relay ends it (new-api's source).
        ErrorFamily::NewApi if template.passed_on => {
            let message = &format!("{message} Request id: {}", context.request_id_of(ErrorFamily::CodeParam));
            // Where there is no `error` it finds no code either.
            let lost = CodeFacts::text(CODE_LOST);
            let (code, r#type) = if unwrapped { (&lost, CODE_LOST) } else { (code, r#type) };
            enveloped(NewApiError { message, r#type, param: param.or(Some("")), code })
        }
        ErrorFamily::NewApi => {
            let message = &format!("{message} (request id: {})", context.request_id);
            enveloped(NewApiError { message, r#type, param, code })
        }
        ErrorFamily::TextCode | ErrorFamily::TextCodePoll => {
            enveloped(TextCodeError { code, message, r#type, param: template.param.as_deref() })
        }
        ErrorFamily::Template => {
            let values = ErrorSink {
                template,
                message,
                r#type,
                param,
                request_id: &context.request_id,
                body: Vec::with_capacity(256),
            };
            return context.provider.error_body.as_ref().map(|body| values.write(body)).unwrap_or_default();
        }
        ErrorFamily::StatusCode => enveloped(StatusCodeError {
            code: template.status,
            message,
            r#type,
            param: template.param.as_deref(),
            fallback_suggestion: template.fallback_suggestion.as_deref(),
        }),
    };
    // Structs of texts and numbers always serialise.
    text.unwrap_or_default()
}

/// The error a fault asks for, in the provider's form.
pub(crate) fn of_fault(context: &RequestContext<'_>, fault: &Fault) -> Option<ErrorResponse> {
    let cause = match (fault.refuse, fault.status) {
        (Some(refusal), _) => refusal.cause(),
        (None, Some(status)) => cause_of(status),
        // What says how an error looks means that there is one.
        (None, None) if fault.error.is_empty() => return None,
        (None, None) => ErrorCause::Invalid,
    };
    let mut template = self::template(context, cause)?.clone();
    if let Some(status) = fault.status {
        if context.family() == ErrorFamily::CodeParam && status != template.status {
            template.kind = String::from(kind_of(status));
        }
        template.status = status;
    }
    if let Some(code) = &fault.code {
        template.code = template.code.with(code);
    }
    if let Some(message) = &fault.message {
        template.message.clone_from(message);
    }
    let altered = fault.status.is_some() || fault.code.is_some() || fault.message.is_some();
    let details = ErrorDetails {
        field: context.provider.field(FieldRole::Prompt).map_or("prompt", |field| &field.name),
        detail: "the mock was asked to refuse it.",
        model: context.model.unwrap_or_default(),
        ..ErrorDetails::default()
    };
    let problem = filled(context, &template, &details);
    Some(if altered { ErrorResponse { evidence: EvidenceKind::Derived, ..problem } } else { problem })
}

/// What a provider means by a status.
fn cause_of(status: u16) -> ErrorCause {
    match status {
        401 => ErrorCause::Unauthorized,
        402 => ErrorCause::Balance,
        403 => ErrorCause::Forbidden,
        404 => ErrorCause::ModelNotFound,
        429 => ErrorCause::RateLimited,
        400..500 => ErrorCause::Invalid,
        _ => ErrorCause::Internal,
    }
}

/// Ark's type of an error with a status (Ark's API reference).
fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        429 => "TooManyRequests",
        400..500 => "BadRequest",
        _ => "InternalServerError",
    }
}

impl From<ErrorResponse> for EndpointResponse {
    fn from(error: ErrorResponse) -> Self {
        Self { evidence: error.evidence, ..Self::json(error.status, error.body) }
    }
}

/// The JSON of an error of the mock itself, which no provider sends.
pub(crate) fn mock_error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "type": "mock_error" } })
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

/// Fills the body of an error.
struct ErrorSink<'a> {
    template: &'a ErrorTemplate,
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    request_id: &'a str,
    body: Vec<u8>,
}

impl ErrorSink<'_> {
    fn write(mut self, body: &JsonTemplate) -> String {
        body.write(&mut self);
        String::from_utf8(self.body).unwrap_or_default()
    }

    /// The text of a placeholder; the status and the code may be numbers.
    fn words(&self, placeholder: Placeholder) -> Option<&str> {
        match placeholder {
            Placeholder::ErrorMessage => Some(self.message),
            Placeholder::ErrorType => Some(self.r#type).filter(|kind| !kind.is_empty()),
            Placeholder::ErrorParam => self.param,
            Placeholder::ErrorSuggestion => self.template.fallback_suggestion.as_deref(),
            Placeholder::RequestId => Some(self.request_id),
            Placeholder::ErrorCode => Some(self.template.code.as_str()),
            _ => None,
        }
    }
}

impl TemplateSink for ErrorSink<'_> {
    fn has(&self, placeholder: Placeholder) -> bool {
        placeholder == Placeholder::Status || self.words(placeholder).is_some()
    }

    fn fixed(&mut self, json: &str) {
        self.body.extend_from_slice(json.as_bytes());
    }

    fn value(&mut self, placeholder: Placeholder) {
        let json = match placeholder {
            Placeholder::Status => serde_json::to_string(&self.template.status),
            Placeholder::ErrorCode => serde_json::to_string(&self.template.code),
            placeholder => serde_json::to_string(&self.words(placeholder)),
        };
        // Texts and numbers always serialise.
        self.fixed(&json.unwrap_or_default());
    }

    fn text(&self, placeholder: Placeholder) -> Cow<'_, str> {
        match placeholder {
            Placeholder::Status => self.template.status.to_string().into(),
            placeholder => self.words(placeholder).unwrap_or_default().into(),
        }
    }
}

#[derive(Serialize)]
struct ErrorEnvelope<T> {
    error: T,
}

#[derive(Serialize)]
struct CodeParamError<'a> {
    code: &'a CodeFacts,
    message: &'a str,
    param: &'a str,
    r#type: &'a str,
}

#[derive(Serialize)]
struct UpstreamError<'a> {
    message: &'a str,
    r#type: &'a str,
    code: &'a CodeFacts,
}

#[derive(Serialize)]
struct NewApiError<'a> {
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    code: &'a CodeFacts,
}

#[derive(Serialize)]
struct TextCodeError<'a> {
    code: &'a CodeFacts,
    message: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

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

fn enveloped<T: Serialize>(error: T) -> serde_json::Result<String> {
    serde_json::to_string(&ErrorEnvelope { error })
}
