//! Result URLs: they describe their picture, carry their session, are signed like the provider's and expire like them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::digest::{digest, hex, push_hex};
use super::route::session_prefix;
use crate::clock::later;
use crate::picture::{Format, Picture};

/// The folder of pictures in the mock's paths.
pub(crate) const FOLDER: &str = "pictures";

/// The folder as it stands inside a path.
pub(crate) const NESTED: &str = "/pictures/";

/// About how long a URL is without its caption.
const LENGTH: usize = 512;

/// The form of `X-Tos-Date`.
const DATE: &str = "%Y%m%dT%H%M%SZ";

/// The member that holds the signature; it covers everything else.
const SIGNATURE: &str = "X-Tos-Signature";

/// What follows the signature, and is signed.
const HEADERS: &str = "&X-Tos-SignedHeaders=host";

/// The member that holds what is to go wrong with the download.
const FAULT: &str = "mock-fault";

/// Whose picture it is, and what its downloads are to suffer.
pub(crate) struct Place<'a> {
    /// What stands before a path of the mock, as the caller reaches it.
    pub(crate) origin: &'a str,
    pub(crate) session: &'a str,
    pub(crate) faults: &'a str,
}

/// The faults in a result URL's query. Who alters them alters the signature.
pub(crate) fn faults(query: &str) -> String {
    let decoded = member(query, FAULT).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Whether a path leads to a picture below another path.
pub(crate) fn is_nested(below: &str) -> bool {
    // The folder, the provider, the file: every request is asked, so only the end is looked at.
    below.rsplit('/').nth(2) == Some(FOLDER)
}

/// The path that was signed, where a relative link has led below another path of the same session.
pub(crate) fn nested<'p>(session: &str, below: &'p str) -> Option<Cow<'p, str>> {
    let place = below.rfind(NESTED).filter(|_| is_nested(below))?;
    let prefix = session_prefix(session);
    Some(if prefix.is_empty() { below[place..].into() } else { format!("{prefix}{}", &below[place..]).into() })
}

/// Why a URL does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The signature was made for GET.
    Method,
    /// Its time is over.
    Expired,
    /// It is not what was signed.
    Altered,
}

impl Refusal {
    /// The provider's words for it.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Method => "The signature was made for another method; download with GET.",
            Self::Expired => "Request has expired.",
            Self::Altered => "The request signature we calculated does not match the signature you provided.",
        }
    }
}

/// Signs and checks result URLs. The secret comes from the mock's seed, so a URL opens at any mock of the same seed.
pub(crate) struct Signer {
    secret: [u8; 32],
}

impl Signer {
    pub(crate) fn new(seed: u64) -> Self {
        Self { secret: digest(&[b"result urls", &seed.to_be_bytes()]) }
    }

    /// The URL of a picture that was made at `now`.
    pub(crate) fn url(&self, place: &Place<'_>, picture: &Picture, now: Timestamp, seconds: u64) -> String {
        let Place { origin, session, faults } = place;
        let mut url = String::with_capacity(LENGTH + 2 * picture.caption.len());
        // Texts take everything that is written into them.
        for part in [origin, session_prefix(session).as_str(), "/", FOLDER, "/", picture.provider.as_str(), "/"] {
            url.push_str(part);
        }
        let _ = write_name(&mut url, picture);
        let query = url.len() + 1;
        url.push_str("?about=");
        URL_SAFE_NO_PAD.encode_string(&picture.caption, &mut url);
        if !faults.is_empty() {
            let _ = write!(url, "&{FAULT}=");
            URL_SAFE_NO_PAD.encode_string(faults, &mut url);
        }
        let date = now.strftime(DATE).to_string();
        let day = &date[..date.len() - "T000000Z".len()];
        for part in [
            "&X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=mock%2F",
            day,
            "%2Flocal%2Ftos%2Frequest&X-Tos-Date=",
            &date,
        ] {
            url.push_str(part);
        }
        let _ = write!(url, "&X-Tos-Expires={seconds}");
        let unsigned = url.len();
        url.push_str(HEADERS);
        let signature = self.signature(&url[origin.len()..query - 1], &url[query..]);
        url.truncate(unsigned);
        for part in ["&", SIGNATURE, "="] {
            url.push_str(part);
        }
        push_hex(&mut url, &signature);
        url.push_str(HEADERS);
        url
    }

    /// The picture a URL asks for.
    pub(crate) fn open(
        &self,
        method: &http::Method,
        path: &str,
        query: &str,
        now: Timestamp,
    ) -> Result<Picture, Refusal> {
        if method != http::Method::GET {
            return Err(Refusal::Method);
        }
        let signature = member(query, SIGNATURE).ok_or(Refusal::Altered)?;
        let signed = query.replace(&format!("&{SIGNATURE}={signature}"), "");
        if hex(&self.signature(path, &signed)) != signature {
            return Err(Refusal::Altered);
        }
        let made = member(query, "X-Tos-Date").and_then(read_date).ok_or(Refusal::Altered)?;
        let seconds = member(query, "X-Tos-Expires").and_then(|text| text.parse().ok()).ok_or(Refusal::Altered)?;
        if now > later(made, Duration::from_secs(seconds)) {
            return Err(Refusal::Expired);
        }
        describe(path, query).ok_or(Refusal::Altered)
    }

    fn signature(&self, path: &str, query: &str) -> [u8; 32] {
        digest(&[&self.secret, b"GET", path.as_bytes(), query.as_bytes()])
    }
}

fn member<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn read_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime(DATE, text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `<key>-<index>-<width>x<height>[-mark].<format>`
fn write_name(url: &mut String, picture: &Picture) -> std::fmt::Result {
    let Picture { key, index, width, height, .. } = picture;
    let mark = if picture.mark { "-mark" } else { "" };
    write!(url, "{key:016x}-{index}-{width}x{height}{mark}.{}", picture.format.as_str())
}

/// The picture that a path and a query describe, whoever signed them.
pub(crate) fn describe(path: &str, query: &str) -> Option<Picture> {
    let mut segments = path.rsplit('/');
    let (name, provider) = (segments.next()?, segments.next()?);
    let (name, format) = name.rsplit_once('.')?;
    let mut parts = name.split('-');
    let key = u64::from_str_radix(parts.next()?, 16).ok()?;
    let index = parts.next()?.parse().ok()?;
    let (width, height) = parts.next()?.split_once('x')?;
    let caption = URL_SAFE_NO_PAD.decode(member(query, "about")?).ok()?;
    Some(Picture {
        provider: provider.to_owned(),
        key,
        index,
        width: width.parse().ok()?,
        height: height.parse().ok()?,
        format: Format::from_word(format)?,
        mark: parts.next() == Some("mark"),
        caption: String::from_utf8(caption).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture {
            provider: "anybody".into(),
            key: 42,
            index: 3,
            width: 2848,
            height: 1600,
            format: Format::Jpeg,
            mark: true,
            caption: "灯塔 & lighthouse = 1".into(),
        }
    }

    fn place<'a>(session: &'a str, faults: &'a str) -> Place<'a> {
        Place { origin: "http://host", session, faults }
    }

    #[test]
    fn m18_urls_carry_the_faults_of_their_pictures() {
        let signer = Signer::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let (path, query) = split(&signer.url(&place("default", "picture=corrupt; empty"), &picture(), now, 86_400));
        assert_eq!(faults(&query), "picture=corrupt; empty");
        assert_eq!(signer.open(&http::Method::GET, &path, &query, now), Ok(picture()));
        assert_eq!(faults("about=x"), "");
    }

    fn split(url: &str) -> (String, String) {
        let after = url.strip_prefix("http://host").unwrap();
        let (path, query) = after.split_once('?').unwrap();
        (path.to_owned(), query.to_owned())
    }

    #[test]
    fn m7_urls_describe_their_picture_and_their_session() {
        let signer = Signer::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let url = signer.url(&place("blue", ""), &picture(), now, 86_400);
        assert!(url.contains("X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400&X-Tos-Signature="), "{url}");
        let (path, query) = split(&url);
        assert!(path.starts_with("/s/blue/pictures/anybody/"), "{path}");
        assert_eq!(signer.open(&http::Method::GET, &path, &query, now), Ok(picture()));
    }

    #[test]
    fn m7_altered_expired_and_headed_urls_are_refused() {
        let signer = Signer::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let (path, query) = split(&signer.url(&place("default", ""), &picture(), now, 86_400));
        let open = |method, path: &str, query: &str, later: i64| {
            let at = Timestamp::from_second(now.as_second() + later).unwrap();
            signer.open(&method, path, query, at).unwrap_err()
        };
        let get = http::Method::GET;
        assert_eq!(open(http::Method::HEAD, &path, &query, 0), Refusal::Method);
        assert_eq!(open(get.clone(), &path, &query, 86_401), Refusal::Expired);
        assert_eq!(open(get.clone(), &path.replace("2848", "2849"), &query, 0), Refusal::Altered);
        let longer = query.replace("Expires=86400", "Expires=96400");
        assert_eq!(open(get.clone(), &path, &longer, 0), Refusal::Altered);
        assert_eq!(open(get, &path, &format!("{query}&download=1"), 0), Refusal::Altered);
        assert!(Signer::new(8).open(&http::Method::GET, &path, &query, now).is_err(), "another seed");
    }
}
