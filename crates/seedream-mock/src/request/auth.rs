//! Authentication: the bearer key, and the test keys that stand for a fault.

use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::faults::grammar::Fault;

/// Whether a request is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is, and its key may stand for a fault.
    Known(Option<Box<Fault>>),
    /// It is not.
    Unknown,
    /// Its key begins as a test key does, and is none.
    NoTestKey,
}

/// How the test keys begin.
const PREFIX: &str = "sk-mock-";

/// The key whose delay is a setting.
const SLOW: &str = "sk-mock-slow";

/// The test keys and what they stand for.
pub(crate) const TEST_KEYS: [(&str, &str); 9] = [
    ("sk-mock-401", "on=any refuse=unauthorized"),
    ("sk-mock-402", "on=any refuse=balance"),
    ("sk-mock-403", "on=any refuse=forbidden"),
    ("sk-mock-429", "on=any refuse=rate-limited"),
    ("sk-mock-500", "on=any refuse=internal"),
    (SLOW, "on=any delay=5s"),
    ("sk-mock-reset", "on=any reset@before"),
    ("sk-mock-partial", "moderate=1"),
    ("sk-mock-stuck", "task=stuck"),
];

/// The key of a well-formed bearer header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && !key.contains(' ')).then_some(key)
}

/// Whether a request is admitted, where `keys` are the known ones, if not all are, and the slow key waits for `slow`. Without a
/// key only routes that need none go on.
pub(crate) fn judge(key: Option<&str>, required: bool, keys: &[String], slow: Duration) -> Admission {
    let Some(key) = key else {
        return if required { Admission::Unknown } else { Admission::Known(None) };
    };
    if let Some((name, text)) = TEST_KEYS.iter().find(|(name, _)| *name == key) {
        // A test holds every one of these texts to the grammar.
        let fault: Fault = text.parse().unwrap_or_default();
        let delay = if *name == SLOW { Some(slow) } else { None };
        return Admission::Known(Some(Box::new(Fault { delay, ..fault })));
    }
    if keys.iter().any(|name| name == key) {
        return Admission::Known(None);
    }
    if key.starts_with(PREFIX) {
        return Admission::NoTestKey;
    }
    if keys.is_empty() { Admission::Known(None) } else { Admission::Unknown }
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
    fn test_keys_are_faults() {
        let slow = Duration::from_secs(9);
        for (key, text) in TEST_KEYS {
            let fault: Fault = text.parse().unwrap();
            let expected = if key == SLOW { Fault { delay: Some(slow), ..fault } } else { fault };
            assert_eq!(judge(Some(key), true, &[], slow), Admission::Known(Some(Box::new(expected))), "{key}");
        }
    }

    #[test]
    fn listed_keys_exclude_others() {
        let keys = ["sk-1".to_owned()];
        let judge = |key, required| judge(key, required, &keys, Duration::ZERO);
        assert_eq!(judge(Some("sk-1"), true), Admission::Known(None));
        assert_eq!(judge(Some("sk-2"), true), Admission::Unknown);
        assert_eq!(judge(Some("sk-mock-418"), true), Admission::NoTestKey);
        assert!(matches!(judge(Some("sk-mock-stuck"), true), Admission::Known(Some(_))));
        assert_eq!(judge(None, false), Admission::Known(None));
        assert_eq!(judge(None, true), Admission::Unknown);
    }
}
