//! A base URL and a key as they are pasted. What is unmistakable is corrected, everything else is refused.

use std::net::Ipv4Addr;

use seedream_core::is_loopback_host;
use url::Url;

/// What stands around a value that was copied out of a page, a shell script or a chat: blanks, quotes, and invisible
/// characters.
fn is_wrapping(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '`' | '<' | '>' | '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '«' | '»')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// The value without what stands around it, and whether that was more than the newline at the end of a file.
fn unwrapped(text: &str) -> (&str, bool) {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let bare = line.trim_matches(is_wrapping);
    (bare, bare.len() != line.len())
}

/// The key without quotes, blanks and the `Bearer ` of a header around it, however often they stand there; empty where nothing
/// else is there.
///
/// ```
/// assert_eq!(seedream_client::bare_key("'Bearer sk-1' "), "sk-1");
/// assert_eq!(seedream_client::bare_key("\"bearer \""), "");
/// ```
pub fn bare_key(key: &str) -> &str {
    clean_key(key).0
}

/// The same, and whether it is another value.
pub(super) fn clean_key(key: &str) -> (&str, bool) {
    let (mut bare, mut changed) = unwrapped(key);
    while let Some(rest) = after_header(bare) {
        (bare, changed) = (unwrapped(rest).0, true);
    }
    (bare, changed)
}

/// What follows the words of an `Authorization` header.
fn after_header(text: &str) -> Option<&str> {
    let after =
        |word: &str| text.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..]);
    if let Some(rest) = after("authorization:") {
        return Some(rest);
    }
    // A key may begin with the same letters.
    let rest = after("bearer")?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    (rest.is_empty() || rest.starts_with(is_wrapping)).then_some(rest)
}

/// An `http` or `https` URL without query, and what was put right in it.
///
/// # Errors
/// Why it is not valid; the reason repeats nothing of it, since it may hold a password.
pub(super) fn base_url(text: &str) -> Result<(Url, Vec<String>), String> {
    let mut fixes = Vec::new();
    let (bare, changed) = unwrapped(text);
    if changed {
        fixes.push("what stands around it is left out".to_owned());
    }
    if bare.is_empty() {
        return Err("is empty".to_owned());
    }
    if bare.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("holds a blank".to_owned());
    }
    let (scheme, rest) = scheme(bare, &mut fixes)?;
    if rest.contains('\\') {
        fixes.push("its backslashes are read as slashes".to_owned());
    }
    let parsed = Url::parse(&format!("{scheme}://{rest}"));
    let mut url = parsed.map_err(|error| format!("cannot be read: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password".to_owned());
    }
    if url.query().is_some_and(str::is_empty) || url.fragment().is_some_and(str::is_empty) {
        fixes.push("the mark at its end is left out".to_owned());
        url.set_query(url.query().filter(|query| !query.is_empty()).map(str::to_owned).as_deref());
        url.set_fragment(url.fragment().filter(|fragment| !fragment.is_empty()).map(str::to_owned).as_deref());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment".to_owned());
    }
    Ok((url, fixes))
}

/// The scheme, and everything after its `://`.
fn scheme<'a>(text: &'a str, fixes: &mut Vec<String>) -> Result<(&'static str, &'a str), String> {
    const SLASHES: [char; 2] = ['/', '\\'];
    let no_url =
        || Err("is not a URL with a host: write https://HOST/PATH, such as https://api.example.com/v1".to_owned());
    if let Some((scheme, after)) = known_scheme(text) {
        let rest = after.trim_start_matches(SLASHES);
        if known_scheme(rest).is_some_and(|(_, after)| after.starts_with("//")) {
            fixes.push("its scheme is taken once".to_owned());
            return self::scheme(rest, fixes);
        }
        let slashes = &after[..after.len() - rest.len()];
        if slashes.is_empty() && !is_host(rest) {
            return no_url();
        }
        if slashes != "//" {
            fixes.push("its scheme is written with two slashes".to_owned());
        }
        return Ok((scheme, rest));
    }
    // `//host` and `://host` have lost theirs.
    let after = text.strip_prefix(':').filter(|rest| rest.starts_with("//")).unwrap_or(text);
    let rest = after.strip_prefix("//").unwrap_or(after);
    if !is_host(rest) {
        return no_url();
    }
    let local = Url::parse(&format!("http://{rest}")).is_ok_and(|url| url.host_str().is_some_and(is_loopback_host));
    let scheme = if local { "http" } else { "https" };
    fixes.push(format!("it names no scheme, so {scheme} is taken"));
    Ok((scheme, rest))
}

/// Takes `http:` or `https:` from the beginning, in any letter case.
fn known_scheme(text: &str) -> Option<(&'static str, &str)> {
    ["https", "http"].into_iter().find_map(|scheme| {
        let head = text.get(..=scheme.len())?;
        let (name, colon) = head.split_at(scheme.len());
        (colon == ":" && name.eq_ignore_ascii_case(scheme)).then(|| (scheme, &text[head.len()..]))
    })
}

/// Whether a text without a scheme begins with what can only be a host: an address, `localhost`, a name with a dot, or a name
/// with a port. A single word may be anything.
fn is_host(text: &str) -> bool {
    let authority = text.find(['/', '\\', '?', '#']).map_or(text, |end| &text[..end]);
    // That is refused for what it is.
    if authority.contains('@') {
        return true;
    }
    if authority.starts_with('[') {
        return authority.contains(']');
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())) {
        return false;
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_name = last.contains(char::is_alphabetic) && (host.contains('.') || port.is_some());
    host.parse::<Ipv4Addr>().is_ok() || is_loopback_host(host) || is_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_freed_of_what_was_copied_with_it() {
        for pasted in [
            "sk-1",
            "sk-1\n",
            "sk-1\r\n",
            " sk-1\t",
            "\"sk-1\"",
            "'sk-1'",
            "`sk-1`",
            "“sk-1”",
            "\"sk-1",
            "\u{feff}sk-1\u{200b}",
            "\u{a0}sk-1",
            "Bearer sk-1",
            "bearer sk-1",
            "BEARER\tsk-1",
            "Bearer  sk-1",
            "'Bearer sk-1'",
            "Bearer 'sk-1'",
            "\"Bearer \"sk-1\"\"",
            "Bearer Bearer sk-1",
            "Bearer \"bearer sk-1\"",
            "Bearer: sk-1",
            "Authorization: Bearer sk-1",
            "\"authorization:Bearer sk-1\"",
        ] {
            assert_eq!(bare_key(pasted), "sk-1", "{pasted:?}");
        }
        for empty in
            ["", " ", "\n", "\"\"", "' '", "Bearer", "Bearer ", "\"Bearer \"", "bearer Bearer", "Authorization:"]
        {
            assert_eq!(bare_key(empty), "", "{empty:?}");
        }
        for key in ["Bearersk-1", "bearer-token", "sk-Bearer x", "sk-'1"] {
            assert_eq!(clean_key(key), (key, false), "{key:?}");
        }
        // The newline of a file is nothing to tell.
        assert_eq!((clean_key("sk-1\r\n"), clean_key(" sk-1")), (("sk-1", false), ("sk-1", true)));
    }

    #[test]
    fn a_url_is_put_right_where_it_is_unmistakable() {
        for (pasted, url, fixes) in [
            ("https://api.example/v1", "https://api.example/v1", 0),
            ("HTTPS://API.Example/v1\n", "https://api.example/v1", 0),
            ("  https://api.example/v1 ", "https://api.example/v1", 1),
            ("'https://api.example/v1'", "https://api.example/v1", 1),
            ("<https://api.example/v1>", "https://api.example/v1", 1),
            ("“https://api.example/v1”", "https://api.example/v1", 1),
            ("api.example", "https://api.example/", 1),
            ("api.example:8443/v1", "https://api.example:8443/v1", 1),
            ("//api.example/v1", "https://api.example/v1", 1),
            ("://api.example/v1", "https://api.example/v1", 1),
            ("relay:8080/v1", "https://relay:8080/v1", 1),
            ("10.0.0.7/v1", "https://10.0.0.7/v1", 1),
            ("127.0.0.1:8080/ark/api/v3", "http://127.0.0.1:8080/ark/api/v3", 1),
            ("localhost:8080/v1", "http://localhost:8080/v1", 1),
            ("localhost/v1", "http://localhost/v1", 1),
            ("mock.localhost/v1", "http://mock.localhost/v1", 1),
            ("LOCALHOST:8080", "http://localhost:8080/", 1),
            ("//localhost:8080/v1", "http://localhost:8080/v1", 1),
            ("0.0.0.0:8080/v1", "http://0.0.0.0:8080/v1", 1),
            ("[::1]:8080/v1", "http://[::1]:8080/v1", 1),
            ("[2606:4700::1111]/v1", "https://[2606:4700::1111]/v1", 1),
            ("'localhost:8080/v1'", "http://localhost:8080/v1", 2),
            ("https:/api.example/v1", "https://api.example/v1", 1),
            ("https:///api.example/v1", "https://api.example/v1", 1),
            ("https:api.example/v1", "https://api.example/v1", 1),
            (r"https:\\api.example\v1", "https://api.example/v1", 2),
            ("https://https://api.example/v1", "https://api.example/v1", 1),
            ("http://https://api.example/v1", "https://api.example/v1", 1),
            ("https://api.example/v1?", "https://api.example/v1", 1),
            ("https://api.example/v1#", "https://api.example/v1", 1),
        ] {
            let (read, told) = base_url(pasted).unwrap_or_else(|reason| panic!("{pasted}: {reason}"));
            assert_eq!((read.as_str(), told.len()), (url, fixes), "{pasted}: {told:?}");
        }
    }

    #[test]
    fn everything_else_stays_a_mistake_that_repeats_nothing() {
        for wrong in [
            "",
            " ",
            "\"\"",
            "/v1",
            "v1/images",
            "s3cret",
            "8080",
            ":8080/v1",
            "8080/v1",
            "http:8080",
            "http:",
            "https://",
            "::1",
            "::1:8080",
            "api.example:port/v1",
            "api.example:/v1",
            "ftp://s3cret.example",
            "htps://s3cret.example",
            "https//s3cret.example",
            "ttps://s3cret.example/v1",
            "file:///etc/s3cret",
            "mailto:a@s3cret.example",
            "https://u:s3cret@a.example",
            "u:s3cret@a.example/v1",
            "https://a.example?key=s3cret",
            "a.example/v1?key=s3cret",
            "https://a.example#s3cret",
            "https://a.example/v1 s3cret",
            "https://a.example\nhttps://s3cret.example",
            "https://a.example,s3cret.example|x",
        ] {
            let reason = base_url(wrong).unwrap_err();
            assert!(!reason.contains("s3cret"), "{wrong}: {reason}");
        }
    }
}
