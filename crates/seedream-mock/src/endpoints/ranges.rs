//! Ranges of a file, and conditions on it, as object stores handle them (RFC 9110, 13 and 14).

use std::ops::Range;

use http::{HeaderMap, HeaderName, header};

use crate::hash;

/// The strong tag of the file at a path; equal paths give equal files.
pub(crate) fn tag(path: &str) -> String {
    format!("\"{:016x}\"", hash::number(&[b"tag", path.as_bytes()]))
}

/// What a request wants of a file.
pub(crate) enum RequestedRange {
    Whole,
    Part(Range<usize>),
    /// Nothing that the file has.
    Beyond,
}

/// A condition on a file that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedPrecondition {
    /// Only another file than the caller has is wanted.
    Unmodified,
    /// Only the file that the caller has is wanted.
    Modified,
}

/// The first condition that a file with this tag does not meet.
pub(crate) fn unmet(headers: &HeaderMap, tag: &str) -> Option<FailedPrecondition> {
    let named = |name: HeaderName, is_tag: fn(&str, &str) -> bool| {
        let text = text(headers, &name)?;
        Some(text.split(',').map(str::trim).any(|named| named == "*" || is_tag(named, tag)))
    };
    let weak = |named: &str, tag: &str| named.strip_prefix("W/").unwrap_or(named) == tag;
    if named(header::IF_MATCH, |named, tag| named == tag) == Some(false) {
        return Some(FailedPrecondition::Modified);
    }
    (named(header::IF_NONE_MATCH, weak) == Some(true)).then_some(FailedPrecondition::Unmodified)
}

/// Whether a request asks for a part at all, of a file with this tag.
pub(crate) fn asks(headers: &HeaderMap, tag: Option<&str>) -> bool {
    // Without a tag nothing says that the file is still the same.
    let same = text(headers, &header::IF_RANGE).is_none_or(|wanted| tag == Some(wanted));
    same && text(headers, &header::RANGE).is_some()
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The part of a file of a length.
pub(crate) fn wanted(headers: &HeaderMap, length: usize) -> RequestedRange {
    let asked = text(headers, &header::RANGE);
    let Some((first, last)) = asked.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return RequestedRange::Whole;
    };
    let range = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if last >= first => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(last)) if first.trim().is_empty() => length.saturating_sub(last)..length,
        _ => return RequestedRange::Whole,
    };
    if range.start >= range.end { RequestedRange::Beyond } else { RequestedRange::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_tags() {
        let unmet_by = |name: HeaderName, value: &str| {
            let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
            unmet(&headers, "\"a\"")
        };
        for value in ["\"a\"", "\"b\", \"a\"", "*"] {
            assert_eq!(unmet_by(header::IF_MATCH, value), None, "{value}");
            assert_eq!(unmet_by(header::IF_NONE_MATCH, value), Some(FailedPrecondition::Unmodified), "{value}");
        }
        assert_eq!(
            unmet_by(header::IF_MATCH, "W/\"a\""),
            Some(FailedPrecondition::Modified),
            "a weak tag is not the file's"
        );
        assert_eq!(unmet_by(header::IF_NONE_MATCH, "W/\"a\""), Some(FailedPrecondition::Unmodified));
        assert_eq!(unmet_by(header::IF_MATCH, "\"b\""), Some(FailedPrecondition::Modified));
        assert_eq!(unmet_by(header::IF_NONE_MATCH, "\"b\""), None);
        assert_eq!(unmet(&HeaderMap::new(), "\"a\""), None);
    }

    #[test]
    fn a_range_is_a_part_of_the_file_or_the_whole() {
        let shown = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
            match wanted(&headers, 100) {
                RequestedRange::Whole => String::from("whole"),
                RequestedRange::Part(range) => format!("{range:?}"),
                RequestedRange::Beyond => String::from("beyond"),
            }
        };
        for (range, part) in [
            ("bytes=0-", "0..100"),
            ("bytes=10-19", "10..20"),
            ("bytes=90-500", "90..100"),
            ("bytes=-5", "95..100"),
            ("bytes=-500", "0..100"),
            ("bytes=-0", "beyond"),
            ("bytes=100-", "beyond"),
            ("bytes=5-4", "whole"),
            ("bytes=0-1,5-6", "whole"),
            ("items=0-1", "whole"),
        ] {
            assert_eq!(shown(range), part, "{range}");
        }
    }
}
