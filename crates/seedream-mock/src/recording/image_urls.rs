//! URLs in a body of any form, whole or broken: found by their bytes, with the escapes of JSON.

use std::ops::Range;

use memchr::memmem;

/// The parameters of signed URLs that say how and until when, and sign nothing. Every other value of a query is covered.
const HARMLESS: [&str; 18] = [
    "expires",
    "format",
    "h",
    "height",
    "language",
    "w",
    "width",
    "x-amz-algorithm",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-process",
    "x-tos-algorithm",
    "x-tos-date",
    "x-tos-expires",
    "x-tos-signedheaders",
];

/// The places of the URLs of a body, in order.
pub(crate) fn find(body: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = memmem::find(&body[from..], b"http").map(|at| from + at) {
        from = at + 4;
        let scheme = if body[from..].starts_with(b"s") { from + 1 } else { from };
        let Some(authority) = [&b"://"[..], br":\/\/"].into_iter().find(|mark| body[scheme..].starts_with(mark)) else {
            continue;
        };
        let begin = scheme + authority.len();
        let end = begin + length(&body[begin..]);
        if end > begin {
            found.push(at..end);
            from = end;
        }
    }
    found
}

/// How much of what follows belongs to a URL.
fn length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        at += match byte {
            b'\\' => match rest.get(at + 1) {
                Some(b'/') => 2,
                Some(b'u') if rest.get(at + 2..at + 6).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)) => 6,
                _ => break,
            },
            b'"' | b'\'' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^' | b'(' | b')' | b'[' | b']' => break,
            byte if byte.is_ascii_graphic() => 1,
            _ => break,
        };
    }
    // What ends a sentence ends no URL.
    while rest[..at].ends_with(b".") || rest[..at].ends_with(b",") || rest[..at].ends_with(b";") {
        at -= 1;
    }
    at
}

/// A URL without the escapes of its text.
#[cfg(feature = "record")]
pub(crate) fn unescaped(raw: &str) -> String {
    let mut url = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        url.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).and_then(|code| u32::from_str_radix(code, 16).ok());
        let is_code = rest.as_bytes().get(at + 1) == Some(&b'u');
        match code.filter(|_| is_code).and_then(char::from_u32) {
            Some(c) => {
                url.push(c);
                rest = &rest[at + 6..];
            }
            None => rest = &rest[at + 1..],
        }
    }
    url.push_str(rest);
    url.replace("&amp;", "&")
}

/// What of a URL is secret: the user, and the values of its query that are not known to be harmless.
pub(crate) fn secrets(body: &[u8], url: &Range<usize>) -> Vec<Range<usize>> {
    let raw = &body[url.clone()];
    let authority = memmem::find(raw, b":").map_or(0, |at| at + 1);
    let authority = authority + raw[authority..].iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    let end_of = |from: usize, ends: &[u8]| {
        raw[from..].iter().position(|byte| ends.contains(byte)).map_or(raw.len(), |at| from + at)
    };
    let path = end_of(authority, b"/\\?#");
    let mut found = Vec::new();
    if let Some(user) = memchr::memrchr(b'@', &raw[authority..path]).filter(|length| *length > 0) {
        found.push(authority..authority + user);
    }
    let fragment = end_of(path, b"#");
    if fragment + 1 < raw.len() {
        found.push(fragment + 1..raw.len());
    }
    let mut from = end_of(path, b"?#") + 1;
    while from < fragment {
        let end = next_parameter(raw, from, fragment);
        let text = &raw[from..end.start];
        let value = memchr::memchr(b'=', text).map_or(from, |at| from + at + 1);
        let name = String::from_utf8_lossy(&raw[from..value]).trim_end_matches('=').to_ascii_lowercase();
        if value < end.start && !HARMLESS.contains(&name.as_str()) {
            found.push(value..end.start);
        }
        from = end.end;
    }
    found.into_iter().map(|part| url.start + part.start..url.start + part.end).collect()
}

/// What separates a parameter from the next one.
fn next_parameter(raw: &[u8], from: usize, end: usize) -> Range<usize> {
    const MARKS: [&[u8]; 4] = [b"&amp;", b"&", br"\u0026", b";"];
    let separator = (from..end).find_map(|at| {
        let mark = MARKS.into_iter().find(|mark| raw[at..end].starts_with(mark))?;
        Some(at..at + mark.len())
    });
    separator.unwrap_or(end..end)
}

/// The same URL at another place: what stands before its path is replaced, written with the escapes of the URL.
pub(crate) fn moved(raw: &str, to: &str) -> String {
    let (escaped, authority) = match raw.split_once(r":\/\/") {
        Some((_, rest)) => (true, rest),
        None => (false, raw.split_once("://").map_or(raw, |(_, rest)| rest)),
    };
    let path = authority.find(['/', '\\', '?', '#']).map_or("", |at| &authority[at..]);
    let to = if escaped { to.replace('/', r"\/") } else { to.to_owned() };
    format!("{to}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> Vec<&str> {
        find(body.as_bytes()).into_iter().map(|place| &body[place]).collect()
    }

    fn covered(url: &str) -> String {
        let mut bytes = url.as_bytes().to_vec();
        for place in secrets(url.as_bytes(), &(0..url.len())) {
            bytes[place].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn urls_are_found_in_json_in_text_and_in_what_is_broken() {
        assert_eq!(found(r#"{"url":"https://a.example/1.jpg?b=c&d"}"#), ["https://a.example/1.jpg?b=c&d"]);
        assert_eq!(found(r#"{"url":"https:\/\/a.example\/1?b=c\u0026d"}"#), [r"https:\/\/a.example\/1?b=c\u0026d"]);
        assert_eq!(found(r#""{\"url\":\"https://a.example/1\"}""#), ["https://a.example/1"]);
        assert_eq!(
            found("see http://a.example/x, or ![](https://b.example/y)."),
            ["http://a.example/x", "https://b.example/y"]
        );
        assert_eq!(found(r#"{"url":"https://a.example/cut-o"#), ["https://a.example/cut-o"]);
        assert_eq!(found("http https:// xhttps:/x"), [""; 0]);
    }

    #[test]
    fn signatures_and_users_are_covered_in_place() {
        assert_eq!(
            covered("https://a.example/1.jpg?X-Tos-Date=20261120T1&X-Tos-Signature=abc%2F&x-tos-expires=60"),
            "https://a.example/1.jpg?X-Tos-Date=20261120T1&X-Tos-Signature=******&x-tos-expires=60"
        );
        assert_eq!(
            covered(r"https:\/\/a.example\/1?a=bc\u0026Expires=5\u0026d"),
            r"https:\/\/a.example\/1?a=**\u0026Expires=5\u0026*"
        );
        assert_eq!(covered("https://me:pass@a.example/x#token=1"), "https://*******@a.example/x#*******");
        assert_eq!(covered("https://a.example?k=v&amp;l=w"), "https://a.example?k=*&amp;l=*");
        assert_eq!(covered("https://a.example/plain"), "https://a.example/plain");
    }

    #[test]
    fn a_url_moves_with_its_escapes() {
        assert_eq!(moved("https://a.example/x/1.jpg?q=1", "http://m/r/0"), "http://m/r/0/x/1.jpg?q=1");
        assert_eq!(moved(r"https:\/\/a.example\/1?a\u0026b", "http://m/r"), r"http:\/\/m\/r\/1?a\u0026b");
        assert_eq!(moved("https://a.example", "http://m/r"), "http://m/r");
        assert_eq!(unescaped(r"https:\/\/a.example\/1?a\u0026b&amp;c"), "https://a.example/1?a&b&c");
    }
}
