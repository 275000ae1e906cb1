//! The most images that a request may buy. What cannot be read counts as the most that the provider allows.

use std::collections::BTreeSet;

use seedream_fixtures::{FieldRole, FixtureLibrary, ProviderFacts, RouteName};
use serde_json::Value;

use crate::json::ordered::OrderedValue;
use crate::json::path;
use crate::json::path::Object;

/// The most images that a request may buy; `None` if it can buy none.
pub(crate) fn image_bound(
    library: &FixtureLibrary,
    provider: &ProviderFacts,
    route: Option<RouteName>,
    method: &str,
    body: &[u8],
) -> Option<u32> {
    match (route, method) {
        (Some(RouteName::Task | RouteName::Models | RouteName::Credits), _) | (_, "GET" | "HEAD" | "OPTIONS") => None,
        (Some(RouteName::Create), _) => {
            Some(read(body).and_then(|body| stated(library, provider, &body)).unwrap_or_else(|| most(provider)))
        }
        (None, _) => Some(most(provider)),
    }
}

/// The most that any model of the provider gives.
fn most(provider: &ProviderFacts) -> u32 {
    let of_model = |layers: Option<u32>, images: u32| layers.map_or(0, with_base).max(images);
    provider.models.iter().map(|model| of_model(model.layers, model.max_images)).max().unwrap_or(1)
}

/// The base of a decomposed image is billed too.
fn with_base(layers: u32) -> u32 {
    layers.saturating_add(1)
}

/// A body as an object. One with the same member twice has no certain meaning.
fn read(body: &[u8]) -> Option<Object> {
    let text = std::str::from_utf8(body).ok()?;
    if repeats(&OrderedValue::parse(text).ok()?) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn repeats(value: &OrderedValue) -> bool {
    match value {
        OrderedValue::Object(members) => {
            let mut names = BTreeSet::new();
            members.iter().any(|(name, value)| !names.insert(name) || repeats(value))
        }
        OrderedValue::Array(items) => items.iter().any(repeats),
        OrderedValue::Leaf(_) => false,
    }
}

/// What a body asks for at most; `None` where a member that decides has a value that nobody knows. The members of every provider count,
/// since a relay may pass on what its own documents do not name.
fn stated(library: &FixtureLibrary, provider: &ProviderFacts, body: &Object) -> Option<u32> {
    let values = |role: FieldRole| {
        let fields = library.providers().iter().filter_map(move |provider| provider.field(role));
        let names: BTreeSet<&str> = fields.map(|field| field.name.as_str()).collect();
        names.into_iter().filter_map(|name| path::get(body, name))
    };
    let number = |role| {
        let read = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        values(role).map(read).try_fold(0, |largest: u32, number| Some(largest.max(number?)))
    };
    let count = number(FieldRole::Count)?.max(1);
    let mut group = 1;
    for word in values(FieldRole::Group) {
        match word.as_str()? {
            "disabled" => {}
            "auto" => {
                let limit = Some(number(FieldRole::GroupMax)?).filter(|limit| *limit > 0);
                group =
                    limit.unwrap_or_else(|| provider.models.iter().map(|model| model.max_images).max().unwrap_or(1));
            }
            _ => return None,
        }
    }
    let mut layers = 1;
    for value in values(FieldRole::Layers) {
        if value.as_bool()? {
            let named = values(FieldRole::Model).find_map(|name| provider.model(name.as_str()?)?.layers);
            let all = library.providers().iter().flat_map(|provider| &provider.models);
            layers = with_base(named.or_else(|| all.filter_map(|model| model.layers).max())?);
        }
    }
    Some(count.saturating_mul(group).saturating_mul(layers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(id: &str, body: &str) -> Option<u32> {
        let provider = seedream_fixtures::provider(id).unwrap();
        image_bound(seedream_fixtures::library(), provider, Some(RouteName::Create), "POST", body.as_bytes())
    }

    const GROUP: &str = "sequential_image_generation";

    #[test]
    fn a_bound_is_what_a_request_may_give_at_most() {
        for (body, expected) in [
            (r#"{"model":"m","prompt":"3 images"}"#.to_owned(), 1),
            (r#"{"n":4}"#.to_owned(), 4),
            (r#"{"n":40}"#.to_owned(), 40),
            (r#"{"n":0}"#.to_owned(), 1),
            (r#"{"n":null}"#.to_owned(), 1),
            (format!(r#"{{"{GROUP}":"auto","{GROUP}_options":{{"max_images":3}}}}"#), 3),
            (format!(r#"{{"{GROUP}":"auto"}}"#), 15),
            (format!(r#"{{"{GROUP}":"disabled","{GROUP}_options":{{"max_images":3}}}}"#), 1),
            (format!(r#"{{"n":2,"{GROUP}":"auto","{GROUP}_options":{{"max_images":3}}}}"#), 6),
            (r#"{"layer_decomposition":false}"#.to_owned(), 1),
            (r#"{"layer_decomposition":true}"#.to_owned(), 100),
        ] {
            assert_eq!(bound("ark", &body), Some(expected), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_counts_as_the_most() {
        let group = format!(r#"{{"{GROUP}":"perhaps"}}"#);
        let limit = format!(r#"{{"{GROUP}":"auto","{GROUP}_options":{{"max_images":"3"}}}}"#);
        for body in ["", "n=3", "[]", "\u{feff}{}", r#"{"n":"4"}"#, r#"{"n":1.5}"#, r#"{"n":1,"n":9}"#, &group, &limit]
        {
            assert_eq!(bound("ark", body), Some(100), "{body}");
            assert_eq!(bound("evolink", body), Some(15), "{body}");
        }
    }

    #[test]
    fn only_what_can_buy_counts() {
        let provider = seedream_fixtures::provider("evolink").unwrap();
        let of = |route, method| image_bound(seedream_fixtures::library(), provider, route, method, b"{}");
        assert_eq!([of(Some(RouteName::Task), "POST"), of(Some(RouteName::Models), "GET"), of(None, "GET")], [None; 3]);
        assert_eq!(of(None, "POST"), Some(15), "a path that no page states");
    }
}
