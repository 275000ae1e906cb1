//! How often a request is checked, encoded and explained.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::Request;
use seedream_client::{Exactly, ImageProvider as _};
use seedream_core::{
    Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, ModelId, Response, Result, StreamDialect,
};
use serde_json::{Map, Value};

use super::{Act, ONE, Shelf, client, wire};
use crate::tiny_dialects::{Tiny, request};

/// Counts what an adapter is asked.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    encoded: AtomicUsize,
    explained: AtomicUsize,
}

impl Counting {
    /// How often it has encoded and explained a request since this was last asked.
    fn taken(&self) -> (usize, usize) {
        (self.0.encoded.swap(0, Ordering::SeqCst), self.0.explained.swap(0, Ordering::SeqCst))
    }
}

impl Dialect for Counting {
    fn descriptor(&self) -> &Descriptor {
        Tiny.descriptor()
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        Tiny.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        self.0.encoded.fetch_add(1, Ordering::SeqCst);
        Tiny.encode(request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        Tiny.decode(request, response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        self.0.explained.fetch_add(1, Ordering::SeqCst);
        Tiny.effective(request, members)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_encoded_once_and_explained_only_where_that_is_shown() {
    let wire = wire(|_, number| if number % 2 == 0 { Act::status(429) } else { Act::ok(ONE) });
    let counting = Counting::default();
    let client = client(counting.clone(), &wire);

    client.generate(request()).await.unwrap();
    assert_eq!(counting.taken(), (1, 0), "generate");
    client.plan(&request()).unwrap();
    assert_eq!(counting.taken(), (1, 1), "plan");
    client.job(request()).run().await.unwrap();
    assert_eq!(counting.taken(), (1, 0), "a job without an output");
    let save = |shelf: Shelf| client.job(request()).output(Arc::new(shelf));
    save(Shelf::default()).without_sidecar().run().await.unwrap();
    assert_eq!(counting.taken(), (1, 0), "a job without metadata");
    save(Shelf::default()).run().await.unwrap();
    assert_eq!(counting.taken(), (1, 1), "a job");
    let prepared = save(Shelf::default()).prepare().unwrap();
    prepared.plan().unwrap();
    prepared.run().await.unwrap();
    assert_eq!(counting.taken(), (1, 2), "a job that was planned");
    // Whether a request may make more than one image is in its plan.
    Exactly::new(client.job(request()), 5).run().await;
    assert_eq!(counting.taken(), (1, 1), "exactly five");
    Exactly::new(save(Shelf::default()), 5).run().await;
    assert_eq!(counting.taken(), (1, 6), "exactly five with metadata");
    // One that asks for one image is encoded once all the same, and one that was prepared is not encoded again.
    Exactly::new(client.job(request().count(1)), 2).run().await;
    assert_eq!(counting.taken(), (1, 1), "exactly two of one");
    let prepared = client.job(request().count(1)).prepare().unwrap();
    assert_eq!(prepared.request().unwrap().requested(), Some(1));
    Exactly::new(prepared, 2).run().await;
    assert_eq!(counting.taken(), (1, 0), "exactly two of one that was prepared");
}
