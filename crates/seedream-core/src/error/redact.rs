//! Removes secrets from text for errors and logs.

use std::borrow::Cow;

/// Replaces URL queries, URL user names and everything that looks like a key by `…`.
///
/// Messages of providers contain request ids, and also signed URLs; a signed query gives access to the image. URLs are found in plain
/// form and in JSON escapes (`https:\/\/`, `\u0026`). Base64 images are removed too. Takes time linear in the text.
pub fn redact(text: &str) -> String {
    let text = &*without_images(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(first) = rest.chars().next() {
        let taken = url(rest, &mut out).or_else(|| if in_word { None } else { key(rest, &mut out) });
        let taken = taken.unwrap_or_else(|| {
            out.push(first);
            first.len_utf8()
        });
        in_word = rest[..taken].ends_with(char::is_alphanumeric);
        rest = &rest[taken..];
    }
    out
}

/// The longest base64 run that can be a word, an id or a path.
const LONGEST_WORD: usize = 200;

/// Replaces every base64 run longer than [`LONGEST_WORD`] by `…`.
pub(crate) fn without_images(text: &str) -> Cow<'_, str> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let runs = text.split(|c: char| !is_letter(c));
    if !runs.clone().any(|run| run.len() > LONGEST_WORD) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for run in runs {
        // One character separates two runs.
        out.push_str(if run.len() > LONGEST_WORD { "…" } else { run });
        end += run.len();
        if let Some(parting) = text[end..].chars().next() {
            out.push(parting);
            end += parting.len_utf8();
        }
    }
    Cow::Owned(out)
}

/// Writes a URL from its `://` on, without secrets; returns the length that was read.
fn url(text: &str, out: &mut String) -> Option<usize> {
    let mark = ["://", ":\\/\\/"].into_iter().find(|mark| text.starts_with(mark))?;
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>')).unwrap_or(text.len());
    // The URL ends at a separator.
    let end = text[..end].trim_end_matches([';', ',']).len();
    let body = text.get(mark.len()..end)?;
    out.push_str(mark);
    let authority = body.find(['/', '?', '#', '\\']).unwrap_or(body.len());
    let host = body[..authority].rfind('@').map_or(0, |at| at + 1);
    if host > 0 {
        out.push_str("…@");
    }
    match body.find('?') {
        Some(query) => {
            out.push_str(&body[host.min(query)..=query]);
            out.push('…');
        }
        None => out.push_str(&body[host..]),
    }
    Some(end)
}

/// Writes a redacted key: a known key prefix and at least eight characters. Returns the length that was read.
fn key(text: &str, out: &mut String) -> Option<usize> {
    // Ark's keys are `ark-` and a UUID: a shorter word may be a file name.
    let marks = [("Bearer ", 8), ("bearer ", 8), ("sk-", 8), ("ark-", 30)];
    let (mark, least) = marks.into_iter().find(|(mark, _)| text.starts_with(mark))?;
    let word = &text[mark.len()..];
    let length = word.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(word.len());
    if length < least {
        return None;
    }
    out.push_str(mark);
    out.push('…');
    Some(mark.len() + length)
}

/// The longest message, in characters; the body has the full text.
const LONGEST_MESSAGE: usize = 4096;

/// Shortens a message and removes images, signed queries and keys.
pub(crate) fn told(message: &str) -> String {
    redact(shortened(&without_images(message)))
}

fn shortened(message: &str) -> &str {
    message.char_indices().nth(LONGEST_MESSAGE).map_or(message, |(end, _)| &message[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_user_names_and_keys_go_and_the_rest_stays() {
        for (text, redacted) in [
            ("see https://a.example/x.png?X-Tos-Signature=abc&y=1 now", "see https://a.example/x.png?… now"),
            ("https://a.example/x.png", "https://a.example/x.png"),
            ("see https://a/?b; and https://c, too", "see https://a/?…; and https://c, too"),
            ("two: https://a/?b c://d?e", "two: https://a/?… c://d?…"),
            (r#"{"url":"https://a/x?Expires=1\u0026Signature=s3cret"}"#, r#"{"url":"https://a/x?…"}"#),
            (r#"{"url":"https:\/\/a\/x?sig=s3cret"}"#, r#"{"url":"https:\/\/a\/x?…"}"#),
            ("https://a/x(1)?a(1)&Sig=s3cret", "https://a/x(1)?…"),
            ("https://user:pass@a.example/x and https://user@b?q", "https://…@a.example/x and https://…@b?…"),
            ("key sk-abcdefgh12345 is bad", "key sk-… is bad"),
            ("Authorization: Bearer 0123456789abcdef", "Authorization: Bearer …"),
            ("task-unified-1757165031-x stays", "task-unified-1757165031-x stays"),
            ("no ark-0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f-1a2b here", "no ark-… here"),
            ("out/ark-pictures-2026/x.png", "out/ark-pictures-2026/x.png"),
            ("no URL: // and :// and ?", "no URL: // and :// and ?"),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    #[test]
    fn an_image_in_base64_is_no_part_of_a_message() {
        let image = "iVBORw0KGgo".repeat(40);
        let told = redact(&format!("the item é {{\"b64_json\":\"{image}=\"}} is bad, data:image/png;base64,{image}"));
        assert_eq!(told, "the item é {\"b64_json\":\"…\"} is bad, data:image/png;base64,…");
    }

    proptest! {
        #[test]
        fn any_text_is_redacted_once_and_for_all(text in "(\\PC|://|sk-|\\?|@){0,40}") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once), once.clone());
        }
    }
}
