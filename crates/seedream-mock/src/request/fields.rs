//! What a request says, by the fields that its provider documents.

use seedream_fixtures::{FieldFacts, FieldRole, ProviderFacts};
use serde_json::Value;

use crate::json::path;
use crate::json::path::Object;

/// A body, looked up once: the rules ask for the same members again and again, and most fields of a document are in no
/// request.
#[derive(Debug, Clone)]
pub(crate) struct RequestFields<'a> {
    pub(crate) provider: &'a ProviderFacts,
    /// The value of each field; `null` counts as absent.
    values: Vec<Option<&'a Value>>,
    /// The same by the roles of the fields.
    by_role: [Option<&'a Value>; ROLES],
}

/// How many roles there are.
const ROLES: usize = FieldRole::Callback as usize + 1;

impl<'a> RequestFields<'a> {
    pub(crate) fn of(provider: &'a ProviderFacts, body: &'a Object) -> Self {
        let mut values = vec![None; provider.fields.len()];
        for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            // Nearly all fields begin with another letter already.
            let first = name.as_bytes().first();
            let may_be = |field: &FieldFacts| field.name.as_bytes().first() == first;
            for (field, said) in provider.fields.iter().zip(&mut values).filter(|(field, _)| may_be(field)) {
                let Some(rest) = field.name.strip_prefix(name.as_str()) else { continue };
                match rest.strip_prefix('.') {
                    None if rest.is_empty() => *said = Some(value),
                    Some(rest) => *said = value.as_object().and_then(|inner| path::get(inner, rest)),
                    None => {}
                }
            }
        }
        let mut by_role = [None; ROLES];
        // Where several fields have a role, the first one plays it.
        for (field, said) in provider.fields.iter().zip(&values).rev() {
            if let Some(role) = field.role {
                by_role[role as usize] = *said;
            }
        }
        Self { provider, values, by_role }
    }

    /// Every field in the order of the document, with what is said of it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a FieldFacts, Option<&'a Value>)> {
        self.provider.fields.iter().zip(self.values.iter().copied())
    }

    /// The field that plays a role, and what is said of it.
    pub(crate) fn field(&self, role: FieldRole) -> Option<(&'a FieldFacts, Option<&'a Value>)> {
        self.fields().find(|(field, _)| field.role == Some(role))
    }

    /// What is said in a role.
    pub(crate) fn get(&self, role: FieldRole) -> Option<&'a Value> {
        self.by_role[role as usize]
    }

    /// The text that is said in a role.
    pub(crate) fn text(&self, role: FieldRole) -> Option<&'a str> {
        self.get(role)?.as_str()
    }

    /// Whether the request turns groups on.
    pub(crate) fn is_group(&self) -> bool {
        self.text(FieldRole::Group) == Some("auto")
    }

    /// The references of the request, one or several.
    pub(crate) fn references(&self) -> &'a [Value] {
        match self.get(FieldRole::References) {
            Some(Value::Array(several)) => several,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// What is said of a field by its name.
    pub(crate) fn named(&self, name: &str) -> Option<&'a Value> {
        self.fields().find(|(field, _)| field.name == name)?.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_roles_and_names_and_nulls_are_absent() {
        let provider = seedream_fixtures::provider("ark").unwrap();
        let body = serde_json::json!({
            "model": "m", "prompt": null, "sequential_image_generation_options": { "max_images": 3 }, "siz": "2K",
        });
        let said = RequestFields::of(provider, body.as_object().unwrap());
        assert_eq!(said.text(FieldRole::Model), Some("m"));
        assert_eq!((said.get(FieldRole::Prompt), said.get(FieldRole::Size)), (None, None));
        assert_eq!(said.get(FieldRole::GroupMax), Some(&Value::from(3)));
        for (field, value) in said.fields() {
            assert_eq!(value, path::get(body.as_object().unwrap(), &field.name), "{}", field.name);
            assert_eq!(said.named(&field.name), value);
        }
    }
}
