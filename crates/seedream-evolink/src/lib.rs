//! evolink: every request becomes a task, which is asked for until it ends (document 002).
//!
//! A ratio with a quality, or pixels; up to 15 images, as many as the prompt asks for; references by URL only, at most 14. The
//! provider sets credits aside for `n` images and settles by the number that was made.
//!
//! With the feature `webhook`, `seedream_client::webhook` receives the callbacks of its tasks.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod body;
mod capabilities;
mod errors;
mod task;

use bytes::Bytes;
use seedream_core::{
    Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Family, ModelEntry, ModelId, Response, Result,
    Source, TaskDialect,
};
use seedream_wire::post;
use serde_json::{Map, Value};

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of document 002.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evolink;

static DESCRIPTOR: Descriptor = Descriptor {
    id: "evolink",
    name: "EvoLink",
    document: "002",
    pages: &["docs.evolink.ai"],
    base_urls: &["https://api.evolink.ai"],
    key_variables: &["EVOLINK_API_KEY"],
    key_optional: false,
    base_url_variables: &["EVOLINK_BASE_URL"],
    default_model: "doubao-seedream-4.5",
    models: &[
        ModelEntry {
            id: "doubao-seedream-4.5",
            family: Family::Seedream4_5,
            aliases: &[],
            source: Source::documented("002", "model"),
        },
        ModelEntry {
            id: "doubao-seedream-4.0",
            family: Family::Seedream4,
            aliases: &[],
            source: Source::published("docs.evolink.ai, seedream-4.0-image-generate", "model"),
        },
        ModelEntry {
            id: "doubao-seedream-5.0-lite",
            family: Family::Seedream5Lite,
            aliases: &[],
            source: Source::published("docs.evolink.ai, seedream-5.0-lite-image-generate", "model"),
        },
    ],
};

impl Dialect for Evolink {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities::of(&DESCRIPTOR, model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        request.belongs_to(DESCRIPTOR.id)?;
        post("/v1/images/generations", &body::Body::of(request), &request.request().extra)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        task::accepted(request.model(), response)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, request: &Checked, mut members: Map<String, Value>) -> Effective {
        members.entry("n").or_insert_with(|| 1.into());
        members.entry("size").or_insert_with(|| "2048x2048".into());
        members.entry("prompt_priority").or_insert_with(|| "standard".into());
        if request.request().requested().is_some_and(|asked| request.ceiling() < asked) {
            members.insert("n".into(), request.ceiling().into());
        }
        Effective { body: members, max_images: Some(request.ceiling()) }
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        Some(self)
    }
}
