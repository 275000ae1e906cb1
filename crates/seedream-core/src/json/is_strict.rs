//! Whether a text is JSON that any reader takes.

use serde::de::IgnoredAny;

/// Whether any JSON reader takes a text: it keeps the grammar and is not nested deeper than readers go.
pub fn is_strict(text: &[u8]) -> bool {
    is_shallow(text) && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Whether a text is nested no deeper than serde goes, which skips values of any depth.
fn is_shallow(text: &[u8]) -> bool {
    const DEEPEST: usize = 127;
    if memchr::memchr2_iter(b'{', b'[', text).count() <= DEEPEST {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    text.iter().all(|byte| {
        match (in_string, byte) {
            (true, _) if std::mem::take(&mut escaped) => {}
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= DEEPEST
    })
}
