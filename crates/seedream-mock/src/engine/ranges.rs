//! Parts of a file, as a download that was broken off asks for them.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, header};

use super::answer::Answer;
use super::digest;
use super::script::Chunk;

/// The tag of the file behind a path; equal paths give equal files.
pub(super) fn tag(path: &str) -> String {
    format!("\"{:016x}\"", digest::number(&[b"tag", path.as_bytes()]))
}

/// What a request wants of a file.
pub(super) enum Wanted {
    Whole,
    Part(Range<usize>),
    /// Nothing that the file has.
    Beyond,
}

/// Whether a request asks for a part at all, of a file with this tag.
pub(super) fn asks(headers: &HeaderMap, tag: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    // Without a tag nothing says that the file is still the same.
    let same = text(header::IF_RANGE).is_none_or(|wanted| tag == Some(wanted));
    same && text(header::RANGE).is_some()
}

/// The part of a file of a length.
pub(super) fn wanted(headers: &HeaderMap, length: usize) -> Wanted {
    let text = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let Some((first, last)) = text.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Wanted::Whole;
    };
    let range = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if last >= first => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(last)) if first.trim().is_empty() => length.saturating_sub(last)..length,
        _ => return Wanted::Whole,
    };
    if range.start >= range.end { Wanted::Beyond } else { Wanted::Part(range) }
}

/// The part that a request asks for.
pub(super) fn part(headers: &HeaderMap, file: &Bytes, media_type: &'static str) -> Answer {
    let length = file.len();
    let (status, bytes, place) = match wanted(headers, length) {
        Wanted::Whole => return Answer::new(200, media_type, vec![Chunk::text(file.clone())]),
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            (206, file.slice(range), place)
        }
        Wanted::Beyond => (416, Bytes::new(), format!("bytes */{length}")),
    };
    let mut answer = Answer::new(status, media_type, vec![Chunk::text(bytes)]);
    answer.headers.push((String::from("content-range"), place));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_file_or_the_whole() {
        let shown = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
            match wanted(&headers, 100) {
                Wanted::Whole => String::from("whole"),
                Wanted::Part(range) => format!("{range:?}"),
                Wanted::Beyond => String::from("beyond"),
            }
        };
        for (range, part) in [
            ("bytes=0-", "0..100"),
            ("bytes=10-19", "10..20"),
            ("bytes=90-500", "90..100"),
            ("bytes=-5", "95..100"),
            ("bytes=-500", "0..100"),
            ("bytes=100-", "beyond"),
            ("bytes=5-4", "whole"),
            ("bytes=0-1,5-6", "whole"),
            ("items=0-1", "whole"),
        ] {
            assert_eq!(shown(range), part, "{range}");
        }
    }
}
