//! The members of a body that fields are written as.

use seedream_core::Field;
use seedream_fixtures::FieldRole;

/// The member of the body that a field is written as.
pub(super) fn role(field: Field) -> Option<FieldRole> {
    Some(match field {
        Field::ResponseFormat => FieldRole::ResponseFormat,
        Field::Format => FieldRole::Format,
        Field::Watermark => FieldRole::Watermark,
        Field::Seed => FieldRole::Seed,
        Field::GuidanceScale => FieldRole::Guidance,
        Field::PromptMode => FieldRole::PromptMode,
        Field::WebSearch => FieldRole::Tools,
        Field::CallbackUrl => FieldRole::Callback,
        Field::Stream => FieldRole::Stream,
        _ => return None,
    })
}
