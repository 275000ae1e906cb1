//! A value that a member takes as it is stands in the member that the document names.

use seedream_core::{Count, Field, ImageRequest};
use seedream_fixtures::{FieldFacts, FieldRole, ProviderFacts};
use serde_json::{Value, json};

/// How the member of a field differs from the value that was asked for; `None` where it does not, or where the document's member takes
/// another form of the value.
pub(super) fn difference(
    provider: &ProviderFacts,
    request: &ImageRequest,
    field: Field,
    body: &Value,
) -> Option<String> {
    let (member, expected) = expected(provider, request, field)?;
    let seen = member.name.split('.').try_fold(body, |value, name| value.get(name));
    let same = seen.is_some_and(|seen| match (seen.as_f64(), expected.as_f64()) {
        (Some(seen), Some(expected)) => (seen - expected).abs() < 1e-6,
        _ => *seen == expected,
    });
    let seen = seen.map_or("nothing".to_owned(), ToString::to_string);
    (!same).then(|| format!("is not what `{}` says: expected {expected}, saw {seen}", member.name))
}

/// The member of a field, and the value that it takes unchanged.
fn expected<'p>(provider: &'p ProviderFacts, request: &ImageRequest, field: Field) -> Option<(&'p FieldFacts, Value)> {
    let of = |role, value: Value| {
        let member = provider.field(role)?;
        let listed = member.values.is_empty() || member.values.contains(&value);
        let typed = member.types.iter().any(|kind| kind.matches(&value));
        (typed && listed).then_some((member, value))
    };
    match field {
        Field::Prompt => of(FieldRole::Prompt, request.prompt.as_str().into()),
        Field::Seed => of(FieldRole::Seed, request.seed?.into()),
        Field::GuidanceScale => of(FieldRole::Guidance, json!(request.guidance_scale?)),
        Field::Watermark => of(FieldRole::Watermark, request.watermark?.into()),
        Field::Stream => of(FieldRole::Stream, request.stream?.into()),
        Field::ResponseFormat => of(FieldRole::ResponseFormat, request.response_format?.wire().into()),
        Field::Format => of(FieldRole::Format, request.format?.wire().into()),
        Field::CallbackUrl => of(FieldRole::Callback, request.callback_url.as_deref()?.into()),
        // One image is asked for without a group.
        Field::Count => {
            let count: Value = request.count.and_then(Count::number).filter(|count| *count > 1)?.into();
            of(FieldRole::Count, count.clone()).or_else(|| of(FieldRole::GroupMax, count))
        }
        _ => None,
    }
}
