//! What a request that matched nothing came nearest to, and in which fields it differs.

use seedream_fixtures::{FixtureLibrary, ProviderFacts, distance};
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
pub(crate) fn routes(providers: &[ProviderFacts], method: &str, path: &str, query: Option<&str>) -> Vec<NearRoute> {
    // A session is before every route, so it never is what differs.
    let path = Address::read(path).session.map_or(path, |session| &path["/s/".len() + session.len()..]);
    let asked = format!("{method} {path}");
    let mut routes: Vec<(usize, String, NearRoute)> = providers
        .iter()
        .flat_map(|provider| provider.routes.iter().map(move |route| (provider, route)))
        .map(|(provider, route)| {
            let template = format!("/{}{}", provider.id, route.path);
            let name = format!("{} {template}", route.method);
            let (below, wanted) = template.split_once('?').unwrap_or((&template, ""));
            let mut differs = differences(&route.method, below, method, path);
            differs.extend(missing_members(wanted, query.unwrap_or_default()));
            (distance(&asked, &format!("{} {below}", route.method)), name.clone(), NearRoute { route: name, differs })
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

/// The members of a query that a request lacks.
fn missing_members(wanted: &str, query: &str) -> Option<Difference> {
    let is_there = |wanted: &str| {
        let fits = |member: &str| match wanted.strip_suffix("{id}") {
            Some(name) => member.len() > name.len() && member.starts_with(name),
            None => member == wanted,
        };
        wanted.is_empty() || query.split('&').any(fits)
    };
    (!wanted.split('&').all(is_there)).then(|| Difference {
        field: String::from("query"),
        expected: Some(Value::from(wanted)),
        actual: Some(Value::from(query)),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_route_and_is_named() {
        let nearest = |method: &str, path: &str| {
            let routes = routes(seedream_fixtures::providers(), method, path, None);
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

    #[test]
    fn a_query_that_a_route_has_is_missed() {
        let mut provider = seedream_fixtures::provider("evolink").unwrap().clone();
        provider.routes[1].path = "/v1/tasks/{id}?language=en".into();
        let providers = [provider];
        let differs = |query| routes(&providers, "GET", "/evolink/v1/tasks/abc", query).remove(0).differs;
        assert_eq!(differs(Some("a=b&language=en")), []);
        let missed = differs(Some("language=zh"));
        assert_eq!((missed[0].field.as_str(), &missed[0].expected), ("query", &Some(Value::from("language=en"))));
    }
}
