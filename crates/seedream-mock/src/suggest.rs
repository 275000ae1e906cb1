//! What a request that matched nothing came nearest to, and in which fields it differs.

use seedream_fixtures::{FixtureLibrary, ProviderFacts};
use serde::Serialize;
use serde_json::Value;

use crate::json::diff::Difference;
use crate::request::address::Address;

/// How many are shown.
const SHOWN: usize = 5;

/// A route that was not called, and what a request would have to change.
#[derive(Debug, Serialize)]
pub(crate) struct NearRoute {
    pub(crate) route: String,
    pub(crate) differs: Vec<Difference>,
}

/// The routes nearest to a method and a path, the nearest first.
pub(crate) fn routes(providers: &[ProviderFacts], method: &str, path: &str) -> Vec<NearRoute> {
    // A session is before every route, so it never is what differs.
    let path = Address::read(path).session.map_or(path, |session| &path["/s/".len() + session.len()..]);
    let asked = format!("{method} {path}");
    let mut routes: Vec<(usize, String, NearRoute)> = providers
        .iter()
        .flat_map(|provider| provider.routes.iter().map(move |route| (provider, route)))
        .map(|(provider, route)| {
            let template = format!("/{}{}", provider.id, route.path);
            let name = format!("{} {template}", route.method);
            let differs = differences(&route.method, &template, method, path);
            (distance(&asked, &name), name.clone(), NearRoute { route: name, differs })
        })
        .collect();
    routes.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    routes.into_iter().map(|(_, _, route)| route).take(SHOWN).collect()
}

fn differences(wanted: &str, template: &str, method: &str, path: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |field: String, expected: &str, actual: &str| {
        found.push(Difference { field, expected: Some(Value::from(expected)), actual: Some(Value::from(actual)) });
    };
    if wanted != method {
        differ(String::from("method"), wanted, method);
    }
    let (parts, asked): (Vec<&str>, Vec<&str>) = (segments(template), segments(path));
    if parts.len() != asked.len() {
        differ(String::from("path"), template, path);
        return found;
    }
    for (place, (part, asked)) in (1..).zip(parts.into_iter().zip(asked)) {
        if part != asked && part != "{id}" {
            differ(format!("path segment {place}"), part, asked);
        }
    }
    found
}

fn segments(path: &str) -> Vec<&str> {
    path.trim_start_matches('/').split('/').collect()
}

/// The exchanges with the names nearest to one that none has.
pub(crate) fn exchanges<'l>(library: &'l FixtureLibrary, asked: &str) -> Vec<&'l str> {
    let answered = library.exchanges().iter().filter(|exchange| exchange.response.is_some());
    let mut names: Vec<(usize, &str)> =
        answered.map(|exchange| (distance(asked, exchange.id()), exchange.id())).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}

/// How many characters must change (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    // A path can be as long as a URL may be; what is nearest is decided long before that.
    for (i, x) in a.chars().take(200).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_route_and_is_named() {
        let nearest = |method: &str, path: &str| {
            let routes = routes(seedream_fixtures::providers(), method, path);
            let fields: Vec<String> = routes[0].differs.iter().map(|difference| difference.field.clone()).collect();
            (routes[0].route.clone(), fields)
        };
        let create = "POST /evolink/v1/images/generations";
        assert_eq!(nearest("POST", "/evolink/v1/image/generations"), (create.into(), vec!["path segment 3".into()]));
        assert_eq!(
            nearest("POST", "/s/blue/evolnk/v1/images/generations"),
            (create.into(), vec!["path segment 1".into()])
        );
        assert_eq!(nearest("GET", "/evolink/v1/images/generations"), (create.into(), vec!["method".into()]));
        assert_eq!(nearest("POST", "/evolink/images/generations"), (create.into(), vec!["path".into()]));
        let poll = "GET /evolink/v1/tasks/{id}";
        assert_eq!(nearest("PUT", "/evolink/v1/tasks/abc"), (poll.into(), vec!["method".into()]));
    }
}
