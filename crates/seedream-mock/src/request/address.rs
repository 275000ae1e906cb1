//! What a path addresses: a session, and in it a provider's route, an image, or the admin API.

use std::borrow::Cow;

use seedream_fixtures::{ProviderFacts, RouteFacts};
use serde_json::Value;

/// The session of paths that name none.
pub(crate) const DEFAULT_SESSION: &str = "default";

/// Where the mock's own routes are.
pub(crate) const ADMIN: &str = "__mock";

/// Where Prometheus looks for metrics, which are an admin route too.
const METRICS: &str = "/metrics";

/// The folder of images in the mock's paths.
pub(crate) const FOLDER: &str = "pictures";

/// Where the images of recorded exchanges are.
pub(crate) const RECORDED: &str = "recorded";

/// The folder as it stands inside a path.
pub(crate) const NESTED: &str = "/pictures/";

/// A path, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// The session the path names.
    pub(crate) session: Option<&'a str>,
    /// The first segment after it.
    pub(crate) prefix: &'a str,
    /// Everything below that, with its leading `/`; empty where there is nothing.
    pub(crate) below: &'a str,
}

impl<'a> Address<'a> {
    pub(crate) fn read(path: &'a str) -> Self {
        if path == METRICS {
            return Self { session: None, prefix: ADMIN, below: "/v1/metrics" };
        }
        let (session, path) = match path.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
            Some((session, _)) if is_session(session) => (Some(session), &path["/s/".len() + session.len()..]),
            _ => (None, path),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let end = path.find('/').unwrap_or(path.len());
        Self { session, prefix: &path[..end], below: &path[end..] }
    }

    /// The provider whose image it is.
    pub(crate) fn image_provider(&self) -> Option<&'a str> {
        let below = self.below.rsplit_once(NESTED).map_or(self.below.trim_start_matches('/'), |(_, name)| name);
        below.split('/').next()
    }

    /// Whether a relative link to an image has led below another path.
    pub(crate) fn is_nested(&self) -> bool {
        self.prefix != FOLDER && is_nested(self.below)
    }
}

/// The most characters of a session's name.
const LONGEST_SESSION: usize = 64;

/// The rule of a session's name, which is short and needs no escaping in a URL or in a task's id.
pub(crate) const SESSION_NAME: &str = "it has 1 to 64 letters, digits, `-`, `_` and `.`";

fn is_of_session(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Whether it is the name of a session.
pub(crate) fn is_session(name: &str) -> bool {
    (1..=LONGEST_SESSION).contains(&name.len()) && name.chars().all(is_of_session)
}

/// The name in a path of a session that is no legal one, and one that is.
pub(crate) fn no_session(path: &str) -> Option<(&str, String)> {
    let (name, _) = path.strip_prefix("/s/")?.split_once('/').filter(|(name, _)| !is_session(name))?;
    let legal: String = name.chars().map(|c| if is_of_session(c) { c } else { '-' }).take(LONGEST_SESSION).collect();
    Some((name, if legal.is_empty() { "test-1".to_owned() } else { legal }))
}

/// What stands before every path of a session.
pub(crate) fn session_prefix(session: &str) -> String {
    if session == DEFAULT_SESSION { String::new() } else { format!("/s/{session}") }
}

/// Whether a path leads to an image below another path.
pub(crate) fn is_nested(below: &str) -> bool {
    // The folder, the provider, the file: every request is asked, so only the end is looked at.
    below.as_bytes().rsplit(|byte| *byte == b'/').nth(2) == Some(FOLDER.as_bytes())
}

/// The path that was signed, where a relative link has led below another path of the same session.
pub(crate) fn nested<'p>(session: &str, below: &'p str) -> Option<Cow<'p, str>> {
    let place = below.rfind(NESTED).filter(|_| is_nested(below))?;
    let prefix = session_prefix(session);
    Some(if prefix.is_empty() { below[place..].into() } else { format!("{prefix}{}", &below[place..]).into() })
}

/// What of a request leads to a route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteQuestion<'a> {
    pub(crate) method: &'a str,
    /// The path below the provider's prefix.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    /// The body, if it is JSON.
    pub(crate) json: Option<&'a Value>,
}

/// The route of a request, and the id of the task that it names; an empty one where it names none.
pub(crate) fn find<'p, 'a>(
    provider: &'p ProviderFacts,
    question: &RouteQuestion<'a>,
) -> Option<(&'p RouteFacts, &'a str)> {
    let named = provider.routes.iter().filter(|route| route.method == question.method);
    named.into_iter().find_map(|route| {
        let id = fit(&route.path, question.path, question.query)?;
        let in_body = || route.id_at.as_ref().and_then(|at| question.json?.pointer(at)?.as_str());
        Some((route, if id.is_empty() { in_body().unwrap_or_default() } else { id }))
    })
}

/// Whether a path has the form of a template with at most one `{id}`, and a query all members of the template's.
fn fit<'a>(template: &str, path: &'a str, query: Option<&'a str>) -> Option<&'a str> {
    let (template, wanted) = template.split_once('?').unwrap_or((template, ""));
    let id = match template.split_once("{id}") {
        None => (template == path).then_some("")?,
        Some((before, after)) => {
            let id = path.strip_prefix(before)?.strip_suffix(after)?;
            (!id.is_empty() && !id.contains('/')).then_some(id)?
        }
    };
    let members = || query.unwrap_or_default().split('&');
    let of_query = |id, wanted: &str| match wanted.strip_suffix("{id}") {
        Some(name) => members().find_map(|member| member.strip_prefix(name)).filter(|id| !id.is_empty()),
        None => members().any(|member| member == wanted).then_some(id),
    };
    wanted.split('&').filter(|wanted| !wanted.is_empty()).try_fold(id, of_query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart() {
        let address = |session, prefix, below| Address { session, prefix, below };
        assert_eq!(Address::read("/evolink/v1/x"), address(None, "evolink", "/v1/x"));
        assert_eq!(Address::read("/s/blue/evolink/v1/x"), address(Some("blue"), "evolink", "/v1/x"));
        assert_eq!(Address::read("/s/bl ue/evolink"), address(None, "s", "/bl ue/evolink"));
        assert_eq!(Address::read("/"), address(None, "", ""));
        assert_eq!(Address::read("/metrics"), Address::read("/__mock/v1/metrics"));
    }

    #[test]
    fn templates_take_one_segment() {
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/abc", None), Some("abc"));
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/a/b", None), None);
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/", None), None);
        assert_eq!(fit("/v1/x", "/v1/x", Some("a=b")), Some(""));
    }

    #[test]
    fn the_query_of_a_template_must_be_there() {
        let fixed = |query| fit("/v1/tasks/{id}?language=en", "/v1/tasks/abc", query);
        assert_eq!([fixed(Some("language=en")), fixed(Some("a=b&language=en"))], [Some("abc"); 2]);
        assert_eq!([fixed(None), fixed(Some("language=zh")), fixed(Some("language="))], [None; 3]);
        let named = |query| fit("/v1/task?task_id={id}&v=2", "/v1/task", query);
        assert_eq!(
            [named(Some("v=2&task_id=abc")), named(Some("task_id=abc")), named(Some("task_id=&v=2"))],
            [Some("abc"), None, None]
        );
    }

    #[test]
    fn an_id_may_stand_in_the_body() {
        let mut provider = seedream_fixtures::provider("evolink").unwrap().clone();
        provider.routes[1].path = "/v1/query".into();
        provider.routes[1].method = "POST".into();
        provider.routes[1].id_at = Some("/task/id".into());
        let json = serde_json::json!({ "task": { "id": "abc" } });
        let question = RouteQuestion { method: "POST", path: "/v1/query", query: None, json: Some(&json) };
        assert_eq!(find(&provider, &question).map(|(_, id)| id), Some("abc"));
        assert_eq!(find(&provider, &RouteQuestion { json: None, ..question }).map(|(_, id)| id), Some(""));
    }
}
