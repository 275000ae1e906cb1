//! The requests as they arrive, as server-sent events. A subscriber has a place in each journal and no queue: one that is slow takes
//! no memory, and learns how many entries the journals evicted before it came to them.

use std::collections::HashMap;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::endpoints::admin;
use crate::endpoints::admin::error::AdminError;
use crate::endpoints::admin::exchanges::in_short;
use crate::endpoints::admin::query::{AdminQuery, JournalFilter, narrowing};
use crate::request::address::{ADMIN, Address};
use crate::response::script::Script;
use crate::server::respond::MockBody;
use crate::server::shared::Shared;

/// The most entries of one event.
const PAGE: usize = 100;

/// The response to a request for events, or why it is refused; `None` for any other request.
pub(crate) fn respond(shared: &Shared, request: &Request<Bytes>) -> Option<Result<Response<MockBody>, Script>> {
    let address = Address::read(request.uri().path());
    if address.prefix != ADMIN || address.below != "/v1/events" || request.method() != Method::GET {
        return None;
    }
    if let Some(refusal) = admin::refusal(shared.services(), request) {
        return Some(Err(Script::plain(refusal)));
    }
    Some(subscribe(shared, request).map_err(|error| error.script()))
}

fn subscribe(shared: &Shared, request: &Request<Bytes>) -> Result<Response<MockBody>, AdminError> {
    let query = AdminQuery::read(request, &narrowing(&["session"]))?;
    let changes = shared.notifiers.subscribe();
    let subscriber = Subscriber {
        session: query.scope().session().map(str::to_owned),
        filter: JournalFilter::of(&query)?,
        places: shared.services().sessions.ends(),
        shared: shared.clone(),
    };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(subscriber.run(changes, sender));
    let mut response = Response::new(MockBody::flow(receiver));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Subscriber {
    shared: Shared,
    /// The session whose entries are wanted; `None` is all.
    session: Option<String>,
    filter: JournalFilter,
    /// The number of the entry that comes next, of each journal.
    places: HashMap<String, u64>,
}

impl Subscriber {
    /// Sends events until the client disconnects or the server stops.
    async fn run(mut self, mut changes: watch::Receiver<()>, sender: mpsc::Sender<Bytes>) {
        let shared = self.shared.clone();
        if sender.send(event("open", &json!({ "version": env!("CARGO_PKG_VERSION") }))).await.is_err() {
            return;
        }
        loop {
            changes.mark_unchanged();
            while let Some(entries) = self.next() {
                let sent = tokio::select! {
                    sent = sender.send(entries) => sent.is_ok(),
                    () = shared.notifiers.stopped() => false,
                };
                if !sent {
                    return;
                }
            }
            tokio::select! {
                // The sender lives as long as `shared`.
                _ = changes.changed() => {}
                () = sender.closed() => return,
                () = shared.notifiers.stopped() => return,
            }
        }
    }

    /// The event of the entries that came since the last one, if any did.
    fn next(&mut self) -> Option<Bytes> {
        let sessions = &self.shared.services().sessions;
        let ends = sessions.ends();
        self.places.retain(|name, _| ends.contains_key(name));
        let (mut entries, mut missed) = (Vec::new(), 0);
        for (name, end) in ends.iter().filter(|(name, _)| self.session.as_ref().is_none_or(|wanted| wanted == *name)) {
            let place = self.places.entry(name.clone()).or_default();
            // A session of the same name is a new one.
            *place = if *place > *end { 0 } else { *place };
            while *place < *end && entries.len() < PAGE {
                let (first, kept) = sessions.since(name, *place, PAGE - entries.len());
                missed += first - *place;
                *place = first + kept.len() as u64;
                entries.extend(
                    (first..).zip(&kept).filter_map(|(number, kept)| in_short(name, number, kept, &self.filter)),
                );
                if kept.is_empty() {
                    break;
                }
            }
        }
        entries.sort_by_key(|entry: &Value| entry["ordinal"].as_u64());
        let is_news = !entries.is_empty() || missed > 0;
        is_news.then(|| event("entries", &json!({ "entries": entries, "missed": missed })))
    }
}

fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
