//! Whom a path means: a session, then a provider's route, a picture, or the mock itself.

use seedream_fixtures::{ProviderFacts, RouteFacts};

use crate::signed_url;

/// The session of paths that name none.
pub(crate) const DEFAULT_SESSION: &str = "default";

/// Where the mock's own routes are.
pub(crate) const ADMIN: &str = "__mock";

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
        let (session, path) = match path.strip_prefix("/s/").and_then(|rest| rest.split_once('/')) {
            Some((session, _)) if is_session(session) => (Some(session), &path["/s/".len() + session.len()..]),
            _ => (None, path),
        };
        let path = path.strip_prefix('/').unwrap_or(path);
        let end = path.find('/').unwrap_or(path.len());
        Self { session, prefix: &path[..end], below: &path[end..] }
    }

    /// The provider whose picture it is.
    pub(crate) fn image_of(&self) -> Option<&'a str> {
        let below =
            self.below.rsplit_once(signed_url::NESTED).map_or(self.below.trim_start_matches('/'), |(_, name)| name);
        below.split('/').next()
    }

    /// Whether a relative link to a picture has led below another path.
    pub(crate) fn is_nested(&self) -> bool {
        self.prefix != signed_url::FOLDER && signed_url::is_nested(self.below)
    }
}

/// A session's name is short and needs no escaping in a URL or in a task's id.
pub(crate) fn is_session(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(good)
}

/// What stands before every path of a session.
pub(crate) fn session_prefix(session: &str) -> String {
    if session == DEFAULT_SESSION { String::new() } else { format!("/s/{session}") }
}

/// The route of a method and a path, and what stands for `{id}`.
pub(crate) fn find<'p, 'a>(
    provider: &'p ProviderFacts,
    method: &str,
    path: &'a str,
) -> Option<(&'p RouteFacts, &'a str)> {
    provider
        .routes
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| fit(&route.path, path).map(|id| (route, id)))
}

/// Whether a path has the form of a template with at most one `{id}`.
fn fit<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    match template.split_once("{id}") {
        None => (template == path).then_some(""),
        Some((before, after)) => {
            let id = path.strip_prefix(before)?.strip_suffix(after)?;
            (!id.is_empty() && !id.contains('/')).then_some(id)
        }
    }
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
    fn paths_come_apart() {
        let address = |session, prefix, below| Address { session, prefix, below };
        assert_eq!(Address::read("/evolink/v1/x"), address(None, "evolink", "/v1/x"));
        assert_eq!(Address::read("/s/blue/evolink/v1/x"), address(Some("blue"), "evolink", "/v1/x"));
        assert_eq!(Address::read("/s/bl ue/evolink"), address(None, "s", "/bl ue/evolink"));
        assert_eq!(Address::read("/"), address(None, "", ""));
    }

    #[test]
    fn templates_take_one_segment() {
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/abc"), Some("abc"));
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/a/b"), None);
        assert_eq!(fit("/v1/tasks/{id}", "/v1/tasks/"), None);
        assert_eq!(fit("/v1/x", "/v1/x"), Some(""));
    }
}
