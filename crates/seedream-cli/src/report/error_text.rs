//! The text of an error: what it means, the provider's own words, the bill, and what to do about it on the command line.

use seedream::seedream_core::{Medium, Stage};
use seedream::{Charge, Error, ErrorKind, dialect};

use super::violation_hint;
use crate::provider_selection::environment;

/// One error as a sentence with its provider: our words, those of the provider, and whether it was billed.
pub(super) fn line(provider: &str, error: &Error) -> String {
    let text = with_flags(error);
    let text = text.strip_prefix(&format!("{provider}: ")).unwrap_or(&text);
    let meaning = meaning(error).map(|meaning| format!("{meaning}: ")).unwrap_or_default();
    let was_sent = error.status().is_some() || !error.attempts().is_empty();
    let bill = if was_sent && error.charge() == Charge::No { "; not billed" } else { "" };
    format!("{provider}: {meaning}{text}{bill}")
}

/// The text of an error, in which a field of the request stands as the flag that sets it.
pub(crate) fn with_flags(error: &Error) -> String {
    error.violations().iter().fold(error.to_string(), |text, violation| {
        let Some(flag) = violation_hint::flag(violation.field) else { return text };
        let rule = violation.to_string();
        let of_flag = rule.strip_prefix(&violation.field.to_string()).map(|rest| format!("{flag}{rest}"));
        of_flag.map_or(text.clone(), |of_flag| text.replacen(&rule, &of_flag, 1))
    })
}

/// What an error response means; its own words may be in any language.
fn meaning(error: &Error) -> Option<&'static str> {
    error.status().filter(|status| status.as_u16() >= 400)?;
    Some(match error.kind() {
        ErrorKind::Authentication => "the API key is not accepted",
        ErrorKind::PermissionDenied => "the API key may not do this",
        ErrorKind::Balance => "the balance is too low",
        ErrorKind::QuotaExhausted => "a quota is used up",
        ErrorKind::ModelNotFound => "the provider has no such model",
        ErrorKind::RateLimited => "too many requests",
        ErrorKind::Overloaded => "the provider is overloaded",
        ErrorKind::ContentRejected { stage: Stage::Output, .. } => "moderation rejected the generated image",
        ErrorKind::ContentRejected { medium: Medium::Image, .. } => "moderation rejected a reference image",
        ErrorKind::ContentRejected { medium: Medium::Text, .. } => "moderation rejected the prompt",
        ErrorKind::ContentRejected { .. } => "moderation rejected the request",
        ErrorKind::ReferenceImage => "the provider cannot read a reference image",
        ErrorKind::InvalidRequest => "the provider rejected the request",
        ErrorKind::Unsupported => "the provider does not support this",
        ErrorKind::Server => "the provider failed",
        _ => return None,
    })
}

/// What to do about an error of a provider, or of the way to it.
pub(super) fn hint(provider: &str, error: &Error) -> Option<String> {
    hint_in(provider, error, environment)
}

fn hint_in(provider: &str, error: &Error, environment: impl Fn(&str) -> Option<String>) -> Option<String> {
    let dialect = dialect(provider).ok()?;
    if error.charge() == Charge::Unknown && error.task().is_none() {
        return Some(
            "look in the provider's console whether this request was billed before you send it again".to_owned(),
        );
    }
    if error.kind() == ErrorKind::Transport && error.charge() == Charge::No {
        return Some(format!("seedream doctor --provider {provider} checks the connection"));
    }
    error.status()?;
    let variables = &dialect.descriptor().key_variables;
    let is_set = |name: &str| environment(name).is_some_and(|value| !value.trim().is_empty());
    let key = match variables.iter().find(|name| is_set(name)) {
        Some(name) => name.to_string(),
        None => format!("{} or in the configuration file", variables.join(" or ")),
    };
    Some(match error.kind() {
        ErrorKind::Authentication => {
            format!("check the key in {key}: it may be incomplete, expired, or of another provider")
        }
        ErrorKind::PermissionDenied => {
            format!("check in the provider's console what the key in {key} may use, or choose another --model")
        }
        ErrorKind::Balance | ErrorKind::QuotaExhausted => {
            format!("look at the account of the key in {key}, or use another provider with --provider")
        }
        ErrorKind::ModelNotFound => format!("seedream models --provider {provider} lists the models"),
        ErrorKind::RateLimited | ErrorKind::Overloaded => match error.retry_after() {
            Some(wait) => format!("the provider asks to wait {} s before the next request", wait.as_secs_f64().ceil()),
            None => {
                "wait a minute before the next request, or let another provider take over with --fallback".to_owned()
            }
        },
        ErrorKind::ContentRejected { stage: Stage::Output, .. } => "change the prompt, or try again".to_owned(),
        ErrorKind::ContentRejected { medium: Medium::Image, .. } => "use another reference image".to_owned(),
        ErrorKind::ContentRejected { .. } => "change the prompt".to_owned(),
        ErrorKind::ReferenceImage => "check that each --image can be opened by the provider, or send a file".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use seedream::seedream_core::{Response, Timestamp};

    use super::*;

    fn error(kind: ErrorKind, status: u16, message: &str) -> Error {
        let response =
            Response::new(status.try_into().unwrap(), http::HeaderMap::new(), message.to_owned(), Timestamp::now());
        Error::from_response(kind, message, &response).with_provider("ark")
    }

    #[test]
    fn the_words_of_a_provider_come_after_ours_and_each_kind_says_what_to_do() {
        let kinds = [
            (ErrorKind::Authentication, 401, "密钥无效"),
            (ErrorKind::PermissionDenied, 403, "no"),
            (ErrorKind::Balance, 402, "账户余额不足"),
            (ErrorKind::ModelNotFound, 404, "no"),
            (ErrorKind::RateLimited, 429, "请求过多"),
            (ErrorKind::rejected(Stage::Input, Medium::Text), 400, "输入文本可能包含敏感信息"),
            (ErrorKind::rejected(Stage::Output, Medium::Image), 400, "no"),
            (ErrorKind::ReferenceImage, 400, "no"),
            (ErrorKind::InvalidRequest, 400, "no"),
        ];
        let texts = kinds.map(|(kind, status, words)| {
            let error = error(kind, status, words);
            format!("{}\n{}", line("ark", &error), hint_in("ark", &error, |_| None).unwrap_or_default())
        });
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn a_hint_names_the_variable_that_the_key_came_from() {
        let error = error(ErrorKind::Authentication, 401, "no");
        let hint = |set: &str| hint_in("ark", &error, |name| (name == set).then(|| "a-key".to_owned())).unwrap();
        assert!(hint("ARK_API_KEY").starts_with("check the key in ARK_API_KEY: "), "{}", hint("ARK_API_KEY"));
        assert!(hint("NONE").starts_with("check the key in ARK_API_KEY or in the configuration file: "));
    }

    #[test]
    fn an_error_says_whether_it_was_billed_once() {
        let lost = error(ErrorKind::Server, 500, "no").with_charge(Charge::Unknown);
        assert_eq!(line("ark", &lost).matches("billed").count(), 1);
        let unsent = Error::new(ErrorKind::Config, "no base URL");
        assert_eq!(line("ark", &unsent), "ark: no base URL");
    }
}
