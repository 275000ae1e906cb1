//! Keeps secrets out of texts that end in errors and logs.

/// The text with every query of a URL and everything that looks like a key replaced by `…`.
///
/// Providers put request ids, but also signed URLs, into their messages; a signed query opens the picture to anybody.
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, kind)) = next_secret(rest) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (kept, end) = match kind {
            Secret::Query { mark, end } => (mark, end),
            Secret::Key { prefix, end } => (prefix, end),
        };
        out.push_str(&from[..kept]);
        out.push('…');
        rest = &from[end..];
    }
    out.push_str(rest);
    out
}

enum Secret {
    /// A URL whose query starts behind `mark` and whose text ends at `end`.
    Query { mark: usize, end: usize },
    /// A key behind `prefix`.
    Key { prefix: usize, end: usize },
}

/// The next secret and where it starts.
fn next_secret(text: &str) -> Option<(usize, Secret)> {
    let url = url_with_query(text);
    let key = ["Bearer ", "bearer ", "sk-", "ark-"]
        .iter()
        .filter_map(|prefix| key_behind(text, prefix))
        .min_by_key(|(at, _)| *at);
    match (url, key) {
        (Some(url), Some(key)) => Some(if url.0 <= key.0 { url } else { key }),
        (url, key) => url.or(key),
    }
}

fn url_with_query(text: &str) -> Option<(usize, Secret)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let start = from + found;
        let end = start + text[start..].find(is_url_end).unwrap_or(text.len() - start);
        if let Some(mark) = text[start..end].find('?') {
            return Some((start, Secret::Query { mark: mark + 1, end: end - start }));
        }
        from = end.max(start + 3);
    }
    None
}

fn is_url_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | ')' | '\\')
}

/// A word of at least eight characters behind a prefix that keys have, such as `sk-`.
fn key_behind(text: &str, prefix: &str) -> Option<(usize, Secret)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(prefix) {
        let at = from + found;
        let starts_a_word = !text[..at].ends_with(|c: char| c.is_alphanumeric());
        let word = &text[at + prefix.len()..];
        let length =
            word.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(word.len());
        if starts_a_word && length >= 8 {
            return Some((at, Secret::Key { prefix: prefix.len(), end: prefix.len() + length }));
        }
        from = at + prefix.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_and_keys_go_and_the_rest_stays() {
        for (text, redacted) in [
            ("see https://a.example/x.png?X-Tos-Signature=abc&y=1 now", "see https://a.example/x.png?… now"),
            ("https://a.example/x.png", "https://a.example/x.png"),
            ("two: https://a/?b c://d?e", "two: https://a/?… c://d?…"),
            ("key sk-abcdefgh12345 is bad", "key sk-… is bad"),
            ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer …"),
            ("task-unified-1757165031-x stays", "task-unified-1757165031-x stays"),
            ("Incorrect API key: ark-0f0f0f0f-1", "Incorrect API key: ark-…"),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_redacted_once_and_for_all(text in "\\PC*") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once), once.clone());
        }
    }
}
