//! The page at `/` for a person with a browser. It has no data of its own: it asks the admin routes, as any other client does.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use ring::digest::{SHA256, digest};

use crate::server::respond::MockBody;

const PAGE: &str = include_str!("page.html");

/// What the page may do: run its own script, and ask the server that it comes from.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |tag: &str| {
        let text = element(PAGE, tag).unwrap_or_default();
        format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())))
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; img-src blob: data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
});

/// The page, if a browser asks for it; other clients get what they get at any unknown path.
pub(crate) fn respond<B>(is_on: bool, request: &Request<B>) -> Option<Response<MockBody>> {
    let asks = matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path() == "/";
    if !is_on || !asks || !prefers_html(request.headers()) {
        return None;
    }
    let mut response = Response::new(MockBody::whole(Bytes::from_static(PAGE.as_bytes())));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (VARY, "accept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // It is visible ASCII.
    headers.extend(HeaderValue::try_from(POLICY.as_str()).ok().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    Some(response)
}

/// Whether a client names HTML, and nothing of an API as much.
fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let (mut html, mut json) = (0.0_f32, 0.0_f32);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse).unwrap_or_default();
        match name {
            "text/html" | "application/xhtml+xml" => html = html.max(weight),
            "application/json" | "text/event-stream" => json = json.max(weight),
            _ => {}
        }
    }
    html > json
}

/// The text between the tags of the only element of a name.
fn element<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    let (_, after) = page.split_once(&format!("<{name}>"))?;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_prefer_html_and_programs_do_not() {
        let prefers =
            |accept: &'static str| prefers_html(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]));
        assert!(prefers("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"));
        assert!(prefers("text/html") && prefers("application/json;q=0.5, text/html; q=0.9"));
        for accept in ["*/*", "application/json, text/plain, */*", "text/html, application/json", "text/html;q=0", ""] {
            assert!(!prefers(accept), "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn the_page_has_one_script_and_one_style_and_asks_no_other_host() {
        for name in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{name}")).count(), 1, "{name}");
            assert!(element(PAGE, name).is_some_and(|text| !text.is_empty()), "{name}");
        }
        for foreign in [
            " style=",
            " onclick=",
            " onerror=",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
        ] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        assert!(PAGE.len() < 40_000, "{} bytes", PAGE.len());
    }
}
