//! What to do about a request that breaks rules: which flags to change, and what `--check`, `--fit` and other models do.

use std::collections::BTreeSet;

use seedream::seedream_core::{Field, Nearest, StatedBy, Violation, Waiver};
use seedream::{Error, ImageProvider, ImageRequest, ModelId, Strictness};

/// The most models that a hint names.
const MOST_MODELS: usize = 3;

/// What to do about requests that break rules, by flags. `models` are others of the provider that accept the request.
pub(crate) fn hint<'a>(errors: impl IntoIterator<Item = &'a Error>, models: &[ModelId]) -> Option<String> {
    let violations: Vec<_> = errors.into_iter().flat_map(Error::violations).collect();
    let any = |is: fn(&Violation) -> bool| violations.iter().any(|violation| is(violation));
    let can_waive = !any(|violation| violation.waiver == Waiver::Never);
    let fits = any(has_nearest);
    let omits = can_waive && any(is_omitted);
    let unconfirmed = can_waive && any(|violation| !is_omitted(violation) && is_unconfirmed(violation));
    let off = can_waive && !any(|violation| violation.waiver == Waiver::NoMember);

    let changed = flags(&violations, |violation| !is_omitted(violation) && !has_nearest(violation));
    let removed = flags(&violations, |violation| is_omitted(violation) && !has_nearest(violation));
    let omitted = flags(&violations, is_omitted);
    let same = omits && removed == omitted;
    let ways = [
        (!changed.is_empty(), format!("change or remove {changed}")),
        (
            same,
            format!(
                "remove {removed}, or use --check lenient, which omits {}",
                if removed.contains(" and ") { "them" } else { "it" }
            ),
        ),
        (!same && !removed.is_empty(), format!("remove {removed}")),
        (fits, "--fit uses the nearest legal values".to_owned()),
        (!same && omits, format!("--check lenient omits {omitted} and sends the request")),
        (
            unconfirmed,
            "--check lenient sends the value with a warning, since the provider's page does not state this rule"
                .to_owned(),
        ),
        (
            any(|violation| violation.waiver == Waiver::NoMember),
            "--extra NAME=JSON sends a member that no page documents".to_owned(),
        ),
        (off && (fits || unconfirmed || omits), "--check off sends the request unchanged".to_owned()),
        (!violations.is_empty() && !models.is_empty(), other_models(models)),
    ];
    let ways: Vec<_> = ways.into_iter().filter_map(|(helps, way)| helps.then_some(way)).collect();
    (!ways.is_empty()).then(|| ways.join("; "))
}

/// The models of a provider that accept a request which its own model refuses.
pub(crate) fn models_that_accept(provider: &dyn ImageProvider, request: &ImageRequest) -> Vec<ModelId> {
    let models = provider.descriptor().models.iter().map(|model| &model.id);
    let accepts = |model: &&ModelId| {
        let mut request = request.clone();
        request.model = (*model).clone();
        provider.capabilities(model).check(&request, Strictness::Strict).is_ok()
    };
    models.filter(accepts).cloned().collect()
}

fn other_models(models: &[ModelId]) -> String {
    let first = listed(models.iter().take(MOST_MODELS).map(ModelId::as_str), "or");
    let accepts = if models.len() > 1 { "accept" } else { "accepts" };
    format!("--model {first} {accepts} it")
}

/// Words with commas and, before the last, another word.
fn listed<'a>(words: impl Iterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((end, [])) => (*end).to_owned(),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
        None => String::new(),
    }
}

/// Whether `--fit` replaces the value.
fn has_nearest(violation: &Violation) -> bool {
    violation.nearest.as_ref().is_some_and(|nearest| !matches!(nearest, Nearest::OneOf(_)))
}

/// Whether `--check lenient` omits the field.
fn is_omitted(violation: &Violation) -> bool {
    matches!(violation.waiver, Waiver::Omitted | Waiver::NoMember)
}

/// Whether neither the provider's own page nor the user states the rule, so that the provider may accept the value.
fn is_unconfirmed(violation: &Violation) -> bool {
    !matches!(violation.stated_by, StatedBy::Seller | StatedBy::User)
}

/// The flags of the fields of some violations, each once.
fn flags(violations: &[&Violation], is: impl Fn(&Violation) -> bool) -> String {
    let fields = violations.iter().filter(|violation| is(violation)).map(|violation| violation.field);
    let flags: BTreeSet<_> = fields.filter_map(|field| Some((field, flag(field)?))).collect();
    listed(flags.into_iter().map(|(_, flag)| flag), "and")
}

/// The flag that sets a field; none for the prompt.
pub(super) fn flag(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Model => "--model",
        Field::References => "--image",
        Field::Size => "--size",
        Field::Count => "--count",
        Field::ResponseFormat => "--inline (--response-format)",
        Field::Format => "--format",
        Field::Watermark => "--watermark",
        Field::Seed => "--seed",
        Field::GuidanceScale => "--guidance-scale",
        Field::PromptMode => "--prompt-mode",
        Field::WebSearch => "--web-search",
        Field::CallbackUrl => "--callback-url",
        Field::Stream => "--stream",
        Field::Extra => "--extra",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use seedream::{Client, OutputFormat, ResponseFormat};

    use super::*;

    fn hint_of(dialect: impl seedream::seedream_core::Dialect + 'static, request: &ImageRequest) -> String {
        let client = Client::builder(dialect).key("k").build().unwrap();
        let error = client.plan(request).unwrap_err();
        hint([&error], &models_that_accept(&client, request)).unwrap_or_default()
    }

    #[test]
    fn the_hint_says_which_flags_to_change_and_what_each_check_does() {
        use seedream::adapters::{Ark, Evolink, Gogogotoken};

        let request = |model: &str| ImageRequest::new(model, "a set of kites");
        let b64 = request("seedream-4.5").response_format(ResponseFormat::B64Json);
        let hints = [
            hint_of(Evolink, &b64),
            hint_of(Evolink, &b64.clone().seed(1).stream(true)),
            hint_of(Ark, &request("doubao-seedream-4-0-250828").format(OutputFormat::Png)),
            hint_of(Ark, &request("dola-seedream-5-5-261028").count(3).stream(true)),
            hint_of(Ark, &request("doubao-seedream-4-5-251128").count(16).seed(1)),
            hint_of(Gogogotoken, &request("doubao-seedream-5-0-lite").count(16)),
            hint_of(Ark, &request("doubao-seedream-4-5-251128").extra("size", "2K")),
            hint_of(Ark, &ImageRequest::new("doubao-seedream-4-5-251128", " ")),
        ];
        insta::assert_snapshot!(hints.join("\n"), @r"
        remove --inline (--response-format), or use --check lenient, which omits it; --extra NAME=JSON sends a member that no page documents
        remove --inline (--response-format), --seed and --stream, or use --check lenient, which omits them; --extra NAME=JSON sends a member that no page documents
        remove --format, or use --check lenient, which omits it; --check off sends the request unchanged; --model doubao-seedream-5-0-260128, doubao-seedream-5-0-pro-260628 or doubao-seedream-5-0-flash-260915 accept it
        remove --stream; --fit uses the nearest legal values; --check lenient omits --count and --stream and sends the request; --check off sends the request unchanged; --model doubao-seedream-4-0-250828, doubao-seedream-4-5-251128 or doubao-seedream-5-0-260128 accept it
        --fit uses the nearest legal values; --check off sends the request unchanged
        --fit uses the nearest legal values; --check lenient sends the value with a warning, since the provider's page does not state this rule; --check off sends the request unchanged
        change or remove --extra
        ");
    }
}
