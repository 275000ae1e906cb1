//! The values of the words that change the form of a response: its JSON, its errors, its stream, its tasks, its encoding.

use std::fmt;
use std::str::FromStr;

use crate::faults::word_enum::word_enum;

word_enum! {
    /// How the JSON of a response differs from the provider's.
    #[derive(Copy)]
    BodyFault("body") {
        /// An accepted task in the place of images; no route knows it unless the provider has tasks.
        Task = "task",
        /// A list of accepted tasks in an envelope.
        TaskList = "task-list",
        /// An accepted task in an envelope, as its id and its state.
        TaskObject = "task-object",
        /// An accepted task in an envelope: the provider's own where it has tasks.
        TaskEnvelope = "task-envelope",
        /// The list of images is the whole document.
        List = "list",
        /// The list is called `images`.
        Images = "images",
        /// The list is called `output`.
        Output = "output",
        /// The list is `result.images`.
        Result = "result",
        /// `data` is an object of lists: one a member.
        DataObject = "data-object",
        /// `data` is an object that holds the list as `images`.
        DataImages = "data-images",
        /// `url` is a list.
        UrlList = "url-list",
        /// The URL is called `image_url`.
        ImageUrl = "image-url",
        /// `image_url` is an object with the URL.
        ImageUrlObject = "image-url-object",
        /// The items are the URLs themselves.
        Strings = "strings",
        /// The base64 is called `b64`.
        B64 = "b64",
        /// URLs are relative to the path of the request.
        Relative = "relative",
        /// URLs are paths of the host.
        HostRelative = "host-relative",
        /// URLs lack their scheme.
        ProtocolRelative = "protocol-relative",
        /// URLs lead below the path of the API itself, over http.
        OwnHttp = "own-http",
        /// `url` is a `data:` URI.
        DataUri = "data-uri",
        /// `url` is a `data:` URI in other letters, with a parameter.
        DataUriUpper = "data-uri-upper",
        /// `url` is a `data:` URI that is percent-encoded and has no base64.
        DataUriPercent = "data-uri-percent",
        /// `url` is base64 and nothing else.
        BareBase64 = "bare-base64",
        /// `b64_json` is an http link.
        LinkInB64 = "link-in-b64",
        /// The base64 has the URL-safe alphabet.
        UrlSafe = "urlsafe",
        /// The base64 changes its alphabet in the middle.
        MixedAlphabet = "mixed-alphabet",
        /// The base64 of `b64_json` follows a `data:` head.
        UriInB64 = "uri-in-b64",
        /// The base64 follows a `data:` head, twice.
        DoubledUri = "doubled-uri",
        /// The base64 has line breaks.
        Wrapped = "wrapped",
        /// The base64 has blanks.
        Blanks = "blanks",
        /// The base64 lacks its padding.
        Unpadded = "unpadded",
        /// Events of a stream under `application/json`, although no stream was requested.
        Sse = "sse",
        /// A text holds raw line breaks and tabs.
        RawNewlines = "raw-newlines",
        /// A comma follows the last member of every object and list.
        TrailingCommas = "trailing-commas",
        /// A text holds escapes that JSON does not have.
        BadEscapes = "bad-escapes",
        /// A number is `NaN`, another `Infinity`.
        Nan = "nan",
        /// Numbers begin with zeros.
        LeadingZeros = "leading-zeros",
        /// A member is nested 200 lists deep.
        Deep = "deep",
        /// Images have a blank URL beside their base64.
        BlankCandidate = "blank-candidate",
        /// Images have a `data:` URI beside their base64 that cannot be decoded.
        BadCandidate = "bad-candidate",
        /// The first image is listed twice.
        Duplicate = "duplicate",
        /// The usage counts one image more than came, which is billed.
        Overbilled = "overbilled",
        /// The first image cannot be decoded, and the usage counts none.
        UnreadableFree = "unreadable-free",
    }
}

word_enum! {
    /// How a body is compressed.
    #[derive(Copy)]
    CodingFault("coding") {
        /// `gzip`.
        Gzip = "gzip",
        /// `deflate` as HTTP defines it, in the zlib format.
        Deflate = "deflate",
        /// `deflate` without the zlib format, as some servers send it.
        RawDeflate = "raw-deflate",
        /// `br`.
        Brotli = "br",
        /// `zstd`.
        Zstd = "zstd",
        /// Without a `content-encoding` header.
        Unlabelled = "unlabelled",
        /// With a `content-encoding` header and an uncompressed body.
        Mislabelled = "mislabelled",
        /// Half of the compressed body is missing.
        Truncated = "truncated",
        /// A gibibyte of spaces is added before compression.
        Bomb = "bomb",
    }
}

word_enum! {
    /// How the JSON of an error differs from the provider's.
    #[derive(Copy)]
    ErrorFault("error") {
        /// `detail` is the message.
        DetailText = "detail-text",
        /// `detail` is FastAPI's list of what is wrong.
        DetailList = "detail-list",
        /// `errors` is a list of errors.
        ErrorsList = "errors-list",
        /// `code` and `msg` at the top level.
        Msg = "msg",
        /// `error` is the code, `error_description` the message.
        ErrorDescription = "error-description",
        /// `title`, `status` and `code`, as RFC 9457 has them.
        Title = "title",
        /// The message is the provider's error as JSON text.
        Nested = "nested",
        /// The same two levels deep.
        Nested2 = "nested2",
        /// The message is `Error code: STATUS - ` and the provider's error as JSON text.
        Words = "words",
        /// The same as Python prints it, with single quotes.
        WordsPython = "words-python",
        /// The message quotes 120 KB of the request before the reason.
        QuotedRequest = "quoted-request",
    }
}

word_enum! {
    /// How the framing or the content of a stream of events differs; beside [`SseFault`](crate::SseFault).
    StreamFault("stream") {
        /// No blank line stands between events.
        OneNewline = "one-newline",
        /// Every line says `data:` twice.
        DataData = "data-data",
        /// Empty `data:` lines stand between the events.
        EmptyData = "empty-data",
        /// Comments are sent as data.
        CommentData = "comment-data",
        /// The bare JSON of a response without a stream, between comments.
        BareJson = "bare-json",
        /// The JSON of a response without a stream is one event.
        Whole = "whole",
        /// An event `error` with plain text in the place of images.
        ErrorText = "error-text",
        /// The bare JSON of an error between comments, in the place of images.
        ErrorJson = "error-json",
        /// No `[DONE]`; comments follow without an end, one every 15 seconds.
        NoEnd = "no-end",
        /// Every event comes twice.
        Repeat = "repeat",
        /// The whole stream comes twice.
        Replay = "replay",
        /// The usage counts one image more than came, which is billed.
        Overbilled = "overbilled",
        /// It ends right after the URL of the last image.
        CutUrl = "cut-url",
        /// The first image's event cannot be read, and the usage counts none.
        UnreadableFree = "unreadable-free",
        /// A first event has a usage that counts none yet.
        FreeFirst = "free-first",
    }
    with {
        /// This many thousand small events come before the end.
        Many(Thousands) = "many": "THOUSANDS",
    }
}

word_enum! {
    /// How a task fails, or is reported in another form.
    TaskFault("task") {
        /// It never ends.
        Stuck = "stuck",
        /// It ends without images.
        Failed = "failed",
        /// Its progress goes back before it ends.
        Backward = "backward",
        /// Its result is `result_url`, its failure `fail_reason`.
        ResultUrl = "result-url",
        /// Its state stands in an envelope.
        Envelope = "envelope",
        /// Its results are there while it is processing, for ever.
        Early = "early",
        /// It is accepted as `{"code":1,"result":"ID"}`.
        AcceptedBare = "accepted-bare",
        /// It is accepted as `{"status":"success","data":{"task_id":"ID"}}`.
        AcceptedStatus = "accepted-status",
        /// It is accepted with two ids, of which polls know only the second.
        TwoIds = "two-ids",
        /// Its results are `result.data[].url`.
        ResultData = "result-data",
        /// Its results are JSON as a text.
        ResultText = "result-text",
        /// It is completed with an error and without results.
        CompletedError = "completed-error",
        /// It fails and has results.
        FailedResults = "failed-results",
        /// Its results are one blank text.
        EmptyResult = "empty-result",
    }
    with {
        /// Its final status is this word; words such as `error`, `expired` or `canceled` mean that it failed.
        Word(StatusWord) = "word": "TEXT",
    }
}

word_enum! {
    /// How the length of a body is wrong.
    #[derive(Copy)]
    LengthFault("length") {
        /// The head promises more bytes than come.
        Wrong = "wrong",
        /// The head names no length; the body ends with the connection.
        None = "none",
    }
}

/// A number of thousands, from 1 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thousands(u16);

impl Thousands {
    /// A number of thousands, clamped to 1 to 1000.
    pub fn new(thousands: u16) -> Self {
        Self(thousands.clamp(1, 1000))
    }

    /// How many thousands.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for Thousands {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number| (1..=1000).contains(number));
        number.map(Self).ok_or_else(|| format!("{text} is not a number of thousands from 1 to 1000"))
    }
}

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The word of a status: letters, digits, `_`, `-` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusWord(String);

impl StatusWord {
    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StatusWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_term = !text.is_empty() && text.chars().all(good);
        is_term
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| format!("{text} is not a word of letters, digits, _, - and ."))
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a body ends early, without a connection error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truncation {
    /// After this many bytes.
    After(u64),
    /// This many bytes before its end.
    Before(u64),
    /// Right after the first complete object inside another value.
    Brace,
}

impl FromStr for Truncation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "brace" {
            return Ok(Self::Brace);
        }
        let cut = match text.strip_prefix('-') {
            Some(byte) => byte.parse().map(Self::Before),
            None => text.parse().map(Self::After),
        };
        cut.map_err(|_| format!("{text} is not one of BYTE, -BYTE, brace"))
    }
}

impl fmt::Display for Truncation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(byte) => byte.fmt(f),
            Self::Before(byte) => write!(f, "-{byte}"),
            Self::Brace => f.write_str("brace"),
        }
    }
}

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
