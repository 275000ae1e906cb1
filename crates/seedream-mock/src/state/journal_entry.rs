//! Entries of the journal: as they are kept, and as they are shown, without secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::hash;
use crate::json::path::Object;
use crate::recording::redaction;
use crate::request::gateway_rewrite::ForwardedRequest;
use crate::state::kept_response::KeptResponse;
use crate::state::text_arena::{TextArena, TextArenaBuilder};

/// Texts longer than this stand in the journal as their hash and length.
const LONGEST_TEXT: usize = 1024;

/// Bodies up to this length are kept as they came, in bytes.
const SHORT_BODY: usize = 4096;

/// One request and its response.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// Its place among all requests of the mock, from 0.
    pub ordinal: u64,
    /// `request`, or `callback` for a callback that the mock sent: its path and status are those of the receiver.
    pub kind: &'static str,
    /// When it arrived, by the clock of its session.
    #[serde(serialize_with = "crate::time::rfc3339")]
    pub at: SystemTime,
    /// Its session.
    pub session: String,
    /// The id of the provider, if the path names one.
    pub provider: Option<String>,
    /// The model that the body names.
    pub model: Option<String>,
    /// The method.
    pub method: String,
    /// The path as sent, without its query.
    pub path: String,
    /// The status of the response; 0 if the connection was reset before it.
    pub status: u16,
    /// The id of the recorded exchange that the response is taken from.
    pub fixture: Option<String>,
    /// The evidence of the response: `documented`, `published`, `observed`, `derived` or `user`.
    pub evidence: &'static str,
    /// The profile of the relay before the provider, where it is not as documented.
    pub profile: Option<String>,
    /// The fault that hit it, as text: `status=503`.
    pub fault: Option<String>,
    /// How many images are billed.
    pub billed: u32,
    /// The request id in the response.
    pub request_id: String,
    /// The headers, secrets replaced by a short hash.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON with long texts replaced by hash and length, or a text, or hash and length of a body that is not text. Secret
    /// members, keys, and what signs a URL are `***`.
    pub body: Value,
    /// The request as the provider's gateway sends it on.
    pub effective: Option<Value>,
    /// The rules that it breaks, as `member: rule: detail`, joined by `; `.
    pub violation: Option<String>,
    /// Further notes, such as lost or ignored members.
    pub notes: Vec<String>,
}

impl JournalEntry {
    /// An entry of which nothing is known but its session and kind.
    pub(crate) fn unknown(session: &str, kind: EntryKind) -> Self {
        Self {
            ordinal: 0,
            kind: kind.as_str(),
            at: SystemTime::UNIX_EPOCH,
            session: session.to_owned(),
            provider: None,
            model: None,
            method: String::new(),
            path: String::new(),
            status: 0,
            fixture: None,
            evidence: "",
            profile: None,
            fault: None,
            billed: 0,
            request_id: String::new(),
            headers: BTreeMap::new(),
            body: Value::Null,
            effective: None,
            violation: None,
            notes: Vec::new(),
        }
    }
}

/// An entry before it is kept, with what it is made of.
#[derive(Debug)]
pub(crate) struct NewEntry<'a> {
    pub(crate) ordinal: u64,
    pub(crate) kind: EntryKind,
    pub(crate) at: Timestamp,
    pub(crate) provider: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) fixture: Option<&'a str>,
    pub(crate) evidence: &'static str,
    pub(crate) profile: Option<&'a str>,
    pub(crate) fault: Option<&'a str>,
    pub(crate) billed: u32,
    pub(crate) request_id: &'a str,
    pub(crate) headers: Option<&'a HeaderMap>,
    /// JSON, whose long texts may still be in it.
    pub(crate) body: &'a str,
    pub(crate) effective: &'a ForwardedRequest,
    pub(crate) violations: &'a [String],
    pub(crate) notes: &'a [String],
}

/// Which way a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Request,
    Callback,
}

/// An entry as it is kept. Few entries are ever read, so the slow work is done on reading: secrets too are hashed then.
#[derive(Debug, Clone)]
pub(crate) struct StoredEntry {
    pub(crate) ordinal: u64,
    pub(crate) kind: EntryKind,
    pub(crate) at: Timestamp,
    pub(crate) status: u16,
    pub(crate) evidence: &'static str,
    pub(crate) billed: u32,
    /// Whether its body was sent on as it came.
    passed: bool,
    /// Whether the client disconnected before the response was complete.
    pub(crate) left: bool,
    /// Its response, where responses are kept.
    pub(crate) response: Option<Arc<KeptResponse>>,
    texts: TextArena,
}

impl NewEntry<'_> {
    pub(crate) fn pack(&self) -> StoredEntry {
        let effective = match self.effective {
            ForwardedRequest::Rewritten(body) => Some(text_of(body)),
            ForwardedRequest::None | ForwardedRequest::AsSent => None,
        };
        let known =
            [self.provider, self.model, Some(self.method), Some(self.path), self.fixture, self.profile, self.fault];
        let violation = (!self.violations.is_empty()).then(|| self.violations.join("; "));
        let longer = [Some(self.request_id), Some(self.body), effective.as_deref(), violation.as_deref()];
        let headers = || self.headers.into_iter().flatten();
        let count = known.len() + longer.len() + 2 * headers().count() + 1 + self.notes.len();
        let length = known.iter().chain(&longer).flatten().map(|text| text.len()).sum::<usize>()
            + headers().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
            + self.notes.iter().map(String::len).sum::<usize>();
        let mut texts = TextArenaBuilder::new(count, length);
        for text in known.into_iter().chain(longer) {
            texts.push_if(text);
        }
        for (name, value) in headers() {
            texts.push(name.as_str());
            texts.push_bytes(value.as_bytes());
        }
        texts.push_if(None);
        for note in self.notes {
            texts.push(note);
        }
        StoredEntry {
            ordinal: self.ordinal,
            kind: self.kind,
            at: self.at,
            status: self.status,
            evidence: self.evidence,
            billed: self.billed,
            passed: matches!(self.effective, ForwardedRequest::AsSent),
            left: false,
            response: None,
            texts: texts.done(),
        }
    }
}

/// The number of texts at the head of every entry, and of those before its path.
const HEAD: usize = 7;
const PATH: usize = 3;

/// The place of the body among its texts.
const BODY: usize = HEAD + 1;

impl StoredEntry {
    /// Provider, model, method, path, fixture, profile and fault.
    pub(crate) fn head(&self) -> &[u8] {
        self.texts.beginning(HEAD)
    }

    /// The same before and after the path.
    pub(crate) fn around_path(&self) -> (&[u8], &[u8]) {
        (self.texts.beginning(PATH), &self.head()[self.texts.beginning(PATH + 1).len()..])
    }

    /// Whether its body has secrets, which its public form does not show.
    pub(crate) fn has_secrets(&self) -> bool {
        self.texts.texts().nth(BODY).flatten().is_some_and(|body| redaction::plain(body) != body)
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.texts.bytes() + self.response.as_ref().map_or(0, |response| response.bytes())
    }

    /// The entry in its public form.
    pub(crate) fn entry(&self, session: &str) -> JournalEntry {
        let mut texts = self.texts.texts();
        let mut own = || texts.own();
        let (provider, model, method, path) = (own(), own(), own().unwrap_or_default(), own().unwrap_or_default());
        let (fixture, profile, fault, request_id) = (own(), own(), own(), own().unwrap_or_default());
        let read = |text: &str| serde_json::from_str(&redaction::plain(text)).ok();
        let mut json = || texts.text().and_then(read).map(|value| shortened(&value));
        let body = json().unwrap_or_default();
        let rewritten = json();
        let effective = if self.passed { Some(body.clone()) } else { rewritten };
        let violation = texts.own();
        let mut headers = BTreeMap::new();
        while let Some(name) = texts.text() {
            let value = String::from_utf8_lossy(texts.bytes().flatten().unwrap_or_default());
            headers.insert(name.to_owned(), shown(name, &value));
        }
        let mut notes: Vec<String> = texts.flatten().map(str::to_owned).collect();
        if self.left {
            notes.push(String::from("the client disconnected before the response was complete"));
        }
        JournalEntry {
            ordinal: self.ordinal,
            kind: self.kind.as_str(),
            at: self.at.into(),
            session: session.to_owned(),
            provider,
            model,
            method,
            path,
            status: self.status,
            fixture,
            evidence: self.evidence,
            profile,
            fault,
            billed: self.billed,
            request_id,
            headers,
            body,
            effective,
            violation,
            notes,
        }
    }
}

impl EntryKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Callback => "callback",
        }
    }
}

/// The value of a header: of one that is not known to be without secrets, as a short hash.
fn shown(name: &str, value: &str) -> String {
    // A test of a client asks for its name.
    let is_plain =
        redaction::is_plain_header(name) || name == header::USER_AGENT.as_str() || name.starts_with("x-mock-");
    if is_plain { redaction::plain(value) } else { hash::short(value) }
}

/// A body as it is kept: JSON, whose long texts are taken out at once where there can be many.
pub(crate) fn body<'b>(bytes: &'b Bytes, json: Option<&Value>) -> Cow<'b, str> {
    let shown = match json {
        Some(value) => match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= SHORT_BODY => return text.into(),
            _ => shortened(value),
        },
        None if bytes.is_empty() => Value::Null,
        // A form with an image in it is no text: repaired, it would have another length and hash.
        None => std::str::from_utf8(bytes).map_or_else(|_| hashed(bytes), |text| shortened(&text.into())),
    };
    shown.to_string().into()
}

/// A rewritten body as it is kept.
fn text_of(body: &Object) -> String {
    // JSON always serialises.
    let text = serde_json::to_string(body).unwrap_or_default();
    if text.len() <= SHORT_BODY { text } else { Value::Object(shortened_members(body)).to_string() }
}

/// What stands for bytes that are not shown.
fn hashed(bytes: &[u8]) -> Value {
    json!({ "sha256": hash::full(bytes), "length": bytes.len() })
}

/// A value whose long texts are replaced by hash and length.
pub(crate) fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => hashed(text.as_bytes()),
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(members) => Value::Object(shortened_members(members)),
        other => other.clone(),
    }
}

fn shortened_members(members: &Object) -> Object {
    members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect()
}

/// An entry of about this many bytes, for tests.
#[cfg(test)]
pub(crate) fn entry_of(bytes: usize) -> StoredEntry {
    let (kind, at, texts) = (EntryKind::Request, Timestamp::UNIX_EPOCH, TextArenaBuilder::new(0, bytes).done());
    let (status, evidence, billed, response) = (200, "", 0, None);
    StoredEntry { ordinal: 0, kind, at, status, evidence, billed, passed: false, left: false, response, texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_long_texts_are_hashed() {
        assert!(shown("authorization", "Bearer sk-secret").starts_with("sha256:"));
        for name in ["proxy-authorization", "cookie", "x-api-key", "x-auth-token", "referer", "x-never-seen"] {
            assert!(shown(name, "secret").starts_with("sha256:"), "{name}");
        }
        assert_eq!(shown("accept", "*/*"), "*/*");
        assert_eq!(shown("user-agent", "a-client/1 of sk-secret-key"), "a-client/1 of ***");
        let long = shortened(&json!({ "image": ["x".repeat(2000)], "prompt": "short" }));
        assert_eq!(long["image"][0]["length"], 2000);
        assert_eq!(long["prompt"], "short");
    }
}
