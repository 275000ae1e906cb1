//! Who calls: the bearer key, and the test keys that stand for a behaviour.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use seedream_fixtures::Cause;

/// What a key makes the mock do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answer.
    Plain,
    /// Refuse for a reason.
    Refuse(Cause),
    /// Answer late.
    Slow,
    /// Reset the connection.
    Reset,
    /// Withhold one picture of several.
    Partial,
    /// Never finish a task.
    Stuck,
}

/// The test keys.
const TEST_KEYS: [(&str, Behaviour); 9] = [
    ("sk-mock-401", Behaviour::Refuse(Cause::Unauthorized)),
    ("sk-mock-402", Behaviour::Refuse(Cause::Balance)),
    ("sk-mock-403", Behaviour::Refuse(Cause::Forbidden)),
    ("sk-mock-429", Behaviour::Refuse(Cause::RateLimited)),
    ("sk-mock-500", Behaviour::Refuse(Cause::Internal)),
    ("sk-mock-slow", Behaviour::Slow),
    ("sk-mock-reset", Behaviour::Reset),
    ("sk-mock-partial", Behaviour::Partial),
    ("sk-mock-stuck", Behaviour::Stuck),
];

/// The key of a well-formed bearer header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && !key.contains(' ')).then_some(key)
}

/// What to do with a caller. Without a key only routes that need none go on.
pub(crate) fn behaviour(key: Option<&str>, required: bool, known: &[String]) -> Behaviour {
    let Some(key) = key else {
        return if required { Behaviour::Refuse(Cause::Unauthorized) } else { Behaviour::Plain };
    };
    if let Some((_, behaviour)) = TEST_KEYS.iter().find(|(name, _)| *name == key) {
        return *behaviour;
    }
    if known.is_empty() || known.iter().any(|name| name == key) {
        Behaviour::Plain
    } else {
        Behaviour::Refuse(Cause::Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn only_well_formed_bearers_have_a_key() {
        assert_eq!(read("Bearer sk-1").as_deref(), Some("sk-1"));
        assert_eq!(read("bearer sk-1").as_deref(), Some("sk-1"));
        for malformed in ["sk-1", "Bearer ", "Basic sk-1", "Bearer a b", "Bearer"] {
            assert_eq!(read(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn listed_keys_exclude_others() {
        let known = ["sk-1".to_owned()];
        assert_eq!(behaviour(Some("sk-1"), true, &known), Behaviour::Plain);
        assert_eq!(behaviour(Some("sk-2"), true, &known), Behaviour::Refuse(Cause::Unauthorized));
        assert_eq!(behaviour(Some("sk-mock-slow"), true, &known), Behaviour::Slow);
        assert_eq!(behaviour(None, false, &known), Behaviour::Plain);
    }
}
