//! Where a body ends early, in order.

use crate::faults::shapes::Truncation;

impl Truncation {
    /// How much of a body comes.
    pub(crate) fn of(self, body: &[u8]) -> usize {
        let length = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        match self {
            Self::After(bytes) => body.len().min(length(bytes)),
            Self::Before(bytes) => body.len().saturating_sub(length(bytes)),
            Self::Brace => first_inner_object(body).unwrap_or(body.len()),
        }
    }
}

/// The end of the first complete object inside another value. The lines of a stream of events are no JSON, and have no
/// brackets.
fn first_inner_object(body: &[u8]) -> Option<usize> {
    let mut open = 0u32;
    let (mut in_text, mut escaped) = (false, false);
    for (place, byte) in body.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => open += 1,
            b'}' if open > 1 => return Some(place + 1),
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_after_its_first_complete_inner_object() {
        let cut = |text: &str| text[..Truncation::Brace.of(text.as_bytes())].to_owned();
        assert_eq!(cut(r#"{"a":1,"data":[{"url":"}{"}],"b":2}"#), r#"{"a":1,"data":[{"url":"}{"}"#);
        assert_eq!(cut(r#"[{"url":"x"},{}]"#), r#"[{"url":"x"}"#);
        assert_eq!(cut(r#"{"a":"\"}{"}"#), r#"{"a":"\"}{"}"#);
        let events = "event: a\ndata: {\"url\":\"x\"}\n\ndata: {\"usage\":{\"n\":1}}\n\n";
        assert!(cut(events).ends_with("{\"n\":1}"), "events are values of their own");
    }

    #[test]
    fn a_body_ends_so_many_bytes_after_its_start_or_before_its_end() {
        let length = |cut: &str, body: &[u8]| cut.parse::<Truncation>().map(|cut| cut.of(body));
        assert_eq!(length("3", b"12345"), Ok(3));
        assert_eq!(length("9", b"12345"), Ok(5));
        assert_eq!(length("-2", b"12345"), Ok(3));
        assert_eq!(length("-9", b"12345"), Ok(0));
    }
}
