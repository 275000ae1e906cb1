#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod body;
mod capabilities;
mod error_codes;
mod task;

use std::sync::LazyLock;

use bytes::Bytes;
use seedream_core::{
    Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Family, ModelEntry, ModelId, Response, Result,
    Source, Task, TaskDialect, TaskState,
};
use seedream_wire::{get, post};
use serde_json::{Map, Value};

use capabilities::PAGE;

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of docs.evolink.ai, seedream-4.5-image-generate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evolink;

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("doubao-seedream-4.5", Family::Seedream4_5, Source::documented(PAGE, "model")),
        ModelEntry::new(
            "doubao-seedream-4.0",
            Family::Seedream4,
            Source::published("docs.evolink.ai, seedream-4.0-image-generate", "model"),
        ),
        ModelEntry::new(
            "doubao-seedream-5.0-lite",
            Family::Seedream5Lite,
            Source::published("docs.evolink.ai, seedream-5.0-lite-image-generate", "model"),
        ),
    ];
    Descriptor::new("evolink", "EvoLink", PAGE, models)
        .pages(["docs.evolink.ai"])
        .base_urls(["https://api.evolink.ai"])
        .key_variables(["EVOLINK_API_KEY"])
        .base_url_variables(["EVOLINK_BASE_URL"])
});

impl Dialect for Evolink {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities::of(&DESCRIPTOR, model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        request.belongs_to(&DESCRIPTOR.id)?;
        post("/v1/images/generations", &body::Body::of(request), &request.request().extra)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        task::tasks(request.model()).accepted(response)
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

impl TaskDialect for Evolink {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        get(&format!("/v1/tasks/{}", task.id))
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        task::tasks(&task.model).state(task, response).map_err(|error| error.with_provider(&DESCRIPTOR.id))
    }
}
