//! The journal as it is sent: page by page, so that it is never in memory as a whole and blocks no other request.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::endpoints::admin::error::AdminError;
use crate::endpoints::admin::exchanges::explained;
use crate::endpoints::admin::query::{AdminQuery, BAD, JournalFilter};
use crate::endpoints::exchange_index::ExchangeIndex;
use crate::image::test_image::TestImage;
use crate::response::chunk::{Chunk, ChunkContent, DeferredBytes};
use crate::response::endpoint_response::EndpointResponse;
use crate::state::journal_entry::JournalEntry;
use crate::state::sessions::Sessions;

/// How many entries are read at a time.
const PAGE: usize = 100;

/// One piece of a journal, which is read when it is sent.
#[derive(Debug)]
struct JournalPage {
    reader: Arc<JournalReader>,
    part: PagePart,
}

#[derive(Debug, Clone, Copy)]
enum PagePart {
    Head,
    /// The entries from this place.
    Entries(usize),
    Tail,
}

struct JournalReader {
    sessions: Arc<Sessions>,
    /// What entries are explained by, where that is asked for.
    index: Option<Arc<ExchangeIndex>>,
    filter: JournalFilter,
    /// Whose journals.
    names: Vec<String>,
    /// The session that was asked for.
    scope: String,
    /// Where the entries are: ordinal, session, number in its journal.
    places: Vec<(u64, usize, u64)>,
    /// How many entries were evicted from the journals.
    evicted: u64,
    limit: usize,
    state: Mutex<PagingState>,
}

/// What was sent so far.
#[derive(Debug, Default)]
struct PagingState {
    count: usize,
    /// The ordinal of the last entry.
    last: u64,
    /// Whether more could follow that was not asked for.
    more: bool,
}

impl fmt::Debug for JournalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("scope", &self.scope)
            .field("entries", &self.places.len())
            .finish_non_exhaustive()
    }
}

/// The journal that a query asks for.
///
/// # Errors
/// A value that its member cannot have.
pub(crate) fn respond(
    sessions: &Arc<Sessions>,
    index: &Arc<ExchangeIndex>,
    query: &AdminQuery,
) -> Result<EndpointResponse, AdminError> {
    let after = query.number("after")?;
    let limit = match query.number("limit")? {
        Some(0) => return Err(AdminError::bad(BAD, "limit: a page has at least one entry")),
        limit => limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    let explain = matches!(query.get("explain"), Some("" | "1" | "true"));
    let names = sessions.wanted(query.scope().session());
    let (mut places, mut evicted) = (Vec::new(), 0);
    for (session, name) in names.iter().enumerate() {
        let (of_session, gone) = sessions.places(name);
        let wanted = of_session.into_iter().filter(|(ordinal, _)| after.is_none_or(|after| *ordinal > after));
        places.extend(wanted.map(|(ordinal, number)| (ordinal, session, number)));
        evicted += gone;
    }
    places.sort_unstable();
    let pages = places.len().div_ceil(PAGE);
    let reader = Arc::new(JournalReader {
        sessions: sessions.clone(),
        index: explain.then(|| index.clone()),
        filter: JournalFilter::of(query)?,
        names,
        scope: query.scope().session().unwrap_or("*").to_owned(),
        places,
        evicted,
        limit,
        state: Mutex::default(),
    });
    let entries = (0..pages).map(|page| PagePart::Entries(page * PAGE));
    let parts = [PagePart::Head].into_iter().chain(entries).chain([PagePart::Tail]);
    let chunks = parts
        .map(|part| Chunk::now(ChunkContent::Deferred(Arc::new(JournalPage { reader: reader.clone(), part }))))
        .collect();
    Ok(EndpointResponse { streamed: pages > 1, ..EndpointResponse::new(200, "application/json", chunks) })
}

impl DeferredBytes for JournalPage {
    fn read(&self, _render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        match self.part {
            PagePart::Head => self.reader.head(),
            PagePart::Entries(start) => self.reader.entries(start),
            PagePart::Tail => self.reader.tail(),
        }
        .into()
    }
}

impl JournalReader {
    fn state(&self) -> std::sync::MutexGuard<'_, PagingState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn head(&self) -> String {
        *self.state() = PagingState::default();
        format!("{{\"session\":{},\"entries\":[", Value::from(self.scope.as_str()))
    }

    fn tail(&self) -> String {
        let state = self.state();
        let next = state.more.then_some(state.last);
        format!("],\"count\":{},\"forgotten\":{},\"next\":{}}}", state.count, self.evicted, json!(next))
    }

    fn entries(&self, start: usize) -> String {
        let mut text = String::new();
        let mut state = self.state();
        let page = self.places.iter().skip(start).take(PAGE);
        for of_session in page.collect::<Vec<_>>().chunk_by(|one, other| one.1 == other.1) {
            if state.more {
                break;
            }
            let Some(name) = of_session.first().map(|place| self.names[place.1].as_str()) else { continue };
            for kept in self.sessions.kept(name, of_session.iter().map(|place| place.2)) {
                // Entries of one place stay together, so that the next page misses none of them.
                if state.count >= self.limit && kept.ordinal != state.last {
                    state.more = true;
                    break;
                }
                let entry = kept.entry(name);
                if self.filter.takes(&entry) {
                    text.push_str(if state.count == 0 { "" } else { "," });
                    text.push_str(&self.shown(&entry).to_string());
                    state.count += 1;
                    state.last = entry.ordinal;
                }
            }
        }
        text
    }

    /// An entry, with the exchanges that it nearly was where that is asked for.
    fn shown(&self, entry: &JournalEntry) -> Value {
        match &self.index {
            Some(index) => explained(index, entry),
            // An entry is texts, numbers and JSON, which always serialise.
            None => serde_json::to_value(entry).unwrap_or_default(),
        }
    }
}
