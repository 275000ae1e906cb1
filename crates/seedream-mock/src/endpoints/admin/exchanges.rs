//! The requests with their responses, for whoever looks at them: in short and newest first, and one by one with its images.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::endpoints::admin::error::AdminError;
use crate::endpoints::admin::exchange_file;
use crate::endpoints::admin::query::{AdminQuery, BAD, JournalFilter};
use crate::endpoints::exchange_index::ExchangeIndex;
use crate::engine::services::Services;
use crate::image::test_image::TestImage;
use crate::request::address::Address;
use crate::response::chunk::{Chunk, ChunkContent, DeferredBytes};
use crate::response::endpoint_response::EndpointResponse;
use crate::state::journal_entry::{JournalEntry, StoredEntry};
use crate::state::sessions::Sessions;

/// How many entries a page has unless the query says otherwise, and at most.
const PAGE: (usize, usize) = (50, 200);

/// How many entries are read at a time.
const STEP: usize = 100;

/// How many characters of a prompt stand in a short entry.
const PROMPT: usize = 160;

/// The smallest length to which an image can be reduced, in pixels.
const SMALLEST: u64 = 16;

/// A page of entries in short, which is read when it is sent.
#[derive(Debug)]
struct ExchangePage {
    sessions: Arc<Sessions>,
    filter: JournalFilter,
    names: Vec<String>,
    /// Where the entries are, newest first: ordinal, session, number in its journal.
    places: Vec<(u64, usize, u64)>,
    /// How many entries were evicted from the journals.
    evicted: u64,
    limit: usize,
}

/// The newest entries first.
///
/// # Errors
/// A value that its member cannot have.
pub(crate) fn list(sessions: &Arc<Sessions>, query: &AdminQuery) -> Result<EndpointResponse, AdminError> {
    let before = query.number("before")?;
    let limit = match query.number("limit")? {
        None => PAGE.0,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=PAGE.1).contains(limit))
            .ok_or_else(|| AdminError::bad(BAD, format!("limit: {limit} is not a number from 1 to {}", PAGE.1)))?,
    };
    let names = sessions.wanted(query.scope().session());
    let (mut places, mut evicted) = (Vec::new(), 0);
    for (session, name) in names.iter().enumerate() {
        let (of_session, gone) = sessions.places(name);
        let wanted = of_session.into_iter().filter(|(ordinal, _)| before.is_none_or(|before| *ordinal < before));
        places.extend(wanted.map(|(ordinal, number)| (ordinal, session, number)));
        evicted += gone;
    }
    places.sort_unstable_by(|one, other| other.cmp(one));
    let page =
        ExchangePage { sessions: sessions.clone(), filter: JournalFilter::of(query)?, names, places, evicted, limit };
    let chunk = Chunk::now(ChunkContent::Deferred(Arc::new(page)));
    Ok(EndpointResponse::new(200, "application/json", vec![chunk]))
}

impl DeferredBytes for ExchangePage {
    fn read(&self, _render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        let (mut entries, mut last, mut next) = (Vec::new(), None, None);
        'pages: for step in self.places.chunks(STEP) {
            for &(ordinal, session, number) in step {
                // Entries of one place stay together, so that the next page misses none of them.
                if entries.len() >= self.limit && last != Some(ordinal) {
                    next = last;
                    break 'pages;
                }
                let name = &self.names[session];
                let kept = self.sessions.kept(name, std::iter::once(number)).into_iter().next();
                let short = kept.and_then(|kept| in_short(name, number, &kept, &self.filter));
                if let Some(entry) = short {
                    entries.push(entry);
                    last = Some(ordinal);
                }
            }
        }
        json!({ "entries": entries, "next": next, "forgotten": self.evicted }).to_string().into()
    }
}

/// An entry in short, if it is meant.
pub(crate) fn in_short(session: &str, number: u64, kept: &StoredEntry, filter: &JournalFilter) -> Option<Value> {
    let entry = kept.entry(session);
    if !filter.takes(&entry) {
        return None;
    }
    let prompt = entry.body.get("prompt").and_then(Value::as_str);
    let images = kept.response.as_ref().map(|response| response.images()).unwrap_or_default();
    Some(json!({
        "session": session,
        "number": number,
        "ordinal": entry.ordinal,
        "kind": entry.kind,
        "at": kept.at.to_string(),
        "provider": entry.provider,
        "model": entry.model,
        "method": entry.method,
        "path": entry.path,
        "status": entry.status,
        "billed": entry.billed,
        "fault": entry.fault,
        "violation": entry.violation,
        "evidence": entry.evidence,
        "fixture": entry.fixture,
        "prompt": prompt.map(|prompt| prompt.chars().take(PROMPT).collect::<String>()),
        "images": images.iter().map(described).collect::<Vec<_>>(),
    }))
}

/// One entry, with its response, the exchanges that it nearly was, and the file that makes it an exchange of a user's own.
///
/// # Errors
/// The journal does not hold the entry.
pub(crate) fn one(services: &Services, query: &AdminQuery) -> Result<EndpointResponse, AdminError> {
    let (session, number, kept) = named(services, query)?;
    let entry = kept.entry(session);
    let response = kept.response.as_ref().map(|response| {
        let stand_in = |image: &TestImage| {
            let TestImage { width, height, format, .. } = image;
            format!("(base64 of a {} of {width}x{height})", format.as_str())
        };
        let headers: Vec<_> = response.headers.iter().map(|(name, value)| json!([name, value])).collect();
        json!({
            "status": entry.status,
            "content_type": response.content_type,
            "headers": headers,
            "body": response.text(stand_in),
            "images": response.images().iter().map(described).collect::<Vec<_>>(),
        })
    });
    let (file, no_file) = match exchange_file::of(services, &entry, &kept) {
        Ok(file) => (Some(file), None),
        Err(why) => (None, Some(why)),
    };
    let body = json!({
        "session": session, "number": number, "entry": explained(&services.index, &entry), "response": response,
        "file": file, "no_file": no_file,
    });
    Ok(EndpointResponse::value(200, &body))
}

/// An image of a response. It is no download: neither the journal nor a fault counts it.
///
/// # Errors
/// The journal does not hold the entry, or its response has no such image.
pub(crate) fn image(services: &Services, query: &AdminQuery) -> Result<EndpointResponse, AdminError> {
    let (_, _, kept) = named(services, query)?;
    let index = query.number("index")?.unwrap_or_default();
    let images = kept.response.as_ref().map(|response| response.images()).unwrap_or_default();
    let found = usize::try_from(index).ok().and_then(|index| images.into_iter().nth(index));
    let image = found.ok_or_else(|| {
        AdminError::missing(
            "mock_no_such_image",
            format!("index: the response has no image {index}; they count from 0"),
        )
    })?;
    let image = match query.number("longest")? {
        Some(longest) if longest < SMALLEST => {
            let message = format!("longest: {longest} is not a length in pixels from {SMALLEST}");
            return Err(AdminError::bad(BAD, message));
        }
        Some(longest) => reduced(image, u32::try_from(longest).unwrap_or(u32::MAX)),
        None => image,
    };
    let media_type = image.format.media_type();
    let chunk = Chunk::now(ChunkContent::Image(image));
    let headers = vec![(String::from("cache-control"), String::from("private, max-age=3600"))];
    Ok(EndpointResponse { headers, ..EndpointResponse::new(200, media_type, vec![chunk]) })
}

/// The same image, drawn with its longer side at most this long.
fn reduced(image: TestImage, longest: u32) -> TestImage {
    let longer = image.width.max(image.height);
    if longer <= longest {
        return image;
    }
    let scaled = |length: u32| {
        let length = u64::from(length) * u64::from(longest) / u64::from(longer);
        u32::try_from(length).unwrap_or(longest).max(1)
    };
    TestImage { width: scaled(image.width), height: scaled(image.height), ..image }
}

/// The entry that a query names.
fn named<'q>(services: &Services, query: &'q AdminQuery) -> Result<(&'q str, u64, StoredEntry), AdminError> {
    let session = query.one()?;
    let number = query.number("number")?.ok_or_else(|| {
        AdminError::bad(BAD, "number: an entry is named by its number in the journal, as GET exchanges lists it")
    })?;
    let kept = services.sessions.kept(session, std::iter::once(number)).into_iter().next();
    let kept = kept.ok_or_else(|| {
        let message =
            format!("number: the journal of the session {session} does not hold an entry {number} (any more)");
        AdminError::missing("mock_no_such_entry", message)
    })?;
    Ok((session, number, kept))
}

fn described(image: &TestImage) -> Value {
    json!({ "width": image.width, "height": image.height, "format": image.format.as_str() })
}

/// An entry, with the exchanges that it nearly was if it is not one.
pub(crate) fn explained(index: &ExchangeIndex, entry: &JournalEntry) -> Value {
    // An entry is texts, numbers and JSON, which always serialise.
    let mut shown = serde_json::to_value(entry).unwrap_or_default();
    if entry.kind == "request" && entry.fixture.is_none() {
        let address = Address::read(&entry.path);
        let nearest = index.nearest(address.prefix, &entry.method, address.below, &entry.body);
        shown["nearest"] = serde_json::to_value(nearest).unwrap_or_default();
    }
    shown
}
