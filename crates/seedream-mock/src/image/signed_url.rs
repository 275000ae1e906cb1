//! Result URLs: they describe their image, carry their session, are signed like the provider's and expire like them.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::digits::{hex, push_hex, push_number};
use crate::hash::digest;
use crate::image::test_image::{ImageFormat, TestImage};
use crate::request::address::{FOLDER, session_prefix};
use crate::time::{compact, later};

/// About how long a URL is without its caption.
const LENGTH: usize = 512;

/// The form of `X-Tos-Date`.
const DATE: &str = "%Y%m%dT%H%M%SZ";

/// How long a day is in it.
const DAY: usize = "20260101".len();

/// The parameter that holds the signature; it covers all others.
const SIGNATURE: &str = "X-Tos-Signature";

/// The parameter that holds the caption.
const CAPTION: &str = "about";

/// The parameter that holds the faults of the download.
const FAULT: &str = "mock-fault";

/// The algorithm that a URL names.
const ALGORITHM: &str = "TOS4-HMAC-SHA256";

/// The origin, the session and the faults of a URL.
pub(crate) struct UrlScope<'a> {
    /// What stands before a path of the mock, as the caller reaches it.
    pub(crate) origin: &'a str,
    pub(crate) session: &'a str,
    pub(crate) faults: &'a str,
}

/// The faults in a result URL's query. A change of them invalidates the signature.
pub(crate) fn faults(query: &str) -> String {
    let parameters = QueryParameters::read(query);
    let decoded = parameters.get(FAULT).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// The parameters of a query, decoded and sorted: what a client may rewrite without a change of meaning (`%2F` as `/` or
/// `%2f`, a space as `+`, another order) makes no difference.
struct QueryParameters<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> QueryParameters<'q> {
    fn read(query: &'q str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut parameters: Vec<_> = decoded.map(|(name, value)| (decoded_form(name), decoded_form(value))).collect();
        parameters.sort_unstable();
        Self(parameters)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// All parameters but the signature, and the signature; `None` unless there is exactly one signature.
    fn apart(mut self) -> Option<(Self, Cow<'q, str>)> {
        let place = self.0.iter().position(|(name, _)| name == SIGNATURE)?;
        let (_, signature) = self.0.remove(place);
        self.get(SIGNATURE).is_none().then_some((self, signature))
    }
}

/// A name or a value of a query as forms decode it: percent escapes, and `+` for a space. What is no escape stays.
fn decoded_form(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return text.into();
    }
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| Some(digit(after.first())? << 4 | digit(after.get(1))?)).flatten();
        bytes.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_or(text.into(), Cow::Owned)
}

/// Why a URL does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkRefusal {
    /// Its path is not that of an image.
    Unknown,
    /// It has no signature, or several.
    Unsigned,
    /// The signature was made for GET.
    Method,
    /// It is not what was signed.
    Signature,
    /// Its time was over then.
    Expired(Timestamp),
}

impl LinkRefusal {
    /// The store's code and words for it. Published are the form (<https://github.com/coze-dev/coze-studio/issues/2272>) and the code
    /// that an altered URL gets; the words are derived.
    pub(crate) fn response_words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown | Self::Unsigned => ("AccessDenied", "Access Denied"),
            Self::Expired(_) => ("AccessDenied", "Request has expired."),
            Self::Method | Self::Signature => ("AccessDenied", "The signature does not fit the request."),
        }
    }

    /// Why, for the journal: with the names of the parameters, and without their values.
    pub(crate) fn note(self, query: &str) -> String {
        let why = match self {
            Self::Unknown => String::from("unknown: its path is not one of an image of this mock"),
            Self::Unsigned => format!("unsigned: it needs one {SIGNATURE}"),
            Self::Method => String::from("method: it is signed for GET"),
            Self::Signature => {
                String::from("signature: its path or its parameters are not those that this mock has signed")
            }
            Self::Expired(at) => format!("expired at {at}"),
        };
        format!("the image link is refused; {why}; its parameters: {}", names(query))
    }
}

/// The names of a query's parameters as they stand there. What has no value may be one, and is not shown.
fn names(query: &str) -> String {
    const MOST: usize = 32;
    const LONGEST: usize = 64;
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let name = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => decoded_form(name).chars().take(LONGEST).collect(),
        None => String::from("(one without a name)"),
    };
    let names: Vec<String> = pairs.take(MOST).map(name).collect();
    if names.is_empty() { String::from("none") } else { names.join(", ") }
}

/// Signs and checks result URLs. The secret comes from the mock's seed, so a URL opens at any mock of the same seed.
pub(crate) struct UrlSigner {
    secret: [u8; 32],
}

impl UrlSigner {
    pub(crate) fn new(seed: u64) -> Self {
        Self { secret: digest([&b"result urls"[..], &seed.to_be_bytes()]) }
    }

    /// The URL of an image that was made at `now`.
    pub(crate) fn url(&self, place: &UrlScope<'_>, image: &TestImage, now: Timestamp, seconds: u64) -> String {
        let UrlScope { origin, session, faults } = place;
        let mut url = String::with_capacity(LENGTH + 2 * image.caption.len());
        // Texts take everything that is written into them.
        for part in [origin, session_prefix(session).as_str(), "/", FOLDER, "/", image.provider.as_str(), "/"] {
            url.push_str(part);
        }
        write_name(&mut url, image);
        let path = url.len();
        let mut written = |name: &str, text: &str| {
            url.push_str(name);
            let start = url.len();
            URL_SAFE_NO_PAD.encode_string(text, &mut url);
            start..url.len()
        };
        let caption = written("?about=", &image.caption);
        let fault = if faults.is_empty() { 0..0 } else { written("&mock-fault=", faults) };
        let date = &compact(now)[..];
        let day = &date[..DAY];
        for part in ["&X-Tos-Algorithm=", ALGORITHM, "&X-Tos-Credential=mock%2F", day, "%2Flocal%2Ftos%2Frequest"] {
            url.push_str(part);
        }
        let scope = &["mock/", day, "/local/tos/request"].concat()[..];
        for part in ["&X-Tos-Date=", date, "&X-Tos-Expires="] {
            url.push_str(part);
        }
        let expires = url.len();
        push_number(&mut url, seconds);
        // Sorted, as `Parameters` are.
        let parameters = [
            ("X-Tos-Algorithm", ALGORITHM),
            ("X-Tos-Credential", scope),
            ("X-Tos-Date", date),
            ("X-Tos-Expires", &url[expires..]),
            ("X-Tos-SignedHeaders", "host"),
            (CAPTION, &url[caption]),
            (FAULT, &url[fault]),
        ];
        let signed = if faults.is_empty() { &parameters[..6] } else { &parameters[..] };
        let signature = self.signature(&url[origin.len()..path], signed);
        for part in ["&", SIGNATURE, "="] {
            url.push_str(part);
        }
        push_hex(&mut url, &signature);
        url.push_str("&X-Tos-SignedHeaders=host");
        url
    }

    /// The image a URL asks for.
    pub(crate) fn open(
        &self,
        method: &http::Method,
        path: &str,
        query: &str,
        now: Timestamp,
    ) -> Result<TestImage, LinkRefusal> {
        let image = named(path).ok_or(LinkRefusal::Unknown)?;
        let (parameters, signature) = QueryParameters::read(query).apart().ok_or(LinkRefusal::Unsigned)?;
        if method != http::Method::GET {
            return Err(LinkRefusal::Method);
        }
        if hex(&self.signature(path, &parameters.0)) != signature {
            return Err(LinkRefusal::Signature);
        }
        let made = parameters.get("X-Tos-Date").and_then(read_date).ok_or(LinkRefusal::Signature)?;
        let seconds =
            parameters.get("X-Tos-Expires").and_then(|text| text.parse().ok()).ok_or(LinkRefusal::Signature)?;
        let end = later(made, Duration::from_secs(seconds));
        if now > end {
            return Err(LinkRefusal::Expired(end));
        }
        captioned(image, &parameters).ok_or(LinkRefusal::Signature)
    }

    /// The signature of a path and of parameters, decoded and sorted.
    fn signature<T: AsRef<str>>(&self, path: &str, parameters: &[(T, T)]) -> [u8; 32] {
        let texts = parameters.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]);
        let parts = [&self.secret[..], b"GET", path.as_bytes()];
        digest(parts.into_iter().chain(texts.map(str::as_bytes)))
    }
}

fn read_date(text: &str) -> Option<Timestamp> {
    let civil = jiff::civil::DateTime::strptime(DATE, text).ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `<key>-<index>-<width>x<height>[-mark].<format>`
fn write_name(url: &mut String, image: &TestImage) {
    push_hex(url, &image.key.to_be_bytes());
    for (before, number) in [("-", image.index), ("-", image.width), ("x", image.height)] {
        url.push_str(before);
        push_number(url, number.into());
    }
    for part in [if image.mark { "-mark." } else { "." }, image.format.as_str()] {
        url.push_str(part);
    }
}

/// The image that a path and a query describe, without a check of the signature.
pub(crate) fn describe(path: &str, query: &str) -> Option<TestImage> {
    captioned(named(path)?, &QueryParameters::read(query))
}

/// An image with the caption that stands in the parameters.
fn captioned(image: TestImage, parameters: &QueryParameters<'_>) -> Option<TestImage> {
    let caption = URL_SAFE_NO_PAD.decode(parameters.get(CAPTION)?).ok()?;
    Some(TestImage { caption: String::from_utf8(caption).ok()?, ..image })
}

/// The image that a path describes, without its caption.
fn named(path: &str) -> Option<TestImage> {
    let mut segments = path.rsplit('/');
    let (name, provider) = (segments.next()?, segments.next()?);
    let (name, format) = name.rsplit_once('.')?;
    let mut parts = name.split('-');
    let key = u64::from_str_radix(parts.next()?, 16).ok()?;
    let index = parts.next()?.parse().ok()?;
    let (width, height) = parts.next()?.split_once('x')?;
    Some(TestImage {
        provider: provider.to_owned(),
        key,
        index,
        width: width.parse().ok()?,
        height: height.parse().ok()?,
        format: ImageFormat::from_word(format)?,
        mark: parts.next() == Some("mark"),
        caption: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> TestImage {
        TestImage {
            provider: "acme".into(),
            key: 42,
            index: 3,
            width: 2848,
            height: 1600,
            format: ImageFormat::Jpeg,
            mark: true,
            caption: "灯塔 & lighthouse = 1".into(),
        }
    }

    fn place<'a>(session: &'a str, faults: &'a str) -> UrlScope<'a> {
        UrlScope { origin: "http://host", session, faults }
    }

    #[test]
    fn urls_carry_the_faults_of_their_images() {
        let signer = UrlSigner::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let (path, query) = split(&signer.url(&place("default", "image=corrupt; empty"), &image(), now, 86_400));
        assert_eq!(faults(&query), "image=corrupt; empty");
        assert_eq!(signer.open(&http::Method::GET, &path, &query, now), Ok(image()));
        assert_eq!(faults("about=x"), "");
    }

    fn split(url: &str) -> (String, String) {
        let after = url.strip_prefix("http://host").unwrap();
        let (path, query) = after.split_once('?').unwrap();
        (path.to_owned(), query.to_owned())
    }

    #[test]
    fn urls_describe_their_image_and_their_session() {
        let signer = UrlSigner::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let url = signer.url(&place("blue", ""), &image(), now, 86_400);
        assert!(url.contains("X-Tos-Date=20250910T015921Z&X-Tos-Expires=86400&X-Tos-Signature="), "{url}");
        let (path, query) = split(&url);
        assert!(path.starts_with("/s/blue/pictures/acme/"), "{path}");
        assert_eq!(signer.open(&http::Method::GET, &path, &query, now), Ok(image()));
    }

    #[test]
    fn a_query_that_is_written_otherwise_and_means_the_same_opens() {
        let signer = UrlSigner::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let (path, query) = split(&signer.url(&place("default", "on=image drip=9/1s"), &image(), now, 86_400));
        let mut reversed: Vec<&str> = query.split('&').collect();
        reversed.reverse();
        for rewritten in [
            query.replace("%2F", "/"),
            query.replace("%2F", "%2f"),
            query.replace('-', "%2D"),
            reversed.join("&"),
            format!("&{query}&"),
        ] {
            assert_eq!(signer.open(&http::Method::GET, &path, &rewritten, now), Ok(image()), "{rewritten}");
            assert_eq!(faults(&rewritten), "on=image drip=9/1s");
        }
    }

    #[test]
    fn escapes_are_decoded_and_what_is_no_escape_stays() {
        for (text, decoded) in [
            ("a%2Fb%2fc", "a/b/c"),
            ("a+b%20c", "a b c"),
            ("a%2Bb", "a+b"),
            ("100%", "100%"),
            ("%zz%2", "%zz%2"),
            ("%e9%a3%8e", "风"),
            ("%ff", "%ff"),
        ] {
            assert_eq!(decoded_form(text), decoded, "{text}");
        }
    }

    #[test]
    fn altered_expired_and_headed_urls_are_refused() {
        let signer = UrlSigner::new(7);
        let now = Timestamp::from_second(1_757_469_561).unwrap();
        let (path, query) = split(&signer.url(&place("default", ""), &image(), now, 86_400));
        let open = |method, path: &str, query: &str, later: i64| {
            let at = Timestamp::from_second(now.as_second() + later).unwrap();
            signer.open(&method, path, query, at).unwrap_err()
        };
        let get = http::Method::GET;
        assert_eq!(open(http::Method::HEAD, &path, &query, 0), LinkRefusal::Method);
        let end = Timestamp::from_second(now.as_second() + 86_400).unwrap();
        assert_eq!(open(get.clone(), &path, &query, 86_401), LinkRefusal::Expired(end));
        assert_eq!(open(get.clone(), &path.replace("2848", "2849"), &query, 0), LinkRefusal::Signature);
        assert_eq!(open(get.clone(), &path.replace(".jpeg", ".gif"), &query, 0), LinkRefusal::Unknown);
        assert_eq!(open(get.clone(), &path, "", 0), LinkRefusal::Unsigned);
        for other in [
            query.replace("Expires=86400", "Expires=96400"),
            query.replace("&X-Tos-SignedHeaders=host", ""),
            query.replace("Credential=mock%2F", "Credential=mock%252F"),
            format!("{query}&download=1"),
            format!("{query}&download"),
            format!("{query}&X-Tos-Expires=86400"),
        ] {
            assert_eq!(open(get.clone(), &path, &other, 0), LinkRefusal::Signature, "{other}");
        }
        let twice = format!("{query}&X-Tos-Signature=0");
        assert_eq!(open(get.clone(), &path, &twice, 0), LinkRefusal::Unsigned);
        assert!(UrlSigner::new(8).open(&http::Method::GET, &path, &query, now).is_err(), "another seed");
    }
}
